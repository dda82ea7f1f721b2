//! The services that have accounts.

use std::fmt;
use std::str::FromStr;

use karin_core::suggest::did_you_mean;
use serde::{Deserialize, Serialize};

use crate::AccessError;

/// A service with accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// AVISO+.
    Aviso,
    /// NASA Earthdata Login, which PO.DAAC uses.
    Podaac,
    /// Copernicus Marine.
    Cmems,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 3] = [Self::Aviso, Self::Podaac, Self::Cmems];

    /// `aviso`, `podaac`, `cmems`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aviso => "aviso",
            Self::Podaac => "podaac",
            Self::Cmems => "cmems",
        }
    }

    /// Variables of the environment for the user and the password, as the other tools of the provider have them.
    pub const fn variables(self) -> (&'static str, &'static str) {
        match self {
            Self::Aviso => ("AVISO_USERNAME", "AVISO_PASSWORD"),
            Self::Podaac => ("EARTHDATA_USERNAME", "EARTHDATA_PASSWORD"),
            Self::Cmems => (
                "COPERNICUSMARINE_SERVICE_USERNAME",
                "COPERNICUSMARINE_SERVICE_PASSWORD",
            ),
        }
    }

    /// The setting with the address of the server that asks for the password.
    pub(crate) const fn address(self) -> &'static str {
        match self {
            Self::Aviso => "aviso.catalog",
            Self::Podaac => "podaac.login",
            Self::Cmems => "cmems.login",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Service {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        let names = || Self::ALL.iter().map(|service| service.name());
        let found = Self::ALL
            .into_iter()
            .find(|service| service.name().eq_ignore_ascii_case(text.trim()));
        found.ok_or_else(|| {
            let known: Vec<_> = names().collect();
            let hint = did_you_mean(text, names());
            AccessError::option(
                "SERVICE",
                format!("'{text}' is none of {}{hint}", known.join(", ")),
            )
        })
    }
}
