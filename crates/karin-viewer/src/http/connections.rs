//! Connections: so many at a time, and none that says nothing for long.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at a time: a browser opens six, a mapping program a dozen.
const MOST: usize = 256;
/// How long a client may take to say what it wants; a connection that is kept for the next request waits as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers connections for ever.
pub async fn serve(listener: TcpListener, router: Router) -> std::io::Result<()> {
    let permits = Arc::new(Semaphore::new(MOST));
    let service = TowerToHyperService::new(router);
    loop {
        // Beyond that, they wait in the queue of the system.
        let permit = Arc::clone(&permits)
            .acquire_owned()
            .await
            .map_err(std::io::Error::other)?;
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                // Of one connection that was gone at once, or no file left: neither ends the server.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Small answers leave at once.
        let _ = stream.set_nodelay(true);
        let service = service.clone();
        tokio::spawn(async move {
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            // What goes wrong on a connection is the business of the client.
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            drop(permit);
        });
    }
}
