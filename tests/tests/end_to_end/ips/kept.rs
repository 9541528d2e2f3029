//! What the jobs leave as it is.

use super::*;

#[tokio::test]
async fn a_session_that_was_never_active_keeps_its_address() {
    for mut auth in both().await {
        for (job, table) in &JOBS[..4] {
            session(&auth, table, "never active", HOME, None).await;

            assert_eq!(auth.run(job, &[]).await.affected, 0, "{job}");

            assert_eq!(addresses(&auth, table).await, ["never active: 192.0.2.7"]);
        }
    }
}

#[tokio::test]
async fn a_session_without_an_address_is_not_written_again() {
    for mut auth in both().await {
        for (job, table) in JOBS {
            session(&auth, table, "nowhere", None, OLD).await;
            session(&auth, table, "somewhere", HOME, OLD).await;

            let done = auth.run(job, &[]).await;

            assert_eq!(done.affected, 1, "{job}");
            let again = auth.run(job, &[]).await;
            assert_eq!((again.affected, again.revived), (0, 0), "{job}");
        }
    }
}

#[tokio::test]
async fn a_session_loses_nothing_but_its_address_and_whether_it_is_finished_is_all_the_same() {
    for mut auth in both().await {
        for (job, table) in &JOBS[..3] {
            session(&auth, table, "open", HOME, OLD).await;
            session(&auth, table, "over", HOME, OLD).await;
            let finish = format!(
                "UPDATE {table} SET finished_at = {} WHERE {} = 'over'",
                auth.time(OLD),
                name_of(table)
            );
            auth.lab.script(&finish).await;
            let other_columns = format!(
                "SELECT count(*) FROM {table} WHERE {} = {} AND created_at = {}",
                used_of(table),
                auth.time(OLD),
                auth.time(Some(BORN))
            );

            let done = auth.run(job, &[]).await;

            assert_eq!(addresses(&auth, table).await, ["open: NULL", "over: NULL"]);
            assert_eq!(done.affected, 2, "{job}");
            assert_eq!(auth.lab.count(&other_columns).await, 2, "{job}");
            let finished = format!("SELECT count(*) FROM {table} WHERE finished_at IS NULL");
            assert_eq!(auth.lab.count(&finished).await, 1, "{job}");
        }
    }
}

#[tokio::test]
async fn what_is_no_address_is_erased_like_one() {
    for mut auth in both().await {
        session(&auth, "sessions", "odd", Some("unknown"), OLD).await;

        let done = auth.run("server-sessions", &[]).await;

        assert_eq!(addresses(&auth, "sessions").await, ["odd: "]);
        assert_eq!(done.affected, 1);
    }
}

#[tokio::test]
async fn more_sessions_than_a_window_holds_are_done_in_one_run() {
    for mut auth in both().await {
        auth.lab.options.batch_size = 7;
        for (job, table) in JOBS {
            for number in 0..30 {
                let (name, at) = (format!("s{number}"), NOW - 40 * DAY - number % 4);
                let ip = format!("10.0.0.{number}");
                let ip = (number % 3 != 0).then_some(ip.as_str());
                session(&auth, table, &name, ip, Some(at)).await;
            }

            assert_eq!(auth.run(job, &[]).await.affected, 20, "{job}");

            let left = addresses(&auth, table).await;
            let nothing = nothing(table);
            assert!(
                left.iter()
                    .all(|known| known.ends_with(&format!(": {nothing}"))),
                "{left:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_profile_leaves_the_tables_of_the_other_alone() {
    for mut auth in both().await {
        for (_, table) in JOBS {
            session(&auth, table, "s", HOME, OLD).await;
        }
        for (job, table) in JOBS {
            let other = match table {
                "sessions" => "mas",
                _ => "server-sessions",
            };

            let done = auth.run(job, &[("profile", other)]).await;

            assert_eq!(done.affected, 0, "{job}");
            assert_eq!(addresses(&auth, table).await, ["s: 192.0.2.7"], "{job}");
        }
    }
}
