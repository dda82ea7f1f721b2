//! What granule a file is, by its name and by its global attributes.

use std::path::Path;

use karin_core::time::format_instant;
use karin_core::{Attributes, CycleNumber, GranuleName, PassNumber, Phase, Product, Schema, Version};
use serde::Serialize;

/// What granule a file is, as far as its name or its attributes say it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Identity {
    /// Product.
    pub product: Option<Product>,
    /// Cycle.
    pub cycle_number: Option<CycleNumber>,
    /// Pass.
    pub pass_number: Option<PassNumber>,
    /// Version.
    pub version: Option<Version>,
    /// Schema: the structure that the version has.
    pub schema: Option<Schema>,
    /// Phase of the cycle.
    pub phase: Option<Phase>,
    /// `ascending` or `descending`.
    pub direction: Option<&'static str>,
    /// Start and end in the name, ISO 8601.
    pub period_of_name: Option<(String, String)>,
    /// True if collections hold such granules.
    pub is_ingested: bool,
}

impl Identity {
    /// What a granule is by its file name (which may be empty) and its global attributes, with what is unusual.
    pub fn of(file_name: &str, attributes: &Attributes) -> (Self, Vec<String>) {
        let (mut identity, mut warnings) = of_name(Path::new(file_name));
        complete(&mut identity, attributes, &mut warnings);
        (identity, warnings)
    }
}

/// What the name says, with its warnings. A name that is none of a granule says nothing.
pub(super) fn of_name(path: &Path) -> (Identity, Vec<String>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut identity = Identity::default();
    let warnings = match GranuleName::parse(&name) {
        Ok(parsed) => {
            identity.product = Some(parsed.product);
            identity.cycle_number = parsed.half_orbit.map(|half_orbit| half_orbit.cycle);
            identity.pass_number = parsed.half_orbit.map(|half_orbit| half_orbit.pass);
            identity.version = parsed.version;
            identity.period_of_name = parsed
                .period
                .map(|(start, end)| (format_instant(start), format_instant(end)));
            parsed.warnings
        }
        Err(karin_core::NameError::NotAGranule { .. }) => Vec::new(),
        Err(error) => vec![error.to_string()],
    };
    derive(&mut identity);
    (identity, warnings)
}

/// Adds what the attributes say where the name says nothing, and warns where they contradict each other.
pub(super) fn complete(identity: &mut Identity, attributes: &Attributes, warnings: &mut Vec<String>) {
    let number = |name: &str| {
        attributes
            .number(name)
            .filter(|value| (1.0..=9999.0).contains(value))
            .map(|v| v as u16)
    };
    let mut contradict = |what: &str, name: String, content: String| {
        if name != content {
            warnings.push(format!("the name says {what} {name}, the content says {content}"));
        }
    };
    merge(&mut identity.product, product_of(attributes), |a, b| {
        contradict("product", a.to_string(), b.to_string())
    });
    // Cycles and passes of other missions are not ours.
    if identity.product.is_none() && !is_swot(attributes) {
        return derive(identity);
    }
    merge(
        &mut identity.cycle_number,
        number("cycle_number").map(CycleNumber),
        |a, b| {
            contradict("cycle", a.to_string(), b.to_string());
        },
    );
    merge(
        &mut identity.pass_number,
        number("pass_number").map(PassNumber),
        |a, b| {
            contradict("pass", a.to_string(), b.to_string());
        },
    );
    merge(&mut identity.version, version_of(attributes), |a, b| {
        // Level 3 states 3.0 for what the handbook calls 3.0.0: the shorter one says no more than it says.
        let (a, b) = (a.to_string(), b.to_string());
        if !a.starts_with(&b) && !b.starts_with(&a) {
            contradict("version", a, b);
        }
    });
    derive(identity);
}

fn merge<T>(known: &mut Option<T>, content: Option<T>, mut compare: impl FnMut(&T, &T)) {
    match (known.as_ref(), content) {
        (Some(known), Some(content)) => compare(known, &content),
        (None, content) => *known = content,
        (Some(_), None) => {}
    }
}

/// Fills in what follows from the rest.
fn derive(identity: &mut Identity) {
    identity.schema = identity.version.as_ref().and_then(Version::schema);
    identity.phase = identity.cycle_number.and_then(Phase::of_cycle);
    identity.direction = identity.pass_number.map(|pass| {
        if pass.is_ascending() {
            "ascending"
        } else {
            "descending"
        }
    });
    identity.is_ingested = match (identity.product, identity.schema) {
        (Some(product), Some(schema)) => product.ingested_schemas().contains(&schema),
        _ => false,
    };
}

fn is_swot(attributes: &Attributes) -> bool {
    let names = ["platform", "mission_name"]
        .iter()
        .filter_map(|name| attributes.text(name));
    names
        .into_iter()
        .any(|name| name.to_ascii_lowercase().contains("swot"))
}

/// Level 2 names itself by `short_name` and `product_file_id`, level 3 by its DOI.
fn product_of(attributes: &Attributes) -> Option<Product> {
    const DOIS: [(&str, Product); 4] = [
        ("a01-2023.017", Product::L3Basic),
        ("a01-2023.018", Product::L3Expert),
        ("a01-2025.009", Product::L3Technical),
        ("a01-2024.003", Product::L3Unsmoothed),
    ];
    if let (Some(short), Some(kind)) = (attributes.text("short_name"), attributes.text("product_file_id")) {
        return Product::parse(&format!("{short}_{kind}")).ok();
    }
    let doi = attributes.text("doi")?.to_ascii_lowercase();
    DOIS.iter()
        .find(|(end, _)| doi.ends_with(end))
        .map(|(_, product)| *product)
}

fn version_of(attributes: &Attributes) -> Option<Version> {
    let product_version = attributes.text("product_version")?.trim();
    let text = match attributes.text("crid") {
        Some(crid) => format!("{}_{product_version}", crid.trim()),
        None => format!("v{product_version}"),
    };
    Some(Version::parse(&text)).filter(|version| version.schema().is_some())
}
