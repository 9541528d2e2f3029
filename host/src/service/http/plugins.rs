//! The plugins of this host.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::super::Shared;

#[derive(Serialize)]
struct PluginJson {
    name: String,
    version: String,
    digest: String,
    contract: String,
    about: String,
    jobs: Vec<String>,
}

/// Every plugin that is loaded here.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Response {
    let host = shared.host();
    let plugins = host.plugins().values().map(|plugin| {
        let manifest = plugin.manifest();
        PluginJson {
            name: manifest.name.clone(),
            version: manifest.version.to_string(),
            digest: plugin.digest().to_string(),
            contract: plugin.contract().to_owned(),
            about: manifest.about.clone(),
            jobs: manifest.jobs.iter().map(|job| job.name.clone()).collect(),
        }
    });
    Json(plugins.collect::<Vec<_>>()).into_response()
}
