//! Runs of the ledger.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::super::Shared;
use super::answer::Problem;
use crate::ledger;
use crate::request::{JobName, RunId};
use crate::runner::{RunRecord, RunRecordJson, detail, names};

/// Which runs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    job: Option<String>,
    limit: Option<u32>,
}

const DEFAULT_LIMIT: u32 = 20;
const MOST: u32 = 1000;

/// The latest runs, newest first.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(which) = which?;
    let limit = which.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MOST).contains(&limit) {
        let words = format!("`limit` must be from 1 to {MOST}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "query", words));
    }
    let runs = match which.job {
        None => ledger::list(shared.database(), limit).await?,
        Some(job) => {
            let job: JobName = job.parse().map_err(|error: crate::request::NameError| {
                Problem::new(StatusCode::BAD_REQUEST, "query", error.to_string())
            })?;
            let (job, formerly) = names(job, shared.host().plugins());
            ledger::list_of(shared.database(), &job, &formerly, limit).await?
        }
    };
    let runs: Vec<_> = runs
        .into_iter()
        .filter_map(RunRecord::from_ledger)
        .collect();
    let runs: Vec<_> = runs.iter().map(RunRecordJson::from).collect();
    Ok(Json(runs).into_response())
}

/// One run with its batches.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id: RunId = id
        .parse()
        .map_err(|_| Problem::unknown(format!("`{id}` is no run's id: GET /v1/runs lists some")))?;
    let record = ledger::show(shared.database(), id).await?;
    let batches = ledger::batches(shared.database(), record.id).await?;
    let record = RunRecord::from_ledger(record).ok_or_else(|| {
        Problem::unknown(format!("run {id} was written by another version of besom"))
    })?;
    Ok(Json(detail(&record, &batches)).into_response())
}
