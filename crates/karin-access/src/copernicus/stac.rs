//! The catalogue: client configuration, which product a dataset belongs to, and the item of its version.

use futures::{StreamExt as _, stream};
use karin_core::suggest::did_you_mean;
use karin_core::time::parse_instant;
use serde_json::{Map, Value};
use url::Url;

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
        of_catalogue(catalogs, config, (&mapping, &root), dataset, version).await
    };
    first(catalogs, config, ask).await
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

async fn of_catalogue(
    catalogs: &Catalogs<'_>,
    config: &Url,
    (mapping, root): (&Map<String, Value>, &Url),
    dataset: &str,
    version: Option<&str>,
) -> Result<CopernicusDataset, AccessError> {
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
    let links = json(catalogs, &place).await?;
    let links = links
        .get("links")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let items = links
        .iter()
        .filter(|link| link.get("rel").and_then(Value::as_str) == Some("item"))
        .filter_map(|link| link.get("href")?.as_str())
        .filter(|href| href.contains(dataset))
        .filter_map(|href| place.join(href).ok());
    let mut answers = stream::iter(items)
        .map(|item| async move { (json(catalogs, &item).await, item) })
        .buffered(AT_A_TIME);
    let mut versions = Vec::new();
    while let Some((answer, item)) = answers.next().await {
        let answer = answer?;
        if let Some(version) = version_of(&answer, dataset) {
            versions.push((version, item, answer));
        }
    }
    versions.sort_by(|a, b| a.0.cmp(&b.0));
    let names: Vec<String> = versions.iter().map(|(name, _, _)| name.clone()).collect();
    let chosen = match version {
        Some(asked) => versions.into_iter().find(|(name, _, _)| name == asked),
        None => versions
            .into_iter()
            .rev()
            .find(|(_, _, item)| is_released(item, crate::now())),
    };
    let Some((version, item_at, item)) = chosen else {
        let reason = format!(
            "{dataset} has no such version that is released; known: {}",
            names.join(", ")
        );
        return Err(AccessError::option("--version", reason));
    };
    let asset = |name: &str| {
        let href = item
            .pointer(&format!("/assets/{name}/href"))
            .and_then(Value::as_str)?;
        item_at.join(href).ok()
    };
    Ok(CopernicusDataset {
        product,
        dataset: dataset.to_owned(),
        version,
        native: asset("native"),
        stores: ["timeChunked", "geoChunked"]
            .into_iter()
            .filter_map(asset)
            .collect(),
    })
}

/// The version of an item if it is one of the dataset, `DATASET_YYYYMM`; other parts of it are other datasets.
fn version_of(item: &Value, dataset: &str) -> Option<String> {
    let rest = item
        .get("id")?
        .as_str()?
        .strip_prefix(dataset)?
        .strip_prefix('_')?;
    let is_version = rest.len() == 6 && rest.bytes().all(|byte| byte.is_ascii_digit());
    is_version.then(|| rest.to_owned())
}

fn is_released(item: &Value, now: f64) -> bool {
    let property = |name: &str| item.pointer(&format!("/properties/{name}"));
    let moment = |name: &str| {
        let text = property(name).and_then(Value::as_str)?;
        parse_instant(text.get(..19).unwrap_or(text)).ok()
    };
    let is_in_preparation = match property("admp_in_preparation") {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(word)) => word == "true",
        _ => false,
    };
    !is_in_preparation
        && moment("admp_released_date").is_none_or(|released| released <= now)
        && moment("admp_retired_date").is_none_or(|retired| retired > now)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_are_those_of_the_dataset_itself() {
        let of = |id: &str| version_of(&json!({"id": id}), "cmems_obs-sl");
        assert_eq!(of("cmems_obs-sl_202411").as_deref(), Some("202411"));
        for other in [
            "cmems_obs-sl_202411--ext--part",
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
