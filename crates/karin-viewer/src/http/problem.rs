//! What went wrong, as people and programs can read it: `application/problem+json` (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use karin::engine::EngineError;
use karin_core::{DatasetError, ErrorKind, RegionError, SelectionError};
use serde_json::json;

/// An answer that is none: status, kind, what is wrong, and what to do.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    hint: Option<String>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            detail: detail.into(),
            hint: None,
        }
    }

    /// 400: the request makes no sense.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_argument", detail)
    }

    /// 401: nobody has shown the token.
    pub fn no_session() -> Self {
        let detail = "this viewer answers only who opened it";
        Self::new(StatusCode::UNAUTHORIZED, "no_session", detail)
            .hint("open the address that karin view printed, with its token")
    }

    /// 403: asked for by another site.
    pub fn foreign(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "foreign", detail)
    }

    /// 404: there is no such thing.
    pub fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 405: the viewer only reads.
    pub fn read_only() -> Self {
        let detail = "the viewer only reads: GET and HEAD are all there is";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "read_only", detail)
    }

    /// 413: it would cost too much.
    pub fn too_much(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_much", detail)
    }

    /// 414: the address is too long.
    pub fn too_long(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::URI_TOO_LONG, "too_long", detail)
    }

    /// 429: too many requests wait already.
    pub fn busy() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", "too many requests at once")
            .hint("ask again in a second")
    }

    /// 500: a defect of karin.
    pub fn defect(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// With advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Of an error of the library, with its causes in one sentence.
    pub fn of(error: &(dyn std::error::Error + 'static), kind: ErrorKind) -> Self {
        let mut detail = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let text = inner.to_string();
            if !detail.contains(&text) {
                detail = format!("{detail}: {text}");
            }
            cause = inner.source();
        }
        let (status, name) = match kind {
            ErrorKind::InvalidArgument
            | ErrorKind::InvalidName
            | ErrorKind::SchemaMismatch
            | ErrorKind::Unsupported => (StatusCode::BAD_REQUEST, "invalid_argument"),
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            ErrorKind::Memory => (StatusCode::PAYLOAD_TOO_LARGE, "too_much"),
            ErrorKind::Cancelled => (StatusCode::SERVICE_UNAVAILABLE, "cancelled"),
            ErrorKind::Truncated | ErrorKind::Corrupt | ErrorKind::GeometryMismatch => {
                (StatusCode::UNPROCESSABLE_ENTITY, "damaged")
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        Self::new(status, name, detail)
    }
}

macro_rules! of_errors {
    ($($type:ty => $kind:expr),* $(,)?) => {$(
        impl From<$type> for Problem {
            fn from(error: $type) -> Self {
                let kind: fn(&$type) -> ErrorKind = $kind;
                Self::of(&error, kind(&error))
            }
        }
    )*};
}

of_errors!(
    karin::Error => karin::Error::kind,
    EngineError => EngineError::kind,
    DatasetError => |error| error.kind,
    SelectionError => |error| error.kind(),
    RegionError => |error| error.kind(),
);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "kind": self.kind,
            "detail": self.detail,
        });
        if let (Some(hint), Some(fields)) = (self.hint, body.as_object_mut()) {
            fields.insert("hint".to_owned(), hint.into());
        }
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }
}
