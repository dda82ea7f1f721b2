//! NASA's Common Metadata Repository: search by cycle, pass, time and place.

use futures::stream::{self, StreamExt as _};
use karin_core::{GranuleName, Progress};
use reqwest::header::HeaderName;
use serde_json::Value;
use url::Url;

use super::tree::{File, Harvest};
use crate::catalog::Catalogs;
use crate::http::Ask;
use crate::retry::{retry, until_cancelled};
use crate::{AccessError, Checksum, Location, Settings, Size, Wanted};

mod questions;

use questions::questions;

/// Bytes of a page: an entry has some 6 KB.
const LIMIT: usize = 64 << 20;
/// The header that carries a search from page to page.
const SEARCH_AFTER: HeaderName = HeaderName::from_static("cmr-search-after");

/// The wanted granules of PO.DAAC.
pub(crate) async fn find(
    wanted: &Wanted,
    catalogs: &Catalogs<'_>,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Harvest, AccessError> {
    let service = settings.url("podaac.cmr")?;
    let source = Source {
        archive: settings.url("podaac.archive")?,
        bucket: settings
            .text("podaac.bucket")
            .filter(|_| settings.is_true("podaac.s3"))
            .map(ToOwned::to_owned),
    };
    let questions = questions(wanted, &service)?;
    progress.start("searching", questions.len() as u64, 0);
    let asked = questions
        .iter()
        .map(|question| pages(catalogs, question, progress));
    let mut answers = stream::iter(asked).buffer_unordered(settings.connections());
    let mut harvest = Harvest::default();
    while let Some(answer) = until_cancelled(progress, answers.next()).await? {
        progress.advance(1, 0);
        for item in answer? {
            if let Some(file) = file_of(&item, &source) {
                harvest.take(wanted, file);
            }
        }
    }
    Ok(harvest)
}

/// All entries of a question, page after page.
pub(crate) async fn pages(
    catalogs: &Catalogs<'_>,
    question: &Url,
    progress: &dyn Progress,
) -> Result<Vec<Value>, AccessError> {
    let mut items = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut ask = Ask::get(question);
        if let Some(after) = &after {
            ask = ask.header(SEARCH_AFTER, after);
        }
        let (page, next) = retry(&catalogs.patience, || page(catalogs, &ask)).await?;
        let is_last = page.is_empty();
        items.extend(page);
        match next {
            Some(next) if !is_last && after.as_ref() != Some(&next) => after = Some(next),
            _ => return Ok(items),
        }
        if progress.is_cancelled() {
            return Err(AccessError::Cancelled);
        }
    }
}

async fn page(catalogs: &Catalogs<'_>, ask: &Ask) -> Result<(Vec<Value>, Option<String>), AccessError> {
    catalogs
        .requests
        .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let reply = catalogs.http.send(ask).await?;
    if reply.status() != 200 {
        return Err(catalogs.http.error_of(reply).await);
    }
    let next = reply.header(&SEARCH_AFTER).map(ToOwned::to_owned);
    let url = reply.url.clone();
    let body = reply.body(LIMIT).await?;
    let mut answer: Value = serde_json::from_slice(&body)
        .map_err(|error| AccessError::answer(&url, format!("not an answer of CMR: {error}")))?;
    match answer.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok((items, next)),
        _ => Err(AccessError::answer(
            &url,
            "not an answer of CMR: it has no list of items",
        )),
    }
}

/// Where the files of entries are taken from.
struct Source {
    /// The archive that the account is for.
    archive: Url,
    /// The bucket, if files are taken from there.
    bucket: Option<String>,
}

/// The netCDF file of an entry (UMM-G): where it lies, its size and checksum.
fn file_of(item: &Value, source: &Source) -> Option<File> {
    let umm = item.get("umm")?;
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
    let links = umm.get("RelatedUrls")?.as_array()?.iter().filter(|link| {
        let kind = link.get("Type").and_then(Value::as_str);
        matches!(kind, Some("GET DATA" | "GET DATA VIA DIRECT ACCESS"))
    });
    let links = links.filter_map(|link| Url::parse(link.get("URL")?.as_str()?).ok());
    let named = links.filter_map(|url| {
        let name = url.path_segments()?.next_back()?.to_owned();
        let rank = rank(&url, source)?;
        GranuleName::parse_whole(&name)
            .is_ok()
            .then_some((rank, url, name))
    });
    let (_, url, name) = named.max_by_key(|(rank, _, _)| *rank)?;
    let files = umm
        .pointer("/DataGranule/ArchiveAndDistributionInformation")
        .and_then(Value::as_array);
    let facts = files
        .into_iter()
        .flatten()
        .find(|file| file.get("Name").and_then(Value::as_str) == Some(&name));
    let size = facts.and_then(|facts| facts.get("SizeInBytes")?.as_u64());
    let checksum = facts.and_then(|facts| {
        let checksum = facts.get("Checksum")?;
        Checksum::parse(&text(checksum, "Algorithm")?, &text(checksum, "Value")?)
    });
    let location = match url.scheme() {
        "s3" => Location::S3 {
            bucket: url.host_str()?.to_owned(),
            key: url.path().trim_start_matches('/').to_owned(),
        },
        _ => Location::Http(url),
    };
    Some(File {
        name,
        size: size.map_or(Size::Unknown, Size::Exact),
        checksum,
        modified: item.get("meta").and_then(|meta| text(meta, "revision-date")),
        location,
    })
}

/// How good a link is: the bucket if files are taken from there, then the archive that the account is for, then any
/// other server of the web. Nothing else is a link.
fn rank(url: &Url, source: &Source) -> Option<u8> {
    match url.scheme() {
        "s3" => (source.bucket.is_some() && url.host_str() == source.bucket.as_deref()).then_some(2),
        "http" | "https" => Some(u8::from(url.origin() == source.archive.origin())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_tells_address_size_and_checksum() {
        let name = "SWOT_L2_LR_SSH_Expert_010_013_20240210T140442_20240210T145610_PIC0_01.nc";
        let item = json!({"meta": {"revision-date": "2024-03-01T00:00:00Z"}, "umm": {
            "RelatedUrls": [
                {"URL": format!("s3://bucket/{name}"), "Type": "GET DATA VIA DIRECT ACCESS"},
                {"URL": format!("https://mirror/{name}"), "Type": "GET DATA"},
                {"URL": format!("https://archive/x/{name}"), "Type": "GET DATA"},
                {"URL": "https://archive/s3credentials", "Type": "VIEW RELATED INFORMATION"}],
            "DataGranule": {"ArchiveAndDistributionInformation": [
                {"Name": format!("{name}.md5"), "SizeInBytes": 1},
                {"Name": name, "SizeInBytes": 4521491, "Checksum": {"Value": "d41d8cd98f00b204e9800998ecf8427e", "Algorithm": "MD5"}}]}}});
        let mut source = Source {
            archive: Url::parse("https://archive/").unwrap(),
            bucket: None,
        };
        let file = file_of(&item, &source).unwrap();
        assert_eq!((file.name.as_str(), file.size), (name, Size::Exact(4_521_491)));
        assert_eq!(file.location.to_string(), format!("https://archive/x/{name}"));
        assert!(file.checksum.is_some() && file.modified.is_some());
        for (bucket, place) in [
            ("bucket", format!("s3://bucket/{name}")),
            ("other", format!("https://archive/x/{name}")),
        ] {
            source.bucket = Some(bucket.to_owned());
            assert_eq!(file_of(&item, &source).unwrap().location.to_string(), place);
        }
        for broken in [
            json!({}),
            json!({"umm": 3}),
            json!({"umm": {"RelatedUrls": [{"URL": "file:///etc/passwd", "Type": "GET DATA"}]}}),
        ] {
            assert!(file_of(&broken, &source).is_none());
        }
    }
}
