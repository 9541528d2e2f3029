//! Foreign keys over periods, which PostgreSQL has since 18.

use super::*;

#[tokio::test]
async fn a_row_of_whose_period_a_part_is_referred_to_is_blocked_and_fails_no_batch() {
    let lab = Lab::postgres("SELECT 1").await;
    let version = "SELECT current_setting('server_version_num')::bigint";
    if lab.count(version).await < 180_000 {
        return; // there is no such key
    }
    // Ranges for ids, because equality of numbers in such a key takes an extension.
    lab.script(
        "CREATE TABLE sessions (id int4range, at daterange, dead_at bigint, PRIMARY KEY (id, at WITHOUT OVERLAPS));
         CREATE TABLE tokens (id bigint PRIMARY KEY, session int4range, at daterange,
             FOREIGN KEY (session, PERIOD at) REFERENCES sessions (id, PERIOD at));
         CREATE INDEX ON tokens (session);
         INSERT INTO sessions VALUES ('[1,2)', '[2020-01-01,2021-01-01)', 1), ('[2,3)', '[2020-01-01,2021-01-01)', 1),
             ('[3,4)', '[2020-01-01,2021-01-01)', 1);
         INSERT INTO tokens VALUES (1, '[1,2)', '[2020-03-01,2020-04-01)')",
    )
    .await;

    let batch = drained(&lab, &sessions()).await;

    assert_eq!((batch.affected, batch.blocked), (2, 1));
    let refused = lab.count("SELECT coalesce(sum(blocked), 0)::bigint FROM besom_batch");
    assert_eq!(refused.await, 1);
    assert_eq!(lab.ids("SELECT lower(id) FROM sessions").await, [1]);
}
