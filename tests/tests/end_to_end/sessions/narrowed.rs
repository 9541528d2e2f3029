//! A grant that the operator narrows, with rows that go ahead of others: a parent with a dependent
//! outside its grant stays whole, and a narrowed table frees no more parents than before.

use super::*;

/// A dry run and a run of all jobs under a configuration, with the same numbers.
async fn narrowed(auth: &Auth, configuration: &str) -> Vec<RunReport> {
    let host = auth.host(configuration).await;
    let told = besom_run(&host, Mode::DryRun).await;
    let done = besom_run(&host, Mode::Apply).await;
    for (told, done) in told.iter().zip(&done) {
        assert_eq!((&done.error, done.outcome.as_str()), (&None, "drained"));
        if !told.estimated {
            assert_eq!(told.totals, done.totals, "{}", done.job);
        }
    }
    done
}

/// Affected, dependents, cascaded and blocked.
fn numbers(reports: &[RunReport], job: &str) -> [u64; 4] {
    let report = reports.iter().find(|report| report.job.job == job);
    let totals = report.unwrap().totals;
    [
        totals.affected,
        totals.dependents,
        totals.cascaded,
        totals.blocked,
    ]
}

/// Makes a row as old as the database's own clock says.
async fn born(auth: &Auth, table: &str, name: &str, age: i64) {
    let now = auth.lab.database.now().await.unwrap().0;
    let script = format!(
        "UPDATE {table} SET created_at = {} WHERE {} = '{name}'",
        auth.time(Some(now - age)),
        name_of(table)
    );
    auth.lab.script(&script).await;
}

fn floor(table: &str) -> String {
    format!(
        "[plugins.sessions.grant.{table}]\n\
         min-age = {{ column = \"created_at\", age = \"30d\" }}\n"
    )
}

#[tokio::test]
async fn a_session_with_a_dependent_younger_than_its_floor_stays_whole() {
    for auth in both().await {
        for session in ["young token", "old tokens"] {
            auth.oauth2_session(session, finished()).await;
            for number in ["1", "2"] {
                auth.access_of(session, &format!("{session} {number}"))
                    .await;
            }
        }
        born(&auth, "oauth2_access_tokens", "young token 2", DAY).await;

        let done = narrowed(&auth, &floor("oauth2_access_tokens")).await;

        assert_eq!(auth.names("oauth2_sessions").await, ["young token"]);
        assert_eq!(
            auth.names("oauth2_access_tokens").await,
            ["young token 1", "young token 2"]
        );
        assert_eq!(numbers(&done, "finished-oauth2"), [1, 2, 0, 1]);
    }
}

#[tokio::test]
async fn a_session_younger_than_its_floor_stays_with_its_dependents() {
    for auth in both().await {
        for session in ["young", "old"] {
            auth.compat_session(session, finished()).await;
            auth.sso_login(Some(session), session).await;
        }
        born(&auth, "compat_sessions", "young", DAY).await;

        let done = narrowed(&auth, &floor("compat_sessions")).await;

        assert_eq!(auth.names("compat_sessions").await, ["young"]);
        assert_eq!(auth.names("compat_sso_logins").await, ["young"]);
        assert_eq!(numbers(&done, "finished-compat"), [1, 1, 0, 0]);
    }
}

#[tokio::test]
async fn a_row_that_would_forget_its_session_and_is_too_young_keeps_it() {
    for auth in both().await {
        for session in ["young", "old"] {
            auth.browser_session(session, finished()).await;
            auth.authentication(session, session).await;
            auth.known_elsewhere(session, session).await;
        }
        born(&auth, "user_email_authentications", "young", DAY).await;

        let done = narrowed(&auth, &floor("user_email_authentications")).await;

        assert_eq!(auth.names("user_sessions").await, ["young"]);
        assert_eq!(numbers(&done, "finished-browser"), [1, 1, 2, 1]);
    }
}

#[tokio::test]
async fn a_narrowed_table_still_counts_when_it_keeps_its_parents() {
    for auth in both().await {
        auth.browser_session("parent", finished()).await;
        let below = Session {
            below: Some("parent"),
            ..finished()
        };
        auth.oauth2_session("child", below).await;
        born(&auth, "oauth2_sessions", "child", DAY).await;

        // Inside the relation the floor would hide the child, and free its parent.
        let done = narrowed(&auth, &floor("oauth2_sessions")).await;

        assert_eq!(auth.names("oauth2_sessions").await, ["child"]);
        assert_eq!(auth.names("user_sessions").await, ["parent"]);
        assert_eq!(numbers(&done, "finished-browser"), [0, 0, 0, 0]);
    }
}

#[tokio::test]
async fn only_sessions_and_keys_of_the_operators_tenant_go() {
    for auth in both().await {
        for tenant in ["one", "two"] {
            let key = format!("{tenant} key");
            auth.signing_key(&key, tenant, OLD).await;
            for (name, key) in [("a", key.as_str()), ("b", "key")] {
                let session = Opaque {
                    tenant,
                    key,
                    revoked_at: OLD,
                    ..Opaque::default()
                };
                auth.opaque_session(&format!("{tenant} {name}"), session)
                    .await;
            }
        }

        let done = narrowed(
            &auth,
            "[plugins.sessions.grant.sessions]\nwhere = { tenant_id = \"one\" }\n",
        )
        .await;

        assert_eq!(auth.names("sessions").await, ["two a", "two b"]);
        assert_eq!(auth.names("session_signing_keys").await, ["key", "two key"]);
        // Every session of the planted ones has an absolute end in the past by the real clock.
        assert_eq!(numbers(&done, "signing-keys"), [1, 0, 0, 0]);
    }
}
