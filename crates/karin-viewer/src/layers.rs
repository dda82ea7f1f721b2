//! Layers: gridded maps and tracks of nadir altimeters that are shown with the swath.
//!
//! Files that hold the same variables at the same places are one layer; each moment of each of them is a *step* of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use karin::netcdf::NcFile;
use karin_core::{Dataset as _, GranuleName, Packing, Product, Progress};
use moka::sync::Cache;

use crate::http::problem::Problem;

mod axis;
mod field;
mod structure;
mod tile;

pub use field::Field;
pub use structure::{Kind, LayerVariable};
pub use tile::draw;

use structure::Structure;

/// Part of the memory budget that fields of layers take, and one field at most.
const SHARE: u64 = 16;

/// All layers of a viewer.
pub struct Layers {
    layers: Vec<Layer>,
    files: Vec<PathBuf>,
    fields: Cache<(usize, String, usize), Arc<Field>>,
    most_bytes: u64,
    identity: String,
}

/// One layer.
#[derive(Debug)]
pub struct Layer {
    /// What it is called in requests.
    pub id: String,
    /// What it is called on the screen.
    pub label: String,
    /// How it lies on the globe.
    pub kind: Kind,
    /// What it holds.
    pub variables: Vec<LayerVariable>,
    /// Its moments, ascending.
    pub steps: Vec<Step>,
    structure: Structure,
}

/// One moment of a map, or one track.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it is read.
    pub file: PathBuf,
    /// Index along the time of the file; of tracks always 0.
    pub index: usize,
    /// First and last time, in seconds since 2000-01-01 UTC; NaN if the file does not tell.
    pub time: (f64, f64),
}

impl Layers {
    /// Opens files and folders of files.
    ///
    /// # Errors
    /// If a file cannot be read, or holds neither a map nor a track.
    pub fn open(files: &[PathBuf], memory: u64, progress: &dyn Progress) -> Result<Self, karin::Error> {
        let mut layers: Vec<Layer> = Vec::new();
        let mut hasher = blake3::Hasher::new();
        for file in files_of(files)? {
            if progress.is_cancelled() {
                return Err(karin::Error::Cancelled);
            }
            let opened = NcFile::open(&file)?;
            let structure = Structure::of(&opened)?.ok_or_else(|| not_a_layer(&file))?;
            let steps = structure.steps(&opened, &file)?;
            let changed = file.metadata().and_then(|about| about.modified()).ok();
            hasher.update(format!("{}\n{}\n{changed:?}\n", file.display(), opened.len()).as_bytes());
            match layers
                .iter_mut()
                .find(|layer| layer.structure.is_same(&structure))
            {
                Some(layer) => layer.steps.extend(steps),
                None => layers.push(Layer {
                    id: String::new(),
                    label: String::new(),
                    kind: structure.kind(),
                    variables: structure.variables.clone(),
                    steps,
                    structure,
                }),
            }
        }
        for at in 0..layers.len() {
            let taken: Vec<String> = layers.iter().take(at).map(|layer| layer.id.clone()).collect();
            if let Some(layer) = layers.get_mut(at) {
                layer.steps.sort_by(|a, b| a.time.0.total_cmp(&b.time.0));
                layer.label = label_of(&layer.steps);
                layer.id = id_of(&layer.label, &taken);
            }
        }
        let identity = match layers.is_empty() {
            true => String::new(),
            false => hasher.finalize().to_hex().chars().take(12).collect(),
        };
        Ok(Self {
            layers,
            files: files.to_vec(),
            fields: Cache::builder()
                .weigher(|_, field: &Arc<Field>| u32::try_from(field.bytes() / 64 + 1).unwrap_or(u32::MAX))
                .max_capacity(memory / SHARE / 64)
                .build(),
            most_bytes: memory / SHARE,
            identity,
        })
    }

    /// The layers, in the order of their files.
    pub fn all(&self) -> &[Layer] {
        &self.layers
    }

    /// What users named.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// What this state of the files is called; empty without layers.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The layer of that name, with its place in the list.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(&self, id: &str) -> Result<(usize, &Layer), Problem> {
        let found = self.layers.iter().enumerate().find(|(_, layer)| layer.id == id);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.layers.iter().map(|layer| layer.id.as_str()).collect();
            let hint = karin_core::suggest::did_you_mean(id, names.iter().copied());
            let id = crate::http::params::short(id);
            Problem::missing(format!("there is no layer '{id}'{hint}"))
                .hint("layers are named when the viewer starts: karin view SOURCE --layer FILE")
        })
    }

    /// Values of a variable at a step, with their places; read now or before.
    ///
    /// # Errors
    /// If it cannot be read, or takes more than its share of the memory.
    pub fn field(&self, at: usize, variable: &LayerVariable, step: usize) -> Result<Arc<Field>, Problem> {
        let layer = self
            .layers
            .get(at)
            .ok_or_else(|| Problem::missing("there is no such layer"))?;
        let moment = layer.steps.get(step).ok_or_else(|| {
            let last = layer.steps.len().saturating_sub(1);
            Problem::missing(format!("steps: layer {} has steps 0 to {last}", layer.id))
        })?;
        let read = || {
            let file = NcFile::open(&moment.file)
                .map_err(karin::Error::from)
                .map_err(Problem::from)?;
            Field::read(&file, &layer.structure, variable, moment.index, self.most_bytes).map(Arc::new)
        };
        // Many tiles ask for one field at a time: it is read once.
        let key = (at, variable.name.clone(), step);
        self.fields
            .try_get_with(key, read)
            .map_err(|problem: Arc<Problem>| (*problem).clone())
    }
}

impl Layer {
    /// The variable of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn variable(&self, name: &str) -> Result<&LayerVariable, Problem> {
        let found = self.variables.iter().find(|variable| variable.name == name);
        found.ok_or_else(|| {
            let names = self.variables.iter().map(|variable| variable.name.as_str());
            let hint = karin_core::suggest::did_you_mean(name, names);
            let name = crate::http::params::short(name);
            Problem::missing(format!("layer {} has no variable '{name}'{hint}", self.id))
        })
    }
}

/// True for a file among sources that is no granule but a map or a track of another altimeter.
pub fn is_layer(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_granule = GranuleName::parse(&name).is_ok_and(|parsed| parsed.product != Product::L4);
    !is_granule
        && path.is_file()
        && NcFile::open(path).is_ok_and(|file| matches!(Structure::of(&file), Ok(Some(_))))
}

/// The files that are meant: folders stand for the netCDF files in them.
fn files_of(named: &[PathBuf]) -> Result<Vec<PathBuf>, karin::Error> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let failed = |source| karin::Error::Io {
            path: path.display().to_string(),
            action: "read",
            source,
        };
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            if file
                .extension()
                .is_some_and(|extension| extension == "nc" || extension == "nc4")
            {
                inside.push(file);
            }
        }
        if inside.is_empty() {
            let reason = format!("{} holds no netCDF file (.nc)", path.display());
            return Err(karin::Error::option("--layer", reason));
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

fn not_a_layer(file: &Path) -> karin::Error {
    let reason = format!(
        "{} has no latitude and longitude along one dimension each (a map) or along the same one (a track): \
         maps on curvilinear grids cannot be layers",
        file.display()
    );
    karin::Error::option("--layer", reason)
}

/// What the names of the files of a layer begin with; of a single file, its name.
fn label_of(steps: &[Step]) -> String {
    let stems: Vec<String> = steps
        .iter()
        .filter_map(|step| Some(step.file.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    let Some(first) = stems.first() else {
        return "layer".to_owned();
    };
    if stems.iter().all(|stem| stem == first) {
        return first.clone();
    }
    let shared = stems.iter().fold(first.as_str(), |shared, stem| {
        let same = shared.chars().zip(stem.chars()).take_while(|(a, b)| a == b);
        let length: usize = same.map(|(a, _)| a.len_utf8()).sum();
        shared.get(..length).unwrap_or_default()
    });
    // Dates that begin alike tell nothing.
    let shared = shared.trim_end_matches(|c: char| c.is_ascii_digit() || !c.is_alphanumeric());
    if shared.is_empty() {
        first.clone()
    } else {
        shared.to_owned()
    }
}

/// Letters, digits, `-` and `_`, unlike those that are taken.
fn id_of(label: &str, taken: &[String]) -> String {
    let clean: String = label
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let is_free = |id: &String| !taken.contains(id);
    let numbered = (2..).map(|number| format!("{clean}-{number}"));
    std::iter::once(clean.clone())
        .chain(numbered)
        .find(is_free)
        .unwrap_or(clean)
}

/// The packing of a variable in a file; plain numbers where it has none.
fn packing_of(file: &NcFile, path: &str) -> Option<Packing> {
    Packing::of(file.root().variable(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(names: &[&str]) -> Vec<Step> {
        let step = |name: &&str| Step {
            file: PathBuf::from(name),
            index: 0,
            time: (0.0, 0.0),
        };
        names.iter().map(step).collect()
    }

    #[test]
    fn layers_are_named_by_what_their_files_share() {
        assert_eq!(
            label_of(&steps(&["/a/dt_global_20190101.nc", "/a/dt_global_20190102.nc"])),
            "dt_global"
        );
        assert_eq!(label_of(&steps(&["/a/one.nc", "/a/one.nc"])), "one");
        assert_eq!(label_of(&steps(&["/a/2019.nc", "/a/2020.nc"])), "2019");
        assert_eq!(id_of("a b/é", &[]), "a_b__");
        assert_eq!(id_of("a", &["a".to_owned(), "a-2".to_owned()]), "a-3");
    }
}
