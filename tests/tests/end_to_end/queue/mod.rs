//! The bundled queue plugin, through its component, on the reference schema of both databases.

mod boundary;
mod by_anyone;
mod chains;
mod indexes;
mod kept;
mod workers;

use besom_tests::lab::Lab;

use crate::auth::*;

/// Before everything else here.
const BORN: i64 = NOW - 400 * DAY;
/// Older than every retention.
const OLD: Option<i64> = Some(NOW - 60 * DAY);

/// A background job, which waits unless its status says otherwise.
#[derive(Clone, Copy)]
struct Job<'a> {
    created_at: i64,
    status: &'a str,
    completed_at: Option<i64>,
    failed_at: Option<i64>,
    started_by: Option<&'a str>,
    /// The next attempt, created at [`BORN`], which must be there already.
    next: Option<&'a str>,
}

impl Default for Job<'_> {
    fn default() -> Self {
        Self {
            created_at: BORN,
            status: "available",
            completed_at: None,
            failed_at: None,
            started_by: None,
            next: None,
        }
    }
}

fn completed(at: Option<i64>) -> Job<'static> {
    Job {
        status: "completed",
        completed_at: at,
        ..Job::default()
    }
}

fn failed(at: Option<i64>) -> Job<'static> {
    Job {
        status: "failed",
        failed_at: at,
        ..Job::default()
    }
}

/// Both databases, with an empty queue.
async fn both() -> [Auth; 2] {
    [
        Auth::with("queue", Lab::postgres("").await).await,
        Auth::with("queue", Lab::sqlite("").await).await,
    ]
}

/// A job's key: a ULID of that time, with the name in it.
fn key_of(auth: &Auth, name: &str, created_at: i64) -> String {
    let mut rest = [0; 10];
    rest[..name.len()].copy_from_slice(name.as_bytes());
    auth.ulid(created_at.div_euclid(1000), rest)
}

async fn job(auth: &Auth, name: &str, job: Job<'_>) {
    let key = key_of(auth, name, job.created_at);
    job_with_key(auth, name, &key, job).await;
}

async fn job_with_key(auth: &Auth, name: &str, key: &str, job: Job<'_>) {
    let reference = |to: Option<String>| to.unwrap_or_else(|| "NULL".to_owned());
    let row = format!(
        "{key}, '{name}', '{}', {}, {}, {}, {}, {}",
        job.status,
        auth.time(Some(job.created_at)),
        auth.time(job.completed_at),
        auth.time(job.failed_at),
        reference(job.started_by.map(|worker| auth.key(worker))),
        reference(job.next.map(|next| key_of(auth, next, BORN))),
    );
    let into = "queue_jobs (queue_job_id, queue_name, status, created_at, completed_at, failed_at, \
         started_by, next_attempt_id)";
    auth.insert(into, &[row]).await;
}

async fn worker(auth: &Auth, name: &str, last_seen_at: i64, shutdown_at: Option<i64>) {
    let row = format!(
        "{}, {}, {}, {}",
        auth.key(name),
        auth.time(Some(BORN)),
        auth.time(Some(last_seen_at)),
        auth.time(shutdown_at),
    );
    let into = "queue_workers (queue_worker_id, registered_at, last_seen_at, shutdown_at)";
    auth.insert(into, &[row]).await;
}

/// Which of these workers are there. A worker's name is its key.
async fn workers<'a>(auth: &Auth, names: &[&'a str]) -> Vec<&'a str> {
    let mut there = Vec::new();
    for name in names {
        let key = auth.key(name);
        let count = format!("SELECT count(*) FROM queue_workers WHERE queue_worker_id = {key}");
        if auth.lab.count(&count).await == 1 {
            there.push(*name);
        }
    }
    there
}
