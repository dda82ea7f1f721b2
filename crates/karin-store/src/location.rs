//! Where a collection lies: a folder, a bucket, or the memory of this process.

use std::path::PathBuf;

use crate::StoreError;

/// A parsed location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder of a file system: a path or `file://PATH`.
    Folder(PathBuf),
    /// `memory://NAME`: shared by all who open the name in this process, gone with it.
    Memory(String),
    /// `s3://BUCKET/PREFIX`.
    S3 {
        /// The bucket.
        bucket: String,
        /// The prefix inside it, without slashes at its ends; never empty.
        prefix: String,
    },
}

impl Location {
    /// Parses what a user types.
    ///
    /// # Errors
    /// [`StoreError::InvalidLocation`] for other schemes, an empty name, or a bucket without prefix.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let invalid = |reason: &str| StoreError::InvalidLocation {
            location: text.into(),
            reason: reason.into(),
        };
        let Some((scheme, rest)) = text.split_once("://") else {
            return if text.is_empty() {
                Err(invalid("the location is empty"))
            } else {
                Ok(Self::Folder(text.into()))
            };
        };
        match scheme {
            "file" if rest.starts_with('/') => Ok(Self::Folder(rest.into())),
            "file" => Err(invalid("expected file:///ABSOLUTE/PATH")),
            "memory" if rest.is_empty() => Err(invalid("expected memory://NAME")),
            "memory" => Ok(Self::Memory(rest.into())),
            "s3" => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let prefix = prefix.trim_matches('/');
                if bucket.is_empty() || prefix.is_empty() {
                    return Err(invalid("expected s3://BUCKET/PREFIX, both not empty"));
                }
                Ok(Self::S3 {
                    bucket: bucket.into(),
                    prefix: prefix.into(),
                })
            }
            _ => Err(invalid("known are a path, file://, memory:// and s3://")),
        }
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Memory(name) => write!(f, "memory://{name}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_parses_and_prints() {
        for (text, expected) in [
            ("a/b", Location::Folder("a/b".into())),
            ("file:///a/b", Location::Folder("/a/b".into())),
            ("memory://x", Location::Memory("x".into())),
            (
                "s3://bucket/a/b/",
                Location::S3 {
                    bucket: "bucket".into(),
                    prefix: "a/b".into(),
                },
            ),
        ] {
            let parsed = Location::parse(text).expect(text);
            assert_eq!(parsed, expected);
            assert_eq!(Location::parse(&parsed.to_string()).expect(text), expected);
        }
        for text in ["", "file://a", "memory://", "s3://bucket", "s3:///x", "gs://b/p"] {
            assert!(Location::parse(text).is_err(), "{text}");
        }
    }
}
