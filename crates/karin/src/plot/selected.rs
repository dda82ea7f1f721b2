//! Maps of what a selection keeps of granules or collections, drawn pass by pass.

use std::sync::Arc;

use karin_core::{Progress, Region, Resources, Selection, VersionChoice, VersionPattern};
use karin_engine::swath::Shape;
use karin_engine::{Column, Engine, EngineError, Plan, Source};

use super::sheet::{self, Drawn};
use super::{MapOptions, named};
use crate::Error;

mod drawing;
mod facts;
mod panel;

use drawing::Drawing;
use panel::Panel;

/// What is drawn where no variable is named, the first that there is.
pub(super) const FAVOURITES: [&str; 10] = [
    "ssha",
    "ssha_filtered",
    "ssha_unfiltered",
    "ssha_karin_2",
    "ssha_karin",
    "adt",
    "sla",
    "ssh_karin_2",
    "sig0_karin_2",
    "swh_karin",
];

/// A map, and what is on it.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The PNG.
    pub png: Vec<u8>,
    /// The variable drawn; several as a list.
    pub variable: String,
    /// Granules (or layers of a dataset) with values on the map.
    pub granules: usize,
    /// Granules that could not be read: name and reason.
    pub unread: Vec<(String, String)>,
}

/// Draws what a selection keeps of a source: the variables that it names, several as panels of one picture, each with
/// its own scale; else sea surface height anomaly or what comes nearest to it. Title, subtitle, units and region are filled in where the options leave them out.
///
/// Granules are read and drawn in parallel, and added in their order: the picture does not depend on the number of
/// threads. What is held at one time stays within a part of the memory budget; granules that do not fit, where the
/// region is not known beforehand, are read twice, once to learn where they lie.
///
/// # Errors
/// If nothing is selected, nothing can be read, nothing is to be seen, or more than nine variables are named.
pub fn selection(
    source: &Arc<dyn Source>,
    selection: &Selection,
    options: MapOptions,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Picture, Error> {
    sheet::of(&selection.variables, options, |options| {
        let plan = plan(source, selection, progress)?;
        drawn(&plan, &selection.variables, options, resources, progress)
    })
}

/// Draws the granules of a plan: the same picture as [`selection`] makes of its selection.
///
/// # Errors
/// As [`selection`].
pub fn of_plan(
    plan: &Plan,
    options: MapOptions,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Picture, Error> {
    selection(plan.source(), &of_its_schema(plan), options, resources, progress)
}

/// The plan for the one variable that is drawn of the granules of another one.
pub(crate) fn one_variable(of: &Plan, progress: &dyn Progress) -> Result<Plan, Error> {
    let mut selection = of_its_schema(of);
    selection.variables.truncate(1);
    plan(of.source(), &selection, progress)
}

/// The selection of a plan, which may be one of several for `--version all`.
pub(crate) fn of_its_schema(of: &Plan) -> Selection {
    let mut selection = of.selection().clone();
    if let (VersionChoice::All, [schema]) = (&selection.version, of.schemas().as_slice()) {
        let pattern = VersionPattern::parse(&schema.to_string());
        selection.version = pattern.map_or(VersionChoice::Best, VersionChoice::Matching);
    }
    selection
}

/// Draws the panels of a plan: each granule is read once for all of them.
fn drawn(
    plan: &Plan,
    variables: &[String],
    options: Vec<MapOptions>,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Vec<Drawn>, Error> {
    plan.check_derivation()?;
    let engine = Engine::new(plan, resources, progress)?;
    let panels = options.into_iter().enumerate().map(|(index, mut options)| {
        let (group, column) = column(plan, variables.get(index).map(String::as_str))?;
        named(&mut options, &column.name, &column.meta);
        if let (None, Some(Region::Box(bounds))) = (options.region, &plan.selection().region) {
            options.region = Some(*bounds);
        }
        Panel::new(group, &column.name, options)
    });
    let mut drawing = Drawing {
        engine: &engine,
        plan,
        panels: panels.collect::<Result<_, Error>>()?,
        resources,
        progress,
        pool: crate::extract::threads(resources.jobs.max(1))?,
        last_unread: None,
    };
    progress.start("plot", plan.pieces().len() as u64, 0);
    let done = drawing.draw();
    progress.finish();
    done?;
    drawing
        .panels
        .into_iter()
        .map(|panel| panel.finish(plan))
        .collect()
}

/// The column that is drawn for a name, which may have a group before it; without a name the first with a value per pixel.
fn column<'p, 'n>(plan: &'p Plan, wanted: Option<&'n str>) -> Result<(Option<&'n str>, &'p Column), Error> {
    let (group, name) = match wanted.map(|wanted| wanted.rsplit_once('/').ok_or(wanted)) {
        Some(Ok((group, name))) => (Some(group), Some(name)),
        Some(Err(name)) => (None, Some(name)),
        None => (None, None),
    };
    let is_it = |column: &&Column| {
        name.is_none_or(|name| column.name == name) && group.is_none_or(|group| column.group == group)
    };
    let mut columns = plan.columns().iter().filter(is_it);
    let first = columns.clone().next();
    let column = columns.find(|column| column.shape == Shape::Pixels).or(first);
    let missing = || EngineError::Empty("no variable with a value per pixel".to_owned());
    Ok((group, column.ok_or_else(missing)?))
}

/// The plan for the variables that are drawn.
fn plan(source: &Arc<dyn Source>, selection: &Selection, progress: &dyn Progress) -> Result<Plan, Error> {
    let of = |variables: Vec<String>| {
        let selection = Selection {
            variables,
            ..selection.clone()
        };
        let mut plans = Plan::new(Arc::clone(source), &selection, progress)?;
        // `--version all` makes one plan per schema, oldest first: the newest is drawn.
        plans
            .pop()
            .ok_or_else(|| EngineError::Empty("no granule".to_owned()))
    };
    if !selection.variables.is_empty() {
        return Ok(of(selection.variables.clone())?);
    }
    if let Some((name, _)) = selection.lets.last() {
        return Ok(of(vec![name.clone()])?);
    }
    for name in FAVOURITES {
        match of(vec![name.to_owned()]) {
            Err(EngineError::NoVariable { .. }) => {}
            other => return Ok(other?),
        }
    }
    let every = of(Vec::new())?;
    let is_dull = |column: &Column| {
        let is_position = every.swaths().iter().any(|swath| column.is_position(swath));
        is_position || column.name == "cross_track_distance"
    };
    let column = every
        .columns()
        .iter()
        .find(|column| column.shape == Shape::Pixels && column.packing.is_some() && !is_dull(column));
    match column {
        Some(column) => Ok(of(vec![column.name.clone()])?),
        None => Ok(every),
    }
}
