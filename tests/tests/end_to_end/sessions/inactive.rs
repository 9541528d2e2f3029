//! `expire-inactive` finishes sessions that nobody uses, where the operator says after how long.

use super::*;

use crate::cli::Desk;

const TTL: (&str, &str) = ("ttl", "30d");
const TABLES: [&str; 3] = ["compat_sessions", "oauth2_sessions", "user_sessions"];
const INACTIVE: Option<i64> = Some(NOW - 40 * DAY);

/// A session of each kind.
async fn three(auth: &Auth, name: &str, session: Session<'_>) {
    auth.compat_session(name, session).await;
    auth.oauth2_session(name, session).await;
    auth.browser_session(name, session).await;
}

fn active_at(last_active_at: Option<i64>) -> Session<'static> {
    Session {
        last_active_at,
        ..Session::default()
    }
}

/// The names of the sessions that are finished, and were at that time.
async fn finished_at(auth: &Auth, table: &str, at: i64) -> Vec<String> {
    let sql = format!(
        "SELECT {} FROM {table} WHERE finished_at = {} ORDER BY 1",
        name_of(table),
        auth.time(Some(at))
    );
    auth.texts(&sql).await
}

/// Both databases with a session of each kind that is finished already, `before`. On SQLite it shows
/// how the column holds its times.
async fn with_one_finished() -> [Auth; 2] {
    let databases = both().await;
    for auth in &databases {
        three(auth, "before", finished()).await;
    }
    databases
}

#[tokio::test]
async fn sessions_inactive_for_longer_than_the_ttl_are_finished_now_and_to_the_microsecond() {
    for mut auth in with_one_finished().await {
        let cutoff = NOW - 30 * DAY;
        three(&auth, "older", active_at(Some(cutoff - 1))).await;
        three(&auth, "exact", active_at(Some(cutoff))).await;
        three(&auth, "younger", active_at(Some(cutoff + 1))).await;
        three(&auth, "never active", active_at(None)).await;

        auth.lab.options.mode = Mode::DryRun;
        let told = auth.run("expire-inactive", &[TTL]).await;
        for table in TABLES {
            assert_eq!(finished_at(&auth, table, NOW).await, [""; 0]);
        }
        auth.lab.options.mode = Mode::Apply;
        let done = auth.run("expire-inactive", &[TTL]).await;

        assert_eq!((told.affected, done.affected), (3, 3));
        for table in TABLES {
            assert_eq!(finished_at(&auth, table, NOW).await, ["older"], "{table}");
            let finished = format!("SELECT count(*) FROM {table} WHERE finished_at IS NOT NULL");
            assert_eq!(auth.lab.count(&finished).await, 2, "{table}");
            assert_eq!(auth.names(table).await.len(), 5, "{table}");
        }
        assert_eq!(auth.run("expire-inactive", &[TTL]).await.affected, 0);
    }
}

#[tokio::test]
async fn sessions_of_nobody_and_of_a_client_that_the_server_s_configuration_names_stay_open() {
    for mut auth in with_one_finished().await {
        for name in ["somebody", "nobody", "static"] {
            auth.oauth2_session(name, active_at(INACTIVE)).await;
        }
        let client = [
            ("oauth2_client_id", Key("static")),
            ("is_static", Flag(true)),
        ];
        auth.plant("oauth2_clients", &client).await;
        auth.lab
            .script(&format!(
                "UPDATE oauth2_sessions SET user_id = NULL WHERE human_name = 'nobody';
                 UPDATE oauth2_sessions SET oauth2_client_id = {} WHERE human_name = 'static'",
                auth.key("static")
            ))
            .await;

        let done = auth.run("expire-inactive", &[TTL]).await;

        let finished = finished_at(&auth, "oauth2_sessions", NOW).await;
        assert_eq!(finished, ["somebody"]);
        assert_eq!(done.affected, 1);

        // Where the operator wants those of static clients finished as well, nobody's stay.
        let all = [TTL, ("keep-static-clients", "false")];
        assert_eq!(auth.run("expire-inactive", &all).await.affected, 1);
        let finished = finished_at(&auth, "oauth2_sessions", NOW).await;
        assert_eq!(finished, ["somebody", "static"]);
    }
}

#[tokio::test]
async fn a_session_that_is_finished_already_keeps_its_time() {
    for mut auth in both().await {
        let session = Session {
            finished_at: OLD,
            last_active_at: OLD,
            ..Session::default()
        };
        three(&auth, "over", session).await;

        assert_eq!(auth.run("expire-inactive", &[TTL]).await.affected, 0);

        for table in TABLES {
            assert_eq!(finished_at(&auth, table, OLD.unwrap()).await, ["over"]);
        }
    }
}

#[tokio::test]
async fn more_sessions_than_a_window_holds_are_finished_in_one_run() {
    for mut auth in with_one_finished().await {
        auth.lab.options.batch_size = 7;
        for number in 0..30 {
            let (name, at) = (format!("s{number}"), NOW - 40 * DAY - number % 4);
            auth.oauth2_session(&name, active_at(Some(at))).await;
        }

        let done = auth.run("expire-inactive", &[TTL]).await;

        assert_eq!(done.affected, 30);
        assert_eq!(finished_at(&auth, "oauth2_sessions", NOW).await.len(), 30);
    }
}

#[tokio::test]
async fn what_it_finishes_is_deleted_when_the_retention_is_over_and_not_before() {
    for mut auth in with_one_finished().await {
        three(&auth, "idle", active_at(INACTIVE)).await;
        auth.run("expire-inactive", &[TTL]).await;

        for (job, table) in [
            ("finished-compat", "compat_sessions"),
            ("finished-oauth2", "oauth2_sessions"),
            ("finished-browser", "user_sessions"),
        ] {
            // The run's present is the cut-off here: what was finished at that instant stays.
            auth.run(job, &[("retention", "0s")]).await;

            assert_eq!(auth.names(table).await, ["idle"], "{job}");
        }
    }
}

#[tokio::test]
async fn where_nothing_shows_how_the_column_holds_a_time_nothing_is_written_by_guess() {
    let mut auth = on(Lab::sqlite("").await).await;
    three(&auth, "idle", active_at(INACTIVE)).await;

    let refused = auth.refused("expire-inactive", &[TTL]).await;

    assert!(
        refused.contains("compat_sessions") && refused.contains("[time-forms]"),
        "{refused}"
    );
    for table in TABLES {
        let finished = format!("SELECT count(*) FROM {table} WHERE finished_at IS NOT NULL");
        assert_eq!(auth.lab.count(&finished).await, 0, "{table}");
    }
}

/// A desk on a migrated SQLite database with the reference schema.
async fn desk(more: &str) -> Desk {
    Desk::filled(besom_tests::sqlite(), 1000, more).await
}

#[tokio::test]
async fn the_plugin_alone_finishes_nothing_and_needs_no_ttl() {
    let desk = desk("[plugins.sessions]\n").await;

    let checked = desk.says(&["check"]);
    let ran = desk.says(&["run", "sessions"]);

    for said in [checked, ran] {
        assert!(said.contains("sessions/finished-browser"), "{said}");
        assert!(!said.contains("expire-inactive"), "{said}");
    }
}

#[tokio::test]
async fn named_without_a_ttl_it_is_refused_and_the_refusal_says_what_is_missing() {
    let desk = desk("[plugins.sessions.jobs.expire-inactive]\n").await;

    for arguments in [
        &["check"][..],
        &["run", "sessions/expire-inactive"],
        &["run", "sessions/expire-inactive", "--set", "ttl=0s"],
    ] {
        let said = desk.run(arguments);
        assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
        let said = format!("{}{}", said.stdout, said.stderr);
        assert!(said.contains("setting `ttl`"), "{said}");
    }
}

#[tokio::test]
async fn named_with_a_ttl_it_runs_with_the_others() {
    let desk = desk(
        "[plugins.sessions.jobs.expire-inactive]\nsettings = { ttl = \"180d\" }\n\
         [time-forms]\n\
         \"compat_sessions.finished_at\" = \"unix-us\"\n\
         \"oauth2_sessions.finished_at\" = \"unix-us\"\n\
         \"user_sessions.finished_at\" = \"unix-us\"\n",
    )
    .await;

    let checked = desk.says(&["check"]);
    let ran = desk.says(&["run", "sessions"]);

    for said in [checked, ran] {
        assert!(said.contains("sessions/expire-inactive"), "{said}");
    }
}
