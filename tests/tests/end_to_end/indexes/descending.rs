//! Indexes that are read backwards.

use super::*;

fn sweep() -> Request {
    Request::delete("item", due()).order_by("t")
}

/// A tenth of the rows is due.
async fn tenth(indexes: &str) -> [Lab; 2] {
    let labs = both(200_000, "x INTEGER", "0", indexes).await;
    for lab in &labs {
        let later = match lab.dialect() {
            Dialect::Postgres => "t + interval '300 days'",
            Dialect::Sqlite => "t + 300 * 86400 * 1000000",
        };
        lab.script(&format!(
            "UPDATE item SET t = {later} WHERE id > 20000; ANALYZE"
        ))
        .await;
    }
    labs
}

#[tokio::test]
async fn an_index_of_the_newest_first_is_read_from_its_end() {
    for lab in tenth("CREATE INDEX item_t ON item (t DESC)").await {
        goes_by(&lab, "item_t", sweep()).await;
        goes(&lab, sweep(), 20_000).await;
    }
}

#[tokio::test]
async fn with_the_key_in_the_same_direction_a_window_ends_between_any_two_rows() {
    for mut lab in tenth("CREATE INDEX item_t ON item (t DESC, id DESC)").await {
        lab.script("UPDATE item SET t = (SELECT min(t) FROM item) WHERE id <= 20000; ANALYZE")
            .await;
        // SQLite does not take the rowid for part of a range.
        let composite = lab.dialect() == Dialect::Postgres;
        assert_eq!(plan(&lab, sweep()).await.axis().composite, composite);
        lab.options.batch_size = 100;
        goes_by(&lab, "item_t", sweep()).await;
        goes(&lab, sweep(), 20_000).await;
    }
}

#[tokio::test]
async fn with_the_key_in_the_other_direction_windows_end_between_values() {
    for mut lab in tenth("CREATE INDEX item_t ON item (t DESC, id)").await {
        lab.script("UPDATE item SET t = (SELECT min(t) FROM item) WHERE id <= 500; ANALYZE")
            .await;
        assert!(plan(&lab, sweep()).await.axis().cuts_between_values());
        lab.options.batch_size = 100;
        goes_by(&lab, "item_t", sweep()).await;
        goes(&lab, sweep(), 20_000).await;
    }
}

#[tokio::test]
async fn nulls_may_stand_at_either_end_of_an_index() {
    for (index, composite) in [
        ("(t NULLS FIRST)", false),
        ("(t NULLS FIRST, id)", true),
        ("(t DESC NULLS LAST)", false),
        ("(t DESC NULLS LAST, id DESC)", true),
    ] {
        let schema = filled(Dialect::Postgres, 20_000, "x integer", "0");
        let mut lab = Lab::postgres(&format!(
            "{schema} UPDATE item SET t = NULL WHERE id % 2 = 0;
             CREATE INDEX item_t ON item {index}; ANALYZE item"
        ))
        .await;
        lab.options.batch_size = 100;
        assert_eq!(
            plan(&lab, sweep()).await.axis().composite,
            composite,
            "{index}"
        );
        goes_by(&lab, "item_t", sweep()).await;
        goes(&lab, sweep(), 10_000).await;
    }
}

#[tokio::test]
async fn preflight_knows_it_too() {
    for lab in tenth("CREATE INDEX item_t ON item (t DESC)").await {
        assert_eq!(
            crate::preflight::codes(&lab, &sweep()).await,
            [""; 0],
            "{:?}",
            lab.dialect()
        );
    }
}

#[tokio::test]
async fn a_reader_takes_it_from_either_end() {
    for lab in tenth("CREATE INDEX item_t ON item (t DESC)").await {
        for descending in [false, true] {
            let mut read = Request::read("item", vec!["id".into()], due()).order_by("t");
            if let besom::request::Action::Read(look) = &mut read.action {
                look.descending = descending;
            }
            assert_eq!(crate::preflight::codes(&lab, &read).await, [""; 0]);
        }
    }
}
