//! Providers: what they have, files into a folder, a collection kept up with them.
//!
//! Which providers there are is the business of the library: this module hands on words and knows none of them.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use karin::access::{GetOptions, GetReport, LeftOut, Location};
use karin::copernicus::{Copernicus, SubsetOptions};
use karin::find::asks_for_products;
use karin::ingest::IngestOptions;
use karin::output::WriteOptions;
use karin::provider::{Provider, ProviderOptions};
use karin::sync::SyncOptions;
use karin_core::{ErrorKind, Progress, Selection};
use pyo3::prelude::*;
use serde::Serialize;

use crate::errors::{OrRaise as _, raise};
use crate::selection::selection_of;
use crate::verbs::{profile_of, writable};
use crate::work;

/// Whom to ask for what: the words of a selection and how to reach the provider.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Asked {
    words: HashMap<String, String>,
    /// The place; None: where the product usually is.
    place: Option<String>,
    /// `KEY=VALUE`.
    settings: Vec<String>,
    credentials: Option<PathBuf>,
}

impl Asked {
    /// The place, if one is named, what is wanted of it, and how it is reached. The product may name the place:
    /// `aviso:L3_LR_SSH_Basic`.
    pub fn question(mut self) -> PyResult<(Option<String>, Selection, ProviderOptions)> {
        let product = self.words.remove("product").unwrap_or_default();
        let (place, product) = karin::provider::place_of(&product, self.place.as_deref()).or_raise()?;
        self.words.insert("product".to_owned(), product.to_owned());
        let selection = selection_of(&self.words, &[])?;
        let options = ProviderOptions {
            set: self.settings,
            credentials: self.credentials,
        };
        Ok((place.map(ToOwned::to_owned), selection, options))
    }

    /// The selection, and the provider to ask for it.
    fn open(self) -> PyResult<(Selection, Provider)> {
        let (place, selection, options) = self.question()?;
        let provider = Provider::open(place.as_deref(), &selection, &options).or_raise()?;
        Ok((selection, provider))
    }

    /// The dataset of Copernicus Marine that `cmems:DATASET` names, and what is wanted of its files or its grid.
    fn dataset(mut self, told: &dyn Progress) -> PyResult<(Copernicus, Selection)> {
        let refused = |text: String| raise(ErrorKind::InvalidArgument, &text);
        let product = self.words.remove("product").unwrap_or_default();
        let version = self.words.remove("version");
        let of_passes = [
            ("phase", "phase"),
            ("cycles", "cycle_number"),
            ("passes", "pass_number"),
        ];
        if let Some((_, name)) = of_passes
            .into_iter()
            .find(|(word, _)| self.words.contains_key(*word))
        {
            return Err(refused(format!(
                "{name}: a dataset of Copernicus Marine has no passes"
            )));
        }
        if self.place.is_some() {
            return Err(refused(format!("from_: {product} says already where to look")));
        }
        let selection = selection_of(&self.words, &[])?;
        let options = ProviderOptions {
            set: self.settings,
            credentials: self.credentials,
        };
        let name = product.strip_prefix("cmems:").unwrap_or(&product);
        let dataset = Copernicus::open(name, version.as_deref(), &options, told).or_raise()?;
        Ok((dataset, selection))
    }
}

/// Ask Copernicus Marine for the files of a dataset, and tell of them as JSON.
#[pyfunction]
#[pyo3(signature = (asked, *, listener=None))]
pub fn find_files(py: Python<'_>, asked: Asked, listener: Option<&Bound<'_, PyAny>>) -> PyResult<String> {
    let files = work::run(py, listener, |told| {
        let (dataset, selection) = asked.dataset(told)?;
        dataset.find(selection.time, told).or_raise()
    })?;
    crate::json(&files)
}

/// Put the files of a dataset of Copernicus Marine into a folder (`only` those that lie at these places, if given), and tell
/// what became of each as JSON.
#[pyfunction]
#[pyo3(signature = (asked, folder, *, only=None, dry_run=false, rate=None, listener=None))]
pub fn get_files(
    py: Python<'_>,
    asked: Asked,
    folder: PathBuf,
    only: Option<HashSet<String>>,
    dry_run: bool,
    rate: Option<u64>,
    listener: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let options = GetOptions { dry_run, rate };
    let report = work::run(py, listener, |told| {
        let (dataset, selection) = asked.dataset(told)?;
        if selection.region.is_some() || !selection.variables.is_empty() {
            let text = "whole files go into a folder; for a box or variables name a file .nc or .zarr";
            return Err(raise(ErrorKind::InvalidArgument, text));
        }
        let mut files = dataset.files(selection.time, told).or_raise()?;
        keep_only(&mut files, only.as_ref(), |file| &file.location);
        dataset.get(&files, &folder, &options, told).or_raise()
    })?;
    crate::json(&Got {
        report,
        left_out: Vec::new(),
    })
}

/// Write a part of a grid of Copernicus Marine, by box, time and variables, to a file, and tell of it as JSON.
#[pyfunction]
#[pyo3(signature = (asked, path, *, command="", dry_run=false, rate=None, deflate=None, jobs=None, memory=None, listener=None))]
#[allow(clippy::too_many_arguments, reason = "one of each of the function in Python")]
pub fn get_part(
    py: Python<'_>,
    asked: Asked,
    path: PathBuf,
    command: &str,
    dry_run: bool,
    rate: Option<u64>,
    deflate: Option<u8>,
    jobs: Option<usize>,
    memory: Option<u64>,
    listener: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let writing = SubsetOptions {
        output: WriteOptions::default()
            .with_resources(work::resources(jobs, memory))
            .with_deflate(deflate.map(|level| level.min(9))),
        history: command.to_owned(),
        dry_run,
        rate,
    };
    let report = work::run(py, listener, |told| {
        let (dataset, selection) = asked.dataset(told)?;
        dataset.subset(&selection, &path, &writing, told).or_raise()
    })?;
    crate::json(&report)
}

/// Ask Copernicus Marine what a dataset holds (of a version, of the newest, or of `all`), and tell of it as JSON.
#[pyfunction]
#[pyo3(signature = (dataset, version, settings, credentials, *, listener=None))]
pub fn describe(
    py: Python<'_>,
    dataset: &str,
    version: Option<&str>,
    settings: Vec<String>,
    credentials: Option<PathBuf>,
    listener: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let Some(name) = dataset.strip_prefix("cmems:") else {
        let text = format!("{dataset}: expected cmems:DATASET of Copernicus Marine");
        return Err(raise(ErrorKind::InvalidArgument, &text));
    };
    let options = ProviderOptions {
        set: settings,
        credentials,
    };
    let told = work::run(py, listener, |told| {
        karin::copernicus::describe(name, version, &options, told).or_raise()
    })?;
    crate::json(&told)
}

/// Ask a provider what it publishes (`aviso`, `cmems:cmems_obs-sl*`), and tell of it as JSON.
#[pyfunction]
#[pyo3(signature = (provider, settings, credentials, *, listener=None))]
pub fn find_products(
    py: Python<'_>,
    provider: &str,
    settings: Vec<String>,
    credentials: Option<PathBuf>,
    listener: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let Some((service, pattern)) = asks_for_products(provider) else {
        let text = format!(
            "provider={provider:?}: expected aviso, podaac or cmems, alone or with a pattern, as cmems:*phy-ssh*"
        );
        return Err(raise(ErrorKind::InvalidArgument, &text));
    };
    let options = ProviderOptions {
        set: settings,
        credentials,
    };
    let report = work::run(py, listener, |told| {
        karin::find::products(service, pattern, &options, told).or_raise()
    })?;
    crate::json(&report)
}

/// Ask a provider for granules, and tell of them as JSON.
#[pyfunction]
#[pyo3(signature = (asked, *, listener=None))]
pub fn find(py: Python<'_>, asked: Asked, listener: Option<&Bound<'_, PyAny>>) -> PyResult<String> {
    let report = work::run(py, listener, |told| {
        let (selection, provider) = asked.open()?;
        karin::find::find(&provider, &selection, told).or_raise()
    })?;
    crate::json(&report)
}

/// Keeps what lies at one of these places, if any are named.
fn keep_only<T>(found: &mut Vec<T>, only: Option<&HashSet<String>>, location: impl Fn(&T) -> &Location) {
    if let Some(only) = only {
        found.retain(|one| only.contains(&location(one).to_string()));
    }
}

#[derive(Serialize)]
struct Got {
    #[serde(flatten)]
    report: GetReport,
    left_out: Vec<LeftOut>,
}

/// Put the granules that a provider has into a folder, and tell what became of each as JSON; `only` those that lie at
/// these places, if given.
#[pyfunction]
#[pyo3(signature = (asked, folder, *, only=None, dry_run=false, rate=None, listener=None))]
pub fn get(
    py: Python<'_>,
    asked: Asked,
    folder: PathBuf,
    only: Option<HashSet<String>>,
    dry_run: bool,
    rate: Option<u64>,
    listener: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let options = GetOptions { dry_run, rate };
    let got = work::run(py, listener, |told| {
        let (selection, provider) = asked.open()?;
        let mut found = provider.find(&selection, told).or_raise()?;
        keep_only(&mut found.granules, only.as_ref(), |granule| &granule.location);
        let report = provider
            .get(&found.granules, &folder, &options, told)
            .or_raise()?;
        Ok(Got {
            report,
            left_out: found.left_out,
        })
    })?;
    crate::json(&got)
}

/// Bring a collection up with a provider, and tell what was done as JSON.
#[pyfunction]
#[pyo3(signature = (asked, collection, *, keep=None, crop=false, dry_run=false, replace=false, rate=None, profile="portable",
                    endpoint=None, region=None, locks_work=false, jobs=None, memory=None, listener=None))]
#[allow(
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "keywords of Python"
)]
pub fn sync(
    py: Python<'_>,
    asked: Asked,
    collection: String,
    keep: Option<PathBuf>,
    crop: bool,
    dry_run: bool,
    replace: bool,
    rate: Option<u64>,
    profile: &str,
    endpoint: Option<String>,
    region: Option<String>,
    locks_work: bool,
    jobs: Option<usize>,
    memory: Option<u64>,
    listener: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let options = SyncOptions {
        ingest: IngestOptions {
            store: writable(endpoint, region, locks_work),
            profile: profile_of(profile)?,
            replace,
            dry_run,
            resources: work::resources(jobs, memory),
            ..IngestOptions::default()
        },
        keep,
        crop,
        rate,
    };
    let report = work::run(py, listener, |told| {
        let (selection, provider) = asked.open()?;
        karin::sync::sync(&provider, &selection, &collection, &options, told).or_raise()
    })?;
    crate::json(&report)
}
