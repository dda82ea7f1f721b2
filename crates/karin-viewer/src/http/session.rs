//! Who may ask: whoever has the token of the printed address, or what it was swapped for.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

/// The secrets of one run.
pub struct Session {
    token: String,
    cookie: String,
    xyz_key: String,
    /// Cookies know no ports: each viewer of a machine has its own.
    cookie_name: String,
}

impl Session {
    /// Fresh secrets for a viewer on that port.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn new(port: u16) -> std::io::Result<Self> {
        Ok(Self {
            token: secret()?,
            cookie: secret()?,
            xyz_key: secret()?,
            cookie_name: format!("karin_session_{port}"),
        })
    }

    /// The token of the printed address.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The key that gives maps, and nothing else.
    pub fn xyz_key(&self) -> &str {
        &self.xyz_key
    }

    /// What a browser is told to keep once it has shown the token.
    pub fn set_cookie(&self) -> String {
        format!(
            "{}={}; HttpOnly; SameSite=Strict; Path=/",
            self.cookie_name, self.cookie
        )
    }

    /// True if the token is this.
    pub fn is_token(&self, given: &str) -> bool {
        is_same(&self.token, given)
    }

    /// True if the key of maps is this.
    pub fn is_xyz_key(&self, given: &str) -> bool {
        is_same(&self.xyz_key, given)
    }

    /// True if a request shows the cookie, or the token as `Authorization: Bearer`.
    pub fn is_shown_by(&self, headers: &HeaderMap) -> bool {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        if bearer
            .and_then(|text| text.strip_prefix("Bearer "))
            .is_some_and(|token| self.is_token(token.trim()))
        {
            return true;
        }
        let cookies = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|text| text.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .any(|(name, value)| name == self.cookie_name && is_same(&self.cookie, value))
    }
}

fn secret() -> std::io::Result<String> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Without telling by time where they begin to differ.
fn is_same(secret: &str, given: &str) -> bool {
    secret.as_bytes().ct_eq(given.as_bytes()).into()
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Session(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_or_the_token_opens_and_nothing_else_does() {
        let session = Session::new(8080).unwrap();
        let shown = |name: header::HeaderName, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            session.is_shown_by(&headers)
        };
        let cookie = session.set_cookie();
        let cookie = cookie.split(';').next().unwrap();
        assert!(shown(header::COOKIE, &format!("other=1; {cookie}")));
        assert!(shown(
            header::AUTHORIZATION,
            &format!("Bearer {}", session.token())
        ));
        assert!(!shown(header::COOKIE, &cookie.replace("8080", "8081")));
        assert!(!shown(
            header::AUTHORIZATION,
            &format!("Bearer {}", session.xyz_key())
        ));
        assert!(!shown(header::AUTHORIZATION, "Bearer "));
        assert!(!format!("{session:?}").contains(session.token()));
    }
}
