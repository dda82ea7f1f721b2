//! What every request must be, and every answer says: against other sites in the same browser (cross-site requests, names
//! that are made to point here) and against pages that would run what they are not.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

use super::problem::Problem;

/// The names under which the viewer may be reached.
#[derive(Debug)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// This machine under its own names, and the one that it was told to listen on.
    pub fn new(host: &str) -> Arc<Self> {
        let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        names.push(host.trim_matches(['[', ']']).to_ascii_lowercase());
        Arc::new(Self(names))
    }

    fn knows(&self, authority: &str) -> bool {
        let name = name_of(authority).to_ascii_lowercase();
        // Whoever lets all machines in has to take whatever they call this one, but no name that could be made to point here.
        let is_open = self.0.iter().any(|known| known == "0.0.0.0" || known == "::");
        self.0.contains(&name) || (is_open && name.parse::<std::net::IpAddr>().is_ok())
    }
}

/// `127.0.0.1` of `127.0.0.1:8080`, `::1` of `[::1]:8080`.
fn name_of(authority: &str) -> &str {
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, _)) => name,
        None => authority.rsplit_once(':').map_or(authority, |(name, _)| name),
    }
}

/// Lets a request through, or refuses it.
pub async fn guard(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    let is_map = request.uri().path().starts_with("/xyz/");
    let mut response = match check(&hosts, &request, is_map) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    say(response.headers_mut(), is_map);
    response
}

fn check(hosts: &Hosts, request: &Request, is_map: bool) -> Result<(), Problem> {
    let headers = request.headers();
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).filter(|host| hosts.knows(host));
    let Some(host) = host.filter(|_| headers.get_all(header::HOST).iter().count() == 1) else {
        return Err(Problem::foreign("this viewer does not go by that name (Host)")
            .hint("open the address that karin view printed"));
    };
    if request
        .uri()
        .authority()
        .is_some_and(|authority| !hosts.knows(authority.as_str()))
    {
        return Err(Problem::foreign("this viewer is no proxy"));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::read_only());
    }
    if is_map {
        return Ok(());
    }
    let is_own = |origin: &str| {
        origin
            .split_once("://")
            .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
    };
    if headers.contains_key(header::ORIGIN) && !text(header::ORIGIN).is_some_and(is_own) {
        return Err(Problem::foreign("pages of other sites may not ask (Origin)"));
    }
    let is_api = request.uri().path().starts_with("/api/");
    let site = text(HeaderName::from_static("sec-fetch-site"));
    if is_api && matches!(site, Some("cross-site" | "same-site")) {
        return Err(Problem::foreign(
            "pages of other sites may not ask (Sec-Fetch-Site)",
        ));
    }
    Ok(())
}

/// What every answer says.
fn say(headers: &mut HeaderMap, is_map: bool) {
    const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; child-src 'self' blob:; \
                          style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'none'; \
                          frame-ancestors 'none'";
    let mut set = |name: &'static str, value: &'static str| {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    };
    set("x-content-type-options", "nosniff");
    set("referrer-policy", "no-referrer");
    set("content-security-policy", POLICY);
    set("x-frame-options", "DENY");
    if is_map {
        set("access-control-allow-origin", "*");
        set("cross-origin-resource-policy", "cross-origin");
    } else {
        set("cross-origin-resource-policy", "same-origin");
        set("cross-origin-opener-policy", "same-origin");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_known() {
        let hosts = Hosts::new("127.0.0.1");
        for name in [
            "127.0.0.1:8080",
            "localhost:1",
            "LOCALHOST",
            "[::1]:80",
            "127.0.0.1",
        ] {
            assert!(hosts.knows(name), "{name}");
        }
        for name in [
            "evil.example",
            "127.0.0.1.evil.example:80",
            "evil.example:127",
            "localhost.evil",
            "",
            "192.168.0.1",
            "2130706433",
            "0x7f.1",
        ] {
            assert!(!hosts.knows(name), "{name}");
        }
        let open = Hosts::new("0.0.0.0");
        assert!(open.knows("192.168.0.7:8080") && !open.knows("evil.example"));
    }
}
