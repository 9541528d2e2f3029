//! Jobs: when they are due, how they went, and what is asked of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::Shared;
use super::super::outlooks::Outlooks;
use super::answer::Problem;
use crate::ledger::{self, Asked, Cause, Scope};
use crate::preflight::Finding;
use crate::request::{JobName, Mode, Timestamp};
use crate::runner::{Hindrance, Outlook, RunRecord, RunnerError, verification};
use crate::schedule::Timetable;

/// Who asks, as the ledger has it: the token does not say more.
const BY: &str = "HTTP API";

#[derive(Serialize)]
struct JobJson {
    job: String,
    about: String,
    schedule: Option<String>,
    timezone: String,
    next: Option<String>,
    waiting: usize,
    running: bool,
    paused: Option<String>,
    /// `null`: not looked at yet, or absent.
    runnable: Option<bool>,
    refused: Option<RefusedJson>,
    /// What is not there, so that the job has nothing to do.
    absent: Option<String>,
    /// Its latest runs in a row that changed nothing and did not come to their end.
    runs_without_progress: u64,
    last: Option<LastJson>,
}

/// Why a job is refused.
#[derive(Serialize)]
struct RefusedJson {
    since: String,
    codes: BTreeSet<String>,
    why: String,
    findings: Vec<Finding>,
    /// The lines of the file that allow it, for all jobs of its plugin that lack rights: where each had its
    /// own, two could not be pasted into one file.
    allowed_by: Option<String>,
}

impl RefusedJson {
    fn of(job: &JobName, since: Timestamp, by: Hindrance, outlooks: &Outlooks) -> Self {
        Self {
            since: since.to_string(),
            why: by.in_words(),
            allowed_by: by.refusal.is_some().then(|| outlooks.lines_of(&job.plugin)),
            codes: by.codes,
            findings: by.findings,
        }
    }
}

#[derive(Serialize)]
struct LastJson {
    run: String,
    outcome: String,
    started: String,
    /// What the probe after it said: `verified`, the rows that are left, or why it is not known.
    verification: String,
}

/// Every job that runs by itself, and those that the file names and nobody has.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    /// Many times what is ever there.
    const WAITING: u32 = 1000;
    let (host, database) = (shared.host(), shared.database());
    let waiting = ledger::waiting(database, WAITING).await?;
    let pauses = ledger::pauses(database).await?;
    let now = database.now().await.map_err(ledger::LedgerError::from)?;
    let running = shared.running().jobs();
    let mut outlooks = shared.outlooks().all();
    let mut jobs = Vec::new();
    let named = host.by_themselves().into_iter();
    let named = named.map(|one| (one.name, Some(one.job)));
    let unknown = host.unknown_jobs().into_iter();
    let unknown = unknown.map(|stray| (stray.job, None));
    for (name, job) in named.chain(unknown) {
        let name = &name;
        let timetable = job
            .as_ref()
            .and_then(|job| Timetable::of(host.config(), name, job.schedule.as_deref()));
        let formerly = job.as_ref().map_or(&[][..], |job| &job.formerly);
        let last = ledger::list_of(database, name, formerly, 1).await?;
        let last = last.into_iter().find_map(RunRecord::from_ledger);
        let stuck = shared.metrics().standstills().of(name);
        let paused = host.pause_of(name, &pauses);
        let (runnable, refused, absent) = match outlooks.remove(name) {
            None => (None, None, None),
            Some(known) => match known.outlook {
                Outlook::Runnable => (Some(true), None, None),
                Outlook::Absent(missing) => (None, None, Some(missing)),
                Outlook::Refused(by) => {
                    let refused = RefusedJson::of(name, known.since, by, shared.outlooks());
                    (Some(false), Some(refused), None)
                }
            },
        };
        let next = timetable
            .as_ref()
            .and_then(|timetable| timetable.due_after(now).next());
        jobs.push(JobJson {
            job: name.to_string(),
            about: job.map_or_else(String::new, |job| job.about),
            schedule: timetable
                .as_ref()
                .and_then(|timetable| timetable.expression().map(ToString::to_string)),
            timezone: timetable.map_or_else(String::new, |timetable| timetable.zone().to_string()),
            next: next.map(|next| next.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
            waiting: waiting
                .iter()
                .filter(|waiting| waiting.entry.job == *name)
                .count(),
            running: running.contains(name),
            paused: paused.map(|pause| format!("{} (by {})", pause.why, pause.by)),
            runnable,
            refused,
            absent,
            runs_without_progress: stuck,
            last: last.map(|last| LastJson {
                run: last.run.to_string(),
                verification: verification(&last.verification),
                outcome: last.state,
                started: last.started.to_string(),
            }),
        });
    }
    Ok(Json(jobs).into_response())
}

/// How a run is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wanted {
    dry_run: bool,
}

/// Puts a run into the queue.
pub(super) async fn run(
    State(shared): State<Arc<Shared>>,
    Path((plugin, job)): Path<(String, String)>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(wanted) = wanted?;
    let job = known(&shared, JobName::new(plugin, job))?;
    let asked = Asked {
        job: job.clone(),
        mode: match wanted.dry_run {
            true => Mode::DryRun,
            false => Mode::Apply,
        },
        cause: Cause::Request,
        by: BY.to_owned(),
    };
    let run = asked.enqueue(shared.database()).await?;
    shared.look_now();
    let body = json!({ "job": job.to_string(), "run": run.to_string(), "mode": asked.mode });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// What is paused or resumed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct What {
    /// A plugin, or `plugin/job`; empty for everything.
    what: String,
    /// The reason.
    why: Option<String>,
}

/// Holds jobs back on every host.
pub(super) async fn pause(
    State(shared): State<Arc<Shared>>,
    what: Result<Json<What>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(what) = what?;
    let scope = scope(&shared, &what.what)?;
    let why = what.why.as_deref().unwrap_or("over HTTP");
    ledger::pause(shared.database(), &scope, why, BY).await?;
    paused(&shared).await
}

/// Lets them run again.
pub(super) async fn resume(
    State(shared): State<Arc<Shared>>,
    what: Result<Json<What>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(what) = what?;
    let scope: Scope = what.what.parse().map_err(wrong)?;
    if !ledger::resume(shared.database(), &scope).await? {
        let words = format!("`{}` is not paused", what.what);
        return Err(Problem::new(StatusCode::CONFLICT, "not-paused", words));
    }
    shared.look_now();
    paused(&shared).await
}

async fn paused(shared: &Shared) -> Result<Response, Problem> {
    let pauses = ledger::pauses(shared.database()).await?;
    let pauses = pauses.into_iter().map(|pause| {
        json!({
            "what": pause.what.to_string(),
            "why": pause.why,
            "by": pause.by,
            "at": pause.at.to_string(),
        })
    });
    Ok(Json(json!({ "paused": pauses.collect::<Vec<_>>() })).into_response())
}

fn scope(shared: &Shared, text: &str) -> Result<Scope, Problem> {
    let scope: Scope = text.parse().map_err(wrong)?;
    match &scope {
        Scope::Everything => {}
        Scope::Job(job) => drop(known(shared, job.clone())?),
        Scope::Plugin(plugin) => {
            let host = shared.host();
            if !host.config().plugins.contains_key(plugin) {
                let there: Vec<_> = host.plugins().keys().cloned().collect();
                return Err(Problem::unknown(format!(
                    "no plugin `{plugin}`; there are: {}",
                    there.join(", ")
                )));
            }
        }
    }
    Ok(scope)
}

/// The job by its name of today.
fn known(shared: &Shared, job: JobName) -> Result<JobName, Problem> {
    let host = shared.host();
    let job = host.present_name(job);
    match host.in_order(vec![job.clone()]) {
        Ok(_) => Ok(job),
        Err(
            error @ (RunnerError::UnknownPlugin { .. }
            | RunnerError::UnknownJob { .. }
            | RunnerError::NotThere { .. }),
        ) => Err(Problem::unknown(error.to_string())),
        Err(error) => Err(Problem::new(StatusCode::CONFLICT, "job", error.to_string())),
    }
}

fn wrong(error: crate::request::NameError) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "name", error.to_string())
}
