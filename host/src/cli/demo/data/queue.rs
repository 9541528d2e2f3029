//! Background jobs with their retries, the workers that ran them, and the schedules that made some.

use super::dialect::{Dialect, Kind};
use super::{Counts, DAY, HOUR, MINUTE, SECOND, choose, spread};

/// Workers, numbered from 0: four at work, four gone for over 30 days, two gone as long that jobs
/// still name, two gone lately, and one gone as long as the first that still leads.
pub(super) const WORKERS: i64 = 13;

/// Schedules, numbered from 0: the last job of every second one is old and has completed, that of the
/// others waits.
pub(super) const SCHEDULES: i64 = 4;

/// The last digit of a job's number says what became of it. Of each ten, 2 to 4 are one job tried
/// three times, 6 and 7, and 8 and 9, jobs tried twice.
struct Life {
    status: &'static str,
    /// Its age, from and to. Attempts of one job are of one age, each a minute younger.
    created: (i64, i64),
    attempt: i64,
    /// How long after its creation it began…
    began_after: Option<i64>,
    /// …and so much later it ended, well or not.
    ran_for: Option<i64>,
    /// The number of the first worker of those that ran it, and how many took turns.
    workers: (i64, i64),
    retried: bool,
}

const OLD: (i64, i64) = (33 * DAY, 80 * DAY);
const LATELY: (i64, i64) = (2 * HOUR, 25 * DAY);

const AT_WORK: (i64, i64) = (0, 4);
const GONE: (i64, i64) = (4, 4);
const GONE_BUT_NAMED: (i64, i64) = (8, 2);
const GONE_LATELY: (i64, i64) = (10, 2);
const GONE_BUT_LEADS: i64 = 12;

const COMPLETED: Life = Life {
    status: "completed",
    created: OLD,
    attempt: 0,
    began_after: Some(SECOND),
    ran_for: Some(2 * SECOND),
    workers: GONE,
    retried: false,
};

const FAILED: Life = Life {
    status: "failed",
    retried: true,
    ..COMPLETED
};

const LIVES: [Life; 10] = [
    COMPLETED,
    Life {
        status: "scheduled",
        created: LATELY,
        began_after: None,
        ran_for: None,
        ..COMPLETED
    },
    FAILED,
    Life {
        attempt: 1,
        ..FAILED
    },
    Life {
        attempt: 2,
        ..COMPLETED
    },
    // Put off for weeks: created over 30 days ago, completed today.
    Life {
        created: (40 * DAY + HOUR, 40 * DAY + 20 * HOUR),
        began_after: Some(40 * DAY),
        workers: AT_WORK,
        ..COMPLETED
    },
    // Its worker died with it, so it never ended; the retry did.
    Life {
        status: "lost",
        ran_for: None,
        workers: GONE_BUT_NAMED,
        retried: true,
        ..COMPLETED
    },
    Life {
        attempt: 1,
        ..COMPLETED
    },
    Life {
        created: LATELY,
        workers: GONE_LATELY,
        ..FAILED
    },
    Life {
        status: "running",
        created: LATELY,
        attempt: 1,
        ran_for: None,
        workers: AT_WORK,
        ..COMPLETED
    },
];

pub(super) fn statements(dialect: Dialect, counts: &Counts, now: i64) -> Vec<String> {
    vec![
        workers(dialect, now),
        leader(dialect, now),
        schedules(dialect, now),
        scratch(dialect, counts, now),
        jobs(dialect),
        last_jobs(dialect),
    ]
}

/// Longer ago than any job.
fn registered(number: &str, now: i64) -> String {
    format!("{now} - {} + ({number}) * {HOUR}", 100 * DAY)
}

fn worker_id(dialect: Dialect, number: &str, now: i64) -> String {
    dialect.ulid(&registered(number, now), Kind::QueueWorker, number)
}

/// Every second one of those that are gone was shut down; the others just stopped.
fn workers(dialect: Dialect, now: i64) -> String {
    let seen = format!(
        "CASE WHEN n < {} THEN {now} - {SECOND} WHEN n < {} OR n = {GONE_BUT_LEADS} THEN {now} - {} \
         ELSE {now} - {} END",
        GONE.0,
        GONE_LATELY.0,
        32 * DAY,
        HOUR
    );
    let shut_down = format!("CASE WHEN n >= {} AND n % 2 = 0 THEN {seen} END", GONE.0);
    format!(
        "INSERT INTO queue_workers (queue_worker_id, registered_at, last_seen_at, shutdown_at) \
         SELECT {id}, {registered}, {seen}, {shut_down} FROM demo_numbers WHERE n < {WORKERS}",
        id = worker_id(dialect, "n", now),
        registered = dialect.time(&registered("n", now)),
        seen = dialect.time(&seen),
        shut_down = dialect.time(&shut_down),
    )
}

/// Nobody has taken over from it.
fn leader(dialect: Dialect, now: i64) -> String {
    format!(
        "INSERT INTO queue_leader (elected_at, expires_at, queue_worker_id) \
         VALUES ({elected}, {expires}, {worker})",
        elected = dialect.time(&format!("{now} - {}", 33 * DAY)),
        expires = dialect.time(&format!("{now} - {}", 32 * DAY)),
        worker = worker_id(dialect, &GONE_BUT_LEADS.to_string(), now),
    )
}

fn schedules(dialect: Dialect, now: i64) -> String {
    format!(
        "INSERT INTO queue_schedules (schedule_name, last_scheduled_at) \
         SELECT {name}, {at} FROM demo_numbers WHERE n < {SCHEDULES}",
        name = schedule("n"),
        at = dialect.time(&format!("{now} - {HOUR}")),
    )
}

fn schedule(number: &str) -> String {
    format!("'schedule-' || ({number})")
}

/// The number of the last job of schedule `number`; [`LIVES`] says what became of it.
fn last_job(number: &str) -> String {
    format!("({number}) * 10 + ({number}) % 2")
}

fn last_jobs(dialect: Dialect) -> String {
    format!(
        "UPDATE queue_schedules SET last_scheduled_job_id = \
             (SELECT {id} FROM demo_queue AS job JOIN demo_numbers AS number ON job.n = {last} \
              WHERE {schedule} = queue_schedules.schedule_name AND number.n < {SCHEDULES})",
        id = dialect.ulid("job.created", Kind::QueueJob, "job.n"),
        last = last_job("number.n"),
        schedule = schedule("number.n"),
    )
}

/// `demo_queue`: one row a job, moments as integers.
fn scratch(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let each = |of: &dyn Fn(&Life) -> String| choose("n % 10", LIVES.iter().map(of));
    let optional = |value: Option<i64>| value.map_or_else(|| "NULL".to_owned(), |v| v.to_string());
    // The attempts of one job are as old as its first would be, and a minute apart.
    let created = each(&|life| {
        let (from, to) = life.created;
        let first = format!("n - {}", life.attempt);
        format!(
            "{now} - {} + {}",
            spread(&first, from, to),
            life.attempt * MINUTE
        )
    });
    let worker = each(&|life| {
        let (first, many) = life.workers;
        worker_id(dialect, &format!("{first} + n / 10 % {many}"), now)
    });
    dialect.scratch(
        "demo_queue",
        &format!(
            "SELECT n, {created} AS created, CAST({began_after} AS bigint) AS began_after, \
                 CAST({ran_for} AS bigint) AS ran_for, {status} AS status, {attempt} AS attempt, \
                 {retried} AS retried, {worker} AS worker \
             FROM demo_numbers WHERE n < {count}",
            began_after = each(&|life| optional(life.began_after)),
            ran_for = each(&|life| optional(life.ran_for)),
            status = each(&|life| format!("'{}'", life.status)),
            attempt = each(&|life| life.attempt.to_string()),
            retried = each(&|life| u8::from(life.retried).to_string()),
            count = counts.queue_jobs,
        ),
    )
}

/// Last attempts first, so that each finds the one that it points at.
fn jobs(dialect: Dialect) -> String {
    let status = match dialect {
        Dialect::Postgres => "status::queue_job_status",
        Dialect::Sqlite => "status",
    };
    let ended = |status: &str| {
        dialect.time(&format!(
            "CASE WHEN status = '{status}' THEN created + began_after + ran_for END"
        ))
    };
    format!(
        "INSERT INTO queue_jobs (queue_job_id, queue_name, status, attempt, created_at, \
             schedule_name, scheduled_at, started_at, started_by, completed_at, failed_at, \
             failed_reason, next_attempt_id) \
         SELECT {id}, 'demo-' || n % 3, {status}, attempt, {created}, \
                CASE WHEN n % 10 < 2 THEN {schedule} END, {scheduled}, {started}, \
                CASE WHEN began_after IS NOT NULL THEN worker END, {completed}, {failed}, \
                CASE WHEN status = 'failed' THEN 'the mail server did not answer' END, \
                (SELECT {next} FROM demo_queue AS later \
                 WHERE later.n = demo_queue.n + 1 AND demo_queue.retried = 1) \
         FROM demo_queue ORDER BY n DESC",
        id = dialect.ulid("created", Kind::QueueJob, "n"),
        created = dialect.time("created"),
        schedule = schedule(&format!("n / 10 % {SCHEDULES}")),
        scheduled = dialect.time(&format!(
            "CASE WHEN status = 'scheduled' THEN created + {} END",
            60 * DAY
        )),
        started = dialect.time("created + began_after"),
        completed = ended("completed"),
        failed = ended("failed"),
        next = dialect.ulid("later.created", Kind::QueueJob, "later.n"),
    )
}
