//! Eddies as rows.

use karin_science::eddy::{Eddy, EddyOptions, OkuboWeissOptions, Rotation, closed_contours, okubo_weiss};
use karin_science::{Method, Quantity, ScienceError, compute_all};

use super::schema::{Origin, column};
use super::search::Block;
use crate::output::geo::{GeoColumn, GeoKind, GeoRow, GeoValue, Geometry};

/// How eddies are found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EddyMethod {
    /// By closed contours of height.
    Contours,
    /// By regions of the Okubo-Weiss parameter.
    OkuboWeiss(OkuboWeissOptions),
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EddySearch {
    /// How.
    pub method: EddyMethod,
    /// What makes an eddy one.
    pub bounds: EddyOptions,
    /// Join both sides of the swath by straight lines across the nadir gap first.
    pub fill_nadir: bool,
}

impl Default for EddySearch {
    fn default() -> Self {
        Self {
            method: EddyMethod::Contours,
            bounds: EddyOptions::default(),
            fill_nadir: false,
        }
    }
}

impl EddySearch {
    /// Metres along the flight that finding an eddy reaches from its extremum.
    pub(super) fn reach(&self) -> f64 {
        let window = match self.method {
            EddyMethod::Contours => 0.0,
            EddyMethod::OkuboWeiss(regions) => 0.5 * regions.window,
        };
        // Contours are round within bounds: none is more than three of its radii from end to end.
        3.0 * self.bounds.maximum_radius + window
    }

    /// How, in words.
    pub(super) fn words(&self) -> String {
        let bounds = &self.bounds;
        let method = match self.method {
            EddyMethod::Contours => format!("closed contours of height, {} m apart", bounds.step),
            EddyMethod::OkuboWeiss(regions) => format!(
                "Okubo-Weiss below -{} standard deviations within {:.0} km",
                regions.threshold,
                regions.window / 1e3
            ),
        };
        let gap = if self.fill_nadir { ", nadir gap filled" } else { "" };
        format!(
            "{method}{gap}; amplitude from {} m, radius from {} to {} km, from {} pixels, shape error up to {}, up to {} along edges",
            bounds.minimum_amplitude,
            bounds.minimum_radius / 1e3,
            bounds.maximum_radius / 1e3,
            bounds.minimum_pixels,
            bounds.shape_error,
            bounds.edge_fraction,
        )
    }
}

/// The columns of an eddy.
pub(super) fn columns() -> Vec<GeoColumn> {
    use GeoKind::{Count, Flag, Number, Word};
    vec![
        column("sense", Word, "", "sense of rotation: cyclonic or anticyclonic"),
        column(
            "longitude",
            Number,
            "degrees_east",
            "longitude of the centre of the circle that fits the outline",
        ),
        column(
            "latitude",
            Number,
            "degrees_north",
            "latitude of the centre of the circle that fits the outline",
        ),
        column(
            "amplitude",
            Number,
            "m",
            "height of the extremum above or below the outline",
        ),
        column(
            "effective_radius",
            Number,
            "km",
            "radius of the circle of the area inside the outline",
        ),
        column("effective_area", Number, "km2", "area inside the outline"),
        column(
            "speed_average",
            Number,
            "m s-1",
            "mean speed along the contour where it is largest",
        ),
        column(
            "speed_radius",
            Number,
            "km",
            "radius of the circle of the area inside that contour",
        ),
        column(
            "shape_error",
            Number,
            "1",
            "area between outline and fitted circle, as a share of the circle",
        ),
        column("contour_height", Number, "m", "height of the outline"),
        column(
            "longitude_extremum",
            Number,
            "degrees_east",
            "longitude of the highest or lowest pixel",
        ),
        column(
            "latitude_extremum",
            Number,
            "degrees_north",
            "latitude of the highest or lowest pixel",
        ),
        column("pixels", Count, "1", "number of pixels inside"),
        column(
            "edge_fraction",
            Number,
            "1",
            "share of the outline that runs along an edge of the swath or a gap",
        ),
        column(
            "partial",
            Flag,
            "",
            "an edge or gap cuts it: amplitude, area and radius are lower bounds",
        ),
    ]
}

/// The eddies of a block.
pub(super) fn rows(
    search: &EddySearch,
    block: &Block,
    method: &Method,
    origin: &Origin,
) -> Result<Vec<GeoRow>, ScienceError> {
    let (height, metric) = (&block.values, &block.metric);
    let eddies = match &search.method {
        EddyMethod::Contours => {
            let speed = Quantity::Speed.compute(method, height, metric)?;
            closed_contours(height, &speed, metric, &search.bounds)?
        }
        EddyMethod::OkuboWeiss(regions) => {
            let all = [Quantity::OkuboWeiss, Quantity::Vorticity, Quantity::Speed];
            let fields = compute_all(&all, method, height, metric)?;
            let of = |place: usize| fields.get(place).map_or(&[][..], Vec::as_slice);
            let current = Rotation {
                okubo_weiss: of(0),
                vorticity: of(1),
                speed: of(2),
            };
            okubo_weiss(height, &current, metric, &search.bounds, regions)?
        }
    };
    let own = eddies
        .into_iter()
        .filter(|eddy| block.owns(eddy.extremum_index) && block.keeps(eddy.extremum_index));
    Ok(own.map(|eddy| row(eddy, block, origin)).collect())
}

fn row(eddy: Eddy, block: &Block, origin: &Origin) -> GeoRow {
    let number = GeoValue::Number;
    let mut cells = origin.cells(block, eddy.extremum_index);
    cells.extend([
        GeoValue::Word(eddy.sense.name().to_owned()),
        number(eddy.centre.0),
        number(eddy.centre.1),
        number(eddy.amplitude),
        number(eddy.radius / 1e3),
        number(eddy.area / 1e6),
        number(eddy.speed),
        number(eddy.speed_radius / 1e3),
        number(eddy.shape_error),
        number(eddy.level),
        number(eddy.extremum.0),
        number(eddy.extremum.1),
        GeoValue::Count(Some(eddy.pixels as i64)),
        number(eddy.edge_fraction),
        GeoValue::Flag(eddy.is_partial),
    ]);
    GeoRow {
        cells,
        geometry: Geometry::Polygon(eddy.outline),
    }
}
