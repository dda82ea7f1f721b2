//! Where the providers are and how hard they may be asked: flags before environment before file before defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use karin_core::suggest::did_you_mean;
use url::Url;

use crate::AccessError;

mod keys;

pub use keys::KEYS;

/// Where the providers are and how hard they may be asked.
#[derive(Clone, Debug)]
pub struct Settings {
    values: BTreeMap<&'static str, String>,
    /// Folder of settings and credentials.
    pub folder: PathBuf,
    /// Folder of cached catalogues; without one nothing is cached.
    pub cache: Option<PathBuf>,
}

impl Settings {
    /// From `access.toml` in the folder of settings, the environment, and `KEY=VALUE` texts of the command line.
    ///
    /// # Errors
    /// If a key is unknown, a value makes no sense, or the file cannot be read.
    pub fn load(flags: &[String]) -> Result<Self, AccessError> {
        Self::from(flags, &|name| std::env::var(name).ok())
    }

    /// As [`Settings::load`], with any environment.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn from(flags: &[String], environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, AccessError> {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let home = set("HOME").map(PathBuf::from);
        let under = |name: &str, below: &str| {
            set(name)
                .map(PathBuf::from)
                .or_else(|| home.as_ref().map(|home| home.join(below)))
        };
        let folder = set("KARIN_CONFIG_DIR")
            .map(PathBuf::from)
            .or_else(|| under("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("karin")))
            .unwrap_or_else(|| PathBuf::from(".karin"));
        let cache = under("XDG_CACHE_HOME", ".cache").map(|folder| folder.join("karin"));
        let mut settings = Self {
            values: KEYS
                .iter()
                .map(|(key, value, _)| (*key, (*value).to_owned()))
                .collect(),
            folder,
            cache,
        };
        settings.read(&settings.folder.join("access.toml"))?;
        for (key, _, _) in KEYS {
            let name = format!("KARIN_{}", key.replace('.', "_").to_ascii_uppercase());
            if let Some(value) = set(&name) {
                settings.set(&name, key, value)?;
            }
        }
        for flag in flags {
            let (key, value) = (flag.split_once('='))
                .ok_or_else(|| AccessError::option("--set", format!("'{flag}': expected KEY=VALUE")))?;
            settings.set("--set", key.trim(), value.trim().to_owned())?;
        }
        Ok(settings)
    }

    fn read(&mut self, path: &Path) -> Result<(), AccessError> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(|source| AccessError::file(path, "reading the settings", source))?,
        };
        let name = path.display().to_string();
        let wrong = |reason: String| AccessError::option(&name, reason);
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
        for (section, values) in table {
            let toml::Value::Table(values) = values else {
                return Err(wrong(format!("'{section}' stands outside a section")));
            };
            for (key, value) in values {
                let value = match value {
                    toml::Value::String(text) => text,
                    toml::Value::Integer(number) => number.to_string(),
                    toml::Value::Float(number) => number.to_string(),
                    toml::Value::Boolean(flag) => flag.to_string(),
                    _ => return Err(wrong(format!("{section}.{key}: expected a text or a number"))),
                };
                self.set(&name, &format!("{section}.{key}"), value)?;
            }
        }
        Ok(())
    }

    /// Sets one value; `origin` says in errors where it comes from.
    fn set(&mut self, origin: &str, key: &str, value: String) -> Result<(), AccessError> {
        let known = KEYS.iter().map(|(key, _, _)| *key);
        let Some((key, default, _)) = KEYS.iter().find(|(known, _, _)| *known == key) else {
            let hint = did_you_mean(key, known);
            return Err(AccessError::option(
                origin,
                format!("no setting is called '{key}'{hint}"),
            ));
        };
        // Another word for the same.
        let value = match value.strip_prefix("scp://") {
            Some(rest) if *key == "aviso.sftp" => format!("sftp://{rest}"),
            _ => value,
        };
        // An address stays one of its scheme; an empty default is that of a service that need not be named.
        let pattern = if *key == "s3.endpoint" {
            "https://"
        } else {
            default
        };
        let scheme = pattern
            .split_once("://")
            .map(|(scheme, _)| scheme)
            .filter(|_| !value.is_empty());
        if let Some(scheme) = scheme
            && !Url::parse(&value).is_ok_and(|url| is_plain(&url, scheme))
        {
            let reason =
                format!("{key}: expected an address as {pattern}, without a user, a query or a fragment");
            return Err(AccessError::option(origin, reason));
        }
        if *key == "aviso.protocol" && !PROTOCOLS.contains(&value.as_str()) {
            let reason = format!("{key}: expected one of {}", PROTOCOLS.join(", "));
            return Err(AccessError::option(origin, reason));
        }
        let number = value
            .parse::<f64>()
            .ok()
            .filter(|number| (0.0..1e9).contains(number));
        if default.parse::<f64>().is_ok() && number.is_none() {
            return Err(AccessError::option(
                origin,
                format!("{key}: '{value}' is not a number from 0 on"),
            ));
        }
        if *default == "false" && value.parse::<bool>().is_err() {
            return Err(AccessError::option(
                origin,
                format!("{key}: expected true or false"),
            ));
        }
        self.values.insert(*key, value);
        Ok(())
    }

    /// The text of a setting.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.values
            .get(key)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    }

    /// An address, with a slash at its end.
    ///
    /// # Errors
    /// If the setting holds none.
    pub(crate) fn url(&self, key: &str) -> Result<Url, AccessError> {
        let text = self.text(key).unwrap_or_default();
        let url = Url::parse(&format!("{}/", text.trim_end_matches('/')));
        url.map_err(|error| AccessError::option(key, format!("'{text}' is no address: {error}")))
    }

    fn number(&self, key: &str) -> f64 {
        self.text(key).and_then(|text| text.parse().ok()).unwrap_or(0.0)
    }

    /// Address and region of the service of S3, where they are not those of the environment.
    pub fn buckets(&self) -> (Option<&str>, Option<&str>) {
        (self.text("s3.endpoint"), self.text("s3.region"))
    }

    pub(crate) fn connections(&self) -> usize {
        (self.number("transfers.connections") as usize).clamp(1, 64)
    }

    /// Requests at a time to the stores of grids.
    pub(crate) fn grid_connections(&self) -> usize {
        (self.number("cmems.connections") as usize).clamp(1, 64)
    }

    pub(crate) fn attempts(&self) -> u32 {
        (self.number("transfers.attempts") as u32).max(1)
    }

    pub(crate) fn first_wait(&self) -> f64 {
        self.number("transfers.first_wait")
    }

    pub(crate) fn longest_wait(&self) -> f64 {
        self.number("transfers.longest_wait")
    }

    pub(crate) fn stall(&self) -> Duration {
        Duration::from_secs_f64(self.number("transfers.stall").max(0.05))
    }

    /// Bytes that the cache of granules may take.
    pub(crate) fn cache_bytes(&self) -> u64 {
        (self.number("cache.size") * 1e6) as u64
    }

    pub(crate) fn fresh(&self) -> f64 {
        self.number("catalog.fresh")
    }

    /// Whether a setting that is true or false is true.
    pub(crate) fn is_true(&self, key: &str) -> bool {
        self.text(key) == Some("true")
    }
}

/// How AVISO can be asked.
const PROTOCOLS: [&str; 3] = ["https", "sftp", "ftp"];

/// An address of a server and nothing more; https may be http.
fn is_plain(url: &Url, scheme: &str) -> bool {
    (url.scheme() == scheme || (url.scheme(), scheme) == ("http", "https"))
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(flags: &[&str], environment: &[(&str, &str)]) -> Result<Settings, AccessError> {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Settings::from(&flags, &|name| {
            let found = environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn flags_win_over_environment_over_file_over_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[aviso]\ncatalog = \"http://file/\"\n[transfers]\nconnections = 3\n";
        std::fs::write(folder.path().join("access.toml"), text).unwrap();
        let place = folder.path().to_str().unwrap();
        let file = [("KARIN_CONFIG_DIR", place)];
        let url = |settings: Settings| settings.url("aviso.catalog").unwrap().to_string();
        assert_eq!(url(load(&[], &[]).unwrap()), KEYS[0].1);
        let settings = load(&[], &file).unwrap();
        assert_eq!(settings.connections(), 3);
        assert_eq!(url(settings), "http://file/");
        let both = [file[0], ("KARIN_AVISO_CATALOG", "http://environment/x")];
        assert_eq!(url(load(&[], &both).unwrap()), "http://environment/x/");
        assert_eq!(
            url(load(&["aviso.catalog=http://flag"], &both).unwrap()),
            "http://flag/"
        );
    }

    #[test]
    fn scp_is_another_word_for_sftp() {
        let settings = load(&["aviso.sftp=scp://h:22/a"], &[]).unwrap();
        assert_eq!(settings.url("aviso.sftp").unwrap().as_str(), "sftp://h:22/a/");
    }

    #[test]
    fn wrong_settings_are_named() {
        for (flag, reason) in [
            ("aviso.catalogue=http://x", "did you mean 'aviso.catalog'?"),
            ("aviso.catalog=ftp://x", "expected an address"),
            ("aviso.sftp=https://x", "expected an address as sftp://"),
            ("aviso.sftp=sftp://me@x/", "without a user"),
            ("aviso.protocol=scp", "one of https, sftp, ftp"),
            ("aviso.catalog=http://me:canary@x", "without a user"),
            ("transfers.connections=many", "not a number"),
            ("s3.anonymous=maybe", "true or false"),
            ("nothing", "expected KEY=VALUE"),
        ] {
            let error = load(&[flag], &[]).unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("canary"), "{error}");
        }
    }
}
