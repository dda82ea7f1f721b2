//! A viewer inside another program, such as the kernel of a notebook: the same answers without a listening socket.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use karin::store::OpenOptions;
use karin_core::{Progress, Resources};

use crate::http::problem::Problem;
use crate::http::{assets, router};
use crate::serve::{ServerOptions, open_viewer, runtime};
use crate::viewer::Viewer;

/// The name under which the program asks itself.
const SELF: &str = "localhost";

/// A viewer that only the program that holds it can ask.
pub struct Embedded {
    viewer: Arc<Viewer>,
    service: TowerToHyperService<axum::Router>,
    runtime: Option<tokio::runtime::Runtime>,
}

/// What a question was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status, as HTTP has it.
    pub status: u16,
    /// The media type of the body.
    pub media_type: String,
    /// JSON or arrays; of an error JSON with `kind`, `detail` and `hint`.
    pub body: Vec<u8>,
}

/// A question under way.
#[derive(Debug)]
pub struct Asked(tokio::task::AbortHandle);

impl Asked {
    /// Gives the question up: work for it stops, and there is no answer unless there was one already.
    pub fn cancel(&self) {
        self.0.abort();
    }
}

impl Embedded {
    /// Opens granules and collections.
    ///
    /// # Errors
    /// If nothing can be opened, or the system gives no threads.
    pub fn open(
        inputs: &[PathBuf],
        open: &OpenOptions,
        options: &ServerOptions,
        resources: Resources,
        progress: &dyn Progress,
    ) -> Result<Self, karin::Error> {
        let viewer = open_viewer(inputs, open, (options, 0), resources, progress)?;
        let runtime = runtime().map_err(|source| karin::Error::Io {
            path: "karin-viewer".to_owned(),
            action: "start threads",
            source,
        })?;
        Ok(Self {
            service: TowerToHyperService::new(router(Arc::clone(&viewer), SELF)),
            runtime: Some(runtime),
            viewer,
        })
    }

    /// What is served.
    pub fn viewer(&self) -> &Arc<Viewer> {
        &self.viewer
    }

    /// Asks for a path of the API with its query (`/api/v1/point?...`) and comes back at once; `answered` is told the answer,
    /// on another thread. Dropping what is returned does not give the question up.
    pub fn ask(&self, target: &str, answered: impl FnOnce(Answer) + Send + 'static) -> Option<Asked> {
        let runtime = self.runtime.as_ref()?;
        let request = Request::get(target)
            .header(header::HOST, SELF)
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", self.viewer.session().token()),
            )
            .body(Body::empty());
        let service = self.service.clone();
        let task = runtime.spawn(async move {
            let answer = match request {
                Ok(request) => {
                    let Ok(response) = service.call(request).await;
                    Answer::of(response).await
                }
                Err(_) => Answer::of(Problem::invalid("this is no path").into_response()).await,
            };
            // Who is told may wait for something, such as the lock of an interpreter.
            let _ = tokio::task::spawn_blocking(move || answered(answer)).await;
        });
        Some(Asked(task.abort_handle()))
    }

    /// Every file of the page: its path, and what is in it.
    pub fn page() -> Vec<(&'static str, &'static [u8])> {
        assets::files()
    }
}

impl Answer {
    async fn of(response: Response) -> Self {
        let status = response.status().as_u16();
        let kind = response.headers().get(header::CONTENT_TYPE);
        let media_type = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let media_type = media_type.to_owned();
        match axum::body::to_bytes(response.into_body(), usize::MAX).await {
            Ok(body) => Self {
                status,
                media_type,
                body: body.into(),
            },
            // Files alone can break off, and their bytes without an end are worth nothing.
            Err(_) => Self {
                status: 500,
                media_type,
                body: Vec::new(),
            },
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // Whoever drops it may be what work under way waits for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::ZERO);
        }
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Embedded({:?})", self.viewer)
    }
}
