//! The columns of one sweep have its two seconds together, and none has all of them.

use besom::catalog::{TimeForm, Times};
use besom::request::Request;
use besom_tests::lab::{both, drain};

use super::*;

/// More values than two seconds are enough to read one by one, on SQLite; on PostgreSQL that is quicker.
const MANY: u64 = 600_000;

#[tokio::test]
async fn a_column_of_many_values_leaves_time_for_the_next_one() {
    let schema = format!(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, at TEXT NOT NULL);
         CREATE TABLE note (id BIGINT PRIMARY KEY, item BIGINT NOT NULL, until TEXT NOT NULL);
         CREATE INDEX note_item ON note (item);
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {MANY})
         INSERT INTO item SELECT n, '2027-01-05T03:04:05Z' FROM n;
         INSERT INTO note VALUES (1, 1, '2027-01-05T03:04:05Z'), (2, 2, 'soon');"
    );
    for mut lab in both(&schema, &schema).await {
        lab.options.batch_size = 100_000;
        let form = || Times::declared([TimeForm::Rfc3339]);
        lab.say("item", "at", form());
        lab.say("note", "until", form());
        let old = older("at", NEW_YEAR);
        let unended = without("note", "item", "id", not(older("until", NEW_YEAR)));
        let request = Request::delete("item", Condition::All(vec![old, unended]));
        let (context, _) = lab.begin().await;
        drain(&context, request).await.unwrap();

        let ended = context.settle().await.ended;
        let began = std::time::Instant::now();
        let remains = verify(&lab.database, &ended).await;

        let case = format!("{:?}: {remains:#?}", lab.dialect());
        let unread: u64 = remains
            .iter()
            .filter_map(|of| of.unread_of.get("note.until"))
            .map(|of| of.rows)
            .sum();
        assert_eq!(unread, 1, "{case}");
        let not_known = remains.iter().filter_map(|of| of.not_looked_at.as_ref());
        for told in not_known {
            assert!(!told.contains("`note.until`"), "{case}");
        }
        // The probe of what is left has two seconds of its own.
        assert!(began.elapsed().as_secs() < 15, "{case}");
    }
}
