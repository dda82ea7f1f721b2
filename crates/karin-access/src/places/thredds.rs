//! THREDDS catalogues (`InvCatalog` 1.0): services, datasets, references to further catalogues.

use std::collections::HashMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use url::Url;

use super::tree::{File, Folder, Listing};
use crate::{Location, Size};

/// One dataset while it is read.
#[derive(Default)]
struct Dataset {
    name: String,
    path: Option<String>,
    units: String,
    size: Option<f64>,
    modified: Option<String>,
}

/// Where a text belongs.
#[derive(Default)]
enum Inside {
    #[default]
    Nothing,
    Size,
    Modified,
}

/// What a catalogue holds.
///
/// # Errors
/// If it is no catalogue, or offers no files over HTTP though it lists some.
pub(crate) fn parse(here: &Url, bytes: &[u8]) -> Result<Listing, String> {
    let mut reader = Reader::from_reader(bytes);
    reader.config_mut().trim_text(true);
    let mut found = Catalog::default();
    let mut buffer = Vec::new();
    loop {
        let event = reader
            .read_event_into(&mut buffer)
            .map_err(|error| format!("broken XML: {error}"))?;
        match event {
            Event::Start(tag) => found.open(here, &tag, false)?,
            Event::Empty(tag) => found.open(here, &tag, true)?,
            Event::End(tag) => found.close(tag.local_name().as_ref()),
            Event::Text(text) => found.text(&text.decode().map_err(|error| error.to_string())?),
            Event::Eof => break,
            _ => {}
        }
        buffer.clear();
    }
    found.finish(here)
}

#[derive(Default)]
struct Catalog {
    is_catalog: bool,
    depth: usize,
    /// Base of the service that hands out files.
    base: Option<String>,
    open: Vec<Dataset>,
    done: Vec<Dataset>,
    folders: Vec<Folder>,
    inside: Inside,
}

impl Catalog {
    fn open(&mut self, here: &Url, tag: &BytesStart<'_>, is_empty: bool) -> Result<(), String> {
        let values = attributes(tag)?;
        let value = |name: &str| values.get(name).cloned().unwrap_or_default();
        self.inside = Inside::Nothing;
        match tag.local_name().as_ref() {
            b"catalog" => self.is_catalog = true,
            b"service" if value("serviceType").eq_ignore_ascii_case("HTTPServer") => {
                self.base.get_or_insert_with(|| value("base"));
            }
            b"dataset" => {
                let dataset = Dataset {
                    name: value("name"),
                    path: values.get("urlPath").cloned(),
                    ..Dataset::default()
                };
                match is_empty {
                    true => self.done.push(dataset),
                    false => self.open.push(dataset),
                }
            }
            b"catalogRef" => self.refer(here, &value("href"), &value("title")),
            b"dataSize" => {
                if let Some(dataset) = self.open.last_mut() {
                    dataset.units = value("units");
                }
                self.inside = Inside::Size;
            }
            b"date" if value("type") == "modified" => self.inside = Inside::Modified,
            _ => {}
        }
        if !is_empty {
            self.depth += 1;
        }
        // A catalogue is some levels deep, an attack thousands.
        if self.depth > 64 {
            Err("nested too deeply".to_owned())
        } else {
            Ok(())
        }
    }

    fn close(&mut self, name: &[u8]) {
        self.depth = self.depth.saturating_sub(1);
        self.inside = Inside::Nothing;
        if name == b"dataset" {
            self.done.extend(self.open.pop());
        }
    }

    fn text(&mut self, text: &str) {
        let Some(dataset) = self.open.last_mut() else {
            return;
        };
        match self.inside {
            Inside::Size => dataset.size = text.trim().parse().ok(),
            Inside::Modified => dataset.modified = Some(text.trim().to_owned()),
            Inside::Nothing => {}
        }
    }

    /// Follows references on the same server only.
    fn refer(&mut self, here: &Url, target: &str, title: &str) {
        let Ok(url) = here.join(target) else { return };
        if target.is_empty() || url.origin() != here.origin() {
            return;
        }
        // The folder that the catalogue is of says more than a title for people.
        let folder = url
            .path_segments()
            .and_then(|segments| segments.rev().nth(1).map(ToOwned::to_owned));
        self.folders.push(Folder {
            name: folder
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| title.to_owned()),
            address: url.to_string(),
        });
    }

    fn finish(self, here: &Url) -> Result<Listing, String> {
        if !self.is_catalog {
            return Err("not a THREDDS catalogue".to_owned());
        }
        if self.depth != 0 {
            return Err("the catalogue ends in the middle".to_owned());
        }
        let mut files = Vec::new();
        for dataset in self.done {
            let Some(path) = dataset.path.filter(|path| path.ends_with(".nc")) else {
                continue;
            };
            let Some(base) = &self.base else {
                return Err("it offers no files over HTTP (no service of type HTTPServer)".to_owned());
            };
            let base = here
                .join(&format!("{}/", base.trim_end_matches('/')))
                .map_err(|error| error.to_string())?;
            let url = base
                .join(path.trim_start_matches('/'))
                .map_err(|error| error.to_string())?;
            if url.origin() != here.origin() {
                continue;
            }
            let last = path.rsplit('/').next().unwrap_or_default().to_owned();
            files.push(File {
                name: if dataset.name.ends_with(".nc") {
                    dataset.name
                } else {
                    last
                },
                size: size_of(dataset.size, &dataset.units),
                checksum: None,
                modified: dataset.modified,
                location: Location::Http(url),
            });
        }
        Ok(Listing {
            folders: self.folders,
            files,
        })
    }
}

/// THREDDS rounds to four digits unless it counts bytes.
fn size_of(size: Option<f64>, units: &str) -> Size {
    let factor = match units.to_ascii_lowercase().as_str() {
        "bytes" => 1.0,
        "kbytes" => 1e3,
        "mbytes" => 1e6,
        "gbytes" => 1e9,
        _ => return Size::Unknown,
    };
    match size.filter(|size| (0.0..1e9).contains(size)) {
        Some(size) if factor == 1.0 => Size::Exact(size as u64),
        Some(size) => Size::About((size * factor).round() as u64),
        None => Size::Unknown,
    }
}

fn attributes(tag: &BytesStart<'_>) -> Result<HashMap<String, String>, String> {
    let mut values = HashMap::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| format!("broken XML: {error}"))?;
        let name = String::from_utf8_lossy(attribute.key.local_name().as_ref()).into_owned();
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| format!("broken XML: {error}"))?;
        values.insert(name, value.into_owned());
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOG: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<catalog xmlns="http://www.unidata.ucar.edu/namespaces/thredds/InvCatalog/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink">
  <service serviceType="Compound" name="all" base="">
    <service name="odap" serviceType="OPeNDAP" base="/thredds/dodsC/"/>
    <service name="http" serviceType="HTTPServer" base="/thredds/fileServer/"/>
  </service>
  <dataset name="cycle_010" ID="x"><metadata inherited="true"><serviceName>all</serviceName></metadata>
    <dataset name="a_1.nc" ID="x/a_1.nc" urlPath="l3/a_1.nc"><dataSize units="Mbytes">32.41</dataSize>
      <date type="created">2020-01-01T00:00:00Z</date><date type="modified">2024-05-06T07:08:09Z</date></dataset>
    <dataset name="b.nc" urlPath="l3/b.nc"/>
    <dataset name="evil" urlPath="//evil.example/x.nc"/>
    <dataset name="readme" urlPath="l3/readme.txt"/>
    <catalogRef xlink:href="cycle_011/catalog.xml" xlink:title="cycle 11" name=""/>
    <catalogRef xlink:href="/thredds/catalog/Basic/catalog.xml" xlink:title="Basic"/>
    <catalogRef xlink:href="http://169.254.169.254/latest/catalog.xml" xlink:title="elsewhere"/>
  </dataset>
</catalog>"#;

    fn here() -> Url {
        Url::parse("https://tds/thredds/catalog/l3/Expert/catalog.xml").unwrap()
    }

    #[test]
    fn files_sizes_dates_and_references_are_read() {
        let listing = parse(&here(), CATALOG.as_bytes()).unwrap();
        let url = |path: &str| {
            Location::Http(Url::parse(&format!("https://tds/thredds/fileServer/{path}")).unwrap())
        };
        let files: Vec<_> = listing
            .files
            .iter()
            .map(|file| (file.name.as_str(), file.size, file.location.clone()))
            .collect();
        assert_eq!(files[0], ("a_1.nc", Size::About(32_410_000), url("l3/a_1.nc")));
        assert_eq!(files[1], ("b.nc", Size::Unknown, url("l3/b.nc")));
        // What names another server is a path of this one, or nothing.
        assert!(
            files[2..]
                .iter()
                .all(|(_, _, place)| place.to_string().starts_with("https://tds/"))
        );
        assert_eq!(listing.files[0].modified.as_deref(), Some("2024-05-06T07:08:09Z"));
        let folders: Vec<_> = listing
            .folders
            .iter()
            .map(|folder| (folder.name.as_str(), folder.address.as_str()))
            .collect();
        assert_eq!(
            folders,
            [
                (
                    "cycle_011",
                    "https://tds/thredds/catalog/l3/Expert/cycle_011/catalog.xml"
                ),
                ("Basic", "https://tds/thredds/catalog/Basic/catalog.xml"),
            ]
        );
    }

    #[test]
    fn what_is_no_catalogue_is_refused() {
        let bomb = format!("<catalog>{}", "<dataset>".repeat(100_000));
        let entity = "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><catalog><dataset name=\"&a;\"/></catalog>";
        for text in ["", "<html><body>log in</body></html>", "<catalog", &bomb, entity] {
            assert!(
                parse(&here(), text.as_bytes()).is_err(),
                "{}",
                text.get(..20.min(text.len())).unwrap_or("")
            );
        }
        for end in (0..CATALOG.len()).step_by(7) {
            let _ = parse(&here(), &CATALOG.as_bytes()[..end]);
        }
    }
}
