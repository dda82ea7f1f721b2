//! Values of a layer at one moment, with where they lie.

use karin::netcdf::NcFile;
use karin_core::{Dataset as _, Packing, Slab};

use super::axis::Axis;
use super::packing_of;
use super::structure::{Kind, LayerVariable, Structure, read, times};
use crate::http::problem::Problem;

/// Values and places.
#[derive(Debug)]
pub struct Field {
    /// True values, NaN where there is none: of maps rows of latitudes as they are stored.
    pub values: Vec<f64>,
    /// How they are stored.
    pub packing: Option<Packing>,
    /// Where they lie.
    pub places: FieldPlaces,
}

/// Where values lie.
#[derive(Debug)]
pub enum FieldPlaces {
    /// On a map: rows and columns.
    Map(Axis, Axis),
    /// Along a track: longitude, latitude and time of each, in degrees and seconds since 2000-01-01 UTC.
    Track(Vec<(f64, f64, f64)>),
}

impl Field {
    /// The values of a variable at the moment `index` of a file.
    ///
    /// # Errors
    /// If they cannot be read, or take more bytes than that.
    pub fn read(
        file: &NcFile,
        structure: &Structure,
        variable: &LayerVariable,
        index: usize,
        most_bytes: u64,
    ) -> Result<Self, Problem> {
        let path = variable.name.as_str();
        let gone = || Problem::missing(format!("{}: there is no {path} any more", file.label()));
        let meta = file.root().variable(path).ok_or_else(gone)?;
        let shape = file.root().shape(path).ok_or_else(gone)?;
        let mut slab = Slab::all(&shape);
        for (at, name) in meta.dimensions.iter().enumerate() {
            if *name == structure.row || *name == structure.column {
                continue;
            }
            if let (Some(start), Some(count)) = (slab.start.get_mut(at), slab.count.get_mut(at)) {
                *start = index.min(count.saturating_sub(1));
                *count = 1;
            }
        }
        let bytes = slab.len() as u64 * 16;
        if bytes > most_bytes {
            let detail = format!(
                "{}: {path} takes {bytes} bytes, more than {most_bytes}",
                file.label()
            );
            return Err(Problem::too_much(detail).hint("give the viewer more memory: --memory"));
        }
        let raw = file.read_slab(path, &slab)?;
        let packing = packing_of(file, path);
        let decoded = packing
            .as_ref()
            .and_then(|packing| packing.decode(&raw.values).ok());
        let values = decoded.ok_or_else(|| Problem::invalid(format!("{path} holds no numbers")))?;
        let failed = |error: karin::Error| Problem::from(error);
        let (latitudes, longitudes) = (
            read(file, &structure.latitude).map_err(failed)?,
            read(file, &structure.longitude).map_err(failed)?,
        );
        let (values, places) = match structure.kind() {
            Kind::Map => {
                let at = |name: &String| meta.dimensions.iter().position(|known| known == name);
                let is_turned = at(&structure.column) < at(&structure.row);
                let values = if is_turned {
                    turned(&values, latitudes.len())
                } else {
                    values
                };
                let axes = (Axis::of_latitudes(&latitudes), Axis::of_longitudes(&longitudes));
                (values, FieldPlaces::Map(axes.0, axes.1))
            }
            Kind::Track => {
                let times = match &structure.time {
                    Some(time) => times(file, time).map_err(failed)?,
                    None => Vec::new(),
                };
                let time = |at: usize| times.get(at).copied().unwrap_or(f64::NAN);
                let places = longitudes.iter().zip(&latitudes).enumerate();
                let places = places.map(|(at, (lon, lat))| (*lon, *lat, time(at))).collect();
                (values, FieldPlaces::Track(places))
            }
        };
        Ok(Self {
            values,
            packing,
            places,
        })
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let places = match &self.places {
            FieldPlaces::Map(rows, columns) => 24 * (rows.centres().len() + columns.centres().len()),
            FieldPlaces::Track(places) => 24 * places.len(),
        };
        8 * self.values.len() + places
    }
}

/// Columns of `rows` numbers each, as rows.
fn turned(values: &[f64], rows: usize) -> Vec<f64> {
    let columns = values.len() / rows.max(1);
    let at = |row: usize, column: usize| values.get(column * rows + row).copied().unwrap_or(f64::NAN);
    (0..rows)
        .flat_map(|row| (0..columns).map(move |column| at(row, column)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_that_are_stored_by_longitude_are_turned() {
        assert_eq!(
            turned(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3),
            [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
        );
    }
}
