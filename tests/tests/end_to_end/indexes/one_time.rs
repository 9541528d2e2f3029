//! Rows that all have one value in the order column, as a bulk update leaves them.

use std::time::{Duration, Instant};

use super::*;

const ROWS: u32 = 40_000;

/// The same rows, a second apart and all of one time.
async fn apart_and_alike(index: &str) -> [Lab; 2] {
    let schema = filled(Dialect::Sqlite, ROWS, "x INTEGER", "0");
    let lab = async |t: &str| {
        let mut lab = Lab::sqlite(&format!(
            "{schema} UPDATE item SET t = {t}; CREATE INDEX item_t ON item {index}; ANALYZE;"
        ))
        .await;
        lab.options.batch_size = 100;
        lab
    };
    let old = NOW - 1_000_000_000_000;
    [
        lab(&format!("{old} + id * 1000000")).await,
        lab(&old.to_string()).await,
    ]
}

/// Rows that SQLite would read again for every window take thirty times as long here.
fn is_about_as_fast(apart: Duration, alike: Duration, index: &str) {
    assert!(
        alike < apart * 5 + Duration::from_secs(1),
        "{index}: {alike:?} for rows of one time, {apart:?} for others"
    );
}

#[tokio::test]
async fn a_sweep_of_rows_of_one_time_takes_no_longer_on_sqlite() {
    for index in ["(t)", "(t, id)", "(t DESC)"] {
        let mut took = Vec::new();
        for lab in apart_and_alike(index).await {
            let begun = Instant::now();
            goes(
                &lab,
                Request::delete("item", due()).order_by("t"),
                ROWS.into(),
            )
            .await;
            took.push(begun.elapsed());
        }
        is_about_as_fast(took[0], took[1], index);
    }
}
