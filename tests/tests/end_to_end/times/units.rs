//! Several units in one column, and since when their instants are real.

use besom::catalog::{Catalog, TimeForm, TimeFormError, Times};
use besom_tests::lab::both;

use super::*;

/// 1970-01-01, 1973-01-01 and 1900-01-01.
const EPOCH: Timestamp = Timestamp(0);
const REAL: Timestamp = Timestamp(94_694_400_000_000);
const CENTURY: Timestamp = Timestamp(-2_208_988_800_000_000);

/// What the catalog says to this word on `item.at`.
async fn said(lab: &Lab, times: Times) -> Result<Catalog, TimeFormError> {
    let words = [(("item".to_owned(), "at".to_owned()), times)];
    let catalog = Catalog::clone(&*lab.catalog().await);
    catalog.with_time_forms(&words.into())
}

#[tokio::test]
async fn a_number_is_not_read_in_two_units() {
    // The second one is of 2026 and still ahead in seconds, and of 1970 in milliseconds.
    let values = ["1577836800", "1798761600", "1577836800000"];
    for mut lab in both(&items("bigint", &values), &items("INTEGER", &values)).await {
        let two = || Times::declared([TimeForm::UnixS, TimeForm::UnixMs]);

        let refused = said(&lab, two().since(Some(EPOCH))).await;

        let Err(error) = refused else {
            panic!("two units of 1970 are taken")
        };
        let error = error.to_string();
        for part in ["item.at", "oldest", "1973-01-01", "one of the forms"] {
            assert!(error.contains(part), "{part}: {error}");
        }
        lab.say("item", "at", two().since(Some(REAL)));
        assert_eq!(gone(&lab, older("at", NOW)).await.unwrap(), [1, 3]);
    }
}

#[tokio::test]
async fn births_before_1973_are_read_in_one_unit_and_beside_texts() {
    let values = ["-1220400000", "-2300000000", "90000000", "1000000000"];
    for mut lab in both(&items("bigint", &values), &items("INTEGER", &values)).await {
        let forms = match lab.dialect() {
            besom::catalog::Dialect::Postgres => vec![TimeForm::UnixS],
            besom::catalog::Dialect::Sqlite => vec![TimeForm::UnixS, TimeForm::Rfc3339],
        };
        lab.say("item", "at", Times::declared(forms).since(Some(CENTURY)));
        let gone = gone(&lab, older("at", NOW)).await.unwrap();
        assert_eq!(gone, [1, 3, 4]);
    }
}
