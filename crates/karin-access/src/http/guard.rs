//! Where karin goes: to servers that the user or the settings name, and from there only to public addresses.
//!
//! A catalogue, a redirect or a name server could send it to the machine's own services, to a cloud's metadata or to
//! the house network. So an origin (scheme, host, port) that nobody named must be public, by every address that its
//! name resolves to at the moment of the connection.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Origin, Url};

use crate::AccessError;

/// The origins that were named.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    named: BTreeSet<String>,
}

/// How a request may resolve the name of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To any address: the origin was named.
    Any,
    /// To public addresses.
    Public,
}

impl Guard {
    /// Adds the origin of an address that the user or the settings name.
    pub(crate) fn name(&mut self, url: &Url) {
        self.named.insert(text_of(&url.origin()));
    }

    /// Whether an address may be asked, and how far its host may resolve; `from` sent us there.
    ///
    /// # Errors
    /// If the scheme is another than http and https, a redirect leaves https, or the host is an address that is not
    /// public.
    pub(crate) fn check(&self, url: &Url, from: Option<&Url>) -> Result<Reach, AccessError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AccessError::refused(url, "only http and https are"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AccessError::refused(url, "it carries a user or password"));
        }
        if self.named.contains(&text_of(&url.origin())) {
            return Ok(Reach::Any);
        }
        if url.scheme() == "http" && from.is_some_and(|from| from.scheme() == "https") {
            return Err(AccessError::refused(
                url,
                "a server with https sent karin to one without",
            ));
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            _ => return Ok(Reach::Public),
        };
        match is_public(address) {
            true => Ok(Reach::Public),
            false => Err(AccessError::refused(
                url,
                "a server sent karin to an address that is not public",
            )),
        }
    }
}

fn text_of(origin: &Origin) -> String {
    origin.ascii_serialization()
}

/// True for addresses that the whole internet reaches.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// IANA's registry of special-purpose addresses, as far as they are not globally reachable.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_benchmark = a == 198 && (b == 18 || b == 19);
    let is_protocol = a == 192 && b == 0 && c == 0;
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || is_shared
        || is_benchmark
        || is_protocol)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Addresses that carry an IPv4 address lead where that leads: mapped, NAT64, 6to4.
    let carried = match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some((high, low)),
        [0x2002, high, low, ..] => Some((high, low)),
        _ => None,
    };
    if let Some((high, low)) = carried {
        return is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    }
    // Global unicast is 2000::/3; of it, Teredo and documentation are not ours.
    let [first, second, ..] = segments;
    first & 0xe000 == 0x2000 && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
}

/// Resolves names as the system does, and leaves out addresses that are not public.
#[derive(Debug)]
pub(crate) struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let public: Vec<_> = found
                .iter()
                .copied()
                .filter(|address| is_public(address.ip()))
                .collect();
            match public.is_empty() && !found.is_empty() {
                true => Err("its name leads to an address that is not public".into()),
                false => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for address in [
            "8.8.8.8",
            "134.246.142.20",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "fd00:ec2::254",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn servers_cannot_send_us_to_the_house() {
        let mut guard = Guard::default();
        guard.name(&Url::parse("http://127.0.0.1:8000/search/").unwrap());
        let check = |url: &str| guard.check(&Url::parse(url).unwrap(), None);
        assert_eq!(check("http://127.0.0.1:8000/other").unwrap(), Reach::Any);
        assert_eq!(check("https://example.org/").unwrap(), Reach::Public);
        assert_eq!(check("http://93.184.216.34/").unwrap(), Reach::Public);
        for url in [
            "http://127.0.0.1:8001/",
            "https://127.0.0.1:8000/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:7f00:1]:8000/",
            "http://169.254.169.254/latest/",
            "file:///etc/passwd",
            "ftp://example.org/",
            "http://user@example.org/",
            "http://a:b@127.0.0.1:8000/",
        ] {
            assert!(check(url).is_err(), "{url}");
        }
        let secure = Url::parse("https://example.org/").unwrap();
        let plain = Url::parse("http://example.org/").unwrap();
        assert!(guard.check(&plain, Some(&secure)).is_err());
        assert!(guard.check(&secure, Some(&plain)).is_ok());
    }
}
