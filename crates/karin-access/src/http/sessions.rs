//! Sessions that logins open: cookies, each given back to the origin (scheme, host, port) that set it and to no other.
//!
//! Stricter than browsers (RFC 6265): a cookie never reaches another host of the same domain. The archives that open
//! sessions need no more, and a list of public suffixes is not needed to be safe.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::header::{HeaderMap, SET_COOKIE};
use url::Url;

/// Names and values of cookies, by origin.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<String, BTreeMap<String, String>>>);

impl Sessions {
    fn held(&self) -> MutexGuard<'_, HashMap<String, BTreeMap<String, String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of `Cookie` for an address; empty without any.
    pub(super) fn header(&self, url: &Url) -> String {
        let held = self.held();
        let cookies = held.get(&url.origin().ascii_serialization());
        let pairs: Vec<_> = (cookies.into_iter().flatten())
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    /// Keeps what an answer sets; one that has expired already is one that is taken back.
    pub(super) fn keep(&self, url: &Url, headers: &HeaderMap) {
        let set = headers.get_all(SET_COOKIE).iter();
        for text in set.filter_map(|value| value.to_str().ok()) {
            let mut parts = text.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            let is_over = parts.any(|part| {
                let (key, value) = part.split_once('=').unwrap_or((part, ""));
                key.eq_ignore_ascii_case("max-age") && value.parse::<i64>().is_ok_and(|age| age <= 0)
            });
            let mut held = self.held();
            let cookies = held.entry(url.origin().ascii_serialization()).or_default();
            match is_over || name.is_empty() {
                true => drop(cookies.remove(name)),
                false => drop(cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
    }

    /// Forgets all of them.
    pub(super) fn clear(&self) {
        self.held().clear();
    }
}

/// The values are as good as passwords.
impl std::fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sessions(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_go_back_to_their_origin_alone() {
        let sessions = Sessions::default();
        let url = |text: &str| Url::parse(text).unwrap();
        let set = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(SET_COOKIE, text.parse().unwrap());
            sessions.keep(&url("https://archive.example/redirect"), &headers);
        };
        set("session=canary; Path=/; Domain=.example; HttpOnly");
        set("b=2=3");
        set("nonsense");
        assert_eq!(
            sessions.header(&url("https://archive.example/x")),
            "b=2=3; session=canary"
        );
        for other in [
            "https://example/",
            "http://archive.example/",
            "https://archive.example:8443/",
            "https://b.example/",
        ] {
            assert_eq!(sessions.header(&url(other)), "", "{other}");
        }
        set("session=; Max-Age=0");
        assert_eq!(sessions.header(&url("https://archive.example/x")), "b=2=3");
        assert!(!format!("{sessions:?}").contains("2=3"));
    }
}
