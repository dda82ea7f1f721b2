//! Whom accounts are shown to, and what answers say about them.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use url::{Host, Origin, Url};

use crate::credentials::{Account, Credentials, Service};
use crate::error::shown;
use crate::{AccessError, Settings};

/// Accounts, by the origin that each is for.
#[derive(Debug)]
pub(crate) struct Accounts {
    credentials: Arc<Credentials>,
    aviso: Origin,
    archive: Origin,
    login: Origin,
}

impl Accounts {
    pub(super) fn new(settings: &Settings, credentials: Arc<Credentials>) -> Result<Self, AccessError> {
        Ok(Self {
            credentials,
            aviso: settings.url("aviso.catalog")?.origin(),
            archive: settings.url("podaac.archive")?.origin(),
            login: settings.url("podaac.login")?.origin(),
        })
    }

    /// The service that an address belongs to.
    pub(crate) fn service_of(&self, url: &Url) -> Option<Service> {
        let origin = url.origin();
        if origin == self.aviso {
            Some(Service::Aviso)
        } else if origin == self.archive || origin == self.login {
            Some(Service::Podaac)
        } else {
            None
        }
    }

    /// True if an account is known for the service that an address belongs to.
    pub(crate) fn has_account(&self, url: &Url) -> bool {
        let service = self.service_of(url);
        service.is_some_and(|service| self.credentials.of(service).account.is_some())
    }

    /// The headers that show an address the account that is for it. A password of Earthdata goes to its login alone, a
    /// token to the archive alone.
    ///
    /// # Errors
    /// If the account would go over the net unencrypted.
    pub(super) fn headers(&self, url: &Url) -> Result<HeaderMap, AccessError> {
        let mut headers = HeaderMap::new();
        let Some(service) = self.service_of(url) else {
            return Ok(headers);
        };
        let Some((account, _)) = &self.credentials.of(service).account else {
            return Ok(headers);
        };
        let is_login = url.origin() == self.login;
        let shows = match account {
            Account::Password { .. } => service == Service::Aviso || is_login,
            Account::Token(_) => service == Service::Podaac && url.origin() == self.archive,
        };
        if !shows {
            return Ok(headers);
        }
        if !is_private(url) {
            return Err(AccessError::refused(
                url,
                "an account would go to it unencrypted: use https",
            ));
        }
        headers.insert(AUTHORIZATION, authorization(account, url)?);
        Ok(headers)
    }

    /// What an error page says in plain words, for a message; empty or beginning with a colon. A page that repeats one
    /// of our secrets is not quoted.
    pub(super) fn words_of(&self, page: &str) -> String {
        let repeats = Service::ALL
            .into_iter()
            .any(|service| match &self.credentials.of(service).account {
                Some((Account::Password { password: secret, .. } | Account::Token(secret), _)) => {
                    page.contains(secret.reveal()) || page.contains(&STANDARD.encode(secret.reveal()))
                }
                None => false,
            });
        if repeats { String::new() } else { plain(page) }
    }

    /// The error of an answer that is about the account, if it is: 401, 403, or the page of a login.
    pub(crate) fn refusal(&self, url: &Url, status: u16, page: &str) -> Option<AccessError> {
        let is_page_of_login = url.origin() == self.login || is_login_page(page);
        if !(matches!(status, 401 | 403) || (200..300).contains(&status) && is_page_of_login) {
            return None;
        }
        let service = self.service_of(url)?;
        let found = self.credentials.of(service);
        let mut reason = match (&found.account, status) {
            (None, _) => "none is known here".to_owned(),
            (Some((_, source)), 403) => format!(
                "it does not allow this for the one from {source} (are the terms of use accepted, and is the \
                 application approved in the profile there?)"
            ),
            (Some((_, source)), _) => format!("it does not accept the one from {source}"),
        };
        for passed_over in &found.passed_over {
            reason = format!("{reason}; passed over: {passed_over}");
        }
        Some(AccessError::SignIn {
            url: shown(url),
            service,
            reason,
        })
    }
}

/// The value of `Authorization`, marked as one that is never shown.
pub(crate) fn authorization(account: &Account, url: &Url) -> Result<HeaderValue, AccessError> {
    let text = match account {
        Account::Password { user, password } => {
            format!(
                "Basic {}",
                STANDARD.encode(format!("{user}:{}", password.reveal()))
            )
        }
        Account::Token(token) => format!("Bearer {}", token.reveal().trim()),
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| AccessError::refused(url, "the token holds characters that no token has"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// True if nobody on the way can read what is sent: https, or this machine.
pub(crate) fn is_private(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || is_here
}

/// True for the pages that ask for a password.
pub(crate) fn is_login_page(page: &str) -> bool {
    let page = page.to_ascii_lowercase();
    page.contains("<html")
        && (page.contains("type=\"password\"") || page.contains("oauth") || page.contains("log in"))
}

/// The text of a page without its tags, short; empty or beginning with a colon.
fn plain(page: &str) -> String {
    const LONGEST: usize = 160;
    let mut plain = String::new();
    let mut is_tag = false;
    for letter in page.chars() {
        match letter {
            '<' => is_tag = true,
            '>' => is_tag = false,
            letter if !is_tag && !letter.is_control() => plain.push(letter),
            letter if !is_tag && letter.is_whitespace() => plain.push(' '),
            _ => {}
        }
    }
    let words: Vec<_> = plain.split_whitespace().collect();
    let text: String = words.join(" ").chars().take(LONGEST).collect();
    if text.is_empty() {
        text
    } else {
        format!(": {text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_become_short_plain_words() {
        assert_eq!(
            plain("<html><h1>Not\n found</h1>\u{1b}[31m</html>"),
            ": Not found[31m"
        );
        assert_eq!(plain("<p></p>"), "");
        assert!(plain(&"x ".repeat(1000)).len() < 200);
    }

    #[test]
    fn accounts_go_to_https_and_to_this_machine() {
        let check = |url: &str| is_private(&Url::parse(url).unwrap());
        assert!(check("https://example.org/") && check("http://127.0.0.1:8/") && check("http://[::1]/"));
        assert!(
            !check("http://example.org/") && !check("http://10.0.0.1/") && !check("http://localhost.evil/")
        );
    }
}
