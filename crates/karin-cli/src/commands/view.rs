//! `karin view SOURCE...`

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use karin_viewer::{Server, ServerOptions};

use crate::context::Context;
use crate::exit::Outcome;
use crate::store::SourceFlags;

/// Arguments of `karin view`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Granules, folders of granules, collections
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Maps (netCDF with latitude and longitude along one dimension each) and tracks of nadir altimeters to show with the
    /// swath: a file or a folder of files; may be given several times
    #[arg(long = "layer", value_name = "FILE")]
    layers: Vec<PathBuf>,
    /// Port to listen on [default: any that is free]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Address to listen on: other machines can ask only if told so
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: String,
    /// Open no browser, only print the address
    #[arg(long)]
    no_browser: bool,
    /// Folder where map tiles are kept between runs [default: karin/tiles in the cache folder of the user]
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_cache")]
    cache: Option<PathBuf>,
    /// Keep no map tiles on disk
    #[arg(long)]
    no_cache: bool,
    /// State of a collection: the identifier of a snapshot [default: the newest]
    #[arg(long, value_name = "ID")]
    snapshot: Option<String>,
    #[command(flatten)]
    store: SourceFlags,
}

/// Serves until Ctrl-C. The first line on stdout is the address, its token included.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let progress = context.progress.as_ref();
    let mut options = ServerOptions::default();
    options.host.clone_from(&arguments.host);
    options.port = arguments.port.unwrap_or(0);
    options.cache.clone_from(&arguments.cache);
    options.layers.clone_from(&arguments.layers);
    options.keeps_tiles = !arguments.no_cache;
    options.provider = arguments.store.provider();
    let open = arguments.store.reading(arguments.snapshot.as_deref());
    let server = Server::start(&arguments.sources, &open, &options, context.resources, progress)?;
    let url = server.url();
    {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{url}")?;
        out.flush()?;
    }
    context.note("the viewer runs until Ctrl-C");
    if !arguments.no_browser && open::that_detached(&url).is_err() {
        context.note("no browser could be opened: open the address above in one");
    }
    server.run(progress)?;
    Ok(Outcome::Done)
}
