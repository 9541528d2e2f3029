//! What each job leaves, however old it is.

use super::*;

#[tokio::test]
async fn a_trip_that_led_to_a_session_stays_while_the_session_is_there() {
    for mut auth in both().await {
        trip(&auth, "nowhere", OLD, Trip::default()).await;
        let led = |session| Trip {
            session: Some(session),
            ..Trip::default()
        };
        trip(&auth, "live", OLD, led("here")).await;
        trip(&auth, "finished", OLD, led("over")).await;
        let told = Trip {
            authenticated: Some("here"),
            ..Trip::default()
        };
        trip(&auth, "history", OLD, told).await;

        let batch = auth.run("authorization-sessions", &[]).await;

        assert_eq!(auth.names(TRIPS).await, ["finished", "history", "live"]);
        assert_eq!((batch.affected, batch.cascaded), (1, 0));

        // Its browser session has been cleaned up, and the pointer with it.
        let gone = auth.key("over");
        auth.lab
            .script(&format!(
                "DELETE FROM user_sessions WHERE user_session_id = {gone}"
            ))
            .await;
        assert_eq!(auth.run("authorization-sessions", &[]).await.affected, 1);
        assert_eq!(auth.names(TRIPS).await, ["history", "live"]);
    }
}

#[tokio::test]
async fn links_of_users_stay_and_orphans_take_their_trips_along() {
    for mut auth in both().await {
        for (name, user) in [
            ("orphan", None),
            ("owned", Some("user")),
            ("led", None),
            ("told", None),
        ] {
            link(&auth, name, OLD, user).await;
        }
        let of = |link| Trip {
            link: Some(link),
            ..Trip::default()
        };
        trip(&auth, "one", NOW, of("orphan")).await;
        trip(&auth, "two", OLD, of("orphan")).await;
        trip(&auth, "mine", OLD, of("owned")).await;
        let led = Trip {
            session: Some("here"),
            ..of("led")
        };
        trip(&auth, "led-here", OLD, led).await;
        trip(&auth, "led-no", OLD, of("led")).await;
        let told = Trip {
            authenticated: Some("over"),
            ..of("told")
        };
        trip(&auth, "told-over", OLD, told).await;

        let batch = auth.run("orphaned-links", &[]).await;

        assert_eq!(auth.names(LINKS).await, ["led", "owned", "told"]);
        assert_eq!(
            auth.names(TRIPS).await,
            ["led-here", "led-no", "mine", "told-over"]
        );
        assert_eq!((batch.affected, batch.dependents, batch.blocked), (1, 2, 0));
    }
}

#[tokio::test]
async fn random_keys_among_the_ulids_stop_both_jobs() {
    for mut auth in both().await {
        let random = auth.uuid([0xf7; 16]);
        trip_with_key(&auth, "random", &random, Trip::default()).await;
        link_with_key(&auth, "random", &random, None).await;

        for job in ["authorization-sessions", "orphaned-links"] {
            let refused = auth.refused(job, &[]).await;
            assert!(refused.contains("not in the order of time"), "{refused}");
        }
        assert_eq!(auth.names(TRIPS).await, ["random"]);
    }
}
