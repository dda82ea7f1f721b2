//! Lists of sources: `@FILE`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Error;

/// The answer of `karin --json find`, as far as it says where granules lie.
#[derive(Deserialize)]
struct Found {
    granules: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    location: String,
}

/// The inputs, with every `@FILE` replaced by what the file lists: one source per line (empty lines and lines that
/// begin with `#` say nothing), or the answer of `karin --json find`. A file whose name begins with `@` is `./@NAME`.
/// `file:///PATH` is the path.
pub(super) fn expand(inputs: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut expanded = Vec::with_capacity(inputs.len());
    for input in inputs {
        match input.to_str().and_then(|text| text.strip_prefix('@')) {
            Some(list) => expanded.extend(read(Path::new(list))?),
            None => expanded.push(input.clone()),
        }
    }
    expanded.iter().map(|input| local(input)).collect()
}

/// The path of a `file://` address of this machine; everything else as it is.
pub(super) fn local(input: &Path) -> Result<PathBuf, Error> {
    let Some(address) = input.to_str().filter(|text| text.starts_with("file://")) else {
        return Ok(input.to_owned());
    };
    let path = url::Url::parse(address)
        .ok()
        .and_then(|url| url.to_file_path().ok());
    path.ok_or_else(|| {
        Error::option(
            "SOURCES",
            format!("{address}: expected file:///PATH of this machine"),
        )
    })
}

fn read(list: &Path) -> Result<Vec<PathBuf>, Error> {
    let text = std::fs::read_to_string(list).map_err(|source| Error::io(list, "read", source))?;
    let sources: Vec<PathBuf> = if text.trim_start().starts_with('{') {
        let found: Found = serde_json::from_str(&text).map_err(|error| {
            let reason = format!("expected lines, or the answer of `karin --json find`: {error}");
            Error::option(&format!("@{}", list.display()), reason)
        })?;
        found
            .granules
            .into_iter()
            .map(|row| row.location.into())
            .collect()
    } else {
        let lines = text.lines().map(str::trim);
        lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(Into::into)
            .collect()
    };
    if sources.is_empty() {
        return Err(Error::option(&format!("@{}", list.display()), "it lists nothing"));
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_lines_or_what_find_answers() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list");
        let of = |text: &str| {
            std::fs::write(&list, text).unwrap();
            expand(&["a".into(), format!("@{}", list.display()).into()])
        };
        let expected: Vec<PathBuf> = ["a", "b.nc", "https://h/c.nc"].map(Into::into).to_vec();
        assert_eq!(of("# two\nb.nc\n\n  https://h/c.nc\r\n").unwrap(), expected);
        let json =
            r#"{"from": "x", "granules": [{"location": "b.nc", "size": 1}, {"location": "https://h/c.nc"}]}"#;
        assert_eq!(of(json).unwrap(), expected);
        let expected: Vec<PathBuf> = ["a", "/a b/c.nc"].map(Into::into).to_vec();
        assert_eq!(of("file:///a%20b/c.nc").unwrap(), expected);
        let elsewhere = of("file://elsewhere/c.nc").unwrap_err().to_string();
        assert!(elsewhere.contains("file:///PATH"), "{elsewhere}");
        assert!(of("# nothing").unwrap_err().to_string().contains("lists nothing"));
        assert!(
            of("{\"granules\": 1}")
                .unwrap_err()
                .to_string()
                .contains("karin --json find")
        );
    }
}
