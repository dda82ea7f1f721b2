//! One meaning of values: a variable of a group, with its expressions, quality and method. Made once, used by many
//! requests.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use karin::engine::{Column, Engine, EngineError, Piece, Plan, Shape, Swath, Warm};
use karin_core::{
    FlagKind, FlagTable, HalfOrbit, NoProgress, Packing, Progress, Resources, Selection, SelectionBuilder,
    Side, Values,
};

use crate::archive::{Archive, Group};
use crate::http::params::Params;
use crate::http::problem::Problem;

mod parameters;

pub use parameters::{FROM, GROUP, LET, MEANING, METHOD, SIDE, VARIABLE};

/// Granules that a view keeps open beside those of the archive.
const OPEN_GRANULES: usize = 64;

/// A variable with all that says what its values mean.
pub struct View {
    /// What tells it from others.
    pub key: String,
    /// The group.
    pub group: String,
    /// The name of the variable.
    pub name: String,
    /// The side, empty where there are none.
    pub side: String,
    /// All granules of the group.
    pub plan: Plan,
    /// The variable in the plan.
    pub column: Column,
    /// The swath as the group's newest granule has it.
    pub swath: Swath,
    /// Units.
    pub units: String,
    /// The table of a flag variable.
    pub flags: Option<FlagTable>,
    warm: Arc<Warm>,
    positions: HashMap<HalfOrbit, usize>,
    resources: Resources,
}

/// The selection that the parameters describe, of a group; variables, places and times not included.
///
/// # Errors
/// If one of them cannot be understood.
pub fn selection_of(group: &Group, params: &Params) -> Result<SelectionBuilder, Problem> {
    let mut builder = Selection::builder();
    if let Some(product) = group.product {
        builder = builder.product(product.name())?;
    }
    builder = builder.phase(group.phase.name())?;
    if let Some(schema) = group.schema {
        builder = builder.version(&schema.to_string())?;
    }
    if let Some(word) = params.text("quality") {
        builder = builder.quality(word)?;
    }
    if let Some(word) = params.text("nadir") {
        builder = builder.nadir(word)?;
    }
    if let Some(text) = params.text("where") {
        builder = builder.where_(text);
    }
    for text in params.all("let") {
        builder = builder.let_(text)?;
    }
    if let Some(text) = params.text("from") {
        builder = builder.from_height(text);
    }
    if let Some(text) = params.text("method") {
        builder = builder.method(text);
    }
    Ok(builder)
}

/// The side that is meant: of groups that have sides the left one, unless another is named.
pub fn side_of(group: &Group, params: &Params) -> &'static str {
    match params.text("side") {
        _ if !group.has_sides() => "",
        Some("right") => "right",
        _ => "left",
    }
}

/// What tells a view from others.
pub fn key_of(params: &Params) -> String {
    let names = VARIABLE.iter().chain(MEANING).map(|parameter| parameter.name);
    let texts = names.flat_map(|name| params.all(name).map(move |value| format!("{name}={value}\u{1}")));
    texts.collect()
}

impl View {
    /// The view of a variable that the parameters ([`VARIABLE`], [`MEANING`]) describe, whose `var` may name another one.
    ///
    /// # Errors
    /// If the group or the variable is unknown, or the variable has no value per pixel or line.
    pub fn of_variable(archive: &Archive, params: &Params, name: &str, key: String) -> Result<Self, Problem> {
        let group = archive.group(params.require("group")?)?;
        let side = side_of(group, params);
        if name.contains(['/', ',']) {
            return Err(Problem::invalid(
                "var: expected the name of one variable; sides are named by side",
            ));
        }
        let mut builder = selection_of(group, params)?.variables(name)?;
        if !side.is_empty() {
            builder = builder.side(side)?;
        }
        let selection = builder.build()?;
        let mut plans = Plan::new(Arc::clone(archive.source()), &selection, &NoProgress)?;
        let plan = plans
            .pop()
            .ok_or_else(|| Problem::missing("there is no granule"))?;
        let column = plan.columns().first().cloned();
        let column = column.ok_or_else(|| Problem::missing(format!("there is no variable {name}")))?;
        let swath = plan
            .swaths()
            .iter()
            .find(|swath| swath.group == column.group)
            .cloned();
        let swath = swath.ok_or_else(|| Problem::invalid(format!("{name} lies on no swath")))?;
        if !matches!(column.shape, Shape::Pixels | Shape::Lines(1)) || !column.meta.dtype.is_numeric() {
            return Err(Problem::invalid(format!(
                "{name} has no value per pixel or line: it cannot be shown"
            )));
        }
        let positions = plan
            .pieces()
            .iter()
            .enumerate()
            .filter_map(|(at, piece)| Some((piece.half_orbit?, at)));
        let mut resources = archive.resources();
        resources.memory /= 8;
        Ok(Self {
            key,
            group: group.id.clone(),
            name: name.to_owned(),
            side: side.to_owned(),
            units: column
                .meta
                .attributes
                .text("units")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            flags: (!column.derived).then(|| FlagTable::of(&column.meta)).flatten(),
            positions: positions.collect(),
            warm: Arc::new(Warm::holding(OPEN_GRANULES, &plan, resources)),
            resources,
            column,
            swath,
            plan,
        })
    }

    /// The granule of a cycle and pass.
    ///
    /// # Errors
    /// If there is none.
    pub fn piece(&self, cycle: u16, pass: u16) -> Result<Piece, Problem> {
        let half_orbit = HalfOrbit::new(cycle, pass);
        self.find(half_orbit).ok_or_else(|| {
            Problem::missing(format!(
                "{} has no granule of cycle {cycle}, pass {pass}",
                self.group
            ))
        })
    }

    /// The granule of a half orbit, if there is one.
    pub fn find(&self, half_orbit: HalfOrbit) -> Option<Piece> {
        self.plan.pieces().get(*self.positions.get(&half_orbit)?).copied()
    }

    /// The granules, in the order of cycle and pass.
    pub fn pieces(&self) -> &[Piece] {
        self.plan.pieces()
    }

    /// True if values are names, of which there is no mean.
    pub fn is_flag(&self) -> bool {
        self.flags.is_some()
    }

    /// True if several names can hold at once.
    pub fn is_bits(&self) -> bool {
        self.flags
            .as_ref()
            .is_some_and(|table| table.kind() != FlagKind::Values)
    }

    /// Values of a line: of pixels, or 1.
    pub fn width(&self) -> usize {
        match self.column.shape {
            Shape::Pixels => self.swath.num_pixels,
            Shape::Lines(_) | Shape::Other(_) => 1,
        }
    }

    /// Runs `work` with an engine of so many threads.
    ///
    /// # Errors
    /// If the threads cannot be started, and whatever `work` says.
    pub fn with_engine<T>(
        &self,
        threads: usize,
        progress: &dyn Progress,
        work: impl FnOnce(&Engine<'_>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let resources = Resources {
            jobs: threads.max(1),
            ..self.resources
        };
        let engine = Engine::with_warm(&self.plan, resources, progress, Arc::clone(&self.warm))?;
        let done = work(&engine)?;
        if progress.is_cancelled() {
            return Err(EngineError::Cancelled.into());
        }
        Ok(done)
    }

    /// Lines of a granule, which may differ from those of the group.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn lines_of(&self, engine: &Engine<'_>, piece: &Piece) -> Result<usize, Problem> {
        let (_, swath) = engine.swath_of(piece, &self.column.group)?;
        Ok(swath.num_lines)
    }

    /// Values of lines as they are stored, with what they mean; true values with NaN where granules do not share a packing.
    ///
    /// # Errors
    /// If the granule cannot be read.
    pub fn stored(
        &self,
        engine: &Engine<'_>,
        piece: &Piece,
        lines: Range<usize>,
    ) -> Result<(Values, Packing), Problem> {
        let values = engine.load_rows(piece, &self.column, lines)?;
        let packing = match &self.column.packing {
            Some(packing) if !self.column.derived => packing.clone(),
            _ => Packing::plain(values.dtype()),
        };
        Ok((values, packing))
    }

    /// True values of lines, NaN where there is none.
    ///
    /// # Errors
    /// If the granule cannot be read.
    pub fn real(&self, engine: &Engine<'_>, piece: &Piece, lines: Range<usize>) -> Result<Vec<f64>, Problem> {
        Ok(engine.field(piece, &self.column, lines)?)
    }

    /// True values of lines less those of another cycle, if one is given.
    ///
    /// # Errors
    /// If a granule cannot be read, or their lines differ.
    pub fn difference(
        &self,
        engine: &Engine<'_>,
        piece: &Piece,
        other: Option<&Piece>,
        lines: Range<usize>,
    ) -> Result<Vec<f64>, Problem> {
        let mut values = self.real(engine, piece, lines.clone())?;
        if let Some(other) = other {
            let [own, its] = [piece, other].map(|piece| self.lines_of(engine, piece));
            if own? != its? {
                let detail = "these two granules have different lines: there is no difference pixel by pixel";
                return Err(Problem::invalid(detail).hint("compare them on a grid: karin stat --grid"));
            }
            let others = self.real(engine, other, lines)?;
            values
                .iter_mut()
                .zip(others)
                .for_each(|(value, other)| *value -= other);
        }
        Ok(values)
    }

    /// The granule that is taken off, if `cycle_b` names one.
    ///
    /// # Errors
    /// If it does not exist, or names cannot be subtracted.
    pub fn other(&self, params: &Params, pass: u16) -> Result<Option<Piece>, Problem> {
        let Some(cycle) = params.integer("cycle_b") else {
            return Ok(None);
        };
        if self.is_flag() {
            return Err(Problem::invalid("cycle_b: flags have no difference"));
        }
        self.piece(number(cycle), pass).map(Some)
    }

    /// The side as selections say it.
    pub fn side(&self) -> Side {
        match self.side.as_str() {
            "left" => Side::Left,
            "right" => Side::Right,
            _ => Side::Both,
        }
    }
}

/// A number of a cycle or pass; too large ones become one that does not exist.
pub fn number(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

impl std::fmt::Debug for View {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "View({} of {})", self.name, self.group)
    }
}
