//! Whether a column's order is the order of the times in it: where it is an index bounds the sweep, where
//! it is not the sweep goes by key and says so.

use besom::catalog::{TimeForm, Times};
use besom::preflight::Severity;

use super::*;

const ROWS: u32 = 2_000;

/// Rows an hour apart, of which the first 999 are old, in no order of theirs; `t` says how row `n` is
/// written, whose second is `s`.
fn hours(dialect: Dialect, rows: u32, declared: &str, t: &str) -> String {
    let seconds = format!("({} + (n - 1000) * 3600)", NOW / 1_000_000);
    let numbers = match dialect {
        Dialect::Postgres => format!(
            "SELECT n, {seconds} AS s FROM generate_series(1, {rows}::bigint) AS n ORDER BY n * 7919 % {rows}"
        ),
        Dialect::Sqlite => format!(
            "SELECT n, {seconds} AS s FROM (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s \
             WHERE n < {rows}) SELECT n FROM s) ORDER BY n * 7919 % {rows}"
        ),
    };
    format!(
        "CREATE TABLE item (id bigint PRIMARY KEY, t {declared});
         INSERT INTO item SELECT n, {t} FROM ({numbers}) AS numbered;
         CREATE INDEX item_t ON item (t); ANALYZE;"
    )
}

async fn lab(dialect: Dialect, declared: &str, t: &str) -> Lab {
    let schema = hours(dialect, ROWS, declared, t);
    let mut lab = match dialect {
        Dialect::Postgres => Lab::postgres(&schema).await,
        Dialect::Sqlite => Lab::sqlite(&schema).await,
    };
    lab.options.batch_size = 100;
    lab
}

fn old() -> Request {
    Request::delete("item", due()).order_by("t")
}

const LEFT: &str = "SELECT min(id) * 10000 + count(*) FROM item";

#[tokio::test]
async fn where_the_order_is_the_times_the_index_bounds_the_sweep() {
    let offset = "CASE n % 3 WHEN 0 THEN '-08:00' WHEN 1 THEN '+02:00' ELSE 'Z' END";
    let shifted =
        "datetime(s + CASE n % 3 WHEN 0 THEN -8 WHEN 1 THEN 2 ELSE 0 END * 3600, 'unixepoch')";
    let with_offset = format!("{shifted} || {offset}");
    let go = "datetime(s, 'unixepoch') || ' +0000 UTC'";
    let (postgres, sqlite) = (Dialect::Postgres, Dialect::Sqlite);
    let cases: [(Dialect, &str, &str, &[TimeForm]); 9] = [
        (
            sqlite,
            "DATETIME",
            "datetime(s, 'unixepoch')",
            &[TimeForm::SqlText],
        ),
        (sqlite, "TEXT", &with_offset, &[TimeForm::Rfc3339]),
        (sqlite, "TEXT", go, &[TimeForm::Rfc3339]),
        (
            sqlite,
            "TEXT",
            "datetime(s, 'unixepoch', '-8 hours')",
            &[TimeForm::Local(chrono_tz::Tz::America__Los_Angeles)],
        ),
        (sqlite, "INTEGER", "s", &[TimeForm::UnixS]),
        (sqlite, "DATETIME", "s * 1000 + 0.5", &[TimeForm::UnixMs]),
        (postgres, "timestamptz", "to_timestamp(s)", &[]),
        (postgres, "bigint", "s * 1000", &[TimeForm::UnixMs]),
        (postgres, "numeric", "s + 0.5", &[TimeForm::UnixS]),
    ];
    for (dialect, declared, t, forms) in cases {
        let mut lab = lab(dialect, declared, t).await;
        lab.say("item", "t", Times::declared(forms.iter().copied()));
        let (_, told) = used(&lab, old()).await;
        let bounded = match dialect {
            Dialect::Postgres => told.contains("Index Cond") && told.contains("t < "),
            Dialect::Sqlite => told.contains("t<?"),
        };
        assert!(bounded, "{declared} {t}\n{told}");
        // Text is bounded to the day, two days behind.
        let (total, _) = lab.run(old()).await.unwrap();
        assert_eq!(total.affected, 999, "{declared} {t}");
        assert!(
            total.examined <= 999 + 48 + 100 + 24,
            "{declared} {t}: {total:?}"
        );
        assert_eq!(lab.count(LEFT).await, 10_001_001, "{declared} {t}");
    }
}

/// Columns whose order is not the times', and what is said of them.
fn out_of_order() -> [(
    Dialect,
    &'static str,
    &'static str,
    Vec<TimeForm>,
    &'static str,
); 5] {
    let (postgres, sqlite) = (Dialect::Postgres, Dialect::Sqlite);
    [
        (
            sqlite,
            "TEXT",
            "CAST(s AS TEXT)",
            vec![TimeForm::UnixS],
            "digits in text are ordered as text",
        ),
        (
            sqlite,
            "",
            "CASE n % 2 WHEN 0 THEN s ELSE CAST(s AS TEXT) END",
            vec![TimeForm::UnixS],
            "digits in text are ordered as text",
        ),
        (
            sqlite,
            "DATETIME",
            "CASE n % 2 WHEN 0 THEN s ELSE datetime(s, 'unixepoch') || 'Z' END",
            vec![TimeForm::UnixS, TimeForm::Rfc3339],
            "numbers stand before all text",
        ),
        (
            postgres,
            "text",
            "to_char(to_timestamp(s) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
            vec![TimeForm::Rfc3339],
            "orders by its collation",
        ),
        (
            postgres,
            "varchar(20)",
            "s::text",
            vec![TimeForm::UnixS],
            "orders by its collation",
        ),
    ]
}

#[tokio::test]
async fn where_the_order_is_not_the_times_the_sweep_goes_by_key_and_says_why() {
    for (dialect, declared, t, forms, why) in out_of_order() {
        let mut lab = lab(dialect, declared, t).await;
        lab.say("item", "t", Times::declared(forms));
        let plan = plan(&lab, old()).await;
        let note = plan.axis().note.clone().unwrap_or_default();
        assert!(
            note.contains("not in the order of time") && note.contains(why),
            "{note}"
        );
        assert_eq!(plan.axis().along, None);
        let (total, _) = lab.run(old()).await.unwrap();
        assert_eq!(total.affected, 999, "{declared} {t}");
        assert_eq!(lab.count(LEFT).await, 10_001_001, "{declared} {t}");
    }
}

#[tokio::test]
async fn no_index_is_proposed_that_would_not_help() {
    for (dialect, declared, t, forms, why) in out_of_order() {
        let schema = hours(dialect, 120_000, declared, t);
        for schema in [
            schema.replace("CREATE INDEX item_t ON item (t);", ""),
            schema,
        ] {
            let mut lab = match dialect {
                Dialect::Postgres => Lab::postgres(&schema).await,
                // Without any index SQLite has no statistics of the table.
                Dialect::Sqlite => {
                    let other = "CREATE INDEX other ON item (id); ANALYZE;";
                    Lab::sqlite(&format!("{schema} {other}")).await
                }
            };
            lab.say("item", "t", Times::declared(forms.clone()));
            let finding = crate::preflight::found(&lab, &old(), "unindexed-sweep").await;
            assert!(finding.message.contains(why), "{}", finding.message);
            assert!(
                finding.message.contains("No index on it helps"),
                "{}",
                finding.message
            );
            assert!(finding.fix.is_empty(), "{:?}", finding.fix);
            assert!(finding.severity >= Severity::Warning);
        }
    }
}

#[tokio::test]
async fn an_index_of_few_rows_serves_whatever_its_order() {
    let rows = "CASE n % 2 WHEN 0 THEN s ELSE datetime(s, 'unixepoch') || 'Z' END, n % 50 = 0";
    let schema = hours(Dialect::Sqlite, ROWS, "DATETIME, over BOOLEAN", rows)
        .replace("item (t);", "item (t) WHERE over;");
    let mut lab = Lab::sqlite(&schema).await;
    lab.say(
        "item",
        "t",
        Times::declared([TimeForm::UnixS, TimeForm::Rfc3339]),
    );
    let request =
        Request::delete("item", all(&[is("over", Value::Boolean(true)), due()])).order_by("t");

    goes_by(&lab, "item_t", request.clone()).await;
    let (total, _) = lab.run(request).await.unwrap();

    assert_eq!((total.affected, total.examined), (19, 19));
}
