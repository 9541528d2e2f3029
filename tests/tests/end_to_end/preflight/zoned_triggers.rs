//! `zoned-trigger`: besom's sessions are in UTC, and so is what triggers and defaults leave in a `timestamp` in a batch.

use besom::request::Step;
use chrono_tz::Tz;

use super::*;

const ZONED: &str = "zoned-trigger";

/// Deletes are written down, with the time of a default; an order from which its item is taken notes when.
const NOTED: &str = "
    CREATE TABLE item (id bigint PRIMARY KEY, dead_at bigint);
    CREATE TABLE orders (id bigint PRIMARY KEY, item bigint REFERENCES item ON DELETE SET NULL, touched timestamp);
    CREATE INDEX orders_item ON orders (item);
    CREATE TABLE audit (id bigint, at timestamp DEFAULT now());
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO audit (id) VALUES (OLD.id); RETURN NULL; END $$;
    CREATE TRIGGER noted AFTER DELETE ON item FOR EACH ROW EXECUTE FUNCTION note();
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.touched := now(); RETURN NEW; END $$;
    CREATE TRIGGER touched BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
    INSERT INTO item VALUES (1, 1), (2, NULL);
    INSERT INTO orders VALUES (1, 1), (2, 2);";

const IN_KOLKATA: &str = "DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Asia/Kolkata'); END $$";

fn expired() -> Request {
    Request::delete("item", dead())
}

async fn zoned(lab: &Lab) -> Vec<Finding> {
    let mut all = findings(lab, &[expired()]).await;
    all.retain(|finding| finding.code == ZONED);
    all
}

#[tokio::test]
async fn a_trigger_that_fires_in_utc_is_told_and_what_is_printed_has_it_write_local_time() {
    for declared in [None, Some(Tz::Asia__Kolkata)] {
        let mut lab = Lab::postgres(NOTED).await;
        assert_eq!(zoned(&lab).await, [], "sessions are in UTC");
        match declared {
            None => lab.script(IN_KOLKATA).await,
            Some(_) => lab.zone = declared,
        }

        let found = zoned(&lab).await;

        assert_eq!(found.len(), 2, "{found:#?}");
        for finding in &found {
            assert_eq!(finding.severity, Severity::Warning);
            let message = &finding.message;
            assert!(message.contains("Asia/Kolkata"), "{message}");
            let line = "\n\ntime-zone = \"UTC\"\n";
            assert_eq!(message.contains(line), declared.is_none(), "{message}");
            mend(&lab, finding).await;
        }
        assert_eq!(zoned(&lab).await, []);
        let (batch, end) = lab.run(expired()).await.unwrap();
        assert_eq!((batch.affected, end), (1, Step::Drained));
        for stamp in [
            "SELECT at FROM audit",
            "SELECT touched FROM orders WHERE id = 1",
        ] {
            let near = format!(
                "SELECT count(*) FROM ({stamp}) AS stamp(at)
                 WHERE abs(extract(epoch FROM at - now() AT TIME ZONE 'Asia/Kolkata')) < 600"
            );
            assert_eq!(lab.count(&near).await, 1, "{stamp}");
        }
    }
}

#[tokio::test]
async fn a_trigger_that_writes_no_time_without_a_zone_is_not_told() {
    let lab = Lab::postgres(NOTED).await;
    lab.script(IN_KOLKATA).await;
    lab.script("ALTER TABLE audit ALTER at TYPE timestamptz")
        .await;

    let found = zoned(&lab).await;

    // What it only writes down has a zone now. The other one still assigns by itself.
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].message.contains("`touched`"), "{found:#?}");
    lab.script("ALTER TABLE orders ALTER touched TYPE timestamptz")
        .await;
    assert_eq!(zoned(&lab).await, []);
}

#[tokio::test]
async fn the_word_that_sessions_are_in_utc_is_believed_of_triggers() {
    let mut lab = Lab::postgres(NOTED).await;
    lab.script(IN_KOLKATA).await;
    lab.zone = Some(Tz::UTC);

    assert_eq!(zoned(&lab).await, []);
}
