//! One authorization grant that was left over, and what it holds up: its own session.

use super::*;

const SESSIONS: i64 = 300;

/// So many sessions that ended on day 0, and one live one.
async fn ended(scene: &Scene) {
    scene.user_and_client().await;
    for number in 0..SESSIONS {
        let finished = Some(DAY_ZERO + number);
        let name = format!("s{number}");
        scene.oauth2_session(&name, None, finished).await;
    }
    scene.oauth2_session("live", None, None).await;
}

#[tokio::test]
async fn a_leftover_grant_blocks_its_session_and_no_other_until_it_is_gone() {
    for mut scene in both().await {
        // Several windows, so that the blocked row is in the middle of the sweep.
        scene.lab.options.batch_size = 40;
        ended(&scene).await;
        let made = DAY_ZERO + 25 * DAY;
        scene.grant("s150", made).await;

        // The grant is a week old at most on day 31: it stays, and so does its session.
        let day_31 = DAY_ZERO + 31 * DAY;
        let grants = scene.count("tokens/authorization-grants", day_31).await;
        let job: JobName = "sessions/finished-oauth2".parse().unwrap();
        let first = scene.run(&job, day_31).await;

        assert_eq!(grants.affected, 0);
        let done = first.totals;
        assert_eq!(
            (done.affected, done.dependents, done.blocked, done.locked),
            (299, 598, 1, 0),
            "{:?}",
            scene.dialect()
        );
        let by: Vec<_> = first.blocked_by.values().copied().collect();
        let tables: Vec<_> = first.blocked_by.keys().collect();
        assert_eq!(by, [1], "{tables:?}");
        assert!(
            tables[0].ends_with("oauth2_authorization_grants"),
            "{tables:?}"
        );
        let names = "SELECT human_name FROM oauth2_sessions";
        assert_eq!(scene.texts(names).await, ["live", "s150"]);
        // What stays, stays whole.
        for tokens in ["access_token", "refresh_token"] {
            let left = format!("SELECT {tokens} FROM oauth2_{tokens}s");
            assert_eq!(scene.texts(&left).await, ["live", "s150"]);
        }

        // Two days later the grant's week is over.
        let day_33 = DAY_ZERO + 33 * DAY;
        let grants = scene.count("tokens/authorization-grants", day_33).await;
        let second = scene.count("sessions/finished-oauth2", day_33).await;

        assert_eq!(grants.affected, 1);
        assert_eq!(
            (second.affected, second.dependents, second.blocked),
            (1, 2, 0)
        );
        assert_eq!(scene.texts(names).await, ["live"]);
    }
}

#[tokio::test]
async fn a_grant_that_is_being_made_holds_its_session() {
    let mut scene = Scene::on(Lab::postgres("").await).await;
    ended(&scene).await;
    let now = DAY_ZERO + 31 * DAY;

    // The server has inserted it and has not committed yet.
    let mut server = scene.lab.session().await;
    server.begin("BEGIN").await.unwrap();
    let insert = scene.insert_grant("s7", now, 1);
    server.run_script(&insert).await.unwrap();
    let during = scene.count("sessions/finished-oauth2", now).await;
    server.commit().await.unwrap();
    let after = scene.count("sessions/finished-oauth2", now).await;

    assert_eq!((during.affected, during.locked), (299, 1));
    assert_eq!((after.affected, after.blocked), (0, 1));
    let names = scene.texts("SELECT human_name FROM oauth2_sessions").await;
    assert_eq!(names, ["live", "s7"]);
    let tokens = "SELECT access_token FROM oauth2_access_tokens";
    assert_eq!(scene.texts(tokens).await, ["live", "s7"]);
}
