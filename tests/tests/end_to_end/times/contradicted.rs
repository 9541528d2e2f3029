//! The operator's word is held against the values that are there.

use besom::catalog::{TimeForm, Times};
use besom_tests::lab::both;

use super::*;

async fn refused(lab: &Lab) -> String {
    let fault = gone(lab, older("at", NOW)).await.unwrap_err();
    assert_eq!(fault.problem().code, "time-form-contradicted", "{fault}");
    fault.to_string()
}

#[tokio::test]
async fn seconds_that_are_said_to_be_milliseconds_are_refused_and_the_reverse() {
    for (value, said, real) in [
        (NOW / 1_000_000 + 86_400, TimeForm::UnixMs, "unix-s"),
        (NOW / 1_000 + 86_400_000, TimeForm::UnixS, "unix-ms"),
        (NOW + 86_400_000_000, TimeForm::UnixNs, "unix-us"),
    ] {
        let value = value.to_string();
        let schema = items("bigint", &[value.as_str(); 40]);
        for mut lab in both(&schema, &schema).await {
            lab.say("item", "at", said);
            let error = refused(&lab).await;
            for part in [said.to_string().as_str(), real, value.as_str(), " of "] {
                assert!(error.contains(part), "{part}: {error}");
            }
            assert_eq!(lab.count("SELECT count(*) FROM item").await, 40);
        }
    }
}

#[tokio::test]
async fn a_column_of_two_forms_is_refused_under_the_rarer_and_the_list_proposed() {
    let mut values = vec!["1735689600"; 10];
    values.extend(["'2025-01-01T00:00:00Z'"; 30]);
    let mut lab = Lab::sqlite(&items("DATETIME", &values)).await;
    lab.say("item", "at", TimeForm::UnixS);

    let error = refused(&lab).await;

    assert!(
        error.contains("[\"unix-s\", \"rfc3339\"]") || error.contains("[\"rfc3339\", \"unix-s\"]"),
        "{error}"
    );
    lab.say(
        "item",
        "at",
        Times::declared([TimeForm::Rfc3339, TimeForm::UnixS]),
    );
    assert_eq!(gone(&lab, older("at", NOW)).await.unwrap().len(), 40);
}

#[tokio::test]
async fn values_between_the_ends_of_an_index_are_looked_at_too() {
    // At either end of the index stand times, between them what most rows have.
    let rows = |number: &str| {
        format!(
            "INSERT INTO item SELECT {number}, '2025-01-01T00:00:00Z' FROM n WHERE n <= 50;
             INSERT INTO item SELECT {number} + 50, '2050000000' FROM n;
             INSERT INTO item SELECT {number} + 3050, '2099-01-01T00:00:00Z' FROM n WHERE n <= 50;"
        )
    };
    let table = "CREATE TABLE item (id bigint PRIMARY KEY, at text); CREATE INDEX i ON item (at);
        CREATE TABLE n (n bigint);
        INSERT INTO n WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 3000) SELECT n FROM s;";
    let schema = format!("{table} {}", rows("n"));
    for mut lab in both(&schema, &schema).await {
        lab.say("item", "at", TimeForm::Rfc3339);
        let error = refused(&lab).await;
        assert!(
            error.contains("rfc3339") && error.contains("unix-s"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_is_of_no_form_is_left_and_not_against_the_word() {
    let schema = items(
        "text",
        &["'2025-01-01 00:00:00 PDT'", "'0000-00-00'", "'soon'"],
    );
    for mut lab in both(&schema, &schema).await {
        lab.say("item", "at", TimeForm::SqlText);
        assert!(gone(&lab, older("at", NOW)).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_stands_for_never_is_not_against_the_word() {
    let schema = items(
        "bigint",
        &["0", "0", "0", "-1", "253402300799", "1735689600"],
    );
    for mut lab in both(&schema, &schema).await {
        lab.say("item", "at", TimeForm::UnixS);
        assert_eq!(gone(&lab, older("at", NOW)).await.unwrap(), [6]);
    }
}

#[tokio::test]
async fn nothing_is_found_out_about_a_number_on_postgres_but_what_to_write_is() {
    let lab = Lab::postgres(&items("numeric", &["1735689600.25"; 20])).await;
    let fault = gone(&lab, older("at", NOW)).await.unwrap_err();
    assert_eq!(fault.problem().code, "unknown-time-form");
    assert!(
        fault
            .to_string()
            .contains("\"public.item.at\" = \"unix-s\""),
        "{fault}"
    );
}
