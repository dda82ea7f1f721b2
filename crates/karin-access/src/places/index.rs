//! Pages with lists of files, as web servers make them of folders (Apache, nginx, Python, …).

use percent_encoding::percent_decode_str;
use url::Url;

use super::tree::{File, Folder, Listing};
use crate::{Location, Size};

/// Folders and files that a page links to and that lie right below it; all other links are read over.
pub(crate) fn parse(here: &Url, page: &[u8]) -> Listing {
    let page = String::from_utf8_lossy(page);
    let mut listing = Listing::default();
    for target in links(&page) {
        let Ok(url) = here.join(&target.replace("&amp;", "&")) else {
            continue;
        };
        if url.origin() != here.origin() || url.query().is_some() {
            continue;
        }
        let Some(below) = url.path().strip_prefix(here.path()) else {
            continue;
        };
        let name = percent_decode_str(below.trim_end_matches('/'))
            .decode_utf8_lossy()
            .into_owned();
        if name.is_empty() || name.contains(['/', '\\', '\0']) || name.starts_with('.') {
            continue;
        }
        if below.ends_with('/') {
            listing.folders.push(Folder {
                name,
                address: url.to_string(),
            });
        } else if name.ends_with(".nc") {
            listing.files.push(File {
                name,
                size: Size::Unknown,
                checksum: None,
                modified: None,
                location: Location::Http(url),
            });
        }
    }
    listing
}

/// The values of `href` in a page.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let mut rest = page;
    std::iter::from_fn(move || {
        loop {
            let at = rest
                .as_bytes()
                .windows(4)
                .position(|word| word.eq_ignore_ascii_case(b"href"))?;
            rest = rest.get(at + 4..)?.trim_start();
            let Some(value) = rest.strip_prefix('=').map(str::trim_start) else {
                continue;
            };
            let quote = value.chars().next().filter(|letter| matches!(letter, '"' | '\''));
            let value = quote.map_or(value, |_| value.get(1..).unwrap_or(""));
            let is_end = |letter: char| match quote {
                Some(quote) => letter == quote,
                None => letter.is_whitespace() || letter == '>',
            };
            let end = value.find(is_end).unwrap_or(value.len());
            let (link, after) = value.split_at(end);
            rest = after;
            return Some(link);
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_lies_below_is_followed() {
        let here = Url::parse("http://host/swot/").unwrap();
        let page = r#"<a href="?C=N;O=D">Name</a> <A HREF='../'>up</A> <a href=cycle_001/>c</a> <a href="/swot/cycle%5F002/">
            <a href="http://other/swot/x/"> <a href="/etc/"> <a href="%2e%2e/up/"> <a href="..%2f..%2fetc/x.nc"> <a href="b%5cx.nc">
            <a href = "a.nc">a</a> <a href="/swot/deep/b.nc"> <a href="readme.txt"> <a href="javascript:alert(1)"> href"#;
        let listing = parse(&here, page.as_bytes());
        let folders: Vec<_> = listing
            .folders
            .iter()
            .map(|folder| folder.name.as_str())
            .collect();
        assert_eq!(folders, ["cycle_001", "cycle_002"]);
        let files: Vec<_> = listing.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(files, ["a.nc"]);
    }

    proptest! {
        #[test]
        fn never_panics(page in "(<a href|=|\"|'|é|[a-z./%> ]){0,40}") {
            parse(&Url::parse("http://host/a/").unwrap(), page.as_bytes());
        }
    }
}
