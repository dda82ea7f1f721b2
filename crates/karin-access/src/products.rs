//! What providers publish: AVISO's catalogue of products (GeoNetwork), NASA's search of collections (CMR), and the datasets
//! of Copernicus Marine.

use karin_core::Progress;
use karin_core::pattern::matches_pattern;
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use crate::catalog::Catalogs;
use crate::copernicus::stac;
use crate::http::{Ask, Body};
use crate::places::cmr;
use crate::retry::retry;
use crate::{Access, AccessError, Service};

/// Records that AVISO's catalogue is asked for at a time.
const PAGE: usize = 100;

/// Bytes that an answer of it may have.
const LIMIT: usize = 64 << 20;

/// A product that a provider publishes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Published {
    /// Its name there: `SWOT_L3_LR_SSH_Expert`, `SWOT_L2_LR_SSH_EXPERT_D`, `cmems_obs-sl_glo_phy-ssh_my_allsat-l4-duacs-0.125deg_P1D`.
    pub name: String,
    /// Its title; of a dataset of Copernicus Marine, the product that it belongs to.
    pub title: String,
    /// Its DOI, as an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doi: Option<String>,
    /// Where it lies, if the catalogue says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

impl Access {
    /// What a provider publishes under names that match a pattern (`*`, `?`; case does not count), by name: of AVISO and
    /// PO.DAAC the products of SWOT, of Copernicus Marine all datasets.
    ///
    /// # Errors
    /// If the provider cannot be asked, or answers something else.
    pub fn products(
        &self,
        service: Service,
        pattern: &str,
        progress: &dyn Progress,
    ) -> Result<Vec<Published>, AccessError> {
        let catalogs = self.catalogs(progress);
        let all = self.runtime.block_on(async {
            match service {
                Service::Aviso => of_aviso(&catalogs, &self.settings.url("aviso.products")?).await,
                Service::Podaac => of_podaac(&catalogs, &self.settings.url("podaac.cmr")?, progress).await,
                Service::Cmems => of_copernicus(&catalogs, &self.copernicus_config()?).await,
            }
        });
        let pattern = pattern.to_lowercase();
        let mut all = all?;
        all.retain(|one| pattern.is_empty() || matches_pattern(&pattern, &one.name.to_lowercase()));
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all.dedup();
        Ok(all)
    }
}

/// The text at a path of an answer.
fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.pointer(path)?.as_str().filter(|text| !text.is_empty())
}

async fn of_aviso(catalogs: &Catalogs<'_>, service: &Url) -> Result<Vec<Published>, AccessError> {
    let address = service
        .join("search/records/_search")
        .map_err(|error| AccessError::option("aviso.products", error.to_string()))?;
    let mut found = Vec::new();
    for from in (0..).step_by(PAGE) {
        let records = [
            json!({"term": {"th_odatis_centre_donnees.default": "CDS-AVISO"}}),
            json!({"term": {"platforms": "SWOT"}}),
        ];
        let question = json!({"from": from, "size": PAGE, "query": {"bool": {"must": records}}});
        let mut ask = Ask::get(&address).header(ACCEPT, "application/json");
        ask.method = Method::POST;
        ask.body = Some(Body::Json(question.to_string()));
        let answer = retry(&catalogs.patience, || answer(catalogs, &ask)).await?;
        let Some(hits) = answer.pointer("/hits/hits").and_then(Value::as_array) else {
            return Err(AccessError::answer(&address, "not a list of products"));
        };
        found.extend(hits.iter().flat_map(of_record));
        if hits.len() < PAGE {
            break;
        }
    }
    Ok(found)
}

async fn answer(catalogs: &Catalogs<'_>, ask: &Ask) -> Result<Value, AccessError> {
    let reply = catalogs.http.send(ask).await?;
    if reply.status() != 200 {
        return Err(catalogs.http.error_of(reply).await);
    }
    let body = reply.body(LIMIT).await?;
    serde_json::from_slice(&body)
        .map_err(|error| AccessError::answer(&ask.url, format!("not a list of products: {error}")))
}

/// The products of a record: one for each THREDDS catalogue that it links to.
fn of_record(record: &Value) -> Vec<Published> {
    let links = record.pointer("/_source/link").and_then(Value::as_array);
    let links = links.map(Vec::as_slice).unwrap_or_default();
    let address = |link: &Value| text(link, "/urlObject/default").map(ToOwned::to_owned);
    let doi = links
        .iter()
        .find(|link| text(link, "/protocol").is_some_and(|kind| kind.eq_ignore_ascii_case("DOI")))
        .and_then(address);
    let catalogues = links
        .iter()
        .filter(|link| text(link, "/descriptionObject/default") == Some("THREDDS"));
    let products = catalogues.filter_map(|link| {
        Some(Published {
            name: text(link, "/nameObject/default")?.trim().replace(' ', "_"),
            title: text(record, "/_source/resourceTitleObject/default")
                .unwrap_or_default()
                .to_owned(),
            doi: doi.clone(),
            location: address(link),
        })
    });
    products.collect()
}

async fn of_podaac(
    catalogs: &Catalogs<'_>,
    service: &Url,
    progress: &dyn Progress,
) -> Result<Vec<Published>, AccessError> {
    let mut question = service
        .join("collections.umm_json")
        .map_err(|error| AccessError::option("podaac.cmr", error.to_string()))?;
    question
        .query_pairs_mut()
        .append_pair("provider", "POCLOUD")
        .append_pair("short_name", "SWOT_*")
        .append_pair("options[short_name][pattern]", "true")
        .append_pair("page_size", "2000");
    let items = cmr::pages(catalogs, &question, progress).await?;
    let of_item = |item: &Value| {
        let doi = text(item, "/umm/DOI/DOI").map(|doi| format!("https://doi.org/{doi}"));
        Some(Published {
            name: text(item, "/umm/ShortName")?.to_owned(),
            title: text(item, "/umm/EntryTitle").unwrap_or_default().to_owned(),
            doi,
            location: None,
        })
    };
    Ok(items.iter().filter_map(of_item).collect())
}

async fn of_copernicus(catalogs: &Catalogs<'_>, config: &Url) -> Result<Vec<Published>, AccessError> {
    let datasets = stac::datasets(catalogs, config).await?;
    let published = datasets.into_iter().map(|(name, title)| Published {
        name,
        title,
        doi: None,
        location: None,
    });
    Ok(published.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_product_for_each_of_its_catalogues() {
        let link = |description: &str, name: &str, protocol: &str, url: &str| json!({"protocol": protocol, "descriptionObject": {"default": description}, "nameObject": {"default": name}, "urlObject": {"default": url}});
        let links = [
            link("THREDDS", "SWOT L3 LR SSH Basic", "", "https://t/basic"),
            link("THREDDS", "SWOT L3 LR SSH Expert", "", "https://t/expert"),
            link("FTP", "x", "", "ftp://t"),
            link("", "", "DOI", "https://doi.org/10.1"),
        ];
        let record = json!({"_source": {"resourceTitleObject": {"default": "SWOT level 3"}, "link": links}});
        let found = of_record(&record);
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["SWOT_L3_LR_SSH_Basic", "SWOT_L3_LR_SSH_Expert"]);
        assert!(
            found
                .iter()
                .all(|one| one.title == "SWOT level 3" && one.doi.as_deref() == Some("https://doi.org/10.1"))
        );
        assert_eq!(found[1].location.as_deref(), Some("https://t/expert"));
        for other in [
            json!({}),
            json!({"_source": {"link": "x"}}),
            json!({"_source": {"link": [{"descriptionObject": {"default": "THREDDS"}}]}}),
        ] {
            assert!(of_record(&other).is_empty());
        }
    }
}
