//! The description of the API (OpenAPI 3.1), made from the table that the router is made from.

use serde_json::{Map, Value, json};

use super::container::MEDIA_TYPE;
use super::params::{ALWAYS, Kind, Parameter};
use super::server::{Answered, Endpoint};
use crate::ask::ENDPOINTS;

/// The whole document.
pub fn document() -> Value {
    let paths: Map<String, Value> = ENDPOINTS
        .iter()
        .map(|endpoint| (endpoint.path.to_owned(), json!({"get": operation(endpoint)})))
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

fn operation(endpoint: &Endpoint) -> Value {
    let named = endpoint.path.split('/').filter_map(|part| part.strip_prefix('{'));
    let in_path = named.map(|part| {
        let name = part.split('}').next().unwrap_or(part);
        json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
    });
    let in_query = endpoint
        .params
        .iter()
        .copied()
        .flatten()
        .chain(&ALWAYS)
        .map(parameter);
    let kind = match endpoint.answered {
        Answered::Json | Answered::Passing => "application/json",
        Answered::Arrays => MEDIA_TYPE,
        Answered::Png => "image/png",
        Answered::File => "application/octet-stream",
    };
    let schema = match endpoint.answered {
        Answered::Json | Answered::Passing => json!({"type": "object"}),
        _ => json!({"type": "string", "contentMediaType": kind}),
    };
    let mut content = Map::new();
    content.insert(kind.to_owned(), json!({"schema": schema}));
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
