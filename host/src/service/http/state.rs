//! Whether the service lives, is ready, and what it has counted.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::Shared;
use super::answer::Problem;
use crate::ledger;
use crate::runner::Outlook;

/// The scheduler goes round each second; this is many rounds.
const SILENCE: i64 = 30;

/// The process does its rounds.
pub(super) async fn healthz(State(shared): State<Arc<Shared>>) -> Response {
    let silent = shared.health().silent_seconds();
    let (status, word) = match silent < SILENCE {
        true => (StatusCode::OK, "alive"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "stuck"),
    };
    let body = json!({ "status": word, "silent_seconds": silent });
    (status, Json(body)).into_response()
}

/// It can run jobs: the ledger answers, and every plugin of the file is loaded. A job that is refused is
/// told, and changes nothing: the others run. So is one that is absent. Who asks shows no token, so a refused
/// job is told by its codes alone, and an absent one by its name.
pub(super) async fn readyz(State(shared): State<Arc<Shared>>) -> Response {
    let host = shared.host();
    let mut why: Vec<String> = Vec::new();
    if !shared.health().ledger() {
        why.push("the ledger does not answer".to_owned());
    }
    let configured = host.config().plugins.keys();
    for missing in configured.filter(|name| !host.plugins().contains_key(*name)) {
        why.push(format!("plugin `{missing}` is not loaded"));
    }
    let status = match why.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let (mut refused, mut absent) = (Vec::new(), Vec::new());
    for (job, known) in shared.outlooks().all() {
        match known.outlook {
            Outlook::Refused(by) => {
                refused.push(json!({ "job": job.to_string(), "codes": by.codes }));
            }
            Outlook::Absent(_) => absent.push(job.to_string()),
            Outlook::Runnable => {}
        }
    }
    let body = json!({
        "ready": why.is_empty(),
        "why": why,
        "refused": refused,
        "absent": absent,
    });
    (status, Json(body)).into_response()
}

/// What the service has counted, for Prometheus.
pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let text = shared.metrics().text(&shared).map_err(|error| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Problem::new(
            status,
            "metrics",
            format!("the metrics cannot be written: {error}"),
        )
    })?;
    Ok(([(header::CONTENT_TYPE, KIND)], text).into_response())
}

/// The document of this API.
pub(super) async fn openapi() -> Json<Value> {
    Json(super::openapi::document())
}

#[derive(Serialize)]
struct HostJson {
    name: String,
    version: String,
    started: String,
    seen: String,
    alive: bool,
}

/// The hosts that share the database.
pub(super) async fn hosts(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let hosts = ledger::hosts(shared.database()).await?;
    let hosts = hosts.into_iter().map(|host| HostJson {
        name: host.name,
        version: host.version,
        started: host.started_at.to_string(),
        seen: host.seen_at.to_string(),
        alive: host.alive,
    });
    Ok(Json(hosts.collect::<Vec<_>>()).into_response())
}
