//! Providers of granules, with accounts and connections: what find, get and sync go through.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use karin_access::{
    Access, Account, Checked, Credentials, Found, GetOptions, GetReport, Inspect, Place, RemoteGranule,
    Service, Settings, Wanted, now,
};
use karin_core::{Product, Progress, Selection};
use karin_netcdf::NcFile;
use serde::Serialize;

use crate::Error;

/// How to reach providers.
#[derive(Clone, Debug, Default)]
pub struct ProviderOptions {
    /// Settings as `KEY=VALUE`; they come before the environment and the file of settings.
    pub set: Vec<String>,
    /// A file in the form of a `.netrc` that comes before all other sources of accounts.
    pub credentials: Option<PathBuf>,
}

impl ProviderOptions {
    /// Access to the services that the settings name.
    pub(crate) fn access(&self) -> Result<Access, Error> {
        let settings = Settings::load(&self.set)?;
        let credentials = Credentials::new(&settings, self.credentials.clone());
        Ok(Access::new(&settings, credentials, &[])?)
    }
}

/// A provider, a folder, a server or a bucket that can be asked.
#[derive(Debug)]
pub struct Provider {
    access: Access,
    place: Place,
    settings: Settings,
}

impl Provider {
    /// Where `from` says (`aviso`, `podaac`, a folder, `http(s)://…`, `s3://…`), or where the product of the selection
    /// usually is. Nothing is asked yet.
    ///
    /// # Errors
    /// If there is no such place, the selection has no product, or a setting makes no sense.
    pub fn open(from: Option<&str>, selection: &Selection, options: &ProviderOptions) -> Result<Self, Error> {
        let place = match (from, selection.product) {
            (Some(from), _) => Place::parse(from)?,
            (None, Some(product)) => Place::usual(product),
            (None, None) => return Err(Error::option("PRODUCT", "name a product, as L2_LR_SSH_Expert")),
        };
        let settings = Settings::load(&options.set)?;
        let credentials = Credentials::new(&settings, options.credentials.clone());
        let access = Access::new(&settings, credentials, std::slice::from_ref(&place))?;
        Ok(Self {
            access,
            place,
            settings,
        })
    }

    /// The place that is asked.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// The granules that a selection asks for: by product, cycles, passes, time, region and version.
    ///
    /// # Errors
    /// If the place cannot be asked.
    pub fn find(&self, selection: &Selection, progress: &dyn Progress) -> Result<Found, Error> {
        let wanted = Wanted::of(selection, now())?;
        Ok(self.access.find(&wanted, &self.place, progress)?)
    }

    /// Puts granules into a folder; see [`Access::get`].
    ///
    /// # Errors
    /// If the folder cannot be written, or the user cancelled.
    pub fn get(
        &self,
        granules: &[RemoteGranule],
        folder: &Path,
        options: &GetOptions,
        progress: &dyn Progress,
    ) -> Result<GetReport, Error> {
        let inspect: Arc<dyn Inspect> = Arc::new(WholeNetcdf);
        Ok(self.access.get(granules, folder, options, inspect, progress)?)
    }

    /// Folder for files that nobody asked to keep and that have no place of their own.
    pub(crate) fn cache(&self) -> Option<&Path> {
        self.settings.cache.as_deref()
    }
}

/// The place and the product that are meant: `aviso:NAME` is `NAME` from `aviso`.
///
/// # Errors
/// If both `product` and `from` say where to look.
pub fn place_of<'a>(product: &'a str, from: Option<&'a str>) -> Result<(Option<&'a str>, &'a str), Error> {
    match product.split_once(':') {
        Some(("cmems", _)) => {
            let reason = format!(
                "{product} is a dataset of Copernicus Marine, without granules: find and get take it"
            );
            Err(Error::option("PRODUCT", reason))
        }
        Some((place, name)) if Product::parse(name).is_ok() => match from {
            None => Ok((Some(place), name)),
            Some(_) => {
                let reason = format!("{product} says already where to look");
                Err(Error::option("--from", reason))
            }
        },
        _ => Ok((from, product)),
    }
}

/// A file is whole if its structure can be read and it is as long as it says.
#[derive(Debug)]
pub(crate) struct WholeNetcdf;

impl Inspect for WholeNetcdf {
    fn inspect(&self, path: &Path, _file_name: &str) -> Result<(), String> {
        // The path is that of a file without its name yet: it is told by whoever asks.
        let told =
            |error: karin_netcdf::NcError| error.to_string().replace(&path.display().to_string(), "it");
        NcFile::open(path).map(drop).map_err(told)
    }
}

/// Which account a service gets.
#[derive(Clone, Debug, Serialize)]
pub struct AuthRow {
    /// The service.
    pub service: Service,
    /// `password` or `token`; nothing without an account.
    pub account: Option<&'static str>,
    /// Where it comes from.
    pub source: Option<String>,
    /// Sources that were passed over, and why.
    pub passed_over: Vec<String>,
}

/// Which account each service gets, and from where. No value is told.
///
/// # Errors
/// If a setting makes no sense.
pub fn auth_status(options: &ProviderOptions) -> Result<Vec<AuthRow>, Error> {
    let settings = Settings::load(&options.set)?;
    let credentials = Credentials::new(&settings, options.credentials.clone());
    let row = |service| {
        let found = credentials.of(service);
        let kind = |account: &Account| match account {
            Account::Password { .. } => "password",
            Account::Token(_) => "token",
        };
        AuthRow {
            service,
            account: found.account.as_ref().map(|(account, _)| kind(account)),
            source: found.account.as_ref().map(|(_, source)| source.clone()),
            passed_over: found.passed_over.clone(),
        }
    };
    Ok(Service::ALL.into_iter().map(row).collect())
}

/// What a login did.
#[derive(Clone, Debug, Serialize)]
pub struct LoginReport {
    /// The service.
    pub service: Service,
    /// Whether the service accepted the account; false where it cannot be asked.
    pub checked: bool,
    /// The keyring that holds it now.
    pub keyring: PathBuf,
}

/// Asks the service whether it accepts an account, where it can be asked, and stores it in the keyring.
///
/// # Errors
/// If the service refuses it or cannot be reached, or the keyring cannot be written.
pub fn login(
    service: Service,
    account: &Account,
    check: bool,
    options: &ProviderOptions,
) -> Result<LoginReport, Error> {
    let settings = Settings::load(&options.set)?;
    let checked = if check {
        let access = Access::new(&settings, Credentials::new(&settings, None), &[])?;
        access.check(service, account)?
    } else {
        Checked::CannotTell
    };
    let keyring = karin_access::credentials::store(&settings, service, Some(account))?;
    Ok(LoginReport {
        service,
        checked: checked == Checked::Accepted,
        keyring,
    })
}

/// Removes an account from the keyring; gives the keyring's path.
///
/// # Errors
/// If the keyring cannot be written.
pub fn logout(service: Service, options: &ProviderOptions) -> Result<PathBuf, Error> {
    let settings = Settings::load(&options.set)?;
    Ok(karin_access::credentials::store(&settings, service, None)?)
}
