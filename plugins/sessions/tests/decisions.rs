//! What each job decides, by the sweeps that it opens on a fake host.

#![allow(clippy::panic, clippy::indexing_slicing)]

use besom_plugin::prelude::*;
use besom_plugin::testing::{FakeHost, Ran};
use besom_sessions::Sessions;

const MINUTE: Duration = Duration::from_secs(60);
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
fn finished_compat_sessions_take_their_tokens_and_logins_along() {
    let host = host();

    let ran = host.run::<Sessions>("finished-compat");

    assert_eq!(
        swept(&ran),
        [delete("compat_sessions")
            .matching(column("finished_at").older_than(NOW - 30 * DAY))
            .order_by("finished_at")
            .delete_first("compat_refresh_tokens", join("compat_session_id"))
            .delete_first("compat_access_tokens", join("compat_session_id"))
            .delete_first("compat_sso_logins", join("compat_session_id"))]
    );
    assert_eq!(
        host.access::<Sessions>("finished-compat"),
        Ok(vec![
            table("compat_sessions")
                .reads(["finished_at", "compat_session_id"])
                .deletes(),
            table("compat_refresh_tokens")
                .reads(["compat_session_id"])
                .deletes(),
            table("compat_access_tokens")
                .reads(["compat_session_id"])
                .deletes(),
            table("compat_sso_logins")
                .reads(["compat_session_id"])
                .deletes(),
        ])
    );
}

#[test]
fn finished_oauth2_sessions_take_their_tokens_and_device_codes_along_and_never_a_grant() {
    let host = host();

    let ran = host.run::<Sessions>("finished-oauth2");

    assert_eq!(
        swept(&ran),
        [delete("oauth2_sessions")
            .matching(column("finished_at").older_than(NOW - 30 * DAY))
            .order_by("finished_at")
            .delete_first("oauth2_refresh_tokens", join("oauth2_session_id"))
            .delete_first("oauth2_access_tokens", join("oauth2_session_id"))
            .sets_null("oauth2_refresh_tokens", "oauth2_access_token_id")
            .sets_null("oauth2_refresh_tokens", "next_oauth2_refresh_token_id")
            .cascades_to("oauth2_device_code_grant", "oauth2_session_id")]
    );
    assert_eq!(
        host.access::<Sessions>("finished-oauth2"),
        Ok(vec![
            table("oauth2_sessions")
                .reads(["finished_at", "oauth2_session_id"])
                .deletes(),
            table("oauth2_refresh_tokens")
                .reads(["oauth2_session_id"])
                .deletes(),
            table("oauth2_access_tokens")
                .reads(["oauth2_session_id"])
                .deletes(),
            table("oauth2_refresh_tokens")
                .updates(["oauth2_access_token_id"])
                .if_there(),
            table("oauth2_refresh_tokens")
                .updates(["next_oauth2_refresh_token_id"])
                .if_there(),
            table("oauth2_device_code_grant")
                .reads(["oauth2_session_id"])
                .deletes()
                .if_there(),
        ])
    );
}

#[test]
fn a_finished_browser_session_stays_while_any_session_is_below_it() {
    let host = host();

    let ran = host.run::<Sessions>("finished-browser");

    let eligible = all([
        column("finished_at").older_than(NOW - 30 * DAY),
        not_exists("oauth2_sessions", join("user_session_id")),
        not_exists("compat_sessions", join("user_session_id")),
    ]);
    let forgetting = [
        "compat_sessions",
        "upstream_oauth_authorization_sessions",
        "user_email_authentications",
        "oauth2_authorization_grants",
    ];
    let sweep = delete("user_sessions")
        .matching(eligible)
        .order_by("finished_at")
        .delete_first("user_session_authentications", join("user_session_id"))
        .cascades_to("compat_sso_logins", "user_session_id");
    let forgotten = |sweep: Sweep, table| sweep.sets_null(table, "user_session_id");
    assert_eq!(swept(&ran), [forgetting.into_iter().fold(sweep, forgotten)]);
    let forgets = |name| table(name).updates(["user_session_id"]).if_there();
    assert_eq!(
        host.access::<Sessions>("finished-browser"),
        Ok([
            table("user_sessions")
                .reads(["finished_at", "user_session_id"])
                .deletes(),
            table("oauth2_sessions").reads(["user_session_id"]),
            table("compat_sessions").reads(["user_session_id"]),
            table("user_session_authentications")
                .reads(["user_session_id"])
                .deletes(),
            table("compat_sso_logins")
                .reads(["user_session_id"])
                .deletes()
                .if_there(),
        ]
        .into_iter()
        .chain(forgetting.map(forgets))
        .collect())
    );
}

#[test]
fn abandoned_logins_go_after_ten_minutes() {
    let host = host();

    let ran = host.run::<Sessions>("pre-login");

    let eligible = all([
        column("is_pre_login").equals(true),
        column("created_at").older_than(NOW - 10 * MINUTE),
    ]);
    assert_eq!(
        swept(&ran),
        [delete("sessions").matching(eligible).order_by("created_at")]
    );
    assert_eq!(
        host.access::<Sessions>("pre-login"),
        Ok(vec![
            table("sessions")
                .reads(["is_pre_login", "created_at"])
                .deletes()
        ])
    );
}

#[test]
fn sessions_past_each_of_their_ends_go_in_one_sweep_along_its_index() {
    let cases = [
        ("expired", "absolute_expires_at", Duration::ZERO),
        ("idle", "idle_expires_at", DAY),
        ("revoked", "revoked_at", DAY),
    ];
    for (job, time, retention) in cases {
        let ran = host().run::<Sessions>(job);

        let mut sweep = delete("sessions")
            .matching(column(time).older_than(NOW - retention))
            .order_by(time);
        let mut access = table("sessions").reads([time]).deletes();
        if job != "revoked" {
            // Every session has these from its beginning, and is revoked or not.
            sweep = sweep.also_touches(table("sessions").expiry(time));
            access = access.expiry(time);
        }
        assert_eq!(swept(&ran), [sweep]);
        assert_eq!(host().access::<Sessions>(job), Ok(vec![access]));
    }
}

/// The keys that may go, by how a session is tied to its key.
fn unused_keys(of_the_key: Join) -> Condition {
    all([
        column("retired_at").older_than(NOW - DAY),
        not_exists("sessions", of_the_key),
    ])
}

#[test]
fn where_the_schema_says_when_a_key_was_activated_one_that_is_active_again_stays() {
    let host = host().set("signing-keys-activated-at-column", "activated_at");

    let ran = host.run::<Sessions>("signing-keys");

    let inactive = any([
        column("activated_at").is_null(),
        column("activated_at").compares_to_column(Comparison::LessOrEqual, "retired_at"),
    ]);
    assert_eq!(
        *swept(&ran)[0].condition(),
        all([
            column("retired_at").older_than(NOW - DAY),
            inactive,
            not_exists("sessions", join("signing_key_id").to("id")),
        ])
    );
}

#[test]
fn a_signing_key_goes_when_it_is_retired_and_its_last_session_is_gone_whoever_the_tenant() {
    let host = host();

    let ran = host.run::<Sessions>("signing-keys");

    assert_eq!(
        swept(&ran),
        [delete("session_signing_keys")
            .matching(unused_keys(join("signing_key_id").to("id")))
            .order_by("retired_at")]
    );
    assert_eq!(
        host.access::<Sessions>("signing-keys"),
        Ok(vec![
            table("session_signing_keys")
                .reads(["retired_at", "id"])
                .deletes(),
            table("sessions").reads(["signing_key_id"]),
        ])
    );
}

#[test]
fn where_a_keys_id_is_unique_within_its_tenant_only_a_session_is_tied_by_both() {
    let host = host().set("signing-keys-tenant-column", "owner_id");

    let ran = host.run::<Sessions>("signing-keys");

    let of_the_key = join("signing_key_id")
        .to("id")
        .and("tenant_id")
        .to("owner_id");
    assert_eq!(*swept(&ran)[0].condition(), unused_keys(of_the_key));
    assert_eq!(
        host.access::<Sessions>("signing-keys"),
        Ok(vec![
            table("session_signing_keys")
                .reads(["retired_at", "id", "owner_id"])
                .deletes(),
            table("sessions").reads(["signing_key_id", "tenant_id"]),
        ])
    );
}

#[test]
fn children_go_before_their_parents_and_grants_before_what_they_hold() {
    let after: Vec<_> = Sessions::describe()
        .jobs
        .into_iter()
        .filter(|job| !job.after.is_empty())
        .map(|job| (job.name, job.after.join(" ")))
        .collect();

    let expected = [
        (
            "finished-oauth2",
            "sessions/finished-compat tokens/authorization-grants tokens/device-code-grants",
        ),
        (
            "finished-browser",
            "sessions/finished-compat sessions/finished-oauth2",
        ),
        (
            "signing-keys",
            "sessions/pre-login sessions/expired sessions/idle sessions/revoked",
        ),
    ];
    assert_eq!(
        after,
        expected.map(|(job, after)| (job.to_owned(), after.to_owned()))
    );
}

#[test]
fn a_job_of_another_profile_touches_nothing_and_says_so() {
    for job in Sessions::describe().jobs {
        let own = &job.extras[0].1;
        for profile in ["mas", "server-sessions"] {
            let host = host().set("profile", profile).set("ttl", DAY);

            let ran = host.run::<Sessions>(&job.name);

            if profile == own {
                assert!(!swept(&ran).is_empty(), "{}", job.name);
                continue;
            }
            assert_eq!(swept(&ran), [], "{}", job.name);
            assert_eq!(host.access::<Sessions>(&job.name), Ok(Vec::new()));
            assert_eq!(ran.logs[0].level, Level::Debug);
            assert_eq!(ran.logs[0].message, "not a job of the profile in force");
        }
    }
}

#[test]
fn every_table_and_column_can_be_named_otherwise() {
    let manifest = Sessions::describe();
    let mut renamed = host()
        .set("ttl", DAY)
        .set("signing-keys-tenant-column", "my_tenant");
    for setting in &manifest.settings {
        if let (Kind::Table | Kind::Column, Some(default)) = (&setting.kind, &setting.default) {
            renamed = renamed.set(&setting.name, format!("my_{default}"));
        }
    }

    for job in &manifest.jobs {
        let access = renamed.access::<Sessions>(&job.name);

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
        assert_eq!(renamed.run::<Sessions>(&job.name).result, Ok(()));
    }
}

#[test]
fn an_unknown_job_is_named() {
    let ran = host().run::<Sessions>("finished-browsers");

    assert_eq!(
        ran.result.map_err(|error| error.to_string()),
        Err("invalid: this plugin has no job `finished-browsers`".to_owned())
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

    for job in Sessions::describe().jobs {
        let row = row_of(&job.name);
        let age = job.defaults.first().map_or("`ttl`", |of| &of.1);
        let schedule = job.schedule.unwrap_or_default();
        assert!(row.contains(&format!("| {age} |")), "{row}");
        assert!(row.contains(&format!("`{schedule}`")), "{row}");
        assert!(row.contains(&format!("| {} |", job.extras[0].1)), "{row}");
    }
    for setting in Sessions::describe().settings {
        let row = row_of(&setting.name);
        if let Some(default) = setting.default {
            assert!(row.contains(&format!("| {default} |")), "{row}");
        }
    }
}
