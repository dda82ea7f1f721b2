//! Fronts as rows.

use karin_science::front::{Front, FrontOptions, Steepness, fronts};
use karin_science::{Derivative, ScienceError};

use super::schema::{Origin, column};
use super::search::Block;
use crate::output::geo::{GeoColumn, GeoKind, GeoRow, GeoValue, Geometry};

/// Metres around a block that are searched with it: fronts reach into the next block, and are listed where their middle is.
pub(super) const REACH: f64 = 600e3;

/// What is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrontSearch {
    /// What makes a front one.
    pub bounds: FrontOptions,
}

impl FrontSearch {
    /// How, in words.
    pub(super) fn words(&self, units: &str) -> String {
        let steepness = |steepness: Steepness| match steepness {
            Steepness::Quantile(share) => format!("steeper than {:.1} % of the pixels", 100.0 * share),
            Steepness::Gradient(value) => format!("steeper than {} {units} per km", value * 1e3),
        };
        format!(
            "ridges of the gradient (Canny 1986): everywhere {}, somewhere {}; from {} km on",
            steepness(self.bounds.weak),
            steepness(self.bounds.strong),
            self.bounds.minimum_length / 1e3
        )
    }
}

/// The columns of a front in a variable of these units.
pub(super) fn columns(units: &str) -> Vec<GeoColumn> {
    use GeoKind::{Count, Flag, Number};
    let per_km = match units {
        "" | "1" => "km-1".to_owned(),
        units => format!("{units} km-1"),
    };
    vec![
        column(
            "longitude",
            Number,
            "degrees_east",
            "longitude of the point in the middle",
        ),
        column(
            "latitude",
            Number,
            "degrees_north",
            "latitude of the point in the middle",
        ),
        column("length", Number, "km", "length of the line"),
        column("mean_gradient", Number, &per_km, "mean gradient along the line"),
        column(
            "maximum_gradient",
            Number,
            &per_km,
            "largest gradient on the line",
        ),
        column(
            "orientation",
            Number,
            "degree",
            "direction of the line, clockwise from north, below 180",
        ),
        column(
            "gradient_direction",
            Number,
            "degree",
            "direction in which the variable rises, clockwise from north",
        ),
        column(
            "points",
            Count,
            "1",
            "number of points of the line; higher values lie on its right",
        ),
        column(
            "partial",
            Flag,
            "",
            "an end lies beside an edge of the swath or a gap",
        ),
    ]
}

/// The fronts of a block.
pub(super) fn rows(
    search: &FrontSearch,
    block: &Block,
    derivative: &Derivative,
    origin: &Origin,
) -> Result<Vec<GeoRow>, ScienceError> {
    let found = fronts(&block.values, &block.metric, derivative, &search.bounds)?;
    let middle = |front: &Front| {
        front
            .indices
            .get(front.indices.len() / 2)
            .copied()
            .unwrap_or_default()
    };
    let own = found
        .into_iter()
        .filter(|front| block.owns(middle(front)) && front.indices.iter().any(|index| block.keeps(*index)));
    Ok(own
        .map(|front| row(middle(&front), front, block, origin))
        .collect())
}

fn row(middle: usize, front: Front, block: &Block, origin: &Origin) -> GeoRow {
    let number = GeoValue::Number;
    let (longitude, latitude) = front.middle();
    let mut cells = origin.cells(block, middle);
    cells.extend([
        number(longitude),
        number(latitude),
        number(front.length / 1e3),
        number(front.mean_gradient * 1e3),
        number(front.maximum_gradient * 1e3),
        number(front.orientation),
        number(front.gradient_direction),
        GeoValue::Count(Some(front.line.len() as i64)),
        GeoValue::Flag(front.is_partial),
    ]);
    GeoRow {
        cells,
        geometry: Geometry::Line(front.line),
    }
}
