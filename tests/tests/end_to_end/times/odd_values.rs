//! What is no time in the form of its column stays and is told of, by a run and before it.

use besom_tests::{postgres, sqlite};
use serde_json::Value;

use super::as_commands::{JOB, desk};

const ODD: &[&str] = &[
    "'soon'",
    "'2020-1-5 3:04:05'",
    "'2020-01-01 10:00:00 PDT'",
    "'t'",
];

const LOCAL: &str = "\"local:America/Los_Angeles\"";
const LIST: &str = "[\"unix-s\", \"rfc3339\"]";

#[tokio::test]
async fn what_no_form_of_its_column_reads_is_counted_beforehand_and_afterwards() {
    const TIME: &str = "'2020-01-01 10:00:00'";
    const SECONDS: &str = "1577836800";
    for (on_sqlite, declared, said, time, odd) in [
        (false, "text", LOCAL, TIME, ODD),
        (true, "TEXT", LOCAL, TIME, ODD),
        (false, "text", "\"date\"", "'2020-01-01'", ODD),
        (true, "DATE", "\"date\"", "'2020-01-01'", ODD),
        (false, "text", LIST, "'1577836800'", ODD),
        (true, "DATETIME", LIST, SECONDS, ODD),
        (false, "text", "\"unix-ms\"", "'1577836800000'", ODD),
        (true, "TEXT", "\"unix-us\"", "'1577836800000000'", ODD),
        (false, "varchar(40)", "\"sql-text\"", TIME, ODD),
        // Microseconds among seconds, in numbers of both kinds.
        (
            false,
            "bigint",
            "\"unix-s\"",
            SECONDS,
            &["1577836800000000"],
        ),
        (
            false,
            "numeric",
            "\"unix-s\"",
            SECONDS,
            &["1577836800000000"],
        ),
    ] {
        let mut values = vec![time; 20];
        values.extend(odd);
        let database = match on_sqlite {
            true => sqlite(),
            false => postgres().await,
        };
        let desk = desk(database, declared, &values, said).await;

        let dry = desk.json(&["run", JOB, "--dry-run", "--json"]);
        let ran = desk.json(&["run", JOB, "--json"]);

        let case = format!("{declared} {said}");
        for report in [&dry, &ran] {
            assert_eq!(report[0]["affected"], 20, "{case}: {report}");
            assert_eq!(report[0]["verified"], Value::Null, "{case}: {report}");
            let of = &report[0]["remains"][0]["unread_of"]["app_logins.ends_at"];
            assert_eq!(of["rows"], odd.len(), "{case}: {report}");
        }
        let told = ran[0]["verification"].as_str().unwrap();
        assert!(told.contains("that is not read"), "{case}: {told}");
        let left = desk.count("SELECT count(*) FROM app_logins").await;
        assert_eq!(left, odd.len() as i64, "{case}");
    }
}
