//! The direction of dependencies, checked: a crate may use lower layers only.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::steps::{cargo, workspace};

/// Crates by layer, lowest first. Crates of one layer do not know each other.
const LAYERS: [&[&str]; 5] = [
    &["karin-core"],
    &["karin-netcdf", "karin-store", "karin-access"],
    &["karin-science"],
    &["karin-engine"],
    &["karin"],
];
/// The edges: they know the library and the nouns only.
const EDGES: [&str; 3] = ["karin-cli", "karin-py", "karin-viewer"];
/// What the lowest layer must not pull in, directly or not.
const NOT_IN_CORE: [&str; 4] = ["tokio", "hdf5-reader", "icechunk", "object_store"];

/// Fails on the first wrong edge.
///
/// # Errors
/// If a crate depends on its own layer or above, an edge on anything but `karin` and `karin-core`, or `karin-core`
/// on I/O.
pub fn check() -> anyhow::Result<()> {
    let dependencies = own_dependencies()?;
    for (name, uses) in &dependencies {
        for used in uses {
            if !is_allowed(name, used) {
                bail!("{name} must not depend on {used}: arrows point down only (xtask/src/layers.rs)");
            }
        }
    }
    let tree = cargo("tree --package karin-core --edges normal --prefix none")
        .current_dir(workspace())
        .output()?;
    let tree = String::from_utf8(tree.stdout).context("cargo tree")?;
    for forbidden in NOT_IN_CORE {
        if tree.lines().any(|line| line.split(' ').next() == Some(forbidden)) {
            bail!("karin-core must not pull in {forbidden}");
        }
    }
    Ok(())
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|crates| crates.contains(&name))
}

fn is_allowed(name: &str, used: &str) -> bool {
    if EDGES.contains(&name) {
        // The wheel carries the command and, for notebooks, the viewer; the command carries the viewer.
        let carries = matches!(
            (name, used),
            ("karin-py", "karin-cli" | "karin-viewer") | ("karin-cli", "karin-viewer")
        );
        return used == "karin" || used == "karin-core" || carries;
    }
    match (layer(name), layer(used)) {
        (Some(own), Some(lower)) => lower < own,
        (None, _) => true,
        (Some(_), None) => false,
    }
}

/// For every crate of the workspace, the crates of the workspace that it uses outside its tests.
fn own_dependencies() -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let output = cargo("metadata --format-version 1 --no-deps")
        .current_dir(workspace())
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata without packages")?;
    let names: Vec<&str> = packages
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    let uses = |package: &Value| -> Vec<String> {
        let all = package["dependencies"].as_array().into_iter().flatten();
        all.filter(|dependency| dependency["kind"].is_null())
            .filter_map(|dependency| dependency["name"].as_str())
            .filter(|name| names.contains(name))
            .map(ToOwned::to_owned)
            .collect()
    };
    Ok(packages
        .iter()
        .filter_map(|package| Some((package["name"].as_str()?.to_owned(), uses(package))))
        .collect())
}
