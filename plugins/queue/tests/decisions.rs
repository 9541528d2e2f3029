//! What each job decides, by the sweeps that it opens on a fake host.

#![allow(clippy::panic, clippy::indexing_slicing)]

use besom_plugin::prelude::*;
use besom_plugin::testing::{FakeHost, Ran};
use besom_queue::Queue;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// Any instant will do; this one is in 2026.
const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_123_456);

fn host() -> FakeHost {
    FakeHost::at(NOW)
}

fn swept(ran: &Ran) -> Vec<Sweep> {
    assert_eq!(ran.result, Ok(()));
    ran.opened.iter().map(|swept| swept.sweep.clone()).collect()
}

#[test]
fn a_jobs_age_counts_from_its_end_and_its_key_bounds_the_sweep() {
    let host = host();

    let ran = host.run::<Queue>("finished");

    let cutoff = NOW - 30 * DAY;
    let ended = |status: &str, at: &str| {
        all([
            column("status").equals(status),
            column(at).older_than(cutoff),
        ])
    };
    let eligible = all([
        column("queue_job_id").id_older_than(cutoff),
        any([
            ended("completed", "completed_at"),
            ended("failed", "failed_at"),
        ]),
    ]);
    assert_eq!(
        swept(&ran),
        [delete("queue_jobs")
            .matching(eligible)
            .sets_null("queue_jobs", "next_attempt_id")
            .sets_null("queue_schedules", "last_scheduled_job_id")]
    );
    let columns = ["queue_job_id", "status", "completed_at", "failed_at"];
    assert_eq!(
        host.access::<Queue>("finished"),
        Ok(vec![
            table("queue_jobs").reads(columns).deletes(),
            table("queue_jobs").updates(["next_attempt_id"]).if_there(),
            table("queue_schedules")
                .updates(["last_scheduled_job_id"])
                .if_there(),
        ])
    );
}

#[test]
fn or_from_its_creation_where_the_operator_says_so() {
    let host = host().set("age-by", "created");

    let ran = host.run::<Queue>("finished");

    let eligible = all([
        column("queue_job_id").id_older_than(NOW - 30 * DAY),
        any([
            column("status").equals("completed"),
            column("status").equals("failed"),
        ]),
    ]);
    assert_eq!(*swept(&ran)[0].condition(), eligible);
    assert_eq!(
        host.access::<Queue>("finished"),
        Ok(vec![
            table("queue_jobs")
                .reads(["queue_job_id", "status"])
                .deletes(),
            table("queue_jobs").updates(["next_attempt_id"]).if_there(),
            table("queue_schedules")
                .updates(["last_scheduled_job_id"])
                .if_there(),
        ])
    );
}

#[test]
fn the_statuses_can_be_called_otherwise() {
    let host = host()
        .set("age-by", "created")
        .set("completed-status", "done")
        .set("failed-status", "dead");

    let ran = host.run::<Queue>("finished");

    let eligible = swept(&ran)[0].condition().to_string();
    assert!(
        eligible.contains("status = 'done' or status = 'dead'"),
        "{eligible}"
    );
}

#[test]
fn a_worker_goes_when_it_is_shut_down_or_unseen_and_has_no_job_and_does_not_lead() {
    let host = host();

    let ran = host.run::<Queue>("workers");

    let gone = |at: &str| {
        let no_job_left = not_exists("queue_jobs", join("started_by").to("queue_worker_id"));
        let not_leading = not_exists("queue_leader", join("queue_worker_id"));
        let since = column(at).older_than(NOW - 30 * DAY);
        let eligible = all([since, no_job_left, not_leading]);
        delete("queue_workers").matching(eligible).order_by(at)
    };
    assert_eq!(swept(&ran), [gone("shutdown_at"), gone("last_seen_at")]);
    assert_eq!(
        host.access::<Queue>("workers"),
        Ok(vec![
            table("queue_workers")
                .reads(["shutdown_at", "queue_worker_id", "last_seen_at"])
                .deletes(),
            table("queue_jobs").reads(["started_by"]),
            table("queue_leader").reads(["queue_worker_id"]),
        ])
    );
}

#[test]
fn a_retention_that_could_delete_a_live_worker_is_refused() {
    for retention in [Duration::ZERO, HOUR - Duration::from_micros(1)] {
        let ran = host().set("retention", retention).run::<Queue>("workers");

        let refused = ran.result.map_err(|error| error.problem().clone());
        let refused = refused.err().unwrap_or_else(|| panic!("it ran"));
        assert_eq!(refused.code, "retention-too-short");
        assert!(refused.message.contains("`retention`"), "{refused:?}");
        assert!(refused.message.contains("1h"), "{refused:?}");
        assert_eq!(ran.opened, []);
    }
    let enough = host().set("retention", HOUR);
    assert_eq!(swept(&enough.run::<Queue>("workers")).len(), 2);
    // A job that is over is over at once.
    let none = host().set("retention", Duration::ZERO);
    assert_eq!(swept(&none.run::<Queue>("finished")).len(), 1);
}

#[test]
fn jobs_go_before_the_workers_that_ran_them() {
    let after: Vec<_> = Queue::describe()
        .jobs
        .into_iter()
        .map(|job| (job.name, job.after))
        .collect();

    assert_eq!(
        after,
        [
            ("finished".to_owned(), Vec::new()),
            ("workers".to_owned(), vec!["queue/finished".to_owned()]),
        ]
    );
}

#[test]
fn every_job_runs_in_both_profiles() {
    for job in ["finished", "workers"] {
        for profile in ["all", "mas"] {
            let ran = host().set("profile", profile).run::<Queue>(job);

            assert!(!swept(&ran).is_empty(), "{job} under {profile}");
        }
    }
}

#[test]
fn every_table_and_column_can_be_named_otherwise() {
    let manifest = Queue::describe();
    let mut renamed = host();
    for setting in &manifest.settings {
        if let (Kind::Table | Kind::Column, Some(default)) = (&setting.kind, &setting.default) {
            renamed = renamed.set(&setting.name, format!("my_{default}"));
        }
    }

    for job in &manifest.jobs {
        let access = renamed.access::<Queue>(&job.name);

        assert_ne!(access, Ok(Vec::new()));
        for entry in access.iter().flatten() {
            let names = [&entry.table]
                .into_iter()
                .chain(&entry.read)
                .chain(&entry.update);
            for name in names {
                assert!(
                    name.starts_with("my_"),
                    "{}: {name} has no setting",
                    job.name
                );
            }
        }
        assert_eq!(renamed.run::<Queue>(&job.name).result, Ok(()));
    }
}

#[test]
fn an_unknown_job_is_named() {
    let ran = host().run::<Queue>("finish");

    assert_eq!(
        ran.result.map_err(|error| error.to_string()),
        Err("invalid: this plugin has no job `finish`".to_owned())
    );
}

#[test]
fn schedules_retentions_profiles_and_settings_are_those_of_the_readme() {
    let readme = include_str!("../README.md");
    let row_of = |name: &str| {
        let row = readme
            .lines()
            .find(|row| row.starts_with(&format!("| `{name}` |")));
        row.unwrap_or_else(|| panic!("the README has no row for {name}"))
    };

    for job in Queue::describe().jobs {
        let row = row_of(&job.name);
        let schedule = job.schedule.unwrap_or_default();
        assert!(row.contains("| 30d |"), "{row}");
        assert!(row.contains(&format!("`{schedule}`")), "{row}");
        assert!(row.contains(&format!("| {} |", job.extras[0].1)), "{row}");
    }
    for setting in Queue::describe().settings {
        let row = row_of(&setting.name);
        let default = setting.default.unwrap_or_default();
        assert!(row.contains(&format!("| {default} |")), "{row}");
    }
}
