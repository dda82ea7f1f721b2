//! How the files of layers are laid out: where latitude, longitude and time are, and which variables lie along them.

use std::path::Path;

use karin::netcdf::NcFile;
use karin::plot::ColorMap;
use karin_core::time::TimeUnits;
use karin_core::{Dataset as _, GroupMeta, Packing, VariableMeta};

use super::{Step, packing_of};

/// How a layer lies on the globe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Latitude and longitude along one dimension each.
    Map,
    /// Both along the same dimension.
    Track,
}

impl Kind {
    /// `map` or `track`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Track => "track",
        }
    }
}

/// A variable of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerVariable {
    /// Path in the file.
    pub name: String,
    /// What it is, in words.
    pub long_name: Option<String>,
    /// Its standard name.
    pub standard_name: Option<String>,
    /// Its units.
    pub units: String,
    /// The colours that suit it.
    pub color_map: ColorMap,
}

/// Where things are in a file.
#[derive(Clone, Debug)]
pub struct Structure {
    /// Path of the latitudes.
    pub latitude: String,
    /// Path of the longitudes.
    pub longitude: String,
    /// Path of the times, if there are any.
    pub time: Option<String>,
    /// Name of the dimension of the latitudes.
    pub row: String,
    /// Name of the dimension of the longitudes; that of the latitudes in tracks.
    pub column: String,
    /// What lies along them.
    pub variables: Vec<LayerVariable>,
    /// Latitudes and longitudes of a map: files that share them are one layer.
    places: Vec<f64>,
}

/// Most numbers along an axis.
const MOST_ALONG: usize = 1 << 24;

impl Structure {
    /// Of a file; `None` if it holds neither a map nor a track.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(file: &NcFile) -> Result<Option<Self>, karin::Error> {
        let Some((group, latitude, longitude)) = places_in(file.root(), "") else {
            return Ok(None);
        };
        let Some(meta) = file.root().group(&group) else {
            return Ok(None);
        };
        let (Some(row), Some(column)) = (latitude.dimensions.first(), longitude.dimensions.first()) else {
            return Ok(None);
        };
        let time = meta.variables.iter().find(|variable| is_time(variable));
        let mut found = Self {
            latitude: join(&group, &latitude.name),
            longitude: join(&group, &longitude.name),
            time: time.map(|time| join(&group, &time.name)),
            row: row.clone(),
            column: column.clone(),
            variables: Vec::new(),
            places: Vec::new(),
        };
        found.find_variables(file.root(), meta, &group);
        if found.variables.is_empty() {
            return Ok(None);
        }
        if found.kind() == Kind::Map {
            found.places = [read(file, &found.latitude)?, read(file, &found.longitude)?].concat();
        }
        Ok(Some(found))
    }

    /// Map or track.
    pub fn kind(&self) -> Kind {
        if self.row == self.column {
            Kind::Track
        } else {
            Kind::Map
        }
    }

    /// True if both hold the same variables at the same places.
    pub fn is_same(&self, other: &Self) -> bool {
        let names = |one: &Self| -> Vec<String> {
            one.variables
                .iter()
                .map(|variable| variable.name.clone())
                .collect()
        };
        self.kind() == other.kind() && self.places == other.places && names(self) == names(other)
    }

    /// The moments of a file.
    ///
    /// # Errors
    /// If its times cannot be read.
    pub fn steps(&self, file: &NcFile, path: &Path) -> Result<Vec<Step>, karin::Error> {
        let step = |index: usize, time: (f64, f64)| Step {
            file: path.to_owned(),
            index,
            time,
        };
        let times = match &self.time {
            Some(time) => times(file, time)?,
            None => Vec::new(),
        };
        if self.kind() == Kind::Track {
            let ends = times
                .iter()
                .filter(|time| time.is_finite())
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(first, last), time| {
                    (first.min(*time), last.max(*time))
                });
            let is_known = ends.0.is_finite();
            return Ok(vec![step(0, if is_known { ends } else { (f64::NAN, f64::NAN) })]);
        }
        if times.is_empty() {
            return Ok(vec![step(0, (f64::NAN, f64::NAN))]);
        }
        Ok(times
            .into_iter()
            .enumerate()
            .map(|(index, time)| step(index, (time, time)))
            .collect())
    }

    fn find_variables(&mut self, root: &GroupMeta, group: &GroupMeta, path: &str) {
        let own = [&self.latitude, &self.longitude].map(|path| name_of(path).to_owned());
        for variable in &group.variables {
            let full = join(path, &variable.name);
            let is_value = variable.dtype.is_numeric() && !own.contains(&variable.name) && !is_time(variable);
            if is_value && self.holds(root, &full, variable) && Packing::of(variable).is_some() {
                self.variables.push(described(full, variable));
            }
        }
        for inner in &group.groups {
            self.find_variables(root, inner, &join(path, &inner.name));
        }
    }

    /// True if a variable has one value per place (and moment).
    fn holds(&self, root: &GroupMeta, path: &str, variable: &VariableMeta) -> bool {
        let shape = root.shape(path).unwrap_or_default();
        let time = self.time.as_deref().map(name_of);
        let is_other_fine = |(name, length): (&String, &usize)| {
            *name == self.row || *name == self.column || *length == 1 || Some(name.as_str()) == time
        };
        let has = |name: &String| variable.dimensions.contains(name);
        has(&self.row)
            && has(&self.column)
            && shape.len() == variable.dimensions.len()
            && variable.dimensions.iter().zip(&shape).all(is_other_fine)
    }
}

/// The group nearest to the root that has latitudes and longitudes along one dimension each.
fn places_in<'a>(group: &'a GroupMeta, path: &str) -> Option<(String, &'a VariableMeta, &'a VariableMeta)> {
    let one = |is: fn(&VariableMeta) -> bool| {
        group
            .variables
            .iter()
            .find(|variable| variable.dimensions.len() == 1 && is(variable))
    };
    if let (Some(latitude), Some(longitude)) = (one(is_latitude), one(is_longitude)) {
        return Some((path.to_owned(), latitude, longitude));
    }
    group
        .groups
        .iter()
        .find_map(|inner| places_in(inner, &join(path, &inner.name)))
}

fn is_latitude(variable: &VariableMeta) -> bool {
    is_coordinate(
        variable,
        "latitude",
        "lat",
        &["degrees_north", "degree_north", "degrees_N"],
    )
}

fn is_longitude(variable: &VariableMeta) -> bool {
    is_coordinate(
        variable,
        "longitude",
        "lon",
        &["degrees_east", "degree_east", "degrees_E"],
    )
}

fn is_coordinate(variable: &VariableMeta, standard: &str, short: &str, units: &[&str]) -> bool {
    let text = |name: &str| variable.attributes.text(name).unwrap_or_default().trim();
    let is_named = variable.name == standard || variable.name == short;
    variable.dtype.is_numeric()
        && (is_named || text("standard_name") == standard || units.contains(&text("units")))
}

/// Times of places, or of moments: a scalar, or along one dimension.
fn is_time(variable: &VariableMeta) -> bool {
    let units = variable.attributes.text("units").unwrap_or_default();
    variable.dimensions.len() <= 1 && variable.dtype.is_numeric() && TimeUnits::parse(units).is_ok()
}

fn described(path: String, variable: &VariableMeta) -> LayerVariable {
    let text = |name: &str| {
        let text = variable.attributes.text(name).map(str::trim);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let units = text("units").unwrap_or_default();
    LayerVariable {
        color_map: ColorMap::suited_to_described(&variable.name, &variable.attributes),
        long_name: text("long_name"),
        standard_name: text("standard_name"),
        units,
        name: path,
    }
}

/// Seconds since 2000-01-01 UTC of a variable of times.
pub fn times(file: &NcFile, path: &str) -> Result<Vec<f64>, karin::Error> {
    let units = file
        .root()
        .variable(path)
        .and_then(|time| time.attributes.text("units"));
    let Some(units) = units.and_then(|units| TimeUnits::parse(units).ok()) else {
        return Ok(Vec::new());
    };
    Ok(read(file, path)?
        .into_iter()
        .map(|value| units.to_seconds(value))
        .collect())
}

/// True values along an axis.
pub fn read(file: &NcFile, path: &str) -> Result<Vec<f64>, karin::Error> {
    let length: usize = file.root().shape(path).unwrap_or_default().iter().product();
    if length > MOST_ALONG {
        let reason = format!(
            "{}: {path} has {length} values: at most {MOST_ALONG} are read",
            file.label()
        );
        return Err(karin::Error::option("--layer", reason));
    }
    let raw = file.read(path)?;
    let packing = packing_of(file, path);
    Ok(packing
        .and_then(|packing| packing.decode(&raw.values).ok())
        .unwrap_or_default())
}

fn join(group: &str, name: &str) -> String {
    if group.is_empty() {
        name.to_owned()
    } else {
        format!("{group}/{name}")
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
