//! NASA's Common Metadata Repository: search by cycle, pass, time and place.

use futures::stream::{self, StreamExt as _};
use karin_core::time::format_instant;
use karin_core::{GranuleName, LonLatBox, NumberList, Product, Progress, Schema, VersionChoice};
use reqwest::header::HeaderName;
use serde_json::Value;
use url::Url;

use super::tree::{File, Harvest};
use crate::catalog::Catalogs;
use crate::http::Ask;
use crate::retry::{retry, until_cancelled};
use crate::{AccessError, Checksum, Location, Settings, Size, Wanted};

/// Entries of a page: the most that CMR gives.
const PAGE: usize = 2000;
/// Bytes of a page: an entry has some 6 KB.
const LIMIT: usize = 64 << 20;
/// With more cycles than this, one question by time and place is cheaper than one per cycle.
const MANY_CYCLES: usize = 20;
/// With more passes than this, all of the cycle are asked for: addresses have a length.
const MANY_PASSES: usize = 100;

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
    let archive = settings.url("podaac.archive")?;
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
            if let Some(file) = file_of(&item, &archive) {
                harvest.take(wanted, file);
            }
        }
    }
    Ok(harvest)
}

/// The addresses that ask for what is wanted.
fn questions(wanted: &Wanted, service: &Url) -> Result<Vec<Url>, AccessError> {
    let names = short_names(wanted)?;
    let mut base = service
        .join("granules.umm_json")
        .map_err(|error| AccessError::option("podaac.cmr", error.to_string()))?;
    {
        let mut query = base.query_pairs_mut();
        query
            .append_pair("provider", "POCLOUD")
            .append_pair("page_size", &PAGE.to_string());
        for name in &names {
            query.append_pair("short_name[]", name);
        }
    }
    if wanted.cycles().len() > MANY_CYCLES {
        return Ok(by_time_and_place(wanted, &base));
    }
    // Cycles of which everything is wanted go into one question.
    let (some, all): (Vec<_>, Vec<_>) = wanted
        .cycles()
        .partition(|(_, passes)| !wanted.is_whole && passes.len() <= MANY_PASSES);
    let mut questions: Vec<Url> = some
        .into_iter()
        .map(|(cycle, passes)| of_cycle(&base, cycle, passes))
        .collect();
    if !all.is_empty() {
        let mut question = base.clone();
        for (cycle, _) in all {
            question
                .query_pairs_mut()
                .append_pair("cycle[]", &cycle.to_string());
        }
        questions.push(question);
    }
    Ok(questions)
}

fn of_cycle(base: &Url, cycle: u16, passes: &NumberList) -> Url {
    let mut question = base.clone();
    {
        let mut query = question.query_pairs_mut();
        query.append_pair("cycle[]", &cycle.to_string());
        for (index, pass) in passes.iter().enumerate() {
            query.append_pair(&format!("passes[{index}][pass]"), &pass.to_string());
        }
    }
    question
}

/// One question per part of the region; what lies beside is left out by cycle and pass afterwards.
fn by_time_and_place(wanted: &Wanted, base: &Url) -> Vec<Url> {
    let Some((from, to)) = wanted.period() else {
        return Vec::new();
    };
    let mut base = base.clone();
    let moment = |seconds: f64| format_instant(seconds.floor());
    base.query_pairs_mut()
        .append_pair("temporal[]", &format!("{},{}", moment(from), moment(to + 1.0)));
    let bounds = wanted
        .region
        .as_ref()
        .map(karin_core::Region::bounds)
        .unwrap_or_default();
    if bounds.is_empty() || bounds.iter().any(|bounds| bounds.width() >= 360.0) {
        return vec![base];
    }
    let question = |bounds: &LonLatBox| {
        let mut question = base.clone();
        let west = karin_core::geo::wrap_180(bounds.west());
        let east = karin_core::geo::wrap_180(bounds.west() + bounds.width());
        let edges = format!("{west},{},{east},{}", bounds.south(), bounds.north());
        question.query_pairs_mut().append_pair("bounding_box[]", &edges);
        question
    };
    bounds.iter().map(question).collect()
}

/// The collections that hold a product in the versions that are asked for.
fn short_names(wanted: &Wanted) -> Result<Vec<String>, AccessError> {
    let stem = match wanted.product {
        Product::L2Basic => "L2_LR_SSH_BASIC",
        Product::L2Expert => "L2_LR_SSH_EXPERT",
        Product::L2WindWave => "L2_LR_SSH_WINDWAVE",
        Product::L2Unsmoothed => "L2_LR_SSH_UNSMOOTHED",
        Product::NadirGdr => "L2_NALT_GDR",
        Product::NadirIgdr => "L2_NALT_IGDR",
        Product::NadirOgdr => "L2_NALT_OGDR",
        product => {
            let reason = format!(
                "PO.DAAC is not asked for {product}; level 3 is at aviso, others take a folder or an address"
            );
            return Err(AccessError::option("--from podaac", reason));
        }
    };
    let takes = |letter: u8| match &wanted.version {
        VersionChoice::Matching(pattern) => match Schema::parse(pattern.as_str()) {
            Some(schema) => schema == Schema::Baseline(letter),
            // PIC?, PGC0_01: the letter is the third; with a wildcard there, any.
            None => pattern
                .as_str()
                .as_bytes()
                .get(2)
                .is_none_or(|byte| matches!(byte, b'*' | b'?') || byte.eq_ignore_ascii_case(&letter)),
        },
        _ => true,
    };
    let collections = [(b'C', "2.0"), (b'D', "D")]
        .into_iter()
        .filter(|(letter, _)| takes(*letter));
    let names: Vec<_> = collections
        .map(|(_, name)| format!("SWOT_{stem}_{name}"))
        .collect();
    if names.is_empty() {
        let reason = format!("PO.DAAC has baselines C and D, none that is {}", wanted.version);
        return Err(AccessError::option("--version", reason));
    }
    Ok(names)
}

/// All entries of a question, page after page.
async fn pages(
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

/// The netCDF file of an entry (UMM-G): the link over HTTPS to the archive, its size and checksum.
fn file_of(item: &Value, archive: &Url) -> Option<File> {
    let umm = item.get("umm")?;
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
    let urls = umm.get("RelatedUrls")?.as_array()?.iter();
    let links = urls.filter(|link| link.get("Type").and_then(Value::as_str) == Some("GET DATA"));
    let links = links.filter_map(|link| Url::parse(link.get("URL")?.as_str()?).ok());
    let named = links.filter_map(|url| {
        let name = url.path_segments()?.next_back()?.to_owned();
        GranuleName::parse_whole(&name).is_ok().then_some((url, name))
    });
    // Of several mirrors the one that the account is for.
    let (url, name) = named
        .filter(|(url, _)| matches!(url.scheme(), "http" | "https"))
        .max_by_key(|(url, _)| url.origin() == archive.origin())?;
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
    Some(File {
        name,
        size: size.map_or(Size::Unknown, Size::Exact),
        checksum,
        modified: item.get("meta").and_then(|meta| text(meta, "revision-date")),
        location: Location::Http(url),
    })
}

#[cfg(test)]
mod tests {
    use karin_core::{Selection, SelectionBuilder};
    use serde_json::json;

    use super::*;

    fn ask(builder: SelectionBuilder) -> Vec<String> {
        let wanted = Wanted::of(&builder.build().unwrap(), 820e6).unwrap();
        let questions = questions(&wanted, &Url::parse("https://cmr/search/").unwrap()).unwrap();
        questions
            .iter()
            .map(|url| {
                percent_encoding::percent_decode_str(url.as_str())
                    .decode_utf8_lossy()
                    .into_owned()
            })
            .collect()
    }

    fn expert() -> SelectionBuilder {
        Selection::builder().product("L2_LR_SSH_Expert").unwrap()
    }

    #[test]
    fn each_question_uses_the_best_filter() {
        let start = "https://cmr/search/granules.umm_json?provider=POCLOUD&page_size=2000";
        let both = "&short_name[]=SWOT_L2_LR_SSH_EXPERT_2.0&short_name[]=SWOT_L2_LR_SSH_EXPERT_D";
        // Passes only beside exactly one cycle.
        let one = ask(expert().cycles("10,11").unwrap().passes("13-14").unwrap());
        assert_eq!(
            one[0],
            format!("{start}{both}&cycle[]=10&passes[0][pass]=13&passes[1][pass]=14")
        );
        assert_eq!(one.len(), 2);
        // Whole cycles together.
        let whole = ask(expert().cycles("10-12").unwrap().version("D").unwrap());
        assert_eq!(
            whole,
            [format!(
                "{start}&short_name[]=SWOT_L2_LR_SSH_EXPERT_D&cycle[]=10&cycle[]=11&cycle[]=12"
            )]
        );
        // A year of a region is 18 questions, two years are one.
        let year = ask(expert().bbox("10,-45,30,-30").unwrap().time("2024").unwrap());
        assert!((17..=19).contains(&year.len()), "{}", year.len());
        let years = ask(expert()
            .bbox("170,-45,-170,-30")
            .unwrap()
            .time("2024-01-01..2026-01-01")
            .unwrap());
        assert_eq!(years.len(), 1);
        assert!(
            years[0].starts_with(&format!("{start}{both}&temporal[]=2024-01-01T00:00:00Z,202")),
            "{}",
            years[0]
        );
        assert!(
            years[0].ends_with("&bounding_box[]=170,-45,-170,-30"),
            "{}",
            years[0]
        );
    }

    #[test]
    fn versions_choose_collections() {
        let names = |version: &str| {
            let selection = expert().version(version).unwrap().build().unwrap();
            short_names(&Wanted::of(&selection, 820e6).unwrap()).map(|names| names.len())
        };
        assert_eq!(names("best").unwrap(), 2);
        assert_eq!(names("PIC?").unwrap(), 1);
        assert_eq!(names("PG*").unwrap(), 2);
        assert!(names("B").is_err() && names("v2").is_err());
    }

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
        let archive = Url::parse("https://archive/").unwrap();
        let file = file_of(&item, &archive).unwrap();
        assert_eq!((file.name.as_str(), file.size), (name, Size::Exact(4_521_491)));
        assert_eq!(file.location.to_string(), format!("https://archive/x/{name}"));
        assert!(file.checksum.is_some() && file.modified.is_some());
        for broken in [
            json!({}),
            json!({"umm": 3}),
            json!({"umm": {"RelatedUrls": [{"URL": "file:///etc/passwd", "Type": "GET DATA"}]}}),
        ] {
            assert!(file_of(&broken, &archive).is_none());
        }
    }
}
