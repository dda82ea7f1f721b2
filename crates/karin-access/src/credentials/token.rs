//! When a token ends: those of Earthdata Login are JSON Web Tokens, which tell.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Secret;

/// Seconds from 1970 to 2000.
const SHIFT: f64 = 946_684_800.0;

/// When a token ends, in seconds since 2000-01-01; `None` for one that does not tell. Nobody can lie about it to us but
/// whoever made the token: it decides only whether the token is tried.
pub(super) fn end(token: &Secret) -> Option<f64> {
    let claims = token.reveal().trim().split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    Some(claims.get("exp")?.as_f64()? - SHIFT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_tell_when_they_end() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"uid":"me","exp":946684860}"#);
        assert_eq!(end(&Secret::new(format!("eyJh.{claims}.signature"))), Some(60.0));
        for text in ["", "plain", "a.b.c", "a..c"] {
            assert_eq!(end(&Secret::new(text)), None, "{text}");
        }
    }
}
