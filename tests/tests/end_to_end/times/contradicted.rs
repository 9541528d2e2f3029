//! The operator's word is held against the values that are there.

use besom::catalog::{Dialect, TimeForm, Times};
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
async fn each_row_is_counted_once_in_the_share() {
    let seconds = (NOW / 1_000_000).to_string();
    let milliseconds = (NOW / 1_000).to_string();
    let of_one = items("bigint", &[&seconds]);
    let of_four = items("bigint", &[&seconds, &seconds, &seconds, &milliseconds]);
    for (schema, share) in [(of_one, "1 of 1 values"), (of_four, "3 of 4 values")] {
        for index in ["", "CREATE INDEX item_at ON item (at);"] {
            let schema = format!("{schema} {index}");
            let mut labs = both(&schema, &schema).await;
            labs.push(
                Lab::sqlite(&schema.replacen("at bigint)", "at bigint) WITHOUT ROWID", 1)).await,
            );
            for mut lab in labs {
                lab.say("item", "at", TimeForm::UnixMs);
                let error = refused(&lab).await;
                assert!(error.contains(share), "{share}: {error}");
            }
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

/// 1601, from which WebKit counts microseconds, as seconds since 1970.
const WEBKIT: i64 = -11_644_473_600;

#[tokio::test]
async fn a_word_by_which_most_values_are_of_a_time_that_nobody_expects_is_refused() {
    let webkit = (NOW - WEBKIT * 1_000_000).to_string();
    let apple = (NOW / 1_000_000 - 978_307_200).to_string();
    let ahead = (NOW / 1_000_000 + 200 * 365 * 86_400).to_string();
    for (value, said, year) in [
        (&webkit, TimeForm::UnixUs, "2200"),
        (&apple, TimeForm::UnixS, "2000"),
        (&ahead, TimeForm::UnixS, "2200"),
    ] {
        for (declared, on_sqlite, quote) in [
            ("bigint", "INTEGER", ""),
            ("text", "TEXT", "'"),
            ("numeric", "NUMERIC", ""),
        ] {
            let value = format!("{quote}{value}{quote}");
            let values = [vec![value.as_str(); 30], vec!["NULL"; 30]].concat();
            for mut lab in both(&items(declared, &values), &items(on_sqlite, &values)).await {
                lab.say("item", "at", said);
                let error = refused(&lab).await;
                for part in [
                    said.to_string().as_str(),
                    "values that were looked at would be times before 2000 or after 2200",
                    year,
                    value.as_str(),
                    " would be ",
                    "`oldest` beside the form",
                ] {
                    assert!(error.contains(part), "{part}: {error}");
                }
                // Nothing to paste by which live rows would go.
                assert!(!error.contains("oldest ="), "{error}");
                lab.say("item", "at", Times::from(said).since(Some(Times::REAL)));
                let gone = gone(&lab, older("at", NOW)).await.unwrap();
                assert_eq!(gone.is_empty(), year == "2200", "{value}");
            }
        }
    }
}

#[tokio::test]
async fn small_numbers_that_differ_are_no_seconds() {
    let days = ["2461373.5", "2461374.5"];
    let minutes = ["29412000", "29414880", "29414881"];
    let digits = ["20261129", "20261201"];
    let since_1970 = ["20786", "20788"];
    for (values, declared, on_sqlite) in [
        (&days[..], "double precision", "REAL"),
        (&days[..], "numeric", "NUMERIC"),
        (&minutes[..], "bigint", "INTEGER"),
        (&digits[..], "integer", "INTEGER"),
        (&since_1970[..], "text", "TEXT"),
    ] {
        for mut lab in both(&items(declared, values), &items(on_sqlite, values)).await {
            lab.say("item", "at", TimeForm::UnixS);
            let error = refused(&lab).await;
            assert!(
                error.contains(values[0]) && error.contains("would be 197"),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn one_small_number_again_and_again_is_not_against_the_word() {
    let values = [
        vec!["1735689600"; 3],
        vec!["100"; 40],
        vec!["-62135596800"; 9],
    ]
    .concat();
    let schema = items("bigint", &values);
    for mut lab in both(&schema, &schema).await {
        lab.say("item", "at", TimeForm::UnixS);
        assert_eq!(gone(&lab, older("at", NOW)).await.unwrap(), [1, 2, 3]);
    }
}

#[tokio::test]
async fn a_few_values_of_such_a_time_and_what_stands_for_never_are_not_against_the_word() {
    let ahead = (NOW / 1_000_000 + 900 * 365 * 86_400).to_string();
    let values = [
        vec!["1735689600"; 10],
        vec![&ahead; 8],
        vec!["0"; 30],
        vec!["631152000"],
    ]
    .concat();
    let schema = items("bigint", &values);
    for mut lab in both(&schema, &schema).await {
        lab.say("item", "at", TimeForm::UnixS);
        let expected: Vec<_> = (1..=10).collect();
        assert_eq!(gone(&lab, older("at", NOW)).await.unwrap(), expected);
        lab.say(
            "item",
            "at",
            Times::from(TimeForm::UnixS).since(Some(Times::REAL)),
        );
        assert_eq!(gone(&lab, older("at", NOW)).await.unwrap(), [49]);
    }
}

#[tokio::test]
async fn texts_of_two_forms_are_refused_with_the_list_that_reads_them() {
    let mut values = vec!["'2025-01-01 00:00:00'"; 120];
    values.extend(["'2025-01-01 00:00:00-08:00'"; 70]);
    let lab = Lab::sqlite(&items("DATETIME", &values)).await;

    let error = gone(&lab, older("at", NOW)).await.unwrap_err().to_string();

    assert!(error.contains("[\"sql-text\", \"rfc3339\"]"), "{error}");
}

#[tokio::test]
async fn where_no_list_reads_all_of_them_that_is_said_with_the_one_that_reads_most() {
    for odd in ["'2025-1-1 0:00:00'", "'2025-01-01 00:00:00 PDT'", "'soon'"] {
        let mut values = vec!["'2025-01-01 00:00:00'"; 120];
        values.extend([vec![odd; 68], vec!["'2025-01-01 00:00:00-08:00'"; 2]].concat());
        let schema = items("text", &values);
        for lab in both(&schema, &schema).await {
            let error = gone(&lab, older("at", NOW)).await.unwrap_err().to_string();

            assert!(
                error.contains("No form that besom knows is that of all the values"),
                "{error}"
            );
            assert!(!error.contains("[time-forms]"), "{error}");
            if lab.dialect() == Dialect::Sqlite {
                let most = "[\"sql-text\", \"rfc3339\"] would read ";
                assert!(
                    error.contains(most) && error.contains(", and leave "),
                    "{error}"
                );
                assert!(error.contains(odd), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_names_the_table_that_the_word_is_on() {
    let seconds = vec!["1735689600"; 20].join("), (1, ");
    let schema = format!(
        "CREATE TABLE item (id bigint, at bigint) PARTITION BY LIST (id);
         CREATE TABLE item_one PARTITION OF item FOR VALUES IN (1) PARTITION BY RANGE (at);
         CREATE TABLE item_old PARTITION OF item_one DEFAULT;
         INSERT INTO item VALUES (1, {seconds})"
    );
    let mut lab = Lab::postgres(&schema).await;
    let asked = |table: &str| Request::delete(table, older("at", NOW));

    // Nobody has said anything yet.
    let unknown = lab.run(asked("item")).await.unwrap_err().to_string();
    assert!(
        unknown.contains("\"public.item.at\" = \"unix-s\""),
        "{unknown}"
    );
    assert!(!unknown.contains("item_old"), "{unknown}");
    lab.say("item", "at", TimeForm::UnixMs);
    for table in ["item", "item_one", "item_old"] {
        let error = lab.run(asked(table)).await.unwrap_err().to_string();
        assert!(
            error.contains("`public.item.at`") && error.contains("\"public.item.at\""),
            "{error}"
        );
        assert!(!error.contains("item_o"), "{error}");
    }
    lab.say("item_old", "at", TimeForm::UnixUs);
    let error = lab.run(asked("item")).await.unwrap_err().to_string();
    assert!(error.contains("`public.item_old.at`"), "{error}");
}

#[tokio::test]
async fn texts_of_another_form_that_stand_for_never_are_not_against_the_word() {
    for (never, said, due, alive) in [
        (
            "'9999-12-31'",
            TimeForm::Rfc3339,
            "'2020-01-01T00:00:00Z'",
            "'2040-01-01T00:00:00Z'",
        ),
        (
            "'9999-12-31 23:59:59'",
            TimeForm::Rfc3339,
            "'2020-01-01T00:00:00Z'",
            "'2040-01-01T00:00:00Z'",
        ),
        (
            "'0001-01-01T00:00:00Z'",
            TimeForm::UnixS,
            "'1577836800'",
            "'2208988800'",
        ),
        (
            "'9999-12-31 23:59:59'",
            TimeForm::UnixS,
            "'1577836800'",
            "'2208988800'",
        ),
        (
            "'1970-01-01 00:00:00'",
            TimeForm::Rfc3339,
            "'2020-01-01T00:00:00Z'",
            "'2040-01-01T00:00:00Z'",
        ),
        (
            "'253402300799'",
            TimeForm::Rfc3339,
            "'2020-01-01T00:00:00Z'",
            "'2040-01-01T00:00:00Z'",
        ),
    ] {
        let values = [vec![due, alive], vec![never; 10]].concat();
        let schema = items("text", &values);
        for mut lab in both(&schema, &schema).await {
            lab.say("item", "at", said);
            let gone = gone(&lab, older("at", NOW)).await;
            assert_eq!(gone.unwrap(), [1], "{never} under {said}");
        }
    }
}

#[tokio::test]
async fn a_declared_first_day_counts_where_times_are_real_from_then_on() {
    let values = [vec!["'2020-01-01T00:00:00Z'"], vec!["'1955-03-01'"; 10]].concat();
    let schema = items("text", &values);
    for mut lab in both(&schema, &schema).await {
        let from_1900 = Times::declared([TimeForm::Rfc3339]);
        let from_1900 = from_1900.since(Some(besom::request::Timestamp(-2_208_988_800_000_000)));
        lab.say("item", "at", from_1900);
        assert!(refused(&lab).await.contains("'1955-03-01'"));
    }
}
