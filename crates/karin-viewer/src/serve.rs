//! Listening, until the user stops it.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use karin::provider::ProviderOptions;
use karin::store::OpenOptions;
use karin_core::{Progress, Resources};

use crate::archive::Archive;
use crate::http::session::Session;
use crate::http::{connections, router};
use crate::viewer::Viewer;

/// How a viewer is reached.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// Address or name to listen on: this machine alone, unless told otherwise.
    pub host: String,
    /// Port; 0 = any that is free.
    pub port: u16,
    /// Folder where tiles are kept between runs; `None` = the user's cache folder.
    pub cache: Option<PathBuf>,
    /// False to keep no tiles on disk.
    pub keeps_tiles: bool,
    /// Files and folders of maps and tracks that are shown with the swath.
    pub layers: Vec<PathBuf>,
    /// Settings and accounts for granules at servers.
    pub provider: ProviderOptions,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 0,
            cache: None,
            keeps_tiles: true,
            layers: Vec::new(),
            provider: ProviderOptions::default(),
        }
    }
}

/// A viewer that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    viewer: Arc<Viewer>,
    host: String,
}

impl Server {
    /// Opens what is to be served, and listens.
    ///
    /// # Errors
    /// If nothing can be opened, or the port is taken.
    pub fn start(
        inputs: &[PathBuf],
        open: &OpenOptions,
        options: &ServerOptions,
        resources: Resources,
        progress: &dyn Progress,
    ) -> Result<Self, karin::Error> {
        let listener = listen(options)?;
        let port = listener
            .local_addr()
            .map_err(|error| of_host(options, error))?
            .port();
        Ok(Self {
            viewer: open_viewer(inputs, open, (options, port), resources, progress)?,
            listener,
            host: options.host.clone(),
        })
    }

    /// The address that opens it, its token included.
    pub fn url(&self) -> String {
        format!("{}/?token={}", self.origin(), self.viewer.session().token())
    }

    /// The address without a token.
    pub fn origin(&self) -> String {
        let address = self.listener.local_addr().ok();
        let name = match address {
            Some(address) if address.ip().is_unspecified() => "127.0.0.1".to_owned(),
            Some(SocketAddr::V6(address)) => format!("[{}]", address.ip()),
            Some(address) => address.ip().to_string(),
            None => self.host.clone(),
        };
        format!("http://{name}:{}", address.map_or(0, |address| address.port()))
    }

    /// What is served.
    pub fn viewer(&self) -> &Arc<Viewer> {
        &self.viewer
    }

    /// Answers until `progress` says that the user wants to stop.
    ///
    /// # Errors
    /// If the system gives no threads or closes the port.
    pub fn run(self, progress: &dyn Progress) -> Result<(), karin::Error> {
        let failed = |error| karin::Error::Io {
            path: self.origin(),
            action: "serve",
            source: error,
        };
        let router = router(Arc::clone(&self.viewer), &self.host);
        let listener = self.listener.try_clone().map_err(failed)?;
        let runtime = runtime().map_err(failed)?;
        let served = runtime.block_on(async {
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::select! {
                served = connections::serve(listener, router) => served,
                () = stopped(progress) => Ok(()),
            }
        });
        // Work under way ends within a second; nobody waits for what the user stopped.
        runtime.shutdown_timeout(Duration::from_secs(1));
        served.map_err(failed)
    }
}

/// The viewer of granules and collections, reached on that port (0: on none).
///
/// # Errors
/// If nothing can be opened, or the system gives no random numbers.
pub(crate) fn open_viewer(
    inputs: &[PathBuf],
    open: &OpenOptions,
    (options, port): (&ServerOptions, u16),
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Arc<Viewer>, karin::Error> {
    let (layers, provider) = (&options.layers, &options.provider);
    let archive = Archive::open(inputs, layers, open, provider, resources, progress)?;
    let session = Session::new(port).map_err(|error| of_host(options, error))?;
    let folder = options
        .cache
        .clone()
        .or_else(cache_folder)
        .filter(|_| options.keeps_tiles);
    Ok(Arc::new(Viewer::new(archive, session, folder)))
}

/// The threads that answer.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(64)
        .thread_name("karin-viewer")
        .enable_all()
        .build()
}

async fn stopped(progress: &dyn Progress) {
    while !progress.is_cancelled() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn listen(options: &ServerOptions) -> Result<TcpListener, karin::Error> {
    let host = options.host.trim_matches(['[', ']']);
    let addresses = (host, options.port)
        .to_socket_addrs()
        .map_err(|error| of_host(options, error))?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    TcpListener::bind(addresses.as_slice()).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => karin::Error::option(
            "--port",
            format!(
                "{} is taken by another program: choose another one, or leave it out",
                options.port
            ),
        ),
        _ => of_host(options, error),
    })
}

fn of_host(options: &ServerOptions, source: std::io::Error) -> karin::Error {
    karin::Error::Io {
        path: format!("{}:{}", options.host, options.port),
        action: "listen",
        source,
    }
}

/// `$XDG_CACHE_HOME/karin/tiles`, else `~/.cache/karin/tiles`.
fn cache_folder() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let caches = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    caches.map(|caches| caches.join("karin/tiles"))
}
