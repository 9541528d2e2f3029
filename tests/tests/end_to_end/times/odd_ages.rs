//! Tails behind a time, in the end of a row and in the age that it must have.

use besom::catalog::TimeForm;
use besom_tests::{postgres, sqlite};

use super::as_commands::JOB;
use super::kinds::aged;

/// What a clock in UTC showed so many minutes ago, as text.
fn minutes_ago(minutes: i64, on_sqlite: bool) -> String {
    match on_sqlite {
        true => format!("datetime('now', '{} minutes')", -minutes),
        false => format!(
            "to_char((now() - {minutes} * interval '1 minute') AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"
        ),
    }
}

#[tokio::test]
async fn what_was_made_this_moment_stays_whatever_stands_behind_its_time() {
    const DAY: i64 = 1_440;
    for (on_sqlite, forms) in [
        (true, &[] as &[TimeForm]),
        (true, &[TimeForm::SqlText]),
        (false, &[TimeForm::SqlText]),
    ] {
        let at = |minutes, tail: &str| format!("{} || '{tail}'", minutes_ago(minutes, on_sqlite));
        let old = at(90 * DAY, "");
        let mut rows = vec![
            // Ended long ago and made now, or nobody knows when.
            (1, old.clone(), at(8 * 60, "-08:00")),
            (2, old.clone(), at(7 * 60, " PDT")),
            (3, old.clone(), at(30, "")),
            // Ends in an hour, or nobody knows when.
            (4, at(7 * 60, "-08:00"), old.clone()),
            (5, at(7 * 60, " PDT"), old.clone()),
            // Ended an hour ago.
            (6, at(9 * 60, "-08:00"), old.clone()),
        ];
        rows.extend((10..70).map(|id| (id, old.clone(), old.clone())));
        rows.extend((70..130).map(|id| (id, at(-60 * DAY, ""), at(60 * DAY, ""))));
        let database = match on_sqlite {
            true => sqlite(),
            false => postgres().await,
        };
        let declared = if on_sqlite { "DATETIME" } else { "text" };
        let desk = aged(database, declared, forms, &rows).await;

        let dry = desk.run(&["run", JOB, "--dry-run", "--json"]);
        let ran = desk.run(&["run", JOB, "--json"]);

        let kept = "SELECT count(*) FROM app_logins WHERE id < 6 OR id >= 70";
        assert_eq!(desk.count(kept).await, 65, "{}{}", ran.stdout, ran.stderr);
        if forms.is_empty() {
            // Where the look before the run meets a tail the job is refused.
            continue;
        }
        for said in [dry, ran] {
            let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
            assert_eq!(report[0]["affected"], 61, "{report}");
            assert_eq!(report[0]["verified"], serde_json::Value::Null, "{report}");
            let unread = &report[0]["remains"][0]["unread_of"];
            assert_eq!(unread["app_logins.ends_at"]["rows"], 1, "{report}");
            assert_eq!(unread["app_logins.made_at"]["rows"], 1, "{report}");
        }
    }
}
