//! Where AVISO has which product: in THREDDS catalogues, or in folders over SFTP and FTP.

use karin_core::Product;
use url::Url;

use crate::{AccessError, Settings};

/// What is asked for a product.
pub(crate) enum Root {
    /// A THREDDS catalogue.
    Catalog(Url),
    /// A folder of a server of files.
    Folder(Url),
}

/// The root of a product by the protocol that the settings say. Those of THREDDS are of the client that AVISO ships
/// (altimetry-downloader-aviso 0.8), those of the folders of CNES's documentation of fcollections.
pub(crate) fn root(settings: &Settings, product: Product) -> Result<Root, AccessError> {
    let protocol = settings.text("aviso.protocol").unwrap_or("https");
    let is_web = protocol == "https";
    let path = match product {
        Product::L3Basic | Product::L3Expert | Product::L3Technical | Product::L3Unsmoothed => match is_web {
            true => "dataset-l3-swot-karin-nadir-validated/l3_lr_ssh/catalog.xml",
            false => "l3_karin_nadir/l3_lr_ssh/",
        },
        Product::L2Basic | Product::L2Expert | Product::L2WindWave | Product::L2Unsmoothed => match is_web {
            true => "dataset-l2-swot-karin-lr-ssh-validated/catalog.xml",
            false => "l2_karin/l2_lr_ssh/",
        },
        Product::L3WindWave if is_web => "dataset-l3-swot-karin-wind-wave/catalog.xml",
        Product::L4 => {
            let reason =
                "maps have no passes; those of Copernicus Marine are datasets: karin find 'cmems:*phy-ssh*'";
            return Err(AccessError::option("PRODUCT", reason));
        }
        _ => {
            let reason = format!(
                "AVISO is not asked for passes of {product} over {protocol}; name a folder, an address or podaac"
            );
            return Err(AccessError::option("--from aviso", reason));
        }
    };
    let key = match protocol {
        "sftp" => "aviso.sftp",
        "ftp" => "aviso.ftp",
        _ => "aviso.catalog",
    };
    let root = settings.url(key)?.join(path);
    let root = root.map_err(|error| AccessError::option(key, error.to_string()))?;
    Ok(if is_web {
        Root::Catalog(root)
    } else {
        Root::Folder(root)
    })
}
