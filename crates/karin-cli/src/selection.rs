//! The flags that say what is wanted. They are the same for every command.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use karin_core::{Selection, SelectionBuilder};

/// What is wanted of a source; without any flag, everything.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectionFlags {
    /// Product, as L2_LR_SSH_Basic
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
    /// Orbit phase: calval or science
    #[arg(long, value_name = "NAME")]
    phase: Option<String>,
    /// Cycle numbers, as 475-477,480
    #[arg(long, value_name = "LIST")]
    cycles: Option<String>,
    /// Pass numbers, as 1-10,12
    #[arg(long, value_name = "LIST")]
    passes: Option<String>,
    /// Lines by their time: A up to but not including B, either may be open; a date is that whole day
    #[arg(long, value_name = "A..B")]
    time: Option<String>,
    /// Pixels inside a box, edges included; W > E crosses the antimeridian
    #[arg(
        long,
        value_name = "W,S,E,N",
        allow_hyphen_values = true,
        conflicts_with = "polygon"
    )]
    bbox: Option<String>,
    /// Pixels inside the polygons of a GeoJSON file
    #[arg(long, value_name = "FILE")]
    polygon: Option<PathBuf>,
    /// exact: pixels outside the region become fill, empty lines go; lines: whole lines that touch it
    #[arg(long, value_name = "HOW")]
    crop: Option<String>,
    /// Variables, as ssha_karin_2,height_cor_xover [default: every numeric one]
    #[arg(long, value_name = "LIST", alias = "variables")]
    vars: Vec<String>,
    /// Least quality of the values kept: good, suspect, degraded or any
    #[arg(long, value_name = "LEVEL")]
    quality: Option<String>,
    /// Nadir values that L3 clips into the swath: keep, drop or only
    #[arg(long, value_name = "HOW")]
    nadir: Option<String>,
    /// Side of the swath of 250 m products: left, right or both
    #[arg(long, value_name = "SIDE")]
    side: Option<String>,
    /// Keep values where this is true, as 'dynamic_ice_flag == 0 and abs(ssha_karin_2) < 2'
    #[arg(long = "where", value_name = "EXPRESSION", allow_hyphen_values = true)]
    where_: Option<String>,
    /// Derived variable, as ssha=ssha_karin_2+height_cor_xover; may be given several times
    #[arg(long = "let", value_name = "NAME=EXPRESSION")]
    lets: Vec<String>,
    /// Height that currents, vorticity and the like derive from [default: ssha_filtered where there is one, else ssha]
    #[arg(long, value_name = "VARIABLE")]
    from: Option<String>,
    /// How they are derived: l3 (as AVISO's L3 products), fit:9, curvilinear, ... [default: l3]
    #[arg(long, value_name = "WORDS")]
    method: Option<String>,
    /// Which processing: a baseline or version (C, PIC?, v2, v2.0.1), best (or latest) or all [default: best]
    #[arg(long = "version", value_name = "VERSION")]
    version: Option<String>,
    /// State of a collection: the identifier of a snapshot [default: the newest]
    #[arg(long, value_name = "ID")]
    snapshot: Option<String>,
    /// Form of what is written
    #[arg(long, value_name = "LAYOUT")]
    layout: Option<String>,
}

impl SelectionFlags {
    /// The selection that the flags describe.
    ///
    /// # Errors
    /// If a flag cannot be understood, or the polygon file cannot be read.
    pub fn selection(&self) -> anyhow::Result<Selection> {
        let mut builder = Selection::builder();
        macro_rules! set {
            ($($field:ident),*) => {$(
                if let Some(text) = &self.$field { builder = builder.$field(text)?; }
            )*};
        }
        set!(
            product, phase, cycles, passes, time, bbox, crop, quality, nadir, side, version, layout
        );
        if let Some(path) = &self.polygon {
            builder = with_polygon(builder, path)?;
        }
        if !self.vars.is_empty() {
            builder = builder.variables(&self.vars.join(","))?;
        }
        if let Some(text) = &self.where_ {
            builder = builder.where_(text);
        }
        for text in &self.lets {
            builder = builder.let_(text)?;
        }
        if let Some(text) = &self.from {
            builder = builder.from_height(text);
        }
        if let Some(text) = &self.method {
            builder = builder.method(text);
        }
        if let Some(text) = &self.snapshot {
            builder = builder.snapshot(text);
        }
        Ok(builder.build()?)
    }

    /// The selection for a command that writes no granules, so that there is nothing that a layout could form.
    ///
    /// # Errors
    /// As [`selection`](Self::selection), and if there is a layout.
    pub fn without_layout(&self) -> anyhow::Result<Selection> {
        match &self.layout {
            Some(_) => {
                let reason = "only karin extract writes granules, in one layout or another";
                Err(karin::Error::option("--layout", reason).into())
            }
            None => self.selection(),
        }
    }
}

/// The builder with the polygons of a GeoJSON file.
///
/// # Errors
/// If the file cannot be read, or holds no polygons.
pub fn with_polygon(builder: SelectionBuilder, path: &Path) -> anyhow::Result<SelectionBuilder> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("--polygon {}: cannot be read", path.display()))?;
    builder
        .polygon(&text)
        .with_context(|| format!("--polygon {}", path.display()))
}
