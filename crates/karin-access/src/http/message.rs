//! A question to a web server, and its answer.

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Response};
use url::Url;

use crate::AccessError;
use crate::seats::Seat;

/// Bytes of an error page that are looked at.
const PAGE: usize = 16 << 10;

/// The most room that is made for a body before it comes, whatever is announced.
const MOST_ROOM: usize = 8 << 20;

/// What is sent along with a question.
pub(crate) enum Body {
    /// A form, for logins.
    Form(String),
    /// A question in JSON.
    Json(String),
}

impl Body {
    /// Its type, and its text.
    pub(super) fn typed(&self) -> (&'static str, &str) {
        match self {
            Self::Form(text) => ("application/x-www-form-urlencoded", text),
            Self::Json(text) => ("application/json", text),
        }
    }
}

/// What is asked for.
pub(crate) struct Ask {
    pub url: Url,
    pub method: Method,
    pub headers: Vec<(HeaderName, String)>,
    /// What is sent along.
    pub body: Option<Body>,
    /// A header with an account, for logins.
    pub secret: Option<(HeaderName, HeaderValue)>,
    /// Whether accounts are shown to those whom they belong to.
    pub with_account: bool,
}

impl Ask {
    pub(crate) fn get(url: &Url) -> Self {
        Self {
            url: url.clone(),
            method: Method::GET,
            headers: Vec::new(),
            body: None,
            secret: None,
            with_account: false,
        }
    }

    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// An answer, and the right to one of the server's connections as long as it is read.
#[derive(Debug)]
pub(crate) struct Reply {
    pub response: Response,
    /// Where the answer comes from, after redirects.
    pub url: Url,
    _seat: Seat,
}

impl Reply {
    pub(super) fn new(response: Response, url: &Url, seat: Seat) -> Self {
        Self {
            response,
            url: url.clone(),
            _seat: seat,
        }
    }

    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    }

    /// True if it says that it is a page for people.
    pub(crate) fn is_page(&self) -> bool {
        self.header(&CONTENT_TYPE)
            .is_some_and(|kind| kind.to_ascii_lowercase().contains("html"))
    }

    /// The next bytes of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, AccessError> {
        self.response
            .chunk()
            .await
            .map_err(|error| AccessError::network(&self.url, error))
    }

    /// The whole body, if it is no longer than `limit`.
    pub(crate) async fn body(mut self, limit: usize) -> Result<Vec<u8>, AccessError> {
        let announced = self.response.content_length().unwrap_or(0);
        let room = usize::try_from(announced).unwrap_or(limit).min(limit);
        let mut body = BytesMut::with_capacity(room.min(MOST_ROOM));
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > limit {
                let reason = format!("the answer is longer than {limit} bytes");
                return Err(AccessError::answer(&self.url, reason));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.into())
    }

    /// The first bytes of the body as text, for messages.
    pub(crate) async fn beginning(&mut self) -> String {
        let mut text = Vec::new();
        while text.len() < PAGE {
            match self.chunk().await {
                Ok(Some(chunk)) => text.extend_from_slice(&chunk),
                _ => break,
            }
        }
        text.truncate(PAGE);
        String::from_utf8_lossy(&text).into_owned()
    }
}
