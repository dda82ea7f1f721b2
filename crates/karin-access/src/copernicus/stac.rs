//! The catalogue: client configuration, which product a dataset belongs to, and the item of its version.

use futures::{StreamExt as _, stream};
use karin_core::suggest::did_you_mean;
use karin_core::time::parse_instant;
use serde_json::{Map, Value};
use url::Url;

use super::describe::{self, CopernicusDescription};
use super::{CopernicusDataset, json};
use crate::AccessError;
use crate::catalog::Catalogs;

/// Items of versions that are asked for at a time.
const AT_A_TIME: usize = 8;

/// Looks a dataset up, in the first catalogue of the configuration that answers.
pub(super) async fn find(
    catalogs: &Catalogs<'_>,
    config: &Url,
    dataset: &str,
    version: Option<&str>,
) -> Result<CopernicusDataset, AccessError> {
    let ask = async |catalogue: &Value| {
        let (mapping, root) = mapping_of(catalogs, config, catalogue).await?;
        entry(catalogs, config, (&mapping, &root), dataset).await
    };
    let entry = first(catalogs, config, ask).await?;
    let chosen = entry.choose(version).ok_or_else(|| entry.no_version(dataset))?;
    Ok(dataset_of(&entry, dataset, chosen))
}

/// All datasets and the product that each belongs to, as the first catalogue says that answers.
pub(crate) async fn datasets(
    catalogs: &Catalogs<'_>,
    config: &Url,
) -> Result<Vec<(String, String)>, AccessError> {
    let ask = async |catalogue: &Value| mapping_of(catalogs, config, catalogue).await;
    let (mapping, _) = first(catalogs, config, ask).await?;
    let named = mapping
        .into_iter()
        .filter_map(|(dataset, products)| Some((dataset, products.as_str()?.to_owned())));
    Ok(named.collect())
}

/// What the first catalogue of the configuration says that answers.
async fn first<T>(
    catalogs: &Catalogs<'_>,
    config: &Url,
    ask: impl AsyncFn(&Value) -> Result<T, AccessError>,
) -> Result<T, AccessError> {
    let answer = json(catalogs, config).await?;
    let known = answer.get("catalogues").and_then(Value::as_array);
    let mut failure = AccessError::answer(config, "it names no catalogue");
    for catalogue in known.into_iter().flatten() {
        match ask(catalogue).await {
            // The next one is a copy of this one.
            Err(error) if error.is_transient() => failure = error,
            other => return other,
        }
    }
    Err(failure)
}

/// The product of every dataset, and where the catalogue of products lies.
async fn mapping_of(
    catalogs: &Catalogs<'_>,
    config: &Url,
    catalogue: &Value,
) -> Result<(Map<String, Value>, Url), AccessError> {
    let address = |key: &str| {
        let text = catalogue.get(key).and_then(Value::as_str);
        let url = text.and_then(|text| config.join(text).ok());
        url.ok_or_else(|| AccessError::answer(config, format!("a catalogue without {key}")))
    };
    let mapping_at = address("idMapping")?;
    match json(catalogs, &mapping_at).await? {
        Value::Object(mapping) => Ok((mapping, address("stacRoot")?)),
        _ => Err(AccessError::answer(&mapping_at, "not a list of datasets")),
    }
}

/// A version of a dataset, or of a part of it, in the catalogue.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub version: String,
    /// The part, where it is not the dataset as such.
    pub part: Option<String>,
    /// Where the item lies.
    pub at: Url,
    pub json: Value,
}

/// A dataset in the catalogue.
struct Entry {
    product: String,
    title: Option<String>,
    /// Its versions, the oldest first; of each, the dataset as such before its parts.
    items: Vec<Item>,
}

impl Entry {
    /// The version that is named, or the newest that is released, of the dataset as such.
    fn choose(&self, version: Option<&str>) -> Option<&Item> {
        let mut whole = self.items.iter().filter(|item| item.part.is_none());
        match version {
            Some(asked) => whole.find(|item| item.version == asked),
            None => whole.rfind(|item| is_released(&item.json, crate::now())),
        }
    }

    fn no_version(&self, dataset: &str) -> AccessError {
        let whole = self.items.iter().filter(|item| item.part.is_none());
        let names: Vec<&str> = whole.map(|item| item.version.as_str()).collect();
        let names = names.join(", ");
        let reason = format!("{dataset} has no such version that is released; known: {names}");
        AccessError::option("--version", reason)
    }
}

async fn entry(
    catalogs: &Catalogs<'_>,
    config: &Url,
    (mapping, root): (&Map<String, Value>, &Url),
    dataset: &str,
) -> Result<Entry, AccessError> {
    let Some(products) = mapping.get(dataset).and_then(Value::as_str) else {
        let hint = did_you_mean(dataset, mapping.keys().map(String::as_str));
        let reason = format!("Copernicus Marine has no dataset '{dataset}'{hint}");
        return Err(AccessError::option("cmems", reason));
    };
    let product = products.split(',').next().unwrap_or_default().trim().to_owned();
    let root = format!(
        "{}/{product}/product.stac.json",
        root.as_str().trim_end_matches('/')
    );
    let place = Url::parse(&root).map_err(|error| AccessError::answer(config, error.to_string()))?;
    let record = json(catalogs, &place).await?;
    let links = record.get("links").and_then(Value::as_array);
    let addresses = (links.into_iter().flatten())
        .filter(|link| link.get("rel").and_then(Value::as_str) == Some("item"))
        .filter_map(|link| link.get("href")?.as_str())
        .filter(|href| href.contains(dataset))
        .filter_map(|href| place.join(href).ok());
    let mut answers = stream::iter(addresses)
        .map(|at| async move { (json(catalogs, &at).await, at) })
        .buffered(AT_A_TIME);
    let mut items = Vec::new();
    while let Some((answer, at)) = answers.next().await {
        let json = answer?;
        if let Some((version, part)) = version_of(&json, dataset) {
            items.push(Item {
                version,
                part,
                at,
                json,
            });
        }
    }
    items.sort_by(|a, b| (&a.version, &a.part).cmp(&(&b.version, &b.part)));
    Ok(Entry {
        product,
        title: record.get("title").and_then(Value::as_str).map(ToOwned::to_owned),
        items,
    })
}

/// Where the files and stores of a version lie.
fn dataset_of(entry: &Entry, dataset: &str, item: &Item) -> CopernicusDataset {
    let asset = |name: &str| {
        let href = item.json.pointer(&format!("/assets/{name}/href"));
        item.at.join(href.and_then(Value::as_str)?).ok()
    };
    CopernicusDataset {
        product: entry.product.clone(),
        dataset: dataset.to_owned(),
        version: item.version.clone(),
        native: asset("native"),
        stores: ["timeChunked", "geoChunked"]
            .into_iter()
            .filter_map(asset)
            .collect(),
    }
}

/// What the catalogue tells of a dataset: of one version (the newest that is released, if none is named), or of `all`.
pub(super) async fn describe(
    catalogs: &Catalogs<'_>,
    config: &Url,
    dataset: &str,
    version: Option<&str>,
) -> Result<CopernicusDescription, AccessError> {
    let ask = async |catalogue: &Value| {
        let (mapping, root) = mapping_of(catalogs, config, catalogue).await?;
        entry(catalogs, config, (&mapping, &root), dataset).await
    };
    let entry = first(catalogs, config, ask).await?;
    let chosen = entry.choose(None).map(|item| item.version.as_str());
    let wanted = version.or(chosen);
    let is_wanted = |item: &&Item| version == Some("all") || wanted == Some(&item.version);
    let versions: Vec<_> = entry
        .items
        .iter()
        .filter(is_wanted)
        .map(describe::version)
        .collect();
    if versions.is_empty() {
        return Err(entry.no_version(dataset));
    }
    Ok(CopernicusDescription {
        dataset: dataset.to_owned(),
        product: entry.product.clone(),
        title: entry.title.clone(),
        versions,
        known: describe::known(&entry.items, chosen, crate::now()),
    })
}

/// The version of an item if it is one of the dataset, `DATASET_YYYYMM`, or of a part of it, `DATASET_YYYYMM--ext--PART`.
fn version_of(item: &Value, dataset: &str) -> Option<(String, Option<String>)> {
    let rest = item
        .get("id")?
        .as_str()?
        .strip_prefix(dataset)?
        .strip_prefix('_')?;
    let (version, part) = match rest.split_once("--ext--") {
        Some((version, part)) => (version, Some(part.to_owned())),
        None => (rest, None),
    };
    let is_version = version.len() == 6 && version.bytes().all(|byte| byte.is_ascii_digit());
    is_version.then(|| (version.to_owned(), part))
}

/// A moment that an item tells.
fn moment(item: &Value, name: &str) -> Option<f64> {
    let text = item.pointer(&format!("/properties/{name}"))?.as_str()?;
    parse_instant(text.get(..19).unwrap_or(text)).ok()
}

pub(super) fn is_retired(item: &Value, now: f64) -> bool {
    moment(item, "admp_retired_date").is_some_and(|retired| retired <= now)
}

pub(super) fn is_released(item: &Value, now: f64) -> bool {
    let is_in_preparation = match item.pointer("/properties/admp_in_preparation") {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(word)) => word == "true",
        _ => false,
    };
    !is_in_preparation
        && moment(item, "admp_released_date").is_none_or(|released| released <= now)
        && !is_retired(item, now)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_are_those_of_the_dataset_itself() {
        let of = |id: &str| version_of(&json!({"id": id}), "cmems_obs-sl");
        assert_eq!(of("cmems_obs-sl_202411"), Some(("202411".to_owned(), None)));
        let part = Some(("202411".to_owned(), Some("part".to_owned())));
        assert_eq!(of("cmems_obs-sl_202411--ext--part"), part);
        for other in [
            "cmems_obs-sl_202411--other--part",
            "cmems_obs-sl-2_202411",
            "cmems_obs-sl",
            "x",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn only_what_is_released_is_taken() {
        let now = parse_instant("2025-01-01").unwrap();
        let is = |properties: Value| is_released(&json!({"properties": properties}), now);
        assert!(
            is(json!({}))
                && is(json!({"admp_released_date": "2024-11-20T00:00:00.000Z", "admp_retired_date": null}))
        );
        assert!(!is(json!({"admp_released_date": "2025-11-20T00:00:00.000Z"})));
        assert!(!is(json!({"admp_retired_date": "2024-11-20T00:00:00.000Z"})));
        assert!(!is(json!({"admp_in_preparation": "true"})));
    }
}
