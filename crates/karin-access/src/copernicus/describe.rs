//! What a dataset of Copernicus Marine holds, as its catalogue (STAC) tells: versions, services, variables, axes. None of its
//! data are asked for.
//!
//! An item has variables in `cube:variables`, axes in `cube:dimensions`, and with the asset of every Zarr store `viewDims`:
//! places along each axis and the length of chunks for each variable.

use karin_core::time::{TimeUnits, format_instant};
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use super::stac::{Item, is_released, is_retired};

/// A dataset in all its versions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CopernicusDescription {
    /// Its name.
    pub dataset: String,
    /// The product that it belongs to.
    pub product: String,
    /// Title of the product.
    pub title: Option<String>,
    /// The versions that are described, the oldest first.
    pub versions: Vec<CopernicusVersion>,
    /// Every version and part that the catalogue has.
    pub known: Vec<KnownVersion>,
}

/// A version that the catalogue has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownVersion {
    /// Its name, as `202411`.
    pub version: String,
    /// The part of the dataset, where there are several.
    pub part: Option<String>,
    /// Whether it is the one that is taken if none is named.
    pub is_default: bool,
    /// When it was or will be released, as the catalogue says.
    pub released: Option<String>,
    /// When it was or will be retired.
    pub retired: Option<String>,
    /// `released`, `retired`, or `in preparation`.
    pub state: &'static str,
}

/// What a version holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CopernicusVersion {
    /// Its name, as `202411`.
    pub version: String,
    /// The part of the dataset, where there are several.
    pub part: Option<String>,
    /// When its stores were last brought up to date, as the catalogue says.
    pub updated: Option<String>,
    /// Values from this time on are being replaced.
    pub updating_from: Option<String>,
    /// Variables, by name.
    pub variables: Vec<CopernicusVariable>,
    /// Axes of the stores.
    pub coordinates: Vec<CopernicusCoordinate>,
    /// How it can be had.
    pub services: Vec<CopernicusService>,
}

/// A variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CopernicusVariable {
    /// Its name.
    pub name: String,
    /// Its CF standard name.
    pub standard_name: Option<String>,
    /// Its units.
    pub units: Option<String>,
    /// Its axes.
    pub dimensions: Vec<String>,
}

/// An axis, evenly spaced or by its values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CopernicusCoordinate {
    /// Its name in the store (`elevation` grows upwards: depths are negative).
    pub name: String,
    /// `t`, `x`, `y` or `z`.
    pub axis: Option<String>,
    /// Its units.
    pub units: Option<String>,
    /// Places along it.
    pub length: Option<u64>,
    /// Least value; a time as ISO 8601.
    pub first: Option<Value>,
    /// Greatest value.
    pub last: Option<Value>,
    /// Distance of neighbours, in seconds for times; `None` if they are not evenly spaced.
    pub step: Option<Value>,
    /// All values, where they are not evenly spaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Value>>,
}

/// A way in which a version can be had.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CopernicusService {
    /// Its name in the catalogue: `native` (files), `timeChunked` (whole maps in a chunk), `geoChunked` (long series in a chunk), …
    pub name: String,
    /// `files`, `zarr`, `sqlite`, or the type that the catalogue tells.
    pub format: Option<String>,
    /// Where it lies.
    pub location: String,
    /// Lengths of chunks along the axes, by variable: `{"sla": {"time": 1, …}, …}`.
    pub chunks: Map<String, Value>,
}

/// A text that is there and not empty.
fn text(value: &Value, path: &str) -> Option<String> {
    let text = value.pointer(path)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// The versions and parts that a catalogue has; `chosen` is taken if none is named.
pub(super) fn known(items: &[Item], chosen: Option<&str>, now: f64) -> Vec<KnownVersion> {
    let of = |item: &Item| KnownVersion {
        version: item.version.clone(),
        part: item.part.clone(),
        is_default: item.part.is_none() && chosen == Some(&item.version),
        released: text(&item.json, "/properties/admp_released_date"),
        retired: text(&item.json, "/properties/admp_retired_date"),
        state: match (is_released(&item.json, now), is_retired(&item.json, now)) {
            (true, _) => "released",
            (false, true) => "retired",
            _ => "in preparation",
        },
    };
    items.iter().map(of).collect()
}

/// What an item tells of its version.
pub(super) fn version(item: &Item) -> CopernicusVersion {
    let json = &item.json;
    let assets = json.get("assets").and_then(Value::as_object);
    let assets: Vec<(&String, &Value)> = assets.into_iter().flatten().collect();
    CopernicusVersion {
        version: item.version.clone(),
        part: item.part.clone(),
        updated: text(json, "/properties/admp_updated")
            .or_else(|| text(json, "/properties/admp_updated_date"))
            .or_else(|| text(json, "/properties/admp_updated_data")),
        updating_from: text(json, "/properties/admp_updating_start_date"),
        variables: variables(json),
        coordinates: coordinates(json, &assets),
        services: (assets.iter())
            .filter_map(|(name, asset)| service(name, asset, &item.at))
            .collect(),
    }
}

fn variables(item: &Value) -> Vec<CopernicusVariable> {
    let known = item
        .pointer("/properties/cube:variables")
        .and_then(Value::as_object);
    let of = |(name, variable): (&String, &Value)| CopernicusVariable {
        name: name.clone(),
        standard_name: text(variable, "/standardName"),
        units: text(variable, "/unit"),
        dimensions: strings(variable.get("dimensions")),
    };
    known.into_iter().flatten().map(of).collect()
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(ToOwned::to_owned).collect()
}

/// The axes of all stores, each as the first tells it that does: they have the same places.
fn coordinates(item: &Value, assets: &[(&String, &Value)]) -> Vec<CopernicusCoordinate> {
    let mut found: Vec<CopernicusCoordinate> = Vec::new();
    let views = assets.iter().filter_map(|(_, asset)| asset.get("viewDims"));
    for (name, view) in views.filter_map(Value::as_object).flatten() {
        if found.iter().all(|known| known.name != *name) {
            found.push(coordinate(item, name, view));
        }
    }
    found
}

fn coordinate(item: &Value, name: &str, view: &Value) -> CopernicusCoordinate {
    let cube = item
        .pointer("/properties/cube:dimensions")
        .and_then(|all| all.get(name));
    let is_time =
        name == "time" || cube.and_then(|cube| cube.get("type")).and_then(Value::as_str) == Some("temporal");
    let at = |key: &str| {
        view.pointer(&format!("/coords/{key}"))
            .filter(|value| !value.is_null())
    };
    let values = at("values").and_then(Value::as_array);
    // As all times of the stores.
    let units = TimeUnits::parse("milliseconds since 1970-01-01").ok();
    let instant = |value: &Value| match (units, value.as_f64().filter(|_| is_time)) {
        (Some(units), Some(time)) => Value::from(format_instant(units.to_seconds(time))),
        _ => value.clone(),
    };
    let first = at("min").or_else(|| values?.first());
    let last = at("max").or_else(|| values?.last());
    let step = at("step").map(|step| match step.as_f64().filter(|_| is_time) {
        Some(milliseconds) => Value::from(milliseconds / 1000.0),
        None => step.clone(),
    });
    let length = view.get("len").or_else(|| at("len")).and_then(Value::as_u64);
    CopernicusCoordinate {
        name: name.to_owned(),
        axis: cube
            .and_then(|cube| text(cube, "/axis"))
            .or_else(|| is_time.then(|| "t".to_owned())),
        units: text(view, "/units"),
        length: length.or_else(|| values.map(|values| values.len() as u64)),
        first: first.map(instant),
        last: last.map(instant),
        step,
        values: values.map(|values| values.iter().map(instant).collect()),
    }
}

/// An asset, unless it is none that data are had from.
fn service(name: &str, asset: &Value, item_at: &Url) -> Option<CopernicusService> {
    let location = item_at.join(asset.get("href")?.as_str()?).ok()?;
    let is_data = matches!(
        name,
        "native" | "timeChunked" | "geoChunked" | "platformChunked" | "static" | "omi" | "wmts"
    );
    let kind = text(asset, "/type").unwrap_or_default();
    let format = match name {
        "native" => Some("files".to_owned()),
        _ if kind.contains("zarr") || location.path().ends_with(".zarr") => Some("zarr".to_owned()),
        _ if kind.contains("sqlite") => Some("sqlite".to_owned()),
        _ => Some(kind).filter(|kind| !kind.is_empty()),
    };
    is_data.then(|| CopernicusService {
        name: name.to_owned(),
        format,
        location: location.to_string(),
        chunks: chunks(asset),
    })
}

/// `{axis: {chunkLen: {variable: n}}}` the other way round; a length of all variables is that of each.
fn chunks(asset: &Value) -> Map<String, Value> {
    let mut found = Map::new();
    let views = asset.get("viewDims").and_then(Value::as_object);
    for (axis, view) in views.into_iter().flatten() {
        for (variable, length) in view
            .get("chunkLen")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let of_variable = found
                .entry(variable.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            if let Some(of_variable) = of_variable.as_object_mut() {
                of_variable.insert(axis.clone(), length.clone());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_item_tells_variables_axes_and_services() {
        let views = json!({
            "time": {"len": 3, "units": "ms", "chunkLen": {"sla": 1}, "coords": {"type": "minMaxStep", "min": 1_704_067_200_000_u64,
                "max": 1_704_240_000_000_u64, "step": 86_400_000, "len": 3}},
            "elevation": {"units": "m", "chunkLen": {"sla": 2}, "coords": {"type": "explicit", "values": [-10.5, -0.5]}},
        });
        let item = Item {
            version: "202411".to_owned(),
            part: None,
            at: Url::parse("https://h/stac/item.json").unwrap(),
            json: json!({
                "properties": {"cube:variables": {"sla": {"standardName": "x", "unit": "m", "dimensions": ["time", "elevation"]}},
                    "cube:dimensions": {"elevation": {"axis": "z"}, "time": {"type": "temporal"}}, "admp_updated": "2025"},
                "assets": {"native": {"href": "https://h/files"}, "timeChunked": {"href": "t.zarr", "viewDims": views}, "thumbnail": {"href": "x.png"}},
            }),
        };
        let told = version(&item);
        assert_eq!(told.variables[0].dimensions, ["time", "elevation"]);
        let [time, elevation] = told.coordinates.as_slice() else {
            panic!("{:?}", told.coordinates)
        };
        assert_eq!(
            (time.first.clone(), time.step.clone()),
            (Some("2024-01-01T00:00:00Z".into()), Some(86_400.0.into()))
        );
        assert_eq!(
            (time.axis.as_deref(), elevation.axis.as_deref()),
            (Some("t"), Some("z"))
        );
        assert_eq!(
            (elevation.length, elevation.last.clone()),
            (Some(2), Some((-0.5).into()))
        );
        let names: Vec<&str> = told.services.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["native", "timeChunked"]);
        assert_eq!(told.services[1].location, "https://h/stac/t.zarr");
        assert_eq!(told.services[1].chunks["sla"], json!({"time": 1, "elevation": 2}));
        // What is missing or odd is left out, never a failure.
        let odd = Item {
            json: json!({"assets": {"timeChunked": {"href": 3, "viewDims": {"time": []}}}}),
            ..item
        };
        let told = version(&odd);
        assert!(told.variables.is_empty() && told.services.is_empty() && told.coordinates.len() == 1);
    }
}
