//! Requests to endpoints and back.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use karin_core::Progress;
use serde_json::Value;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use super::guard::{Hosts, guard};
use super::params::{Parameter, Params};
use super::problem::Problem;
use super::work::{Cost, Work};
use super::{assets, container, openapi};
use crate::viewer::Viewer;

/// Something that can be asked.
pub struct Endpoint {
    /// Path, with names in braces.
    pub path: &'static str,
    /// What it answers, in a sentence.
    pub summary: &'static str,
    /// The parameters of its query.
    pub params: &'static [&'static [Parameter]],
    /// How much it may cost.
    pub cost: Cost,
    /// The form of the answer.
    pub answered: Answered,
    /// False if it needs no session.
    pub is_private: bool,
    /// What answers it.
    pub handler: fn(&Ask<'_>) -> Result<Reply, Problem>,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// JSON that stays the same as long as the snapshot does.
    Json,
    /// JSON that may be another one next time.
    Passing,
    /// Arrays.
    Arrays,
    /// A picture.
    Png,
    /// A file to keep.
    File,
}

/// A request.
pub struct Ask<'a> {
    /// What is asked.
    pub viewer: &'a Viewer,
    /// The query.
    pub params: Params,
    /// Names and texts of the variable parts of the path.
    pub path: Vec<(String, String)>,
    /// Told of progress; says when nobody waits any more.
    pub progress: Arc<Work>,
}

impl Ask<'_> {
    /// The text of a variable part of the path.
    pub fn part(&self, name: &str) -> &str {
        self.path
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, text)| text)
    }

    /// Told of progress; says when nobody waits any more.
    pub fn progress(&self) -> &dyn Progress {
        self.progress.as_ref()
    }

    /// Threads that one answer may use.
    pub fn threads(&self) -> usize {
        self.viewer.archive().resources().jobs
    }
}

/// An answer.
#[derive(Debug)]
pub enum Reply {
    /// JSON.
    Json(Value),
    /// Arrays.
    Arrays(Vec<u8>),
    /// Arrays that others have too.
    Shared(Arc<Vec<u8>>),
    /// A picture.
    Png(Arc<Vec<u8>>),
    /// A file: open, its name, its type and its length.
    File(std::fs::File, String, &'static str, u64),
}

/// Everything there is, under a name of this machine or `host`.
pub fn router(viewer: Arc<Viewer>, host: &str) -> Router {
    let mut router = Router::new();
    for endpoint in crate::ask::ENDPOINTS {
        let viewer = Arc::clone(&viewer);
        let handle = move |path: RawPathParams, request: Request| {
            let path = path
                .iter()
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .collect();
            answer(Arc::clone(&viewer), endpoint, path, request)
        };
        router = router.route(endpoint.path, any(handle));
    }
    let describer = Arc::clone(&viewer);
    let describe = move |headers: HeaderMap| async move {
        let archive = Some(describer.archive()).filter(|_| describer.session().is_shown_by(&headers));
        response_of(Reply::Json(openapi::document(archive)), false)
    };
    let page = move |request: Request| async move { open(&viewer, &request) };
    let level = CompressionLevel::Fastest;
    let hosts = Hosts::new(host);
    router
        .route("/openapi.json", any(describe))
        .fallback(page)
        .layer(CompressionLayer::new().quality(level))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::defect("karin met a defect of its own").into_response()
        }))
        .layer(middleware::from_fn_with_state(hosts, guard))
}

/// The page; the token of its address is swapped for a cookie.
fn open(viewer: &Viewer, request: &Request) -> Response {
    let path = request.uri().path();
    let tokens = request
        .uri()
        .query()
        .into_iter()
        .flat_map(|query| query.split('&'));
    let token = tokens.filter_map(|pair| pair.strip_prefix("token=")).next();
    if let Some(token) = token.filter(|_| path == "/") {
        if !viewer.session().is_token(token) {
            return Problem::no_session().into_response();
        }
        let mut response = StatusCode::SEE_OTHER.into_response();
        let headers = response.headers_mut();
        headers.insert(header::LOCATION, HeaderValue::from_static("/"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(cookie) = HeaderValue::from_str(&viewer.session().set_cookie()) {
            headers.insert(header::SET_COOKIE, cookie);
        }
        return response;
    }
    if path.starts_with("/api/") || path.starts_with("/xyz/") {
        return Problem::missing("there is no such endpoint")
            .hint("see /openapi.json")
            .into_response();
    }
    assets::asset(path, request.headers()).unwrap_or_else(IntoResponse::into_response)
}

async fn answer(
    viewer: Arc<Viewer>,
    endpoint: &'static Endpoint,
    path: Vec<(String, String)>,
    request: Request,
) -> Response {
    match try_answer(viewer, endpoint, path, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn try_answer(
    viewer: Arc<Viewer>,
    endpoint: &'static Endpoint,
    path: Vec<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let session = viewer.session();
    let key = query.split('&').find_map(|pair| pair.strip_prefix("key="));
    let has_key = endpoint.answered == Answered::Png && key.is_some_and(|key| session.is_xyz_key(key));
    if endpoint.is_private && !has_key && !session.is_shown_by(request.headers()) {
        return Err(Problem::no_session());
    }
    let params = Params::parse(&query, endpoint.params)?;
    let state = viewer.archive().state();
    let etag = etag_of(&state, request.uri().path(), &params);
    let is_lasting = !matches!(endpoint.answered, Answered::Passing | Answered::File);
    let is_immutable = params
        .text("v")
        .is_some_and(|v| v.len() >= 8 && state.starts_with(v));
    if is_lasting && is_known(request.headers(), &etag) {
        return Ok(lasting(
            StatusCode::NOT_MODIFIED.into_response(),
            &etag,
            is_immutable,
        ));
    }
    // Dropped when the client leaves, which drops this future.
    let job = params
        .text("job")
        .filter(|_| endpoint.answered != Answered::Passing);
    let guard = viewer.works().begin(job);
    let turn = viewer.works().turn(endpoint.cost).await?;
    let (progress, worker) = (guard.work(), Arc::clone(&viewer));
    let work = move || {
        let _turn = turn;
        let ask = Ask {
            viewer: &worker,
            params,
            path,
            progress,
        };
        (endpoint.handler)(&ask)
    };
    let reply = tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Problem::defect("karin met a defect of its own"))??;
    drop(guard);
    let is_head = *request.method() == Method::HEAD;
    let response = response_of(reply, is_head)?;
    Ok(match is_lasting {
        true => lasting(response, &etag, is_immutable),
        false => {
            let mut response = response;
            response
                .headers_mut()
                .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
    })
}

fn response_of(reply: Reply, is_head: bool) -> Result<Response, Problem> {
    let of = |body: Body, kind: &'static str| {
        let mut response = Response::new(body);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    };
    let bytes = |shared: Arc<Vec<u8>>| Body::from(axum::body::Bytes::from_owner(Owned(shared)));
    Ok(match reply {
        Reply::Json(value) => of(Body::from(value.to_string()), "application/json"),
        Reply::Arrays(body) => of(Body::from(body), container::MEDIA_TYPE),
        Reply::Shared(body) => of(bytes(body), container::MEDIA_TYPE),
        Reply::Png(body) => of(bytes(body), "image/png"),
        Reply::File(file, name, kind, length) => {
            let body = match is_head {
                true => Body::empty(),
                false => Body::from_stream(tokio_util::io::ReaderStream::with_capacity(
                    tokio::fs::File::from_std(file),
                    256 << 10,
                )),
            };
            let mut response = of(body, kind);
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_LENGTH, length.into());
            let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
            headers.insert(
                header::CONTENT_DISPOSITION,
                disposition.map_err(|_| Problem::defect("the name of the file"))?,
            );
            response
        }
    })
}

/// Shared bytes as the body of an answer, without copying them.
struct Owned(Arc<Vec<u8>>);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// What the answer to a request is called. Weak: the same answer may come compressed or not.
fn etag_of(identity: &str, path: &str, params: &Params) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [env!("CARGO_PKG_VERSION"), identity, path, &params.canonical()] {
        hasher.update(part.as_bytes()).update(&[0]);
    }
    let hash: String = hasher.finalize().to_hex().chars().take(32).collect();
    format!("W/\"{hash}\"")
}

/// True if the client has the answer already.
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let bare = |text: &str| text.trim().trim_start_matches("W/").to_owned();
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    known
        .flat_map(|text| text.split(','))
        .any(|known| bare(known) == bare(etag))
}

fn lasting(mut response: Response, etag: &str, is_immutable: bool) -> Response {
    let keep = if is_immutable {
        "private, max-age=31536000, immutable"
    } else {
        "private, no-cache"
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(
        header::VARY,
        HeaderValue::from_static("accept-encoding, cookie, authorization"),
    );
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}
