//! Several ranges of a file in one request, from servers that give them: `multipart/byteranges` of RFC 9110, which Apache,
//! nginx and Tomcat know and Amazon's S3 does not.
//!
//! Headers of many granules lie all over the file, each a few kB: one by one they cost as many requests. What goes wrong
//! here costs nothing but time: what did not come is asked for range by range, and told there.

use std::ops::Range;
use std::sync::Arc;

use reqwest::header::{CONTENT_TYPE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use url::Url;

use super::ask::wait;
use super::shelf::Shelf;
use crate::http::{Ask, Reply};
use crate::retry::until_cancelled;
use crate::transfer::{Origin, parse_range};
use crate::{Access, AccessError, Location};

/// Ranges of one request: servers refuse to send more than some hundreds.
const MOST_RANGES: usize = 100;
/// Bytes that a server may add to each part: its boundary and headers.
const MOST_AROUND: usize = 1 << 10;

/// What a server answers to several ranges.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Several {
    /// Parts of the file, by the place of their first byte: what was asked for or less, in any order.
    Parts(Vec<(u64, Vec<u8>)>),
    /// It gives one range at a time.
    OneByOne,
}

/// Whether the server of a file may give several ranges at a time: a web server that was not seen to do otherwise.
pub(super) fn may_give(location: &Location, shelf: Option<&Shelf>) -> bool {
    match location {
        Location::Http(url) => shelf.is_none_or(|shelf| !shelf.gives_one_range(&server_of(url))),
        Location::S3 { .. } | Location::Files(_) | Location::File(_) => false,
    }
}

/// What a server is known by.
pub(super) fn server_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Asks for ranges of the version that `known` tells of, and waits for the answer.
///
/// # Errors
/// If the user wants to stop.
pub(super) fn ask_several(
    access: &Arc<Access>,
    url: &Url,
    ranges: &[Range<u64>],
    known: &Origin,
) -> Result<Several, AccessError> {
    let (own, url, ranges, known) = (Arc::clone(access), url.clone(), ranges.to_vec(), known.clone());
    let stop = access.stop.clone();
    let asking = async move {
        let mut parts = Vec::new();
        for some in ranges.chunks(MOST_RANGES) {
            match ask(&own, &url, some, &known).await {
                Ok(Several::Parts(more)) => parts.extend(more),
                Ok(Several::OneByOne) => return Several::OneByOne,
                // Asked for one by one, it says what is wrong.
                Err(_) => break,
            }
        }
        Several::Parts(parts)
    };
    wait(access, async move { until_cancelled(&stop, asking).await })?
}

async fn ask(
    access: &Access,
    url: &Url,
    ranges: &[Range<u64>],
    known: &Origin,
) -> Result<Several, AccessError> {
    let mut ask = Ask::get(url);
    ask.with_account = true;
    ask = ask.header(RANGE, &header(ranges));
    if let Some(validator) = known.validator() {
        ask = ask.header(IF_RANGE, validator);
    }
    let reply = access.http.send(&ask).await?;
    match (reply.status(), boundary(&reply)) {
        (206, Some(boundary)) => {
            let text = |name| reply.header(&name).map(ToOwned::to_owned);
            let answered = Origin {
                etag: text(ETAG).filter(|etag| !etag.starts_with("W/")),
                last_modified: text(LAST_MODIFIED),
                total: None,
            };
            if !known.agrees(&answered) {
                return Err(AccessError::answer(url, "parts of another version"));
            }
            let wanted: u64 = ranges.iter().map(|range| range.end - range.start).sum();
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
            let body = reply
                .body(wanted.saturating_add(MOST_AROUND * (ranges.len() + 1)))
                .await?;
            Ok(Several::Parts(parts_of(&body, &boundary, known.total)))
        }
        // The whole, or one range of several, or a refusal of so many.
        (200 | 206 | 400 | 416 | 501, _) if !reply.is_page() => Ok(Several::OneByOne),
        _ => Err(access.http.error_of(reply).await),
    }
}

/// `bytes=0-99,200-299`.
fn header(ranges: &[Range<u64>]) -> String {
    let each = ranges
        .iter()
        .map(|range| format!("{}-{}", range.start, range.end.saturating_sub(1)));
    format!("bytes={}", each.collect::<Vec<_>>().join(","))
}

/// What stands between the parts of an answer that has several.
fn boundary(reply: &Reply) -> Option<String> {
    let kind = reply.header(&CONTENT_TYPE)?;
    let (name, parameters) = kind.split_once(';')?;
    if !name.trim().eq_ignore_ascii_case("multipart/byteranges") {
        return None;
    }
    parameters.split(';').find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (key.trim().eq_ignore_ascii_case("boundary") && !value.is_empty()).then(|| value.to_owned())
    })
}

/// The parts of a body, as far as it is what it should be: of a file of `total` bytes, each as long as it says.
fn parts_of(body: &[u8], boundary: &str, total: Option<u64>) -> Vec<(u64, Vec<u8>)> {
    let mark = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut rest = body;
    while let Some(at) = find(rest, mark.as_bytes()) {
        rest = &rest[at + mark.len()..];
        let Some(end) = find(rest, b"\r\n\r\n") else { break };
        let (headers, after) = (String::from_utf8_lossy(&rest[..end]), &rest[end + 4..]);
        let range = headers.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim()
                .eq_ignore_ascii_case("content-range")
                .then(|| parse_range(value))?
        });
        let Some((range, of)) = range else { break };
        let Some(bytes) = usize::try_from(range.end - range.start)
            .ok()
            .and_then(|len| after.get(..len))
        else {
            break;
        };
        if of.is_none() || of != total {
            break;
        }
        parts.push((range.start, bytes.to_vec()));
        rest = &after[bytes.len()..];
    }
    parts
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len().max(1))
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body_of(file: &[u8], ranges: &[Range<u64>]) -> Vec<u8> {
        let mut body = b"a preamble\r\n".to_vec();
        for Range { start, end } in ranges {
            let head = format!(
                "\r\n--xYx\r\nContent-Type: application/x-netcdf\r\ncontent-range: bytes {start}-{}/{}\r\n\r\n",
                end - 1,
                file.len()
            );
            body.extend(head.bytes());
            body.extend(&file[*start as usize..*end as usize]);
        }
        body.extend(b"\r\n--xYx--\r\n");
        body
    }

    #[test]
    fn ranges_are_asked_for_as_servers_read_them() {
        assert_eq!(header(&[0..100, 200..300]), "bytes=0-99,200-299");
    }

    #[test]
    fn parts_of_another_file_or_cut_ones_are_none() {
        let file: Vec<u8> = (0..=255).collect();
        let body = body_of(&file, &[3..10, 100..200]);
        let whole = parts_of(&body, "xYx", Some(256));
        assert_eq!(whole, [(3, file[3..10].to_vec()), (100, file[100..200].to_vec())]);
        assert!(parts_of(&body, "xYx", Some(257)).is_empty());
        assert!(parts_of(&body, "zZz", Some(256)).is_empty());
        for end in 0..body.len() {
            let some = parts_of(&body[..end], "xYx", Some(256));
            assert!(some.len() <= 2 && whole.starts_with(&some), "{end}");
        }
    }

    proptest! {
        /// Whatever lies in the file, the marks of the parts included, they come back as they are.
        #[test]
        fn parts_come_back(
            file in proptest::collection::vec(prop_oneof![Just(b'-'), Just(b'x'), Just(b'Y'), Just(b'\r'), Just(b'\n')], 60),
            starts in proptest::collection::vec((0_u64..50, 1_u64..10), 1..6),
        ) {
            let ranges: Vec<_> = starts.iter().map(|(start, len)| *start..start + len).collect();
            let parts = parts_of(&body_of(&file, &ranges), "xYx", Some(60));
            let expected: Vec<_> = ranges.iter().map(|range| (range.start, file[range.start as usize..range.end as usize].to_vec())).collect();
            prop_assert_eq!(parts, expected);
        }

        #[test]
        fn no_body_breaks_it(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parts_of(&body, "-", Some(100));
        }
    }
}
