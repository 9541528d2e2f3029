//! The manifest: the jobs and their defaults, and a setting for every number, table and column.

use besom_plugin::prelude::*;

/// What the plugin says about itself.
pub(crate) fn manifest() -> Manifest {
    Manifest::new(
        "queue",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_DESCRIPTION"),
    )
    .settings(choices())
    .settings(names())
    .jobs(jobs())
}

/// The jobs, in the order in which they do best when run one after the other.
pub(crate) fn jobs() -> [Job; 2] {
    [
        Job::new(
            "finished",
            "Background jobs that completed or failed longer ago than the retention",
        )
        .schedule("55 * * * *")
        .profile("mas"),
        Job::new(
            "workers",
            "Workers shut down or unseen for longer than the retention, with no job left, that do not lead",
        )
        .schedule("55 * * * *")
        .profile("mas")
        // A job keeps the worker that started it.
        .after(["queue/finished"]),
    ]
}

fn choices() -> [Setting; 5] {
    [
        Setting::profile(["mas"]),
        Setting::retention(
            "retention",
            "How long a job is kept after its end, and a worker after it was last seen",
        )
        .default("30d"),
        Setting::choice(
            "age-by",
            ["finished", "created"],
            "What finished counts the retention from: the end of a job, or its creation",
        )
        .default("finished"),
        Setting::text("completed-status", "The status of a job that went well")
            .default("completed"),
        Setting::text("failed-status", "The status of a job that did not").default("failed"),
    ]
}

fn names() -> [Setting; 15] {
    [
        table("queue-jobs-table", "queue_jobs"),
        column("queue-jobs-id-column", "queue_job_id"),
        column("queue-jobs-status-column", "status"),
        column("queue-jobs-completed-at-column", "completed_at"),
        column("queue-jobs-failed-at-column", "failed_at"),
        column("queue-jobs-next-attempt-column", "next_attempt_id"),
        column("queue-jobs-started-by-column", "started_by"),
        table("queue-workers-table", "queue_workers"),
        column("queue-workers-id-column", "queue_worker_id"),
        column("queue-workers-last-seen-at-column", "last_seen_at"),
        column("queue-workers-shutdown-at-column", "shutdown_at"),
        table("queue-schedules-table", "queue_schedules"),
        column("queue-schedules-last-job-column", "last_scheduled_job_id"),
        table("queue-leader-table", "queue_leader"),
        column("queue-leader-worker-column", "queue_worker_id"),
    ]
}

fn table(name: &str, default: &str) -> Setting {
    Setting::table(name, format!("The table, where it is not `{default}`")).default(default)
}

fn column(name: &str, default: &str) -> Setting {
    Setting::column(name, format!("The column, where it is not `{default}`")).default(default)
}
