//! Regions, colours and near names, for datasets that others opened.

use std::collections::BTreeMap;

use karin::plot::ColorMap;
use karin_core::Attributes;
use karin_core::ErrorKind;
use karin_core::geo::{LonLatBox, Polygon, Region};
use karin_core::suggest::nearest;
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::errors::raise;

/// An argument that makes no sense.
fn invalid(error: impl std::fmt::Display) -> PyErr {
    raise(ErrorKind::InvalidArgument, &error.to_string())
}

/// Where positions lie in a box or in polygons (GeoJSON text); never for NaN.
#[pyfunction]
#[pyo3(signature = (longitude, latitude, *, bbox=None, polygon=None))]
pub fn region_contains<'py>(
    py: Python<'py>,
    longitude: PyReadonlyArray1<'py, f64>,
    latitude: PyReadonlyArray1<'py, f64>,
    bbox: Option<(f64, f64, f64, f64)>,
    polygon: Option<&str>,
) -> PyResult<Bound<'py, PyArray1<bool>>> {
    let region = match (bbox, polygon) {
        (Some((west, south, east, north)), _) => {
            Region::Box(LonLatBox::new(west, south, east, north).map_err(invalid)?)
        }
        (None, text) => Region::Polygon(Polygon::from_geojson(text.unwrap_or_default()).map_err(invalid)?),
    };
    let (longitude, latitude) = (longitude.as_slice()?, latitude.as_slice()?);
    let inside: Vec<bool> = py.detach(|| {
        let places = longitude.iter().zip(latitude);
        places.map(|(x, y)| region.contains(*x, *y)).collect()
    });
    Ok(PyArray1::from_vec(py, inside))
}

/// A colour map by its name, or the one that suits a variable: name, whether its middle means zero, and 256 colours of
/// red, green and blue, flat. Of the variable's attributes those that are text are needed.
#[pyfunction]
pub fn color_map<'py>(
    py: Python<'py>,
    name: Option<&str>,
    variable: &str,
    attributes: BTreeMap<String, String>,
) -> PyResult<(String, bool, Bound<'py, PyArray1<u8>>)> {
    let map = match name {
        Some(name) => name.parse::<ColorMap>().map_err(invalid)?,
        None => {
            let mut described = Attributes::default();
            for (attribute, text) in attributes {
                described.set(attribute, text);
            }
            ColorMap::suited_to_described(variable, &described)
        }
    };
    let colors: Vec<u8> = (0..256)
        .flat_map(|step| map.color(f64::from(step) / 255.0))
        .collect();
    Ok((
        map.to_string(),
        map.is_diverging(),
        PyArray1::from_vec(py, colors),
    ))
}

/// The candidate that was probably meant.
#[pyfunction]
pub fn nearest_word(word: &str, candidates: Vec<String>) -> Option<String> {
    nearest(word, candidates.iter().map(String::as_str)).map(str::to_owned)
}
