//! The description of the API (OpenAPI 3.1), made from the table that the router is made from.

use serde_json::{Map, Value, json};

use super::container::MEDIA_TYPE;
use super::params::{ALWAYS, Kind, Parameter};
use super::server::{Answered, Endpoint};
use crate::archive::Archive;
use crate::archive::variables::default_of;
use crate::ask::ENDPOINTS;

/// What parameters may be of what is served, for those who may know it.
struct Known {
    groups: Vec<String>,
    examples: Map<String, Value>,
}

impl Known {
    /// Of an archive, by its largest group.
    fn of(archive: &Archive) -> Self {
        let mut examples = Map::new();
        let largest = archive.groups().iter().max_by_key(|group| group.granules.len());
        if let Some((half_orbit, group)) =
            largest.and_then(|group| Some((group.granules.keys().next()?, group)))
        {
            let variable = default_of(group).unwrap_or_default();
            for (name, example) in [
                ("group", Value::from(group.id.as_str())),
                ("var", variable.as_str().into()),
                ("var2", variable.as_str().into()),
                ("cycle", half_orbit.cycle.0.into()),
                ("cycles", half_orbit.cycle.0.to_string().into()),
                ("pass", half_orbit.pass.0.into()),
                ("passes", half_orbit.pass.0.to_string().into()),
            ] {
                examples.insert(name.to_owned(), example);
            }
        }
        for (name, example) in [
            ("lines", "0-511"),
            ("bbox", "-10,30,10,50"),
            ("z", "1"),
            ("x", "0"),
            ("y", "0"),
            ("job", "a"),
        ] {
            examples.insert(name.to_owned(), example.into());
        }
        Self {
            groups: archive.groups().iter().map(|group| group.id.clone()).collect(),
            examples,
        }
    }
}

/// The whole document; what is served is named in it if it is given.
pub fn document(archive: Option<&Archive>) -> Value {
    let known = archive.map(Known::of);
    let known = known.as_ref();
    let paths: Map<String, Value> = ENDPOINTS
        .iter()
        .map(|endpoint| {
            (
                endpoint.path.to_owned(),
                json!({"get": operation(endpoint, known)}),
            )
        })
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "karin viewer",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Swaths of SWOT as tiles, strips, points, profiles and series. Everything is read, nothing is written.",
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "query", "name": "key"},
            },
            "schemas": {"Problem": {
                "type": "object",
                "required": ["type", "title", "status", "kind", "detail"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "kind": {"type": "string"},
                    "detail": {"type": "string"},
                    "hint": {"type": "string"},
                },
            }},
        },
        "security": [{"token": []}],
    })
}

fn operation(endpoint: &Endpoint, known: Option<&Known>) -> Value {
    let named = endpoint.path.split('/').filter_map(|part| part.strip_prefix('{'));
    let in_path = named.map(|part| {
        let name = part.split('}').next().unwrap_or(part);
        let described = json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}});
        with_known(described, name, known)
    });
    let in_query = endpoint
        .params
        .iter()
        .copied()
        .flatten()
        .chain(&ALWAYS)
        .map(|described| with_known(parameter(described), described.name, known));
    let mut content = Map::new();
    for kind in kinds(endpoint.answered) {
        let schema = match *kind {
            "application/json" => json!({"type": "object"}),
            kind => json!({"type": "string", "contentMediaType": kind}),
        };
        content.insert((*kind).to_owned(), json!({"schema": schema}));
    }
    let mut responses = Map::new();
    responses.insert(
        "200".to_owned(),
        json!({"description": endpoint.summary, "content": content}),
    );
    for (status, meaning) in [
        ("304", "you have it already"),
        ("400", "the request makes no sense"),
        ("401", "no session"),
        ("403", "asked for by another site"),
        ("404", "there is no such thing"),
        ("413", "it would cost too much"),
        ("414", "the query is too long"),
        ("422", "a granule is damaged"),
        ("429", "too many requests at once"),
    ] {
        let problem =
            json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
        let described = match status {
            "304" => json!({"description": meaning}),
            _ => json!({"description": meaning, "content": problem}),
        };
        responses.insert(status.to_owned(), described);
    }
    let id: Vec<&str> = endpoint
        .path
        .split('/')
        .filter(|part| !part.is_empty() && !part.starts_with('{') && !matches!(*part, "api" | "v1"))
        .collect();
    let mut operation = json!({
        "operationId": id.join("_"),
        "summary": endpoint.summary,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": responses,
    });
    if let Some(fields) = operation.as_object_mut() {
        match (endpoint.is_private, endpoint.answered) {
            (false, _) => fields.insert("security".to_owned(), json!([])),
            (true, Answered::Png) => {
                fields.insert("security".to_owned(), json!([{"token": []}, {"key": []}]))
            }
            (true, _) => None,
        };
    }
    operation
}

/// The types that an answer may have; a file is of the format that is asked for, or a plan in JSON.
const fn kinds(answered: Answered) -> &'static [&'static str] {
    match answered {
        Answered::Json | Answered::Passing => &["application/json"],
        Answered::Arrays => &[MEDIA_TYPE],
        Answered::Png => &["image/png"],
        Answered::File => &[
            "application/netcdf",
            "application/vnd.apache.parquet",
            "text/csv",
            "image/png",
            "application/zip",
            "application/json",
        ],
    }
}

fn parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Integer => json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
        Kind::Number => json!({"type": "number"}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Word(words) => json!({"type": "string", "enum": words}),
    };
    let schema = if parameter.is_repeatable {
        json!({"type": "array", "items": schema})
    } else {
        schema
    };
    let mut described = json!({
        "name": parameter.name,
        "in": "query",
        "required": parameter.is_required,
        "description": parameter.meaning,
        "schema": schema,
    });
    if let Some(fields) = described.as_object_mut().filter(|_| parameter.is_repeatable) {
        fields.insert("explode".to_owned(), true.into());
    }
    described
}

/// With the values that exist, and one of them as an example.
fn with_known(mut described: Value, name: &str, known: Option<&Known>) -> Value {
    let Some(known) = known else { return described };
    if name == "group" {
        described["schema"]["enum"] = known.groups.clone().into();
    }
    let is_list = described["schema"]["type"] == "array";
    if let Some(example) = known.examples.get(name) {
        described["example"] = if is_list {
            json!([example])
        } else {
            example.clone()
        };
    }
    described
}
