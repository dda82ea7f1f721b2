//! The page and what belongs to it, built into the program.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use include_dir::{Dir, include_dir};

use super::problem::Problem;

static ASSETS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets");

/// What is shown where the page was not built in.
const NO_PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>karin</title>\
<body><h1>karin</h1><p>This karin was built without its page. The data are served: see \
<a href=\"openapi.json\">openapi.json</a>.</p></body></html>\n";

/// Every file of the page: its path, and what is in it.
pub fn files() -> Vec<(&'static str, &'static [u8])> {
    fn collect(folder: &'static Dir<'static>, found: &mut Vec<(&'static str, &'static [u8])>) {
        for file in folder.files() {
            found.extend(file.path().to_str().map(|path| (path, file.contents())));
        }
        folder.dirs().for_each(|folder| collect(folder, found));
    }
    let mut found = Vec::new();
    collect(&ASSETS, &mut found);
    found
}

/// The file of a path. Only what was built in can be named: a path is compared with names, never opened.
///
/// # Errors
/// If there is none.
pub fn asset(path: &str, request: &HeaderMap) -> Result<Response, Problem> {
    let name = match path.trim_start_matches('/') {
        "" => "index.html",
        name => name,
    };
    let found = ASSETS.get_file(name).filter(|_| !name.starts_with('.'));
    let (body, kind): (&'static [u8], _) = match found {
        Some(file) => (file.contents(), media_type(name)),
        None if name == "index.html" => (NO_PAGE.as_bytes(), media_type(name)),
        None => return Err(Problem::missing("there is no such page")),
    };
    let etag = format!(
        "\"{}\"",
        blake3::hash(body).to_hex().chars().take(32).collect::<String>()
    );
    // Names of built files hold a hash of what is in them.
    let is_hashed = name.starts_with("assets/");
    let keep = if is_hashed {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let is_known = super::server::is_known(request, &etag);
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => body.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    Ok(response)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "geojson" => "application/geo+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
