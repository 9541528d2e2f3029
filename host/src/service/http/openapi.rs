//! The OpenAPI document, made from the table of routes.

use serde_json::{Map, Value, json};

use super::routes::{self, Body, Route};

/// The document of the API.
pub fn document() -> Value {
    let paths: Map<String, Value> = routes::all()
        .iter()
        .map(|route| (route.path.to_owned(), path(route)))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "besom",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What a running `besom serve` answers over HTTP.",
            "license": { "name": "Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:7878" }],
        "security": [{ "token": [] }, {}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "The token of [http], where the file has one" },
            },
            "schemas": {
                "Problem": {
                    "type": "object",
                    "description": "Problem details (RFC 9457)",
                    "required": ["title", "status", "code", "detail"],
                    "properties": {
                        "title": { "type": "string" },
                        "status": { "type": "integer" },
                        "code": { "type": "string", "description": "A word for programs" },
                        "detail": { "type": "string", "description": "What is wrong, and the way out" },
                    },
                },
            },
        },
    })
}

fn path(route: &Route) -> Value {
    let (status, answer) = route.answer;
    let mut operation = json!({
        "summary": route.about,
        "responses": {
            status.to_string(): { "description": answer },
            "default": {
                "description": "It was not done",
                "content": {
                    "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
                },
            },
        },
    });
    let takes: Vec<_> = route
        .takes
        .iter()
        .map(|(name, place, about)| {
            json!({
                "name": name,
                "in": place,
                "required": *place == "path",
                "description": about,
                "schema": { "type": if *name == "limit" { "integer" } else { "string" } },
            })
        })
        .collect();
    if let Some(fields) = operation.as_object_mut() {
        if !takes.is_empty() {
            fields.insert("parameters".to_owned(), json!(takes));
        }
        if route.open {
            fields.insert("security".to_owned(), json!([]));
        }
        let content = match &route.body {
            Some(Body::Json(properties)) => {
                let schema = json!({
                    "type": "object",
                    "additionalProperties": false,
                    "properties": properties(),
                });
                Some(json!({ "application/json": { "schema": schema } }))
            }
            Some(Body::Component) => Some(json!({ "application/wasm": {} })),
            Some(Body::Nothing) | None => None,
        };
        if let Some(content) = content {
            let body = json!({ "required": true, "content": content });
            fields.insert("requestBody".to_owned(), body);
        }
    }
    match route.body {
        Some(_) => json!({ "post": operation }),
        None => json!({ "get": operation }),
    }
}
