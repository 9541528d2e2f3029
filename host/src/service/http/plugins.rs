//! The plugins of this host.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use super::super::Shared;
use super::answer::Problem;
use crate::plugin::Signature;
use crate::runner::{Install, Installed, RunnerError};
use crate::store::Who;

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

/// What a component's body says that it is.
const COMPONENT: &str = "application/wasm";

/// The header with a signature over it, as `besom plugin sign` makes one.
const SIGNATURE: &str = "besom-signature";

/// Puts a version into the ledger, with every check of `besom plugin install`.
pub(super) async fn install(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    component: Bytes,
) -> Result<Response, Problem> {
    let kind = headers.get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind != COMPONENT) {
        let words = format!("send the component as `Content-Type: {COMPONENT}`");
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "body",
            words,
        ));
    }
    let signature = match headers.get(SIGNATURE).map(|text| text.to_str()) {
        None => None,
        Some(text) => Some(
            text.unwrap_or_default()
                .parse::<Signature>()
                .map_err(|error| {
                    let words = format!("the header {SIGNATURE}: {error}");
                    Problem::new(StatusCode::BAD_REQUEST, "signature", words)
                })?,
        ),
    };
    let install = Install {
        component: component.to_vec(),
        signature,
        who: who(&shared),
        dry_run: false,
        shadow: None,
        same_version: false,
    };
    // The path says what the caller believes that he installs.
    let installed = shared
        .host()
        .install_as(&name, &install)
        .await
        .map_err(of)?;
    Ok(told(&installed))
}

/// The version before in use again.
pub(super) async fn rollback(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let now = shared
        .host()
        .roll_back(&name, &who(&shared))
        .await
        .map_err(of)?;
    let version = now
        .as_ref()
        .map(|plugin| plugin.manifest().version.to_string());
    let digest = now.map(|plugin| plugin.digest().to_string());
    let body = json!({ "plugin": name, "version": version, "digest": digest });
    Ok(Json(body).into_response())
}

/// The version that waits, in use.
pub(super) async fn promote(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let installed = shared
        .host()
        .promote(&name, &who(&shared))
        .await
        .map_err(of)?;
    Ok(told(&installed))
}

fn told(installed: &Installed) -> Response {
    let body = json!({
        "plugin": installed.plugin,
        "version": installed.version,
        "digest": installed.digest.to_string(),
        "standing": installed.place.as_str(),
        "why": installed.place.why(),
        "notes": installed.notes,
    });
    Json(body).into_response()
}

fn who(shared: &Shared) -> Who {
    Who {
        name: "HTTP API".to_owned(),
        origin: shared.name().to_owned(),
    }
}

fn of(error: RunnerError) -> Problem {
    let (status, code) = match error.passes() {
        true => (StatusCode::SERVICE_UNAVAILABLE, "ledger"),
        false => (StatusCode::CONFLICT, "refused"),
    };
    Problem::new(status, code, error.to_string())
}
