//! Objects below a prefix, as S3 lists them (`ListObjectsV2`), unsigned.

use karin_core::Progress;
use quick_xml::Reader;
use quick_xml::events::Event;
use url::Url;

use crate::AccessError;
use crate::catalog::Catalogs;
use crate::http::Ask;
use crate::retry::retry;

/// Most objects that are listed: a dataset of thirty years has some 20,000.
const MOST: usize = 1_000_000;
/// Bytes of a page of at most 1,000 objects.
const PAGE: usize = 8 << 20;

/// An object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Object {
    pub key: String,
    pub size: u64,
    /// Its `ETag`, or when it was changed last.
    pub modified: String,
}

/// Every object below a folder `https://HOST/BUCKET/PREFIX`.
pub(super) async fn all(
    catalogs: &Catalogs<'_>,
    folder: &Url,
    progress: &dyn Progress,
) -> Result<Vec<Object>, AccessError> {
    let (bucket, prefix) =
        parts(folder).ok_or_else(|| AccessError::answer(folder, "expected https://HOST/BUCKET/PREFIX"))?;
    let mut objects = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut url = folder.clone();
        url.set_path(&format!("/{bucket}"));
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("list-type", "2").append_pair("prefix", &prefix);
            if let Some(after) = &after {
                query.append_pair("continuation-token", after);
            }
        }
        let ask = Ask::get(&super::signed(&url));
        let body = retry(&catalogs.patience, || async {
            let reply = catalogs.http.send(&ask).await?;
            match reply.status() {
                200 => reply.body(PAGE).await,
                _ => Err(catalogs.http.error_of(reply).await),
            }
        })
        .await?;
        let (page, next) = parse(&body).map_err(|reason| AccessError::answer(&url, reason))?;
        progress.advance(1, 0);
        let is_last = page.is_empty();
        objects.extend(page);
        if progress.is_cancelled() {
            return Err(AccessError::Cancelled);
        }
        match next {
            Some(next) if !is_last && objects.len() < MOST && after.as_ref() != Some(&next) => {
                after = Some(next)
            }
            _ => return Ok(objects),
        }
    }
}

/// The address of an object.
pub(super) fn address(folder: &Url, key: &str) -> Option<Url> {
    let (bucket, _) = parts(folder)?;
    let mut url = folder.clone();
    {
        let mut path = url.path_segments_mut().ok()?;
        path.clear().push(&bucket).extend(key.split('/'));
    }
    Some(url)
}

fn parts(folder: &Url) -> Option<(String, String)> {
    let (bucket, prefix) = folder.path().trim_start_matches('/').split_once('/')?;
    let prefix = percent_encoding::percent_decode_str(prefix).decode_utf8_lossy();
    // Without the slash a version would list those that begin alike.
    Some((bucket.to_owned(), format!("{}/", prefix.trim_end_matches('/'))))
}

/// The objects of a page, and what asks for the next one.
fn parse(bytes: &[u8]) -> Result<(Vec<Object>, Option<String>), String> {
    let mut reader = Reader::from_reader(bytes);
    reader.config_mut().trim_text(true);
    let (mut objects, mut next, mut is_list) = (Vec::new(), None, false);
    let (mut open, mut tag) = (None::<Object>, Vec::new());
    let mut buffer = Vec::new();
    loop {
        match reader
            .read_event_into(&mut buffer)
            .map_err(|error| format!("broken XML: {error}"))?
        {
            Event::Start(start) => {
                tag = start.local_name().as_ref().to_vec();
                match tag.as_slice() {
                    b"ListBucketResult" => is_list = true,
                    b"Contents" => open = Some(Object::default()),
                    _ => {}
                }
            }
            Event::Text(text) => {
                let text = text.decode().map_err(|error| error.to_string())?.into_owned();
                match (tag.as_slice(), &mut open) {
                    (b"Key", Some(object)) => object.key.push_str(&text),
                    (b"Size", Some(object)) => {
                        object.size = text.parse().map_err(|_| "an object without a size")?
                    }
                    (b"LastModified", Some(object)) if object.modified.is_empty() => object.modified = text,
                    (b"NextContinuationToken", None) => next = Some(text),
                    _ => {}
                }
            }
            Event::End(end) => {
                if end.local_name().as_ref() == b"Contents" {
                    objects.extend(open.take());
                }
                tag.clear();
            }
            Event::Eof => break,
            _ => {}
        }
        buffer.clear();
    }
    match is_list && open.is_none() {
        true => Ok((objects, next)),
        false => Err("not a list of objects".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_s3_are_read() {
        let text = br#"<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>true</IsTruncated>
            <Contents><Key>native/P/D_202411/2024/01/a_20240101.nc</Key><LastModified>2024-05-06T07:08:09.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>12</Size></Contents>
            <NextContinuationToken>more</NextContinuationToken></ListBucketResult>"#;
        let (objects, next) = parse(text).unwrap();
        assert_eq!(
            (objects[0].size, objects[0].modified.as_str()),
            (12, "2024-05-06T07:08:09.000Z")
        );
        assert_eq!(next.as_deref(), Some("more"));
        for broken in [&text[..200], b"<html></html>", b""] {
            assert!(parse(broken).is_err());
        }
        let folder = Url::parse("https://s3.host/bucket/native/P/D_202411").unwrap();
        assert_eq!(
            parts(&folder).unwrap(),
            ("bucket".to_owned(), "native/P/D_202411/".to_owned())
        );
        let file = address(&folder, &objects[0].key).unwrap();
        assert_eq!(
            file.as_str(),
            "https://s3.host/bucket/native/P/D_202411/2024/01/a_20240101.nc"
        );
    }
}
