//! Looking at a source: which granules has it?

use std::path::{Path, PathBuf};

use karin_access::{Place, now};
use karin_core::time::format_instant;
use karin_core::{GranuleName, Progress, Selection};
use karin_store::{Collection, GranuleState, OpenOptions, StoreOptions};

use super::{Entry, Kind, Source};
use crate::Error;
use crate::provider::{Provider, ProviderOptions};

/// Deepest level of folders that is looked into; loops of links end here.
const MAX_DEPTH: usize = 12;

/// What is looked at.
#[derive(Clone, Debug)]
pub enum Look<'a> {
    /// A folder of granules, with everything below it.
    Folder(PathBuf),
    /// A collection.
    Collection(String, StoreOptions),
    /// What a provider has of a selection; the text is how the user named both.
    Provider {
        /// The place, as after `--from`; `None`: where the product usually is.
        from: Option<&'a str>,
        /// Product, and which part of it.
        selection: &'a Selection,
        /// How the user named it.
        words: String,
    },
}

impl<'a> Look<'a> {
    /// A folder of granules or a collection, whichever lies there.
    pub fn at(place: &Path, store: StoreOptions) -> Self {
        match crate::sources::is_collection(place) {
            true => Self::Collection(place.to_string_lossy().into_owned(), store),
            false => Self::Folder(place.to_owned()),
        }
    }

    /// What a provider has of a selection: the one that is named, or the one where its product usually is.
    pub fn provider(from: Option<&'a str>, selection: &'a Selection) -> Self {
        let usual = || selection.product.map(|product| Place::usual(product).to_string());
        let place = from.map(ToOwned::to_owned).or_else(usual).unwrap_or_default();
        let product = selection.product.map_or("", |product| product.name());
        Self::Provider {
            from,
            selection,
            words: format!("{place}:{product}"),
        }
    }
}

impl Look<'_> {
    /// The name under which the source is kept.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Folder(path) => full(path).display().to_string(),
            Self::Collection(location, _) if location.contains("://") => location.clone(),
            Self::Collection(location, _) => full(Path::new(location)).display().to_string(),
            Self::Provider { words, .. } => words.clone(),
        }
    }

    /// Looks, or gives back what was seen `before` if the source says that nothing changed.
    pub(super) fn look(
        &self,
        before: Option<&Source>,
        options: &ProviderOptions,
        progress: &dyn Progress,
    ) -> Result<Source, Error> {
        let (kind, state, entries) = match self {
            Self::Folder(path) => {
                let mut entries = Vec::new();
                walk(path, 0, &mut entries, progress)?;
                (Kind::Folder, None, entries)
            }
            Self::Collection(location, store) => {
                let open = OpenOptions {
                    store: StoreOptions {
                        read_only: true,
                        ..store.clone()
                    },
                    snapshot: None,
                };
                let collection = Collection::open(location, &open)?;
                let state = Some(collection.snapshot_id());
                let entries = match before.filter(|source| source.state == state) {
                    Some(source) => source.entries.clone(),
                    None => held(&collection)?,
                };
                (Kind::Collection, state, entries)
            }
            Self::Provider { from, selection, .. } => {
                let provider = Provider::open(*from, selection, options)?;
                let found = provider.find(selection, progress)?;
                for left_out in &found.left_out {
                    progress.warn(&format!("{} is left out: {}", left_out.place, left_out.reason));
                }
                let entry =
                    |granule: &karin_access::RemoteGranule| Entry::of(&granule.name, granule.size.estimate());
                (Kind::Provider, None, found.granules.iter().map(entry).collect())
            }
        };
        Ok(Source {
            place: self.place(),
            kind,
            looked_at: format_instant(now().floor()),
            state,
            entries,
        })
    }
}

/// The path from the root, so that a source is the same from every folder.
fn full(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn held(collection: &Collection) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for group in collection.groups() {
        let product = group.key().product;
        entries.extend(group.granules()?.iter().map(|facts| Entry {
            product,
            cycle_number: facts.half_orbit.cycle.0,
            pass_number: facts.half_orbit.pass.0,
            version: facts.version.clone(),
            size: facts.size,
            partial: facts.state == GranuleState::Partial,
        }));
    }
    Ok(entries)
}

fn walk(folder: &Path, depth: usize, entries: &mut Vec<Entry>, progress: &dyn Progress) -> Result<(), Error> {
    let listed = std::fs::read_dir(folder).map_err(|error| Error::io(folder, "read", error))?;
    for entry in listed.filter_map(Result::ok) {
        if progress.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let path = entry.path();
        // What went away since is not there.
        let Ok(meta) = std::fs::metadata(&path) else {
            continue;
        };
        if meta.is_dir() {
            if depth < MAX_DEPTH {
                walk(&path, depth + 1, entries, progress)?;
            }
        } else if let Some(name) = entry.file_name().to_str()
            && name.ends_with(".nc")
            && let Ok((name, _)) = GranuleName::parse_whole(name)
        {
            entries.push(Entry::of(&name, meta.len()));
        }
    }
    Ok(())
}
