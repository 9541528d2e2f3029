//! A schema that changes among the batches of a chain.

use besom::request::{Step, Suspension};
use besom::sweep::Sweep;

use super::{chain, dead, labs};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_comes_while_a_chain_goes_takes_nothing_along() {
    const LONG: i64 = 3_000;
    for rule in ["", "ON DELETE RESTRICT"] {
        for step in [1, -1, 977] {
            for mut lab in labs(rule).await {
                chain(&lab, LONG, step).await;
                lab.options.batch_size = 100;
                let (context, _) = lab.begin().await;
                let sweep = Sweep::open(&context, dead()).await.unwrap();
                let there = "SELECT count(*) FROM link";
                while lab.count(there).await > LONG - 300 {
                    assert!(matches!(sweep.next().await.unwrap(), Step::Batch(_)));
                }
                // By another connection: an order for each that is left.
                lab.script(
                    "CREATE TABLE orders (id bigint PRIMARY KEY, link bigint REFERENCES link ON DELETE CASCADE);
                     INSERT INTO orders SELECT id, id FROM link; CREATE INDEX orders_link ON orders (link);",
                )
                .await;
                let left = lab.count(there).await;

                let end = sweep.next().await;

                let case = format!("{rule} {step} {:?}", lab.dialect());
                assert_eq!(
                    end,
                    Ok(Step::Suspended(Suspension::SchemaChanged)),
                    "{case}"
                );
                assert!(left > 0, "{case}: in the middle of it");
                assert_eq!(lab.count(there).await, left, "{case}");
                let orders = lab.count("SELECT count(*) FROM orders").await;
                assert_eq!(orders, left, "{case}");
                let recorded = "SELECT CAST(sum(affected) AS bigint) FROM besom_batch";
                assert_eq!(lab.count(recorded).await, LONG - left, "{case}");
                lab.end_as(&context, "suspended").await;
            }
        }
    }
}
