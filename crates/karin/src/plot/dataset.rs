//! Maps of any dataset with longitudes and latitudes: results, cubes, grids, tracks.

use std::ops::Range;

use karin_core::{Dataset, DatasetError, GroupMeta, Packing, Slab, VariableMeta};

use super::selected::{FAVOURITES, Picture};
use super::sheet::{self, Drawn};
use super::{Layer, MapCanvas, MapOptions, PlotError, named};
use crate::Error;
use karin_core::geo::Extent;

/// Values of a layer that are read at a time: always the same number, so that the picture does not depend on memory.
const PART_VALUES: usize = 4 << 20;

/// Draws a variable of a dataset: the one of that path, else sea surface height anomaly or what comes nearest to it. A
/// bare name stands for that variable in every group: both sides of a 250 m swath are drawn.
///
/// Its coordinates are the variables `latitude` and `longitude` (or `lat` and `lon`, or what has these standard names)
/// of its group: on the same last dimensions as the variable (swaths and tracks), or each on one of its last two
/// dimensions (grids). Other dimensions, such as cycle and pass, are drawn one over the other.
///
/// # Errors
/// If there is no such variable, it has no coordinates, it cannot be read, or there is nothing to be seen.
pub fn dataset(dataset: &dyn Dataset, path: Option<&str>, options: MapOptions) -> Result<Picture, Error> {
    datasets(dataset, path.map(str::to_owned).as_slice(), options)
}

/// Draws variables of a dataset, each as [`dataset`] does, as panels of one picture; the one that suits best where
/// none is named.
///
/// # Errors
/// As [`dataset`]; also if there are more than nine.
pub fn datasets(dataset: &dyn Dataset, paths: &[String], options: MapOptions) -> Result<Picture, Error> {
    sheet::of(paths, options, |options| {
        let named = |(index, options): (usize, MapOptions)| {
            drawn(dataset, paths.get(index).map(String::as_str), options)
        };
        options.into_iter().enumerate().map(named).collect()
    })
}

fn drawn(dataset: &dyn Dataset, path: Option<&str>, mut options: MapOptions) -> Result<Drawn, Error> {
    let found = match path {
        Some(path) => all_named(dataset, path)?,
        None => favourite(dataset)?,
    };
    let path = found.first().map_or("", |places| places.path.as_str());
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let meta = dataset
        .root()
        .variable(path)
        .ok_or_else(|| DatasetError::no_variable(dataset.label(), path))?;
    named(&mut options, &name, meta);
    if options.subtitle.is_empty() {
        options.subtitle = subtitle(dataset);
    }
    options.notes.extend(notes(dataset));
    let each = |take: &mut dyn FnMut(&Layer<'_>, bool) -> Result<(), PlotError>| {
        found.iter().try_for_each(|places| places.each(dataset, take))
    };
    let bounds = match options.region {
        Some(region) => region,
        None => {
            let mut extent = Extent::default();
            each(&mut |layer, _| {
                let places = layer.longitude.iter().zip(layer.latitude).zip(layer.values);
                let drawn = places.filter(|(_, value)| value.is_finite());
                drawn.for_each(|((longitude, latitude), _)| extent.add(*longitude, *latitude));
                Ok(())
            })?;
            extent.bounds().ok_or(PlotError::Empty)?
        }
    };
    let mut canvas = MapCanvas::new(&bounds, options)?;
    let mut granules = 0;
    each(&mut |layer, is_track| {
        granules += usize::from(layer.values.iter().any(|value| !value.is_nan()));
        canvas.add_part(layer, is_track)
    })?;
    Ok(Drawn {
        canvas,
        variable: name,
        granules,
        unread: Vec::new(),
    })
}

/// What a result says it is; of other files, the name.
fn subtitle(dataset: &dyn Dataset) -> String {
    let attributes = &dataset.root().attributes;
    match attributes.text("title") {
        Some(title) if attributes.get("karin_version").is_some() => {
            let selection = attributes.text("selection").unwrap_or_default();
            let parts = [title, selection];
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            parts.join(" · ")
        }
        _ => {
            let label = dataset.label();
            label.rsplit('/').next().unwrap_or(label).to_owned()
        }
    }
}

/// Notes of the PNG: what the dataset says of where it comes from.
fn notes(dataset: &dyn Dataset) -> Vec<(String, String)> {
    let attributes = &dataset.root().attributes;
    let said = |names: &[&str]| names.iter().find_map(|name| attributes.text(name));
    let notes = [
        ("History", said(&["history"])),
        ("Snapshot", said(&["snapshot", "source_snapshot"])),
        ("Source", said(&["source_granules", "source"])),
        (
            "Versions",
            said(&["product_versions", "source_versions", "product_version"]),
        ),
        ("DOI", said(&["doi", "product_doi"])),
    ];
    let given = notes
        .into_iter()
        .filter_map(|(key, text)| Some((key, text?.trim())));
    given
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| (key.to_owned(), text.to_owned()))
        .collect()
}

/// The variable of that path; a bare name, in every group that has it.
fn all_named(dataset: &dyn Dataset, path: &str) -> Result<Vec<Places>, Error> {
    if path.contains('/') || dataset.root().variable(path).is_some() {
        return Ok(vec![Places::of(dataset, path)?]);
    }
    let suffix = format!("/{path}");
    let paths = dataset.root().variable_paths();
    let found: Vec<Places> = paths
        .iter()
        .filter(|known| known.ends_with(&suffix))
        .map(|known| Places::of(dataset, known))
        .collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Err(unknown(dataset, path).into());
    }
    Ok(found)
}

/// The variable that one would like to see.
fn favourite(dataset: &dyn Dataset) -> Result<Vec<Places>, Error> {
    let paths = dataset.root().variable_paths();
    let rank = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        FAVOURITES
            .iter()
            .position(|favourite| name == *favourite || name.starts_with(&format!("{favourite}_")))
    };
    let mut found: Vec<Places> = paths
        .iter()
        .filter_map(|path| Places::of(dataset, path).ok())
        .collect();
    found.sort_by_key(|places| rank(&places.path).unwrap_or(FAVOURITES.len()));
    let reason = "no variable with latitudes and longitudes: name one";
    let nothing = || DatasetError::invalid(dataset.label(), "", reason);
    let first = found.first().ok_or_else(nothing)?;
    match first.path.rsplit_once('/') {
        Some((_, name)) => all_named(dataset, name),
        None => Ok(found.into_iter().take(1).collect()),
    }
}

/// How a variable and its coordinates lie to one another.
struct Places {
    path: String,
    latitude: String,
    longitude: String,
    shape: Vec<usize>,
    /// For each of the leading dimensions of the variable, which of the coordinates' dimensions it is.
    leading: Vec<Option<usize>>,
    kind: Kind,
}

/// Where the values of some lines lie, for the next layers that lie there too.
struct KnownPlaces {
    index: Vec<usize>,
    lines: Range<usize>,
    longitude: Vec<f64>,
    latitude: Vec<f64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Coordinates on the last two dimensions.
    Swath,
    /// Coordinates on the last dimension.
    Track,
    /// Latitude on the one before the last, longitude on the last dimension; or the other way round.
    Grid { latitude_first: bool },
}

impl Places {
    fn of(dataset: &dyn Dataset, path: &str) -> Result<Self, Error> {
        let root = dataset.root();
        let invalid = |reason: &str| DatasetError::invalid(dataset.label(), path, reason);
        let variable = root.variable(path).ok_or_else(|| unknown(dataset, path))?;
        let shape = root.shape(path).ok_or_else(|| unknown(dataset, path))?;
        if Packing::of(variable).is_none() {
            return Err(invalid("text cannot be drawn").into());
        }
        let (group_path, _) = path.rsplit_once('/').unwrap_or(("", path));
        let group = root.group(group_path).unwrap_or(root);
        let none = || invalid("no latitudes and longitudes beside it");
        let latitude = coordinate(group, &["latitude", "lat", "nav_lat"], "latitude").ok_or_else(none)?;
        let longitude = coordinate(group, &["longitude", "lon", "nav_lon"], "longitude").ok_or_else(none)?;
        if std::ptr::eq(variable, latitude) || std::ptr::eq(variable, longitude) {
            return Err(invalid("it is a coordinate").into());
        }
        let dimensions = &variable.dimensions;
        let kind = match (
            latitude.dimensions.as_slice(),
            longitude.dimensions.as_slice(),
            dimensions.as_slice(),
        ) {
            ([a], [b], [.., y, x]) if a != b && a == y && b == x => Kind::Grid { latitude_first: true },
            ([a], [b], [.., x, y]) if a != b && a == y && b == x => Kind::Grid {
                latitude_first: false,
            },
            ([a], [b], [.., n]) if a == b && a == n => Kind::Track,
            ([.., a, b], other, [.., y, x]) if a == y && b == x && latitude.dimensions == other => {
                Kind::Swath
            }
            _ => {
                return Err(
                    invalid("its last dimensions are not those of the latitudes and longitudes").into(),
                );
            }
        };
        let own = if kind == Kind::Track { 1 } else { 2 };
        let leading = dimensions.iter().take(dimensions.len() - own);
        let leading = leading
            .map(|name| latitude.dimensions.iter().position(|known| known == name))
            .collect();
        let within = |name: &str| {
            if group_path.is_empty() {
                name.to_owned()
            } else {
                format!("{group_path}/{name}")
            }
        };
        let (latitude, longitude) = (within(&latitude.name), within(&longitude.name));
        Ok(Self {
            path: path.to_owned(),
            latitude,
            longitude,
            shape,
            leading,
            kind,
        })
    }

    /// Hands over a layer, or several parts of it, for each index of the leading dimensions; and whether it is a track.
    fn each(
        &self,
        dataset: &dyn Dataset,
        take: &mut dyn FnMut(&Layer<'_>, bool) -> Result<(), PlotError>,
    ) -> Result<(), Error> {
        let count: usize = self.shape.iter().take(self.leading.len()).product();
        let own = self.shape.get(self.leading.len()..).unwrap_or_default();
        let (all_lines, pixels) = match (self.kind, own) {
            (Kind::Track, [lines]) => (*lines, 1),
            (_, [lines, pixels]) => (*lines, *pixels),
            _ => return Ok(()),
        };
        let step = (PART_VALUES / pixels.max(1)).max(2);
        let mut places: Option<KnownPlaces> = None;
        for number in 0..count {
            let index = self.index(number);
            for start in (0..all_lines).step_by(step) {
                let lines = start..all_lines.min(start + step);
                let slab = self.slab(&self.shape, &index, Some, &lines, self.leading.len());
                let values = decoded(dataset, &self.path, &slab)?;
                if values.iter().all(|value| value.is_nan()) {
                    continue;
                }
                let own_index: Vec<usize> = self
                    .leading
                    .iter()
                    .zip(&index)
                    .filter_map(|(known, at)| known.map(|_| *at))
                    .collect();
                let known = places
                    .take()
                    .filter(|known| known.index == own_index && known.lines == lines);
                let known = match known {
                    Some(known) => places.insert(known),
                    None => {
                        let (longitude, latitude) = self.places(dataset, &index, &lines, pixels)?;
                        places.insert(KnownPlaces {
                            index: own_index,
                            lines: lines.clone(),
                            longitude,
                            latitude,
                        })
                    }
                };
                let layer = Layer {
                    longitude: &known.longitude,
                    latitude: &known.latitude,
                    values: &values,
                    shape: [lines.len(), pixels],
                };
                take(&layer, all_lines == 1 || pixels == 1)?;
            }
        }
        Ok(())
    }

    /// A slab of an array: one index along each leading dimension (where `dimension_of` says which it is), and some
    /// lines of the dimension `line_dimension`.
    fn slab(
        &self,
        shape: &[usize],
        index: &[usize],
        dimension_of: impl Fn(usize) -> Option<usize>,
        lines: &Range<usize>,
        line_dimension: usize,
    ) -> Slab {
        let mut slab = Slab::all(shape);
        let mut narrow = |dimension: usize, first: usize, size: usize| {
            if let (Some(start), Some(count)) = (slab.start.get_mut(dimension), slab.count.get_mut(dimension))
            {
                (*start, *count) = (first, size);
            }
        };
        for (leading, at) in index.iter().enumerate() {
            if let Some(dimension) = dimension_of(leading) {
                narrow(dimension, *at, 1);
            }
        }
        narrow(line_dimension, lines.start, lines.len());
        slab
    }

    /// Indices along the leading dimensions of the layer of that number.
    fn index(&self, mut number: usize) -> Vec<usize> {
        let mut index: Vec<usize> = (0..self.leading.len())
            .rev()
            .map(|dimension| {
                let size = self.shape.get(dimension).copied().unwrap_or(1).max(1);
                let at = number % size;
                number /= size;
                at
            })
            .collect();
        index.reverse();
        index
    }

    /// Longitude and latitude of every value of some lines of a layer.
    fn places(
        &self,
        dataset: &dyn Dataset,
        index: &[usize],
        lines: &Range<usize>,
        pixels: usize,
    ) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let read = |path: &str, lines: &Range<usize>| {
            let shape = dataset
                .root()
                .shape(path)
                .ok_or_else(|| DatasetError::no_variable(dataset.label(), path))?;
            let line_dimension = shape
                .len()
                .saturating_sub(if self.kind == Kind::Swath { 2 } else { 1 });
            let dimension_of = |leading: usize| self.leading.get(leading).copied().flatten();
            let slab = self.slab(&shape, index, dimension_of, lines, line_dimension);
            decoded(dataset, path, &slab)
        };
        let across = 0..pixels;
        let along = |values: Vec<f64>| -> Vec<f64> {
            let rows = values
                .iter()
                .flat_map(|value| std::iter::repeat_n(*value, pixels));
            rows.collect()
        };
        let over = |values: Vec<f64>| values.repeat(lines.len());
        Ok(match self.kind {
            Kind::Swath | Kind::Track => (read(&self.longitude, lines)?, read(&self.latitude, lines)?),
            Kind::Grid { latitude_first: true } => (
                over(read(&self.longitude, &across)?),
                along(read(&self.latitude, lines)?),
            ),
            Kind::Grid {
                latitude_first: false,
            } => (
                along(read(&self.longitude, lines)?),
                over(read(&self.latitude, &across)?),
            ),
        })
    }
}

fn coordinate<'a>(group: &'a GroupMeta, names: &[&str], standard: &str) -> Option<&'a VariableMeta> {
    let by_name = names
        .iter()
        .find_map(|name| group.variables.iter().find(|variable| variable.name == *name));
    let is_standard = |variable: &&VariableMeta| variable.attributes.text("standard_name") == Some(standard);
    by_name.or_else(|| group.variables.iter().find(is_standard))
}

/// True values of a slab.
///
/// # Errors
/// If they cannot be read, or are no numbers.
pub(crate) fn decoded(dataset: &dyn Dataset, path: &str, slab: &Slab) -> Result<Vec<f64>, Error> {
    let array = dataset.read_slab(path, slab)?;
    let packing = dataset.root().variable(path).and_then(Packing::of);
    let text = || DatasetError::invalid(dataset.label(), path, "text cannot be drawn");
    Ok(packing
        .and_then(|packing| packing.decode(&array.values).ok())
        .ok_or_else(text)?)
}

fn unknown(dataset: &dyn Dataset, path: &str) -> DatasetError {
    let paths = dataset.root().variable_paths();
    let hint = karin_core::suggest::did_you_mean(path, paths.iter().map(String::as_str));
    DatasetError::new(
        karin_core::ErrorKind::NotFound,
        dataset.label(),
        path,
        format!("no such variable{hint}"),
    )
}

#[cfg(test)]
mod tests;
