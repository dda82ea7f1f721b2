//! Maps of any dataset with longitudes and latitudes: results, cubes, grids, tracks.

use karin_core::{Dataset, DatasetError, GroupMeta, Packing, Slab, VariableMeta};

use super::selected::{FAVOURITES, Picture};
use super::{Layer, MapCanvas, MapOptions, PlotError, named};
use crate::Error;
use karin_core::geo::Extent;

/// Draws a variable of a dataset: the one of that path, else sea surface height anomaly or what comes nearest to it.
///
/// Its coordinates are the variables `latitude` and `longitude` (or `lat` and `lon`, or what has these standard names)
/// of its group: on the same last dimensions as the variable (swaths and tracks), or each on one of its last two
/// dimensions (grids). Other dimensions, such as cycle and pass, are drawn one over the other.
///
/// # Errors
/// If there is no such variable, it has no coordinates, it cannot be read, or there is nothing to be seen.
pub fn dataset(dataset: &dyn Dataset, path: Option<&str>, mut options: MapOptions) -> Result<Picture, Error> {
    let found = match path {
        Some(path) => Places::of(dataset, path)?,
        None => favourite(dataset)?,
    };
    let name = found.path.rsplit('/').next().unwrap_or_default().to_owned();
    let meta = dataset
        .root()
        .variable(&found.path)
        .ok_or_else(|| DatasetError::no_variable(dataset.label(), &found.path))?;
    named(&mut options, &name, meta);
    if options.subtitle.is_empty() {
        let label = dataset.label();
        options.subtitle = label.rsplit('/').next().unwrap_or(label).to_owned();
    }
    let bounds = match options.region {
        Some(region) => region,
        None => {
            let mut extent = Extent::default();
            found.each(dataset, |layer| {
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
    found.each(dataset, |layer| {
        granules += usize::from(layer.values.iter().any(|value| !value.is_nan()));
        canvas.add(layer)
    })?;
    Ok(Picture {
        png: canvas.png()?,
        variable: name,
        granules,
        unread: Vec::new(),
    })
}

/// The variable that one would like to see.
fn favourite(dataset: &dyn Dataset) -> Result<Places, Error> {
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
    Ok(found.into_iter().next().ok_or_else(nothing)?)
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

    /// Hands over a layer for each index of the leading dimensions.
    fn each(
        &self,
        dataset: &dyn Dataset,
        mut take: impl FnMut(&Layer<'_>) -> Result<(), PlotError>,
    ) -> Result<(), Error> {
        let count: usize = self.shape.iter().take(self.leading.len()).product();
        let own = self.shape.get(self.leading.len()..).unwrap_or_default();
        let shape = match (self.kind, own) {
            (Kind::Track, [lines]) => [*lines, 1],
            (_, [lines, pixels]) => [*lines, *pixels],
            _ => return Ok(()),
        };
        let mut places: Option<(Vec<usize>, Vec<f64>, Vec<f64>)> = None;
        for number in 0..count {
            let index = self.index(number);
            let mut slab = Slab::all(&self.shape);
            for (dimension, at) in index.iter().enumerate() {
                if let (Some(start), Some(count)) =
                    (slab.start.get_mut(dimension), slab.count.get_mut(dimension))
                {
                    (*start, *count) = (*at, 1);
                }
            }
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
            let (longitude, latitude) = match &places {
                Some((known, longitude, latitude)) if *known == own_index => (longitude, latitude),
                _ => {
                    let (longitude, latitude) = self.places(dataset, &index, shape)?;
                    let (_, longitude, latitude) = places.insert((own_index, longitude, latitude));
                    (&*longitude, &*latitude)
                }
            };
            take(&Layer {
                longitude,
                latitude,
                values: &values,
                shape,
            })?;
        }
        Ok(())
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

    /// Longitude and latitude of every value of a layer.
    fn places(
        &self,
        dataset: &dyn Dataset,
        index: &[usize],
        [lines, pixels]: [usize; 2],
    ) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let read = |path: &str| {
            let shape = dataset
                .root()
                .shape(path)
                .ok_or_else(|| DatasetError::no_variable(dataset.label(), path))?;
            let mut slab = Slab::all(&shape);
            for (known, at) in self.leading.iter().zip(index) {
                if let Some(dimension) = known
                    && let (Some(start), Some(count)) =
                        (slab.start.get_mut(*dimension), slab.count.get_mut(*dimension))
                {
                    (*start, *count) = (*at, 1);
                }
            }
            decoded(dataset, path, &slab)
        };
        let (longitude, latitude) = (read(&self.longitude)?, read(&self.latitude)?);
        let spread = |values: &[f64], of: fn(usize, usize) -> usize| {
            let at = |index: usize| values.get(of(index, pixels)).copied().unwrap_or(f64::NAN);
            (0..lines * pixels).map(at).collect::<Vec<f64>>()
        };
        let (line, pixel) = (
            |index: usize, pixels: usize| index / pixels.max(1),
            |index: usize, pixels: usize| index % pixels.max(1),
        );
        Ok(match self.kind {
            Kind::Swath | Kind::Track => (longitude, latitude),
            Kind::Grid { latitude_first: true } => (spread(&longitude, pixel), spread(&latitude, line)),
            Kind::Grid {
                latitude_first: false,
            } => (spread(&longitude, line), spread(&latitude, pixel)),
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

fn decoded(dataset: &dyn Dataset, path: &str, slab: &Slab) -> Result<Vec<f64>, Error> {
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
