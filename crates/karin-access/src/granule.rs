//! A granule that lies somewhere, and how its bytes are known to be right.

use std::path::PathBuf;

use karin_core::GranuleName;
use serde::{Serialize, Serializer};
use url::Url;

use crate::error::shown;

/// A granule at a provider, or in a folder.
#[derive(Clone, Debug)]
pub struct RemoteGranule {
    /// What its name says: product, cycle, pass, times, version.
    pub name: GranuleName,
    /// The name of the file: letters, digits, `.`, `-` and `_` only.
    pub file_name: String,
    /// Bytes, as far as the provider tells.
    pub size: Size,
    /// Checksum, where the provider tells one.
    pub checksum: Option<Checksum>,
    /// When it was last changed, in the provider's own words; a text to compare.
    pub modified: Option<String>,
    /// Where it lies.
    pub location: Location,
}

/// How large a granule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// So many bytes, exactly.
    Exact(u64),
    /// About so many: catalogues that round.
    About(u64),
    /// Nobody tells.
    Unknown,
}

impl Size {
    /// Bytes, exact or not; 0 if unknown.
    pub const fn estimate(self) -> u64 {
        match self {
            Self::Exact(bytes) | Self::About(bytes) => bytes,
            Self::Unknown => 0,
        }
    }

    /// Bytes, if they are known exactly.
    pub const fn exact(self) -> Option<u64> {
        match self {
            Self::Exact(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// Where the bytes of a granule lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A local file.
    File(PathBuf),
    /// At a web server.
    Http(Url),
    /// At a server of files: `sftp://…` or `ftp://…`.
    Files(Url),
    /// In a bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key of the object.
        key: String,
    },
}

impl std::fmt::Display for Location {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::Http(url) | Self::Files(url) => formatter.write_str(&shown(url)),
            Self::S3 { bucket, key } => write!(formatter, "s3://{bucket}/{key}"),
        }
    }
}

impl Serialize for Location {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A checksum that a provider tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checksum {
    /// How it is computed.
    pub algorithm: Algorithm,
    /// Lower-case hexadecimal digits.
    pub value: String,
}

/// How a checksum is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Algorithm {
    /// MD5.
    #[serde(rename = "MD5")]
    Md5,
    /// SHA-256.
    #[serde(rename = "SHA-256")]
    Sha256,
    /// SHA-512.
    #[serde(rename = "SHA-512")]
    Sha512,
}

impl Algorithm {
    /// `MD5`, `SHA-256`, `SHA-512`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        }
    }

    const fn digits(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl Checksum {
    /// From the words of a catalogue (`MD5`, `SHA-256`, `SHA256`, …); `None` for algorithms that karin does not
    /// compute and for values that cannot be.
    pub fn parse(algorithm: &str, value: &str) -> Option<Self> {
        let algorithm = match algorithm.to_ascii_uppercase().replace(['-', '_'], "").as_str() {
            "MD5" => Algorithm::Md5,
            "SHA256" => Algorithm::Sha256,
            "SHA512" => Algorithm::Sha512,
            _ => return None,
        };
        let value = value.trim().to_ascii_lowercase();
        let is_possible = value.len() == algorithm.digits() && value.bytes().all(|b| b.is_ascii_hexdigit());
        is_possible.then_some(Self { algorithm, value })
    }
}

/// True for names that can be given to a file of any folder without harm: no separators, no dots in front, nothing
/// that a shell or a terminal would understand.
pub(crate) fn is_safe_file_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    !name.is_empty() && name.len() <= 200 && !name.starts_with(['.', '-']) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_taken_only_if_they_can_be() {
        let md5 = "D41D8CD98F00B204E9800998ECF8427E";
        assert_eq!(
            Checksum::parse("md5", md5).unwrap().value,
            md5.to_ascii_lowercase()
        );
        assert_eq!(
            Checksum::parse("SHA-256", &"a".repeat(64)).unwrap().algorithm,
            Algorithm::Sha256
        );
        assert_eq!(Checksum::parse("SHA-256", md5), None);
        assert_eq!(Checksum::parse("CRC32", "00"), None);
        assert_eq!(Checksum::parse("MD5", &"x".repeat(32)), None);
    }

    #[test]
    fn names_of_files_cannot_leave_a_folder() {
        assert!(is_safe_file_name(
            "SWOT_L2_LR_SSH_Basic_010_013_20240210T140442_20240210T145610_PIC0_01.nc"
        ));
        for name in [
            "", ".", "..", ".nc", "../x.nc", "a/b.nc", "a\\b.nc", "-rf", "a\0.nc", "a b", "é.nc", "%2e.nc",
        ] {
            assert!(!is_safe_file_name(name), "{name}");
        }
    }
}
