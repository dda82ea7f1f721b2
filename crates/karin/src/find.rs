//! Which granules a provider has of what is wanted, as a table.

use karin_access::{Checksum, Found, LeftOut, Published, RemoteGranule, Service, Size};
use karin_core::time::format_instant;
use karin_core::{Phase, Product, Progress, Selection};
use serde::Serialize;

use crate::Error;
use crate::provider::{Provider, ProviderOptions};

/// The granules that were found.
#[derive(Clone, Debug, Serialize)]
pub struct FindReport {
    /// The place that was asked.
    pub from: String,
    /// The granules, in the order of time.
    pub granules: Vec<FindRow>,
    /// Bytes of all, as far as the provider tells.
    pub bytes: u64,
    /// Parts of the place that could not be asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Requests that were sent to servers of catalogues; 0 if all was known.
    pub requests: u64,
}

/// A granule at a provider.
#[derive(Clone, Debug, Serialize)]
pub struct FindRow {
    /// Product.
    pub product: Product,
    /// Phase of the mission.
    pub phase: Option<Phase>,
    /// Cycle.
    pub cycle_number: u16,
    /// Pass.
    pub pass_number: u16,
    /// Time of the first measurement, ISO 8601 to the second.
    pub time_start: String,
    /// Time of the last measurement.
    pub time_end: String,
    /// Version.
    pub version: String,
    /// Bytes; nothing if the provider does not tell.
    pub size: Option<u64>,
    /// Whether that is exact.
    pub size_is_exact: bool,
    /// Checksum that the provider tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// Where it lies.
    pub location: String,
}

/// What a provider publishes.
#[derive(Clone, Debug, Serialize)]
pub struct ProductsReport {
    /// The provider that was asked.
    pub from: Service,
    /// The products, by name.
    pub products: Vec<Published>,
}

/// The provider and the pattern of names of `PROVIDER` or `PROVIDER:PATTERN` (`aviso`, `podaac:*NALT*`, `cmems:cmems_obs-sl*`), which
/// asks for what is published; `None` for other texts, which name a product.
pub fn asks_for_products(product: &str) -> Option<(Service, &str)> {
    let (place, pattern) = product.split_once(':').unwrap_or((product, ""));
    let service = Service::ALL.into_iter().find(|service| service.name() == place)?;
    (pattern.is_empty() || pattern.contains(['*', '?'])).then_some((service, pattern))
}

/// Asks a provider what it publishes under names that match a pattern.
///
/// # Errors
/// If it cannot be asked, or a setting makes no sense.
pub fn products(
    service: Service,
    pattern: &str,
    options: &ProviderOptions,
    progress: &dyn Progress,
) -> Result<ProductsReport, Error> {
    Ok(ProductsReport {
        from: service,
        products: options.access()?.products(service, pattern, progress)?,
    })
}

/// Asks a provider.
///
/// # Errors
/// If it cannot be asked.
pub fn find(
    provider: &Provider,
    selection: &Selection,
    progress: &dyn Progress,
) -> Result<FindReport, Error> {
    let Found {
        granules,
        left_out,
        requests,
    } = provider.find(selection, progress)?;
    Ok(FindReport {
        from: provider.place().to_string(),
        bytes: granules.iter().map(|granule| granule.size.estimate()).sum(),
        granules: granules.iter().map(row).collect(),
        left_out,
        requests,
    })
}

fn row(granule: &RemoteGranule) -> FindRow {
    let name = &granule.name;
    FindRow {
        product: name.product,
        phase: name.phase(),
        cycle_number: name.half_orbit.cycle.0,
        pass_number: name.half_orbit.pass.0,
        time_start: format_instant(name.start),
        time_end: format_instant(name.end),
        version: name.version.to_string(),
        size: (granule.size != Size::Unknown).then(|| granule.size.estimate()),
        size_is_exact: granule.size.exact().is_some(),
        checksum: granule.checksum.clone(),
        location: granule.location.to_string(),
    }
}
