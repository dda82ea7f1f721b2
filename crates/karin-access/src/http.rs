//! Requests to web servers: redirects followed one by one, accounts shown to their own service alone, a polite number
//! of requests at a time, answers that are what they say.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use url::Url;

use crate::credentials::Credentials;
use crate::error::shown;
use crate::seats::Seats;
use crate::{AccessError, Settings};

pub(crate) mod accounts;
mod guard;
mod message;
mod sessions;

use accounts::Accounts;
use guard::{Guard, PublicResolver, Reach};
pub(crate) use message::{Ask, Body, Reply};
use sessions::Sessions;

/// Redirects that are followed: Earthdata Login takes four.
const MAX_HOPS: usize = 10;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Http {
    any: Client,
    public: Client,
    guard: Guard,
    sessions: Sessions,
    seats: Seats,
    pub(crate) accounts: Accounts,
}

impl Http {
    /// Named are the servers of the settings, and `also`.
    pub(crate) fn new(
        settings: &Settings,
        credentials: Arc<Credentials>,
        also: &[Url],
    ) -> Result<Self, AccessError> {
        let mut guard = Guard::default();
        let keys = [
            "aviso.catalog",
            "aviso.products",
            "podaac.cmr",
            "podaac.archive",
            "podaac.login",
            "cmems.login",
            "cmems.config",
        ];
        for key in keys {
            guard.name(&settings.url(key)?);
        }
        also.iter().for_each(|url| guard.name(url));
        let client = || {
            Client::builder()
                .user_agent(concat!("karin/", env!("CARGO_PKG_VERSION")))
                .redirect(Policy::none())
                .referer(false)
                .connect_timeout(settings.stall().min(Duration::from_secs(30)))
                .read_timeout(settings.stall())
                .pool_max_idle_per_host(settings.connections().max(settings.grid_connections()))
        };
        let failed =
            |error: reqwest::Error| AccessError::option("https", format!("cannot be set up: {error}"));
        Ok(Self {
            any: client().build().map_err(failed)?,
            public: client().dns_resolver(PublicResolver).build().map_err(failed)?,
            guard,
            sessions: Sessions::default(),
            seats: Seats::new(settings.connections()),
            accounts: Accounts::new(settings, credentials)?,
        })
    }

    /// Has so many requests at a time to the server of that address from now on.
    pub(crate) fn allow(&self, url: &Url, at_a_time: usize) {
        self.seats.set(&url.origin().ascii_serialization(), at_a_time);
    }

    /// Asks, and follows redirects; the answer may have any status but one of a redirect.
    pub(crate) async fn send(&self, ask: &Ask) -> Result<Reply, AccessError> {
        let mut url = ask.url.clone();
        let mut from: Option<Url> = None;
        for _ in 0..MAX_HOPS {
            let reply = self.hop(ask, &url, from.as_ref()).await?;
            let Some(next) = redirect_of(&reply)? else {
                return Ok(reply);
            };
            from = Some(std::mem::replace(&mut url, next));
        }
        Err(AccessError::answer(
            &ask.url,
            format!("more than {MAX_HOPS} redirects"),
        ))
    }

    /// Asks, and takes a redirect for the answer: what carries an account goes nowhere else.
    pub(crate) async fn once(&self, ask: &Ask) -> Result<Reply, AccessError> {
        self.hop(ask, &ask.url, None).await
    }

    async fn hop(&self, ask: &Ask, url: &Url, from: Option<&Url>) -> Result<Reply, AccessError> {
        let client = match self.guard.check(url, from)? {
            Reach::Any => &self.any,
            Reach::Public => &self.public,
        };
        // A redirect after a form is followed with GET, as browsers do it.
        let method = if from.is_some() {
            Method::GET
        } else {
            ask.method.clone()
        };
        let mut request = client.request(method, url.clone());
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        if let Some((name, value)) = &ask.secret {
            request = request.header(name, value);
        }
        if let Some((kind, text)) = ask.body.as_ref().map(Body::typed) {
            request = request.header(CONTENT_TYPE, kind).body(text.to_owned());
        }
        if ask.with_account {
            request = request.headers(self.accounts.headers(url)?);
            let cookies = self.sessions.header(url);
            if !cookies.is_empty() {
                request = request.header(COOKIE, cookies);
            }
        }
        let seat = self.seats.take(&url.origin().ascii_serialization()).await;
        let response = request
            .send()
            .await
            .map_err(|error| AccessError::network(url, error))?;
        if ask.with_account {
            self.sessions.keep(url, response.headers());
        }
        Ok(Reply::new(response, url, seat))
    }

    /// Forgets sessions, so that the next request logs in again.
    pub(crate) fn forget_sessions(&self) {
        self.sessions.clear();
    }

    /// The error that an answer stands for which is none of the expected.
    pub(crate) async fn error_of(&self, mut reply: Reply) -> AccessError {
        let (url, status) = (reply.url.clone(), reply.status());
        let retry_after = reply.header(&RETRY_AFTER).and_then(seconds_of);
        let page = reply.beginning().await;
        if let Some(error) = self.accounts.refusal(&url, status, &page) {
            return error;
        }
        AccessError::Status {
            url: shown(&url),
            status,
            message: self.accounts.words_of(&page),
            retry_after,
        }
    }
}

/// Where an answer sends us.
fn redirect_of(reply: &Reply) -> Result<Option<Url>, AccessError> {
    if !matches!(reply.status(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(place) = reply.header(&LOCATION) else {
        return Err(AccessError::answer(&reply.url, "it redirects to nowhere"));
    };
    let next = reply.url.join(place);
    next.map(Some)
        .map_err(|_| AccessError::answer(&reply.url, "it redirects to what is no address"))
}

/// A date as headers have it.
pub(crate) fn parse_date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text.trim()).ok()
}

/// Seconds of a `Retry-After`: a number, or a date of HTTP.
fn seconds_of(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.trim().parse::<f64>() {
        return (0.0..1e6).contains(&seconds).then_some(seconds);
    }
    // One that has gone by is no time to wait.
    let wait = parse_date(text)?
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    Some(wait.as_secs_f64().min(1e6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_ask_to_wait_in_two_ways() {
        assert_eq!(seconds_of("120"), Some(120.0));
        assert_eq!(seconds_of("Wed, 21 Oct 2015 07:28:00 GMT"), Some(0.0));
        assert!(seconds_of("Wed, 21 Oct 2099 07:28:00 GMT").is_some_and(|seconds| seconds > 1e5));
        for text in ["", "soon", "-1", "NaN", "Wed, 21 Okt 2015 07:28:00 GMT"] {
            assert_eq!(seconds_of(text), None, "{text}");
        }
    }
}
