//! Foreign keys that are switched off: they neither hold nor act.

use besom::database::{Database, DatabaseOptions};

use super::*;

fn three(token: &str, used: &str) -> String {
    format!(
        "CREATE TABLE sessions (id int PRIMARY KEY, dead_at int);
         CREATE TABLE tokens (id int PRIMARY KEY, session int REFERENCES sessions {token});
         CREATE TABLE uses (id int PRIMARY KEY, token int REFERENCES tokens {used});
         INSERT INTO sessions VALUES (1, 1), (2, 1); INSERT INTO tokens VALUES (1, 1), (2, 2);
         INSERT INTO uses VALUES (1, 1)"
    )
}

const ALL: &str = "SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM tokens)
    + (SELECT count(*) FROM uses)";
const CASCADE: &str = "ON DELETE CASCADE";

#[tokio::test]
async fn a_cascade_that_would_not_happen_is_an_error_at_either_end_and_at_any_depth() {
    for (keys, table, how) in [
        ((CASCADE, CASCADE), "sessions", "DISABLE TRIGGER ALL"),
        ((CASCADE, CASCADE), "tokens", "DISABLE TRIGGER ALL"),
        ((CASCADE, CASCADE), "uses", "DISABLE TRIGGER ALL"),
        (("", ""), "sessions", "DISABLE TRIGGER ALL"),
        (
            ("ON DELETE SET NULL", ""),
            "sessions",
            "DISABLE TRIGGER ALL",
        ),
        (("ON DELETE RESTRICT", ""), "tokens", "DISABLE TRIGGER ALL"),
    ] {
        let lab = Lab::postgres(&three(keys.0, keys.1)).await;
        lab.script(&format!("ALTER TABLE {table} {how}")).await;

        assert_eq!(
            refused(&lab, &sessions(), ALL).await,
            "disabled-key",
            "{keys:?} {table}"
        );

        lab.script(&format!("ALTER TABLE {table} ENABLE TRIGGER ALL"))
            .await;
        drained(&lab, &sessions()).await;
    }
}

#[tokio::test]
async fn a_key_that_acts_on_replicas_only_or_is_off_on_one_partition_has_a_hole_too() {
    let lab = Lab::postgres(&three(CASCADE, "")).await;
    lab.script(
        "DO $$ DECLARE t text; BEGIN FOR t IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'sessions'::regclass LOOP
             EXECUTE format('ALTER TABLE sessions ENABLE REPLICA TRIGGER %I', t); END LOOP; END $$",
    )
    .await;
    assert_eq!(refused(&lab, &sessions(), ALL).await, "disabled-key");

    let lab = Lab::postgres(
        "CREATE TABLE sessions (id int PRIMARY KEY, dead_at int);
         CREATE TABLE tokens (id int, session int REFERENCES sessions ON DELETE CASCADE) PARTITION BY RANGE (id);
         CREATE TABLE tokens_1 PARTITION OF tokens FOR VALUES FROM (0) TO (10);
         INSERT INTO sessions VALUES (1, 1); INSERT INTO tokens VALUES (1, 1);
         ALTER TABLE tokens_1 DISABLE TRIGGER ALL",
    )
    .await;
    let all = "SELECT count(*) FROM tokens";
    assert_eq!(refused(&lab, &sessions(), all).await, "disabled-key");
}

#[tokio::test]
async fn a_role_that_acts_as_a_replica_changes_nothing() {
    let mut lab = Lab::postgres(&three(CASCADE, CASCADE)).await;
    let set = |value: &str| {
        format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I {value}', current_database()); END $$"
        )
    };
    lab.script(&set("SET session_replication_role = replica"))
        .await;
    let again = || Database::connect(&lab.home.url, DatabaseOptions::default());
    let replica = again().await.unwrap();
    let usual = std::mem::replace(&mut lab.database, replica);

    assert_eq!(refused(&lab, &sessions(), ALL).await, "disabled-key");

    // The usual connections may not be enough, and new ones know what is set.
    lab.database = usual;
    lab.script(&set("RESET session_replication_role")).await;
    let batch = drained(&lab, &sessions()).await;
    assert_eq!((batch.affected, batch.cascaded), (2, 3));
}

#[tokio::test]
async fn a_key_that_is_off_elsewhere_and_a_users_trigger_that_is_off_stop_nobody() {
    let lab = Lab::postgres(&three(CASCADE, CASCADE)).await;
    lab.script(
        "CREATE TABLE other (session int REFERENCES sessions, token int REFERENCES uses);
         ALTER TABLE other DROP CONSTRAINT other_session_fkey;
         CREATE TABLE far (id int PRIMARY KEY); CREATE TABLE farther (far int REFERENCES far);
         ALTER TABLE far DISABLE TRIGGER ALL;
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
         CREATE TRIGGER look BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION look();
         ALTER TABLE sessions DISABLE TRIGGER USER",
    )
    .await;
    assert_eq!(drained(&lab, &sessions()).await.affected, 2);
}
