//! Rows from before there was a pointer get it, once and only where it is plain.

use super::*;

async fn pointing_at(auth: &Auth, name: &str, session: Option<&str>) -> bool {
    let is = match session {
        Some(session) => format!("= {}", auth.key(session)),
        None => "IS NULL".to_owned(),
    };
    let count =
        format!("SELECT count(*) FROM {TRIPS} WHERE state = '{name}' AND user_session_id {is}");
    auth.lab.count(&count).await == 1
}

#[tokio::test]
async fn a_trip_gets_the_session_that_it_authenticated_and_a_second_run_does_nothing() {
    for mut auth in both().await {
        let told = |session| Trip {
            authenticated: Some(session),
            ..Trip::default()
        };
        trip(&auth, "one", OLD, told("here")).await;
        trip(&auth, "two", NOW, told("over")).await;
        trip(&auth, "nowhere", OLD, Trip::default()).await;
        trip(&auth, "twice", OLD, told("here")).await;
        let key = key_of(&auth, "twice", OLD);
        authentication(&auth, "again", "over", &key).await;
        auth.lab
            .script(&format!(
                "UPDATE {TRIPS} SET user_session_id = NULL WHERE state = 'twice'"
            ))
            .await;
        let known = Trip {
            session: Some("over"),
            ..Trip::default()
        };
        trip(&auth, "known", OLD, known).await;

        let first = auth.run("backfill-user-session", &[]).await;
        let second = auth.run("backfill-user-session", &[]).await;

        assert_eq!(
            (first.affected, second.affected),
            (2, 0),
            "{:?}",
            auth.dialect()
        );
        for (name, session) in [
            ("one", Some("here")),
            ("two", Some("over")),
            ("known", Some("over")),
            ("nowhere", None),
            ("twice", None),
        ] {
            assert!(pointing_at(&auth, name, session).await, "{name}");
        }
    }
}

#[tokio::test]
async fn the_trigger_fills_what_is_authenticated_from_now_on() {
    for auth in both().await {
        trip(&auth, "new", NOW, Trip::default()).await;
        authentication(&auth, "auth", "here", &key_of(&auth, "new", NOW)).await;

        assert!(pointing_at(&auth, "new", Some("here")).await);
    }
}
