//! `karin plot SOURCE... -o FILE.png`

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use karin::plot::{ColorMap, MapOptions};
use karin_core::counted;
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::selection::SelectionFlags;
use crate::store::SourceFlags;

/// Arguments of `karin plot`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Granules, folders of granules, collections; or one netCDF file with a grid or the result of karin stat
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Where the map goes
    #[arg(long, short, value_name = "FILE.png")]
    output: PathBuf,
    /// Value of the lowest colour [default: 2 % of the map lies below it]
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    vmin: Option<f64>,
    /// Value of the highest colour [default: 2 % of the map lies above it]
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    vmax: Option<f64>,
    /// Colour map of cmocean, Crameri or matplotlib, as balance, vik, viridis, deep_r [default: what suits the variable]
    #[arg(long, value_name = "NAME")]
    cmap: Option<ColorMap>,
    /// Width and height of the picture in pixels, as 1920x1080 [default: 1600 wide, or what suits the map]
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<(u32, u32)>,
    /// Title, of several variables above all of them [default: the long name of the variable]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    #[command(flatten)]
    selection: SelectionFlags,
    #[command(flatten)]
    store: SourceFlags,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Answer {
    variable: String,
    granules: usize,
    left_out: usize,
    output: String,
    bytes: usize,
    seconds: f64,
}

/// Draws the variables asked for, several as panels; else sea surface height anomaly or what comes nearest to it.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let is_png = arguments
        .output
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    if !is_png {
        let reason = format!(
            "{}: maps are PNG files, expected a name that ends in .png",
            arguments.output.display()
        );
        return Err(karin::Error::option("--output", reason).into());
    }
    let selection = arguments.selection.without_layout()?;
    let open = arguments.store.reading(selection.snapshot.as_deref());
    let progress = context.progress.as_ref();
    let picture = karin::plot::inputs(
        &arguments.sources,
        &open,
        &arguments.store.provider(),
        &selection,
        arguments.options(context),
        context.resources,
        progress,
    )?;
    picture.write(&arguments.output)?;
    context.answer(&Answer {
        variable: picture.variable,
        granules: picture.granules,
        left_out: picture.unread.len(),
        output: arguments.output.display().to_string(),
        bytes: picture.png.len(),
        seconds: started.elapsed().as_secs_f64(),
    })?;
    Ok(if picture.unread.is_empty() {
        Outcome::Done
    } else {
        Outcome::Partial
    })
}

impl Arguments {
    fn options(&self, context: &Context) -> MapOptions {
        let mut options = MapOptions::default();
        options.title = self.title.clone().unwrap_or_default();
        options.color_map = self.cmap;
        options.minimum = self.vmin;
        options.maximum = self.vmax;
        options.size = self.size;
        options.notes = vec![
            (
                "Software".to_owned(),
                concat!("karin ", env!("CARGO_PKG_VERSION")).to_owned(),
            ),
            ("Command".to_owned(), context.command.clone()),
        ];
        options
    }
}

/// Width and height of `1920x1080`.
fn size(text: &str) -> Result<(u32, u32), String> {
    let numbers = text
        .split_once(['x', 'X', '×'])
        .map(|(width, height)| (width.trim().parse(), height.trim().parse()));
    match numbers {
        Some((Ok(width), Ok(height))) => Ok((width, height)),
        _ => Err("expected width and height in pixels, as 1920x1080".to_owned()),
    }
}

impl Report for Answer {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let Self {
            variable,
            granules,
            output,
            seconds,
            ..
        } = self;
        let left_out = match self.left_out {
            0 => String::new(),
            count => format!(", {count} left out"),
        };
        let granules = counted(*granules, "granule");
        writeln!(
            out,
            "{output}: {variable} of {granules}{left_out} in {seconds:.2} s"
        )
    }
}
