//! Bins of a variable as cells.

use karin_core::{AttrValue, DType, Dimension, VariableMeta};

use crate::EngineError;
use crate::execute::{Work, describe};
use crate::plan::Column;
use crate::reduction::Bins;
use crate::swath::join;

/// The bins of one variable, in every group that has it.
pub(super) struct BinAxis<'a> {
    /// Name of the variable, and of the axis.
    pub(super) name: String,
    /// As the user said them.
    edges: Vec<f64>,
    groups: Vec<InGroup<'a>>,
}

/// The variable in one group.
struct InGroup<'a> {
    column: &'a Column,
    /// Edges as values of the variable are decoded: a stored number that is an edge is found to be one.
    edges: Vec<f64>,
    /// Bins per unit, where they are of one width: a first guess.
    per_unit: Option<f64>,
    /// Longitudes are turned into the range of the bins.
    is_longitude: bool,
}

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// In this bin.
    Bin(usize),
    /// In none of them.
    Outside,
    /// There is no value.
    Missing,
}

impl<'a> BinAxis<'a> {
    pub(super) fn new(work: &Work<'a>, bins: &Bins) -> Result<Self, EngineError> {
        let plan = work.engine.plan;
        let edges = bins.edges()?;
        let groups: Vec<InGroup<'a>> = work
            .beside(&bins.variable)
            .map(|column| {
                let is_longitude = plan.swaths().iter().any(|swath| swath.longitude == column.path());
                InGroup::new(column, &edges, is_longitude)
            })
            .collect();
        let name = bins
            .variable
            .rsplit('/')
            .next()
            .unwrap_or(&bins.variable)
            .to_owned();
        Ok(Self { name, edges, groups })
    }

    pub(super) fn len(&self) -> usize {
        self.edges.len() - 1
    }

    /// The variable in a group.
    pub(super) fn column(&self, group: &str) -> Option<&'a Column> {
        self.groups
            .iter()
            .map(|own| own.column)
            .find(|column| column.group == group)
    }

    /// Where values of the variable in a group are.
    pub(super) fn find(&self, group: &str, values: &[f64]) -> Vec<Found> {
        let own = self.groups.iter().find(|own| own.column.group == group);
        let find = |value: &f64| own.map_or(Found::Missing, |own| own.find(*value));
        values.iter().map(find).collect()
    }

    pub(super) fn widths(&self) -> Vec<f64> {
        self.edges.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    pub(super) fn centres(&self) -> Vec<f64> {
        let pairs = self.edges.windows(2);
        pairs.map(|pair| f64::midpoint(pair[0], pair[1])).collect()
    }

    /// Lower and upper edge of every bin, one after the other.
    pub(super) fn bounds(&self) -> Vec<f64> {
        self.edges.windows(2).flatten().copied().collect()
    }

    /// Name of the variable that holds the edges.
    pub(super) fn bounds_name(&self) -> String {
        format!("{}_bounds", self.name)
    }

    /// The dimension of lower and upper edge.
    pub(super) fn bounds_dimension() -> Dimension {
        describe::dimension("bounds", 2)
    }

    /// The axis and its edges as variables.
    pub(super) fn describe(&self) -> [VariableMeta; 2] {
        let about = self.groups.first().map(|own| &own.column.meta.attributes);
        let of = |name: &str| about.and_then(|attributes| attributes.text(name));
        let long_name = of("long_name").unwrap_or(&self.name);
        let mut axis = describe::axis(
            &self.name,
            DType::Float64,
            &format!("{long_name}: middle of the bin"),
        );
        for name in ["units", "standard_name"] {
            if let Some(text) = of(name) {
                axis.attributes.set(name, text);
            }
        }
        axis.attributes.set("bounds", self.bounds_name());
        axis.attributes.set(
            "comment",
            "a bin holds its lower edge and not its upper one, but for the last, which holds both",
        );
        let mut bounds = describe::axis(&self.bounds_name(), DType::Float64, "edges of the bins");
        bounds.dimensions = vec![self.name.clone(), Self::bounds_dimension().name];
        if let Some(units) = of("units") {
            bounds.attributes.set("units", units);
        }
        bounds.attributes.set("_FillValue", AttrValue::number(f64::NAN));
        [axis, bounds]
    }
}

impl<'a> InGroup<'a> {
    fn new(column: &'a Column, edges: &[f64], is_longitude: bool) -> Self {
        let (from, to) = (
            edges.first().copied().unwrap_or(0.0),
            edges.last().copied().unwrap_or(0.0),
        );
        let bins = (edges.len() - 1) as f64;
        let width = (to - from) / bins;
        let is_even = |(k, edge): (usize, &f64)| (edge - (from + width * k as f64)).abs() < 1e-6 * width;
        let per_unit = edges.iter().enumerate().all(is_even).then(|| bins / (to - from));
        Self {
            edges: edges.iter().map(|edge| as_decoded(column, *edge)).collect(),
            column,
            per_unit,
            is_longitude: is_longitude && to - from <= 360.0,
        }
    }

    fn find(&self, value: f64) -> Found {
        if value.is_nan() {
            return Found::Missing;
        }
        let last = self.edges.len() - 1;
        let (from, to) = (self.edges[0], self.edges[last]);
        let value = if self.is_longitude && !(from..=to).contains(&value) {
            from + (value - from).rem_euclid(360.0)
        } else {
            value
        };
        if !(from..=to).contains(&value) {
            return Found::Outside;
        }
        let mut bin = match self.per_unit {
            Some(per_unit) => (((value - from) * per_unit) as usize).min(last - 1),
            None => self.edges.partition_point(|edge| *edge <= value).clamp(1, last) - 1,
        };
        // The guess is one off at most, by rounding.
        while bin > 0 && value < self.edges[bin] {
            bin -= 1;
        }
        while bin + 1 < last && value >= self.edges[bin + 1] {
            bin += 1;
        }
        Found::Bin(bin)
    }
}

/// An edge as the number that a stored value at the edge decodes to; edges between stored values stay what they are.
fn as_decoded(column: &Column, edge: f64) -> f64 {
    let Some(packing) = column
        .packing
        .as_ref()
        .filter(|packing| packing.dtype.is_integer())
    else {
        return edge;
    };
    let raw = (edge - packing.offset) / packing.scale;
    if (raw - raw.round()).abs() < 1e-6 && raw.abs() < 2f64.powi(52) {
        packing.unpack(raw.round())
    } else {
        edge
    }
}

/// The columns of all axes, as messages name them.
pub(super) fn lacks(column: &Column, name: &str) -> EngineError {
    EngineError::option(
        "--bin",
        format!("{} has no {name} beside it", join(&column.group, &column.name)),
    )
}
