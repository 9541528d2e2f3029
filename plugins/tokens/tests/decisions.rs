//! What each job decides, by the sweeps that it opens on a fake host.

#![allow(clippy::panic, clippy::indexing_slicing)]

use besom_plugin::prelude::*;
use besom_plugin::testing::{FakeHost, Ran};
use besom_tokens::Tokens;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// Any instant will do; this one is in 2026.
const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_123_456);

fn host() -> FakeHost {
    FakeHost::at(NOW)
}

/// A column of a refresh token that a deleted token leaves empty.
fn forgets(column: &str) -> TableAccess {
    table("oauth2_refresh_tokens").updates([column]).if_there()
}

fn swept(ran: &Ran) -> Vec<Sweep> {
    assert_eq!(ran.result, Ok(()));
    ran.opened.iter().map(|swept| swept.sweep.clone()).collect()
}

fn condition_of(ran: &Ran) -> String {
    let sweeps = swept(ran);
    let conditions = sweeps.iter().map(|sweep| sweep.condition().to_string());
    let conditions: Vec<_> = conditions.collect();
    conditions.join("; ")
}

#[test]
fn revoked_access_tokens_go_after_an_hour_along_the_time_of_revocation() {
    let host = host();

    let ran = host.run::<Tokens>("revoked-access");

    assert_eq!(
        swept(&ran),
        [delete("oauth2_access_tokens")
            .matching(column("revoked_at").older_than(NOW - HOUR))
            .order_by("revoked_at")
            .sets_null("oauth2_refresh_tokens", "oauth2_access_token_id")]
    );
    assert_eq!(
        host.access::<Tokens>("revoked-access"),
        Ok(vec![
            table("oauth2_access_tokens")
                .reads(["revoked_at"])
                .deletes(),
            forgets("oauth2_access_token_id"),
        ])
    );
}

#[test]
fn expired_access_tokens_stay_while_a_live_refresh_token_points_at_them() {
    let host = host();

    let ran = host.run::<Tokens>("expired-access");

    let live = all([
        column("consumed_at").is_null(),
        column("revoked_at").is_null(),
    ]);
    let eligible = all([
        column("expires_at").older_than(NOW - 30 * DAY),
        not_exists(
            "oauth2_refresh_tokens",
            join("oauth2_access_token_id").matching(live),
        ),
    ]);
    assert_eq!(
        swept(&ran),
        [delete("oauth2_access_tokens")
            .matching(eligible)
            .sets_null("oauth2_refresh_tokens", "oauth2_access_token_id")
            .order_by("expires_at")
            .also_touches(table("oauth2_access_tokens").expiry("expires_at"))]
    );
    assert_eq!(
        host.access::<Tokens>("expired-access"),
        Ok(vec![
            table("oauth2_access_tokens")
                .reads(["expires_at", "oauth2_access_token_id"])
                .deletes()
                .expiry("expires_at"),
            table("oauth2_refresh_tokens").reads([
                "oauth2_access_token_id",
                "consumed_at",
                "revoked_at"
            ]),
            forgets("oauth2_access_token_id"),
        ])
    );
    assert_eq!(host.preflight::<Tokens>("expired-access"), Ok(Vec::new()));
}

#[test]
fn without_protect_refresh_every_expired_access_token_goes_and_preflight_warns() {
    let host = host().set("protect-refresh", false);

    let ran = host.run::<Tokens>("expired-access");
    let findings = host.preflight::<Tokens>("expired-access");

    assert_eq!(
        *swept(&ran)[0].condition(),
        all([column("expires_at").older_than(NOW - 30 * DAY)])
    );
    let codes: Vec<_> = findings
        .iter()
        .flatten()
        .map(|of| (of.code.as_str(), of.severity))
        .collect();
    assert_eq!(codes, [("unprotected-refresh", Severity::Warning)]);
}

#[test]
fn revoked_refresh_tokens_go_after_an_hour_and_empty_their_predecessors_link() {
    let host = host();

    let ran = host.run::<Tokens>("revoked-refresh");

    assert_eq!(
        swept(&ran),
        [delete("oauth2_refresh_tokens")
            .matching(column("revoked_at").older_than(NOW - HOUR))
            .order_by("revoked_at")
            .sets_null("oauth2_refresh_tokens", "next_oauth2_refresh_token_id")]
    );
    assert_eq!(
        host.access::<Tokens>("revoked-refresh"),
        Ok(vec![
            table("oauth2_refresh_tokens")
                .reads(["revoked_at"])
                .deletes(),
            forgets("next_oauth2_refresh_token_id"),
        ])
    );
}

#[test]
fn a_consumed_refresh_token_stays_until_its_successor_is_consumed_or_gone() {
    let host = host();

    let ran = host.run::<Tokens>("consumed-refresh");

    let successor = join("oauth2_refresh_token_id").to("next_oauth2_refresh_token_id");
    let eligible = all([
        column("consumed_at").older_than(NOW - HOUR),
        any([
            column("next_oauth2_refresh_token_id").is_null(),
            exists(
                "oauth2_refresh_tokens",
                successor.matching(column("consumed_at").is_not_null()),
            ),
        ]),
    ]);
    assert_eq!(*swept(&ran)[0].condition(), eligible);
    assert_eq!(swept(&ran)[0].order(), Some("consumed_at"));
    assert_eq!(
        host.access::<Tokens>("consumed-refresh"),
        Ok(vec![
            table("oauth2_refresh_tokens")
                .reads([
                    "consumed_at",
                    "next_oauth2_refresh_token_id",
                    "oauth2_refresh_token_id"
                ])
                .deletes(),
            forgets("next_oauth2_refresh_token_id"),
        ])
    );
}

#[test]
fn grants_go_by_the_time_inside_their_key() {
    let cases = [
        (
            "authorization-grants",
            "oauth2_authorization_grants",
            "oauth2_authorization_grant_id",
        ),
        (
            "device-code-grants",
            "oauth2_device_code_grant",
            "oauth2_device_code_grant_id",
        ),
    ];
    for (job, name, id) in cases {
        let ran = host().run::<Tokens>(job);

        assert_eq!(
            swept(&ran),
            [delete(name).matching(column(id).id_older_than(NOW - 7 * DAY))]
        );
        assert_eq!(
            host().access::<Tokens>(job),
            Ok(vec![table(name).reads([id]).deletes()])
        );
    }
}

#[test]
fn compat_refresh_tokens_go_before_the_access_tokens_that_they_hold_and_only_of_active_sessions() {
    let host = host();

    let ran = host.run::<Tokens>("compat-tokens");

    let active = || {
        let active = column("finished_at").is_null();
        exists(
            "compat_sessions",
            join("compat_session_id").matching(active),
        )
    };
    let cutoff = NOW - 30 * DAY;
    assert_eq!(
        swept(&ran),
        [
            delete("compat_refresh_tokens")
                .matching(all([column("consumed_at").older_than(cutoff), active()]))
                .order_by("consumed_at"),
            delete("compat_access_tokens")
                .matching(all([column("expires_at").older_than(cutoff), active()]))
                .order_by("expires_at")
                .also_touches(table("compat_access_tokens").expiry("expires_at")),
        ]
    );
    assert_eq!(
        host.access::<Tokens>("compat-tokens"),
        Ok(vec![
            table("compat_refresh_tokens")
                .reads(["consumed_at", "compat_session_id"])
                .deletes(),
            table("compat_sessions").reads(["compat_session_id", "finished_at"]),
            table("compat_access_tokens")
                .reads(["expires_at", "compat_session_id"])
                .deletes()
                .expiry("expires_at"),
        ])
    );
}

#[test]
fn rotating_refresh_tokens_go_in_two_sweeps_as_soon_as_they_are_revoked_or_expired() {
    let host = host();

    let ran = host.run::<Tokens>("refresh-tokens");

    assert_eq!(
        swept(&ran),
        [
            delete("refresh_tokens").matching(column("revoked").equals(true)),
            delete("refresh_tokens")
                .matching(column("expires_at").older_than(NOW))
                .order_by("expires_at"),
        ]
    );
    assert_eq!(
        host.access::<Tokens>("refresh-tokens"),
        Ok(vec![
            table("refresh_tokens")
                .reads(["revoked", "expires_at"])
                .deletes()
        ])
    );
}

#[test]
fn with_a_family_column_revoked_tokens_of_a_live_family_stay_however_long_the_retention() {
    let host = host()
        .set("family-column", "family_id")
        .set("retention", 5 * DAY);

    let ran = host.run::<Tokens>("refresh-tokens");

    let live = all([
        column("revoked").equals(false),
        column("expires_at").at_least(NOW),
    ]);
    let sweeps = swept(&ran);
    assert_eq!(
        *sweeps[0].condition(),
        all([
            column("revoked").equals(true),
            not_exists("refresh_tokens", join("family_id").matching(live)),
        ])
    );
    assert_eq!(
        *sweeps[1].condition(),
        column("expires_at").older_than(NOW - 5 * DAY)
    );
    assert_eq!(
        host.access::<Tokens>("refresh-tokens"),
        Ok(vec![
            table("refresh_tokens")
                .reads(["revoked", "family_id", "expires_at"])
                .deletes()
        ])
    );
}

#[test]
fn without_keep_live_families_the_family_is_not_looked_at() {
    let ran = host()
        .set("family-column", "family_id")
        .set("keep-live-families", false)
        .run::<Tokens>("refresh-tokens");

    assert_eq!(
        condition_of(&ran),
        format!("revoked = true; expires_at before {NOW}")
    );
}

#[test]
fn a_job_of_another_profile_touches_nothing_and_says_so() {
    let cases = [
        ("refresh-tokens", "revoked-access"),
        ("mas", "refresh-tokens"),
    ];
    for (profile, job) in cases {
        let host = host().set("profile", profile);

        let ran = host.run::<Tokens>(job);

        assert_eq!(swept(&ran), []);
        assert_eq!(host.access::<Tokens>(job), Ok(Vec::new()));
        assert_eq!(ran.logs[0].level, Level::Debug);
        assert_eq!(ran.logs[0].message, "not a job of the profile in force");
    }
}

#[test]
fn a_job_of_the_profile_in_force_runs() {
    let cases = [
        ("refresh-tokens", "refresh-tokens"),
        ("mas", "revoked-access"),
    ];
    for (profile, job) in cases {
        let ran = host().set("profile", profile).run::<Tokens>(job);

        assert!(!swept(&ran).is_empty());
    }
}

#[test]
fn every_table_and_column_can_be_named_otherwise() {
    let manifest = Tokens::describe();
    let mut renamed = host().set("family-column", "my_family");
    for setting in &manifest.settings {
        if let (Kind::Table | Kind::Column, Some(default)) = (&setting.kind, &setting.default) {
            renamed = renamed.set(&setting.name, format!("my_{default}"));
        }
    }

    for job in &manifest.jobs {
        let access = renamed.access::<Tokens>(&job.name);

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
        assert_eq!(renamed.run::<Tokens>(&job.name).result, Ok(()));
    }
}

#[test]
fn a_suspended_sweep_ends_the_job_before_its_next_sweep() {
    let ran = host()
        .answer(
            "compat_refresh_tokens",
            [Ok(Step::Suspended("deadline".to_owned()))],
        )
        .run::<Tokens>("compat-tokens");

    let tables: Vec<_> = ran
        .sweeps()
        .iter()
        .map(|sweep| sweep.table().to_owned())
        .collect();
    assert_eq!(tables, ["compat_refresh_tokens"]);
    assert_eq!(ran.result, Ok(()));
}

#[test]
fn a_failed_batch_fails_the_job_with_the_hosts_own_words() {
    let broken = Error::Database(Problem {
        code: "53100".to_owned(),
        message: "disk full".to_owned(),
    });
    let ten = Batch {
        affected: 10,
        ..Batch::default()
    };

    let ran = host()
        .answer(
            "oauth2_access_tokens",
            [Ok(Step::Batch(ten)), Err(broken.clone())],
        )
        .run::<Tokens>("revoked-access");

    assert_eq!(ran.result, Err(broken));
    assert_eq!(ran.opened[0].steps, 2);
}

#[test]
fn an_unknown_job_is_named() {
    let ran = host().run::<Tokens>("revoked-acess");

    assert_eq!(
        ran.result.map_err(|error| error.to_string()),
        Err("invalid: this plugin has no job `revoked-acess`".to_owned())
    );
}

#[test]
fn schedules_retentions_and_order_are_those_of_the_readme() {
    let readme = include_str!("../README.md");
    let rows: Vec<&str> = readme
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();

    for job in Tokens::describe().jobs {
        let row = rows
            .iter()
            .find(|row| row.starts_with(&format!("| `{}` |", job.name)));
        let row = row.unwrap_or_else(|| panic!("the README has no row for {}", job.name));
        let retention = &job.defaults[0].1;
        let schedule = job.schedule.unwrap_or_default();
        assert!(row.contains(&format!("| {retention} |")), "{row}");
        assert!(row.contains(&format!("`{schedule}`")), "{row}");
    }
    for setting in Tokens::describe().settings {
        assert!(
            readme.contains(&format!("`{}`", setting.name)),
            "README: {}",
            setting.name
        );
    }
}
