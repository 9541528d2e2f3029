//! Batches that have committed though nobody heard of it: what is known of them is as if somebody had.

use std::collections::BTreeMap;

use besom::database::{Database, DatabaseOptions};
use besom::request::{Request, Step};
use besom::sweep::{Verification, verify};
use besom_tests::lab::{Lab, drain};
use besom_tests::wire::Wire;

use super::dead;

/// The lab, and the way on which its batches get lost.
async fn on_a_wire(schema: &str) -> (Lab, Wire) {
    let mut lab = Lab::postgres(schema).await;
    let wire = Wire::to(&lab.home.url).await;
    lab.database = Database::connect(&wire.url, DatabaseOptions::default())
        .await
        .unwrap();
    (lab, wire)
}

/// A run of which the first batch gets lost, and the rows that it left by what holds them.
async fn run(lab: &Lab, wire: &Wire) -> (besom::request::Batch, BTreeMap<String, u64>) {
    let (context, _) = lab.begin().await;
    wire.lose_the_next_answer();
    let (batch, step) = drain(&context, Request::delete("item", dead()))
        .await
        .unwrap();
    assert_eq!(step, Step::Drained);
    assert!(wire.has_lost_it());
    let progress = context.settle().await;
    let passed = progress.ended[0].passed;
    assert_eq!(passed.refused + passed.blocked, batch.blocked);
    let remains = verify(&lab.database, &progress.ended).await;
    assert_eq!(remains[0].arrived, 0, "{remains:?}");
    let left = remains[0].left;
    assert_eq!(left, passed.refused);
    let expected = match left {
        0 => Verification::Verified,
        left => Verification::Left(left),
    };
    assert_eq!(Verification::of(&remains), expected);
    lab.end(&context).await;
    let recorded = "SELECT CAST(sum(affected) AS bigint) FROM besom_batch";
    assert_eq!(lab.count(recorded).await as u64, batch.affected);
    (batch, progress.blocked_by)
}

#[tokio::test]
async fn the_rows_that_it_was_refused_and_why_are_told() {
    let schema = "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
        INSERT INTO item SELECT n, TRUE FROM generate_series(1, 300) AS n;
        CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF OLD.id % 10 = 0 THEN RAISE 'item % is on hold', OLD.id; END IF; RETURN OLD; END $$;
        CREATE TRIGGER hold BEFORE DELETE ON item FOR EACH ROW EXECUTE FUNCTION hold();";
    let (lab, wire) = on_a_wire(schema).await;

    let (batch, by) = run(&lab, &wire).await;

    assert_eq!((batch.affected, batch.blocked), (270, 30));
    let why = "(refused by the database: item … is on hold)";
    assert_eq!(by, BTreeMap::from([(why.to_owned(), 30)]));
}

#[tokio::test]
async fn the_rows_that_others_hold_are_told() {
    let schema = "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
        CREATE TABLE part (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item ON DELETE CASCADE);
        CREATE TABLE bill (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item);
        CREATE INDEX ON part (item); CREATE INDEX ON bill (item);
        INSERT INTO item SELECT n, TRUE FROM generate_series(1, 150) AS n;
        INSERT INTO part SELECT n, n FROM generate_series(1, 150) AS n;
        INSERT INTO bill SELECT n, n FROM generate_series(10, 60, 10) AS n;";
    let (lab, wire) = on_a_wire(schema).await;

    let (batch, by) = run(&lab, &wire).await;

    assert_eq!((batch.affected, batch.blocked), (144, 6));
    assert_eq!(by, BTreeMap::from([("bill".to_owned(), 6)]));
}

#[tokio::test]
async fn what_hangs_together_is_put_together_once() {
    let schema = "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL, next BIGINT REFERENCES item);
        CREATE INDEX ON item (next);
        INSERT INTO item SELECT n, n < 41 OR n > 50, nullif(n + 1, 101) FROM generate_series(1, 100) AS n;";
    let (lab, wire) = on_a_wire(schema).await;

    let (batch, by) = run(&lab, &wire).await;

    // Of the living ones the last refers to those behind it.
    assert_eq!((batch.affected, batch.blocked), (40, 50));
    assert_eq!(batch.examined, 100);
    assert_eq!(by, BTreeMap::from([("item".to_owned(), 50)]));
}
