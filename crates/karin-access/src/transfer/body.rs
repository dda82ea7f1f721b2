//! The bytes of a granule from some place on, wherever it lies.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, ObjectStore as _};
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use url::Url;

use super::part::Origin;
use crate::files::Stamp;
use crate::http::{Ask, Reply};
use crate::places::bucket;
use crate::{Access, AccessError, Location};

/// Bytes that come.
pub(crate) struct Body {
    /// Place of the first of them in the file.
    pub start: u64,
    /// Of which file they are.
    pub origin: Origin,
    /// Whether it begins where it was asked to, and not at 0 for want of anything better.
    pub is_part: bool,
    chunks: Chunks,
    stall: Duration,
}

enum Chunks {
    Http(Box<Reply>),
    /// Of a bucket or a server of files; the text is where.
    Stream(BoxStream<'static, Result<Bytes, AccessError>>, String),
    File(tokio::fs::File, std::path::PathBuf),
    /// Everything is there already.
    Nothing,
}

impl Body {
    /// Asks for what follows the first `from` bytes of the file that `known` tells of. The answer may begin at 0, if
    /// the server has another file by now or gives no parts.
    pub(crate) async fn open(
        access: &Access,
        location: &Location,
        from: u64,
        known: &Origin,
    ) -> Result<Self, AccessError> {
        Self::of(access, location, &Asked { from, to: None }, known).await
    }

    /// Asks for a range of the file that `known` tells of, or of any. More than the range may come, and the answer may
    /// begin at 0, as with [`Body::open`].
    pub(crate) async fn open_range(
        access: &Access,
        location: &Location,
        range: Range<u64>,
        known: &Origin,
    ) -> Result<Self, AccessError> {
        let asked = Asked {
            from: range.start,
            to: Some(range.end),
        };
        Self::of(access, location, &asked, known).await
    }

    async fn of(
        access: &Access,
        location: &Location,
        asked: &Asked,
        known: &Origin,
    ) -> Result<Self, AccessError> {
        let from = asked.from;
        let mut body = match location {
            Location::Http(url) => http(access, url, asked, known).await?,
            Location::Files(url) => files(access, url, asked, known).await?,
            Location::S3 { bucket, key } => store(access, bucket, key, asked, known).await?,
            Location::File(path) => file(path, from, known).await?,
        };
        body.is_part |= from > 0 && body.start == from;
        body.stall = access.settings.stall();
        Ok(body)
    }

    const fn new(start: u64, origin: Origin, chunks: Chunks) -> Self {
        Self {
            start,
            origin,
            is_part: false,
            chunks,
            stall: Duration::MAX,
        }
    }

    /// The next bytes; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, AccessError> {
        match &mut self.chunks {
            Chunks::Http(reply) => reply.chunk().await,
            Chunks::Stream(stream, location) => {
                let next = tokio::time::timeout(self.stall, stream.next()).await;
                next.map_or_else(|_| Err(stalled(location, self.stall)), Option::transpose)
            }
            Chunks::File(file, path) => {
                let mut block = vec![0; 1 << 20];
                let read = file.read(&mut block).await;
                let read = read.map_err(|source| AccessError::file(path, "reading", source))?;
                block.truncate(read);
                Ok((read > 0).then(|| block.into()))
            }
            Chunks::Nothing => Ok(None),
        }
    }
}

/// What is asked of a file.
struct Asked {
    from: u64,
    /// `None`: all that follows.
    to: Option<u64>,
}

impl Asked {
    /// The header that asks for it; nothing for the whole.
    fn header(&self) -> Option<String> {
        let from = self.from;
        match self.to {
            Some(to) => Some(format!("bytes={from}-{}", to.saturating_sub(1).max(from))),
            None if from > 0 => Some(format!("bytes={from}-")),
            None => None,
        }
    }
}

async fn http(access: &Access, url: &Url, asked: &Asked, known: &Origin) -> Result<Body, AccessError> {
    let from = asked.from;
    let mut ask = Ask::get(url);
    ask.with_account = true;
    // Without a version nobody could tell whether what follows belongs to what is there.
    if let Some(range) = asked
        .header()
        .filter(|_| from == 0 || known.validator().is_some())
    {
        ask = ask.header(RANGE, &range);
        if let Some(validator) = known.validator() {
            ask = ask.header(IF_RANGE, validator);
        }
    }
    let mut reply = access.http.send(&ask).await?;
    let range = reply.header(&CONTENT_RANGE).map(ToOwned::to_owned);
    let (start, total) = match reply.status() {
        200 => {
            let length = reply.header(&CONTENT_LENGTH).and_then(|text| text.parse().ok());
            (0, length)
        }
        206 => match range.as_deref().and_then(parse_range) {
            Some((range, total)) if range.start == from => (range.start, total),
            _ => {
                return Err(AccessError::Changed {
                    url: crate::error::shown(url),
                });
            }
        },
        416 if range.and_then(|text| text.strip_prefix("bytes */")?.parse().ok()) == Some(from) => {
            // All of it is there; what an earlier answer said of its length may have been wrong.
            let origin = Origin {
                total: Some(from),
                ..known.clone()
            };
            return Ok(Body::new(from, origin, Chunks::Nothing));
        }
        // The part that we have is none of that file.
        416 => {
            return Err(AccessError::Changed {
                url: crate::error::shown(url),
            });
        }
        _ => return Err(access.http.error_of(reply).await),
    };
    if reply.is_page() {
        let (place, status) = (reply.url.clone(), reply.status());
        let page = reply.beginning().await;
        let refusal = access.http.accounts.refusal(&place, status, &page);
        return Err(
            refusal.unwrap_or_else(|| AccessError::answer(&place, "a page for people came instead of data"))
        );
    }
    let text = |name| reply.header(&name).map(ToOwned::to_owned);
    let origin = Origin {
        // A weak one promises nothing about bytes.
        etag: text(ETAG).filter(|etag| !etag.starts_with("W/")),
        last_modified: text(LAST_MODIFIED),
        total,
    };
    let is_part = reply.status() == 206;
    let mut body = Body::new(start, origin, Chunks::Http(Box::new(reply)));
    body.is_part = is_part;
    Ok(body)
}

/// The range and the length of the whole, of `bytes A-B/TOTAL`.
pub(crate) fn parse_range(text: &str) -> Option<(Range<u64>, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, end) = range.split_once('-')?;
    let (start, end): (u64, u64) = (start.trim().parse().ok()?, end.trim().parse().ok()?);
    let total: Option<u64> = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    (start <= end && total.is_none_or(|total| end < total)).then(|| (start..end.saturating_add(1), total))
}

async fn store(
    access: &Access,
    bucket: &str,
    key: &str,
    asked: &Asked,
    known: &Origin,
) -> Result<Body, AccessError> {
    let from = asked.from;
    let location = format!("s3://{bucket}/{key}");
    let total = known.total.unwrap_or(u64::MAX);
    if from > 0 && from == total {
        let origin = known.clone();
        return Ok(Body::new(from, origin, Chunks::Nothing));
    }
    let mut options = GetOptions::default();
    if from > 0 || asked.to.is_some() {
        options.range = Some(
            asked
                .to
                .map_or(GetRange::Offset(from), |to| GetRange::Bounded(from..to)),
        );
        options.if_match = known.etag.clone();
    }
    let reached = access.bucket(bucket)?;
    if let Some(keys) = &reached.keys {
        // Asked here, what is wrong with the account keeps its own words.
        keys.get().await?;
    }
    let (key, stall) = (Key::from(key), access.settings.stall());
    let answer = bucket::in_time(&location, stall, reached.store.get_opts(&key, options)).await?;
    let answer = match answer {
        Err(error @ object_store::Error::PermissionDenied { .. }) if reached.keys.is_some() => {
            let reason = format!(
                "{error}; PO.DAAC's bucket serves machines in Amazon's us-west-2 alone: leave podaac.s3 out elsewhere"
            );
            return Err(AccessError::Refused {
                url: location,
                reason,
            });
        }
        Err(object_store::Error::Precondition { .. }) => return Err(AccessError::Changed { url: location }),
        other => other.map_err(|error| bucket::failed(&location, &error))?,
    };
    let origin = Origin {
        etag: answer.meta.e_tag.clone(),
        last_modified: Some(answer.meta.last_modified.to_rfc3339()),
        total: Some(answer.meta.size),
    };
    let start = answer.range.start;
    let place = location.clone();
    let stream = answer.into_stream();
    let stream = stream.map(move |chunk| chunk.map_err(|error| bucket::failed(&place, &error)));
    let mut body = Body::new(start, origin, Chunks::Stream(stream.boxed(), location));
    body.is_part = asked.to.is_some();
    Ok(body)
}

/// The version of a file that has this state.
pub(crate) fn origin_of(stamp: &Stamp) -> Origin {
    Origin {
        etag: None,
        // Without a time the size has to do, as everywhere else where nothing better is told.
        last_modified: Some(stamp.modified.clone().unwrap_or_else(|| "unknown".to_owned())),
        total: Some(stamp.size),
    }
}

/// Goes on where we are if the file has the size and the time of the one that we have a part of.
async fn files(access: &Access, url: &Url, asked: &Asked, known: &Origin) -> Result<Body, AccessError> {
    let start = |stamp: &Stamp| if origin_of(stamp) == *known { asked.from } else { 0 };
    let opened = access.files.open(url, &start, asked.to).await?;
    let chunks = Chunks::Stream(opened.chunks, crate::error::shown(url));
    let mut body = Body::new(opened.start, origin_of(&opened.stamp), chunks);
    // Whoever wants no more stops reading.
    body.is_part = true;
    Ok(body)
}

fn stalled(location: &str, stall: Duration) -> AccessError {
    AccessError::Network {
        url: location.to_owned(),
        reason: format!("no byte for {:.0} s", stall.as_secs_f64()),
    }
}

async fn file(path: &std::path::Path, from: u64, known: &Origin) -> Result<Body, AccessError> {
    let failed = |action| move |source| AccessError::file(path, action, source);
    let mut file = tokio::fs::File::open(path).await.map_err(failed("opening"))?;
    let meta = file.metadata().await.map_err(failed("opening"))?;
    let modified = meta.modified().map_err(failed("opening"))?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let origin = Origin {
        etag: None,
        last_modified: Some(since.as_nanos().to_string()),
        total: Some(meta.len()),
    };
    let start = if from > 0 && *known == origin && from <= meta.len() {
        from
    } else {
        0
    };
    file.seek(std::io::SeekFrom::Start(start))
        .await
        .map_err(failed("reading"))?;
    let chunks = Chunks::File(file, path.to_owned());
    Ok(Body::new(start, origin, chunks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_only_if_they_can_be() {
        assert_eq!(parse_range("bytes 5-9/10"), Some((5..10, Some(10))));
        assert_eq!(parse_range("bytes 5-9/*"), Some((5..10, None)));
        for text in [
            "",
            "bytes",
            "bytes 9-5/10",
            "bytes 5-10/10",
            "items 0-1/2",
            "bytes -1-2/3",
            "bytes a-b/c",
        ] {
            assert_eq!(parse_range(text), None, "{text}");
        }
    }
}
