//! Where granules lie: providers, folders, servers and buckets, all asked the same question.

use std::path::PathBuf;

use karin_core::Product;
use url::Url;

use crate::{AccessError, Wanted};

pub(crate) mod aviso;
pub(crate) mod bucket;
pub(crate) mod cmr;
pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod index;
pub(crate) mod thredds;
pub(crate) mod tree;

/// A place that can be asked for granules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// AVISO's THREDDS catalogues.
    Aviso,
    /// PO.DAAC, through NASA's search service.
    Podaac,
    /// A folder, with everything below it.
    Folder(PathBuf),
    /// A web server: a THREDDS catalogue (`…/catalog.xml`), or pages with lists of files.
    Web(Url),
    /// A server of files: `sftp://[USER@]HOST[:PORT]/PATH`, or the same with `ftp`. `scp://` is another word for `sftp://`:
    /// OpenSSH's `scp` has spoken SFTP since its version 9.
    Files(Url),
    /// `s3://BUCKET/PREFIX`.
    Bucket {
        /// The bucket.
        bucket: String,
        /// The prefix, without slashes at its ends; may be empty.
        prefix: String,
    },
}

impl Place {
    /// From what a user types after `--from`.
    ///
    /// # Errors
    /// If it is neither a provider, nor an address, nor a folder that is there.
    pub fn parse(text: &str) -> Result<Self, AccessError> {
        let wrong = |reason: String| AccessError::option("--from", reason);
        match text.to_ascii_lowercase().as_str() {
            "aviso" => return Ok(Self::Aviso),
            "podaac" | "po.daac" => return Ok(Self::Podaac),
            _ => {}
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(wrong(format!("'{text}': expected s3://BUCKET/PREFIX")));
            }
            return Ok(Self::Bucket {
                bucket: bucket.to_owned(),
                prefix: prefix.trim_matches('/').to_owned(),
            });
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Self::of_address(text, scheme).map_err(wrong);
        }
        let folder = PathBuf::from(text);
        if !folder.is_dir() {
            if text.eq_ignore_ascii_case("cmems") {
                let reason =
                    "Copernicus Marine has datasets, no granules: find, get and describe take cmems:DATASET";
                return Err(wrong(reason.to_owned()));
            }
            let hint = karin_core::suggest::did_you_mean(text, ["aviso", "podaac", "cmems"]);
            return Err(wrong(format!(
                "'{text}' is neither a provider (aviso, podaac, cmems) nor a folder{hint}"
            )));
        }
        Ok(Self::Folder(folder))
    }

    /// A server of the web or of files.
    fn of_address(text: &str, scheme: &str) -> Result<Self, String> {
        let is_web = matches!(scheme, "http" | "https");
        if !is_web && !matches!(scheme, "sftp" | "scp" | "ftp") {
            return Err(format!(
                "{scheme}:// is not known (expected http, https, sftp, scp, ftp or s3)"
            ));
        }
        let over_sftp = text.strip_prefix("scp://").map(|rest| format!("sftp://{rest}"));
        let url = Url::parse(over_sftp.as_deref().unwrap_or(text))
            .map_err(|error| format!("not an address: {error}"))?;
        if url.password().is_some() || is_web && !url.username().is_empty() {
            return Err(
                "an address carries no password, and one of the web no user: see `karin auth status`".into(),
            );
        }
        if !is_web && url.host_str().is_none_or(str::is_empty) {
            return Err(format!("expected {scheme}://HOST/PATH"));
        }
        Ok(if is_web { Self::Web(url) } else { Self::Files(url) })
    }

    /// Where a product is found if nobody says where: level 3 and its waves at AVISO, everything else at PO.DAAC.
    pub const fn usual(product: Product) -> Self {
        match product.is_level3_ssh() || matches!(product, Product::L3WindWave | Product::L4) {
            true => Self::Aviso,
            false => Self::Podaac,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Aviso => formatter.write_str("aviso"),
            Self::Podaac => formatter.write_str("podaac"),
            Self::Folder(folder) => write!(formatter, "{}", folder.display()),
            Self::Web(url) | Self::Files(url) => formatter.write_str(&crate::error::shown(url)),
            Self::Bucket { bucket, prefix } => write!(formatter, "s3://{bucket}/{prefix}"),
        }
    }
}

/// Whether a folder of a tree may hold what is wanted, by the words that the providers use: `cycle_012` and `c0012`,
/// `Expert`, `PIC2` and `v2_0_1`, `l3_lr_ssh`. Names that say nothing are looked into.
pub(crate) fn may_hold(wanted: &Wanted, folder: &str) -> bool {
    use karin_core::{Version, VersionChoice};
    let name = folder.to_ascii_lowercase();
    let digits = name
        .strip_prefix("cycle_")
        .or_else(|| name.strip_prefix('c'))
        .unwrap_or("");
    if digits.len() >= 3
        && let Ok(cycle) = digits.parse::<u16>()
    {
        return wanted.has_cycle(cycle);
    }
    let own = wanted.product.name().to_ascii_lowercase();
    const KINDS: [&str; 8] = [
        "basic",
        "expert",
        "technical",
        "unsmoothed",
        "windwave",
        "light",
        "extended",
        "wind_wave",
    ];
    if KINDS.contains(&name.as_str()) {
        let is_wave = wanted.product == Product::L3WindWave;
        return own.ends_with(&format!("_{name}"))
            || is_wave && matches!(name.as_str(), "light" | "extended");
    }
    let levels = ["l1", "l2", "l3", "l4"];
    if let Some(level) = levels.iter().find(|level| name.starts_with(&format!("{level}_"))) {
        return own.starts_with(level);
    }
    let VersionChoice::Matching(pattern) = &wanted.version else {
        return true;
    };
    match (
        Version::parse(&name),
        Version::parse(&format!("{}_01", folder.to_ascii_uppercase())),
    ) {
        (version @ Version::Release { .. }, _) => {
            // A pattern with a patch number may be more exact than the folder.
            pattern.matches(&version)
                || pattern
                    .as_str()
                    .to_ascii_lowercase()
                    .starts_with(&version.to_string())
        }
        (_, version @ Version::Crid { .. }) => pattern.as_str().contains('_') || pattern.matches(&version),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use karin_core::Selection;

    use super::*;

    #[test]
    fn places_are_what_users_type() {
        assert_eq!(Place::parse("AVISO").unwrap(), Place::Aviso);
        assert!(matches!(Place::parse(".").unwrap(), Place::Folder(_)));
        assert!(matches!(
            Place::parse("https://example.org/x/").unwrap(),
            Place::Web(_)
        ));
        for text in ["sftp://me@host:2221/a", "ftp://host/a"] {
            assert!(matches!(Place::parse(text).unwrap(), Place::Files(_)), "{text}");
        }
        let over_sftp = Place::parse("sftp://me@host:2221/~/a");
        assert_eq!(
            Place::parse("scp://me@host:2221/~/a").unwrap(),
            over_sftp.unwrap()
        );
        let bucket = Place::Bucket {
            bucket: "b".into(),
            prefix: "a/c".into(),
        };
        assert_eq!(Place::parse("s3://b/a/c/").unwrap(), bucket);
        for (text, reason) in [
            ("avisso", "did you mean 'aviso'?"),
            ("rsync://x/y", "rsync:// is not known"),
            ("scp:///y", "scp://HOST/PATH"),
            ("scp://me:canary@x/", "no password"),
            ("sftp:///y", "sftp://HOST/PATH"),
            ("https://me:canary@x/", "no password"),
            ("sftp://me:canary@x/", "no password"),
            ("s3:///x", "s3://BUCKET/PREFIX"),
        ] {
            let error = Place::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("canary"), "{error}");
        }
        assert_eq!(Place::usual(Product::L3Expert), Place::Aviso);
        assert_eq!(Place::usual(Product::L2Expert), Place::Podaac);
    }

    #[test]
    fn only_folders_that_may_hold_it_are_looked_into() {
        let of = |product: &str, version: &str| {
            let builder = Selection::builder()
                .product(product)
                .unwrap()
                .cycles("10-12")
                .unwrap();
            Wanted::of(&builder.version(version).unwrap().build().unwrap(), 820e6).unwrap()
        };
        let any = of("L3_LR_SSH_Expert", "best");
        for folder in [
            "cycle_010",
            "c0012",
            "Expert",
            "v2_0_1",
            "l3_lr_ssh",
            "reproc",
            "x",
            "PIC2",
        ] {
            assert!(may_hold(&any, folder), "{folder}");
        }
        for folder in ["cycle_009", "c0013", "Basic", "unsmoothed", "l2_lr_ssh"] {
            assert!(!may_hold(&any, folder), "{folder}");
        }
        let two = of("L3_LR_SSH_Expert", "v2.0");
        assert!(may_hold(&two, "v2_0_1") && may_hold(&two, "v2.0") && !may_hold(&two, "v1_0_2"));
        assert!(may_hold(&of("L3_LR_SSH_Expert", "v2.0.1"), "v2_0"));
        let interim = of("L2_LR_SSH_Basic", "PI*");
        assert!(may_hold(&interim, "PIC2") && !may_hold(&interim, "PGC0"));
        assert!(may_hold(&of("L2_LR_SSH_Basic", "PGC0_02"), "PGC0"));
        assert!(may_hold(&of("L3_LR_WIND_WAVE", "best"), "Light"));
    }
}
