//! Where passes lie: outlines by the orbit model, control points of granules.

use std::collections::BTreeSet;

use karin_core::{HalfOrbit, Orbit, PassNumber};
use serde_json::json;

use super::common::GROUP;
use crate::archive::Group;
use crate::http::container::Container;
use crate::http::params::{Kind, Parameter, Params};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};
use crate::swath::Mesh;
use crate::tracks::{HALF_WIDTH_M, lines_of};
use crate::view::{View, number};

/// Lines between control points.
pub const STEP: Parameter = Parameter::new(
    "step",
    Kind::Integer,
    "lines between control points [16; 64 of 250 m products]",
);
/// The cycle whose granule is meant, where geometry differs between cycles.
pub const MESH_CYCLE: Parameter = Parameter::new(
    "cycle",
    Kind::Integer,
    "cycle; needed where passes do not share their grid",
);

/// `tracks`.
pub fn tracks(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let group = ask.viewer.archive().group(ask.params.require("group")?)?;
    let passes: BTreeSet<u16> = group
        .granules
        .keys()
        .map(|half_orbit| half_orbit.pass.0)
        .collect();
    let orbit = Orbit::of(group.phase);
    let all = ask.viewer.tracks(group.phase);
    let samples = all.of_pass(1).0.along.len().min(all.of_pass(2).0.along.len());
    let cycle = group.phase.first_cycle();
    let (mut lines, mut times) = (Vec::new(), Vec::new());
    let (mut longitudes, mut latitudes) = (Vec::new(), Vec::new());
    for pass in &passes {
        let (half, turn) = all.of_pass(*pass);
        let model = lines_of(group, *pass);
        let line =
            |along: &f64| model.map_or(f32::NAN, |lines| ((along - lines.first_m) / lines.step_m) as f32);
        lines.extend(half.along.iter().take(samples).map(line));
        let half_orbit = HalfOrbit {
            cycle,
            pass: PassNumber(*pass),
        };
        let start = orbit.pass_start(half_orbit) - orbit.cycle_start(cycle);
        times.extend(half.seconds.iter().take(samples).map(|seconds| start + seconds));
        for places in &half.places {
            longitudes.extend(places.iter().take(samples).map(|place| (place.0 + turn) as f32));
            latitudes.extend(places.iter().take(samples).map(|place| place.1 as f32));
        }
    }
    let header = json!({
        "group": group.id,
        "passes": passes,
        "half_width_m": HALF_WIDTH_M,
        "line_known": passes.iter().next().is_some_and(|pass| lines_of(group, *pass).is_some()),
    });
    let count = passes.len();
    let container = Container::new(header)
        .with("line", &[count, samples], &lines)
        .with("lon", &[count, 3, samples], &longitudes)
        .with("lat", &[count, 3, samples], &latitudes)
        .with("time", &[count, samples], &times);
    Ok(Reply::Arrays(container.finish()))
}

/// `mesh`.
pub fn mesh(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let archive = ask.viewer.archive();
    let group = archive.group(ask.params.require("group")?)?;
    let view = geometry_view(ask, group)?;
    let pass = number(ask.params.integer("pass").unwrap_or_default());
    let piece = match ask.params.integer("cycle") {
        Some(cycle) => view.piece(number(cycle), pass)?,
        None if group.is_fixed => {
            let found = group
                .granules
                .keys()
                .rev()
                .find(|half_orbit| half_orbit.pass.0 == pass);
            let found = found
                .ok_or_else(|| Problem::missing(format!("{} has no granule of pass {pass}", group.id)))?;
            view.piece(found.cycle.0, pass)?
        }
        None => {
            let detail = "cycle is missing: granules of this group do not share their grid";
            return Err(Problem::invalid(detail));
        }
    };
    let usual = if group.has_sides() { (64, 16) } else { (16, 4) };
    let step = ask.params.integer("step").unwrap_or(usual.0);
    if !(1..=1024).contains(&step) {
        return Err(Problem::invalid("step: expected 1 to 1024"));
    }
    let mesh = view.with_engine(ask.threads(), ask.progress(), |engine| {
        Ok(Mesh::read(engine, &piece, &view.column.group, (step, usual.1))?)
    })?;
    let shape = [mesh.line.len(), mesh.pixel.len()];
    let header = json!({
        "group": group.id,
        "pass": pass,
        "cycle": piece.half_orbit.map(|half_orbit| half_orbit.cycle.0),
        "side": view.side,
        "num_lines": mesh.native.0,
        "num_pixels": mesh.native.1,
        "shared": group.is_fixed,
    });
    let container = Container::new(header)
        .with("line", &[mesh.line.len()], &mesh.line)
        .with("pixel", &[mesh.pixel.len()], &mesh.pixel)
        .with("lon", &shape, &mesh.longitude)
        .with("lat", &shape, &mesh.latitude);
    Ok(Reply::Arrays(container.finish()))
}

/// A view whose values nobody needs: of the latitudes.
pub fn geometry_view(ask: &Ask<'_>, group: &Group) -> Result<std::sync::Arc<View>, Problem> {
    let swath = group
        .swaths
        .first()
        .ok_or_else(|| Problem::missing("this group has no swath"))?;
    let name = swath.latitude.rsplit('/').next().unwrap_or(&swath.latitude);
    let side = ask
        .params
        .text("side")
        .map(|side| format!("&side={side}"))
        .unwrap_or_default();
    let known: &[&[Parameter]] = &[&[GROUP, crate::view::SIDE]];
    let params = Params::parse(&format!("group={}{side}", group.id), known)?;
    ask.viewer.view_of(&params, name)
}
