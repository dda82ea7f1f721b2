//! Where AVISO's THREDDS server has which product.

use karin_core::Product;
use url::Url;

use crate::{AccessError, Settings};

/// The catalogue of a product. The roots are those of the client that AVISO ships (altimetry-downloader-aviso 0.8).
pub(crate) fn catalog(settings: &Settings, product: Product) -> Result<Url, AccessError> {
    let root = match product {
        Product::L3Basic | Product::L3Expert | Product::L3Technical | Product::L3Unsmoothed => {
            "dataset-l3-swot-karin-nadir-validated/l3_lr_ssh"
        }
        Product::L2Basic | Product::L2Expert | Product::L2WindWave | Product::L2Unsmoothed => {
            "dataset-l2-swot-karin-lr-ssh-validated"
        }
        Product::L3WindWave => "dataset-l3-swot-karin-wind-wave",
        _ => {
            let reason = format!(
                "AVISO's catalogues hold no passes of {product}; name a folder, an address or podaac"
            );
            return Err(AccessError::option("--from aviso", reason));
        }
    };
    let base = settings.url("aviso.catalog")?;
    base.join(&format!("{root}/catalog.xml"))
        .map_err(|error| AccessError::option("aviso.catalog", error.to_string()))
}
