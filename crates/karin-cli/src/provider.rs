//! The flags of commands that ask providers.

use std::path::PathBuf;

use clap::Args;
use karin::access::Service;
use karin::find::asks_for_products;
use karin::provider::{Provider, ProviderOptions, place_of};
use karin_core::Selection;

use crate::selection::with_polygon;

/// What is wanted of a provider.
#[derive(Debug, Args)]
pub struct WantedFlags {
    /// Product, as L2_LR_SSH_Expert or aviso:L3_LR_SSH_Basic; or cmems:DATASET of Copernicus Marine; find also takes
    /// aviso, podaac and cmems, alone or with a pattern (cmems:*phy-ssh*), and lists what is published there
    #[arg(value_name = "PRODUCT")]
    product: String,
    /// Orbit phase: calval or science
    #[arg(long, value_name = "NAME", help_heading = "Selection")]
    phase: Option<String>,
    /// Cycle numbers, as 475-477,480
    #[arg(long, value_name = "LIST", help_heading = "Selection")]
    cycles: Option<String>,
    /// Pass numbers, as 1-10,12
    #[arg(long, value_name = "LIST", help_heading = "Selection")]
    passes: Option<String>,
    /// Passes that fly then: A up to but not including B, either may be open; a date is that whole day
    #[arg(long, value_name = "A..B", help_heading = "Selection")]
    time: Option<String>,
    /// Passes that see a box; W > E crosses the antimeridian
    #[arg(
        long,
        value_name = "W,S,E,N",
        allow_hyphen_values = true,
        conflicts_with = "polygon",
        help_heading = "Selection"
    )]
    bbox: Option<String>,
    /// Passes that see the polygons of a GeoJSON file
    #[arg(long, value_name = "FILE", help_heading = "Selection")]
    polygon: Option<PathBuf>,
    /// Which processing: a baseline or version (C, PIC?, v2, v2.0.1), best (or latest) or all [default: best]
    #[arg(long = "version", value_name = "VERSION", help_heading = "Selection")]
    version: Option<String>,
    #[command(flatten)]
    provider: ProviderFlags,
}

/// How to reach a provider.
#[derive(Debug, Args)]
#[command(next_help_heading = "Provider")]
pub struct ProviderFlags {
    /// Whom to ask: aviso, podaac, cmems, a folder, http(s)://..., sftp:// (or scp://)..., ftp://... or s3://BUCKET/PREFIX [default: aviso for level 3, else podaac]
    #[arg(long, value_name = "PLACE")]
    from: Option<String>,
    #[command(flatten)]
    settings: SettingFlags,
}

/// Settings and accounts.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Provider")]
pub struct SettingFlags {
    /// A setting, as aviso.catalog=https://... or transfers.connections=4; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Accounts in a file in the form of a .netrc, before all other sources
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
}

impl SettingFlags {
    pub fn options(&self) -> ProviderOptions {
        ProviderOptions {
            set: self.set.clone(),
            credentials: self.credentials.clone(),
        }
    }
}

impl WantedFlags {
    /// The selection, and the provider to ask for it.
    ///
    /// # Errors
    /// If a flag cannot be understood.
    pub fn open(&self) -> anyhow::Result<(Selection, Provider)> {
        let (from, selection) = self.question()?;
        let provider = Provider::open(from, &selection, &self.options())?;
        Ok((selection, provider))
    }

    /// The place, if one is named, and the selection.
    ///
    /// # Errors
    /// If a flag cannot be understood.
    pub fn question(&self) -> anyhow::Result<(Option<&str>, Selection)> {
        let (from, product) = place_of(&self.product, self.provider.from.as_deref())?;
        let mut builder = Selection::builder().product(product)?;
        macro_rules! set {
            ($($field:ident),*) => {$(
                if let Some(text) = &self.$field { builder = builder.$field(text)?; }
            )*};
        }
        set!(phase, cycles, passes, time, bbox, version);
        if let Some(path) = &self.polygon {
            builder = with_polygon(builder, path)?;
        }
        Ok((from, builder.build()?))
    }

    /// The provider and the pattern, if it is asked what is published.
    pub fn products(&self) -> Option<(Service, &str)> {
        match self.is_from_copernicus() && self.product.contains(['*', '?']) {
            true => Some((Service::Cmems, &self.product)),
            false => asks_for_products(&self.product),
        }
    }

    /// The dataset of `cmems:DATASET`, or of `DATASET --from cmems`.
    pub fn copernicus(&self) -> Option<&str> {
        let named = self.product.strip_prefix("cmems:");
        named.or_else(|| self.is_from_copernicus().then_some(self.product.as_str()))
    }

    fn is_from_copernicus(&self) -> bool {
        self.provider
            .from
            .as_deref()
            .is_some_and(|from| from.eq_ignore_ascii_case("cmems"))
            && !self.product.starts_with("cmems:")
    }

    /// What is wanted of a grid: box, time and variables; and the version of the dataset.
    ///
    /// # Errors
    /// If a flag cannot be understood, or is about passes.
    pub fn grid(&self, variables: &[String]) -> anyhow::Result<(Selection, Option<&str>)> {
        let of_passes = [
            ("--phase", &self.phase),
            ("--cycles", &self.cycles),
            ("--passes", &self.passes),
        ];
        if let Some((flag, _)) = of_passes.into_iter().find(|(_, value)| value.is_some()) {
            return Err(karin::Error::option(flag, "a dataset of Copernicus Marine has no passes").into());
        }
        if self.provider.from.is_some() && !self.is_from_copernicus() {
            let reason = format!("{} says already where to look", self.product);
            return Err(karin::Error::option("--from", reason).into());
        }
        let mut builder = Selection::builder();
        if let Some(text) = &self.time {
            builder = builder.time(text)?;
        }
        if let Some(text) = &self.bbox {
            builder = builder.bbox(text)?;
        }
        if let Some(path) = &self.polygon {
            builder = with_polygon(builder, path)?;
        }
        let mut selection = builder.build()?;
        for list in variables {
            selection.variables.extend(Selection::parse_variables(list)?);
        }
        Ok((selection, self.version.as_deref()))
    }

    /// Settings and accounts.
    pub fn options(&self) -> ProviderOptions {
        self.provider.settings.options()
    }
}
