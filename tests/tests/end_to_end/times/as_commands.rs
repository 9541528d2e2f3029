//! Times as an operator meets them: a bundled job on a table of the application's own, through the binary.

use besom_tests::{TestDatabase, postgres, sqlite};
use serde_json::Value;

use crate::cli::{Desk, Said};

pub const JOB: &str = "sessions/expired";

pub const PLUGIN: &str = "[plugins.sessions]\nsettings = { profile = \"server-sessions\", \
    sessions-table = \"app_logins\", sessions-absolute-expires-at-column = \"ends_at\" }\n";

/// Logins that end at these times, numbered from 1; `said` stands under `[time-forms]`.
pub async fn desk(database: TestDatabase, declared: &str, values: &[&str], said: &str) -> Desk {
    let file = match said {
        "" => PLUGIN.to_owned(),
        said => format!("{PLUGIN}[time-forms]\n\"app_logins.ends_at\" = {said}\n"),
    };
    let desk = Desk::with_file(database, &file);
    let rows = values.iter().enumerate();
    let rows: Vec<_> = rows
        .map(|(n, value)| format!("({}, {value})", n + 1))
        .collect();
    desk.script(&format!(
        "CREATE TABLE app_logins (id bigint PRIMARY KEY, ends_at {declared});
         CREATE INDEX logins_end ON app_logins (ends_at);
         INSERT INTO app_logins VALUES {}",
        rows.join(", ")
    ))
    .await;
    desk.says(&["migrate"]);
    desk
}

/// The ids that are left, each to its bit.
async fn left(desk: &Desk) -> Vec<usize> {
    let set = desk
        .count("SELECT CAST(coalesce(sum(CASE WHEN id < 60 THEN 1 << CAST(id AS integer) ELSE 0 END), 0) AS bigint) FROM app_logins")
        .await;
    (1..60).filter(|id| (set >> id) & 1 == 1).collect()
}

/// Runs the job, which deletes so many.
fn runs(desk: &Desk, affected: i64) -> Value {
    let report = desk
        .json(&["run", JOB, "--json"])
        .as_array_mut()
        .unwrap()
        .remove(0);
    assert_eq!(report["affected"], affected, "{report}");
    report
}

fn verified(report: &Value) {
    assert_eq!(report["verified"], true, "{report}");
    assert_eq!(report["remains"][0]["unread"], 0, "{report}");
}

/// The run ends well, and says of so many rows that their time is not read.
fn unread(report: &Value, rows: i64) {
    assert_eq!(report["verified"], Value::Null, "{report}");
    let told = report["verification"].as_str().unwrap();
    assert!(
        told.starts_with("unverified: ") && told.contains("that is not read, such as "),
        "{told}"
    );
    assert_eq!(
        report["remains"][0]["unread_of"]["app_logins.ends_at"]["rows"], rows,
        "{report}"
    );
}

/// The job is refused by that code, in `check` as in `run`, and nothing goes.
async fn refused(desk: &Desk, code: &str) -> Said {
    let all = desk.count("SELECT count(*) FROM app_logins").await;
    let checked = desk.run(&["check"]);
    assert_eq!(checked.code, 1, "{}{}", checked.stdout, checked.stderr);
    assert!(checked.stdout.contains(code), "{}", checked.stdout);
    let said = desk.run(&["run", JOB]);
    assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
    assert_eq!(desk.count("SELECT count(*) FROM app_logins").await, all);
    said
}

/// Does what the refusal says: its line for besom.toml in the place of the one that was there.
fn paste(desk: &Desk, said: &Said) -> String {
    let told = format!("{}\n{}", said.stdout, said.stderr);
    let (_, behind) = told
        .rsplit_once("[time-forms]\n")
        .unwrap_or_else(|| panic!("{told}"));
    let line = behind.lines().next().unwrap().trim();
    let path = desk.folder.path().join("besom.toml");
    let file = std::fs::read_to_string(&path).unwrap();
    let (kept, _) = file
        .split_once("[time-forms]")
        .unwrap_or((file.as_str(), ""));
    std::fs::write(&path, format!("{kept}[time-forms]\n{line}\n")).unwrap();
    line.to_owned()
}

#[tokio::test]
async fn an_offset_is_part_of_the_time_and_nobody_has_to_say_so() {
    let over = "datetime('now', '+1 hours') || '+02:00'";
    let live = "datetime('now', '-2 hours') || '-08:00'";
    let values = [live, over, "datetime('now', '-1 minutes') || 'Z'", "NULL"];
    let desk = desk(sqlite(), "DATETIME", &values, "").await;

    verified(&runs(&desk, 2));

    assert_eq!(left(&desk).await, [1, 4]);
}

#[tokio::test]
async fn an_offset_is_part_of_the_time_on_postgres_too() {
    let text = |shift: &str| {
        format!("to_char(now() AT TIME ZONE 'UTC' + interval '{shift}', 'YYYY-MM-DD HH24:MI:SS')")
    };
    let live = format!("{} || '-08:00'", text("-2 hours"));
    let over = format!("{} || '+02:00'", text("1 hour"));
    let desk = desk(postgres().await, "text", &[&live, &over], "\"rfc3339\"").await;

    verified(&runs(&desk, 1));

    assert_eq!(left(&desk).await, [1]);
}

#[tokio::test]
async fn odd_values_in_the_middle_of_others_stay_and_are_told_of() {
    let mut values = vec!["datetime('now', '-90 days')"; 60];
    values.extend(["datetime('now', '+90 days')"; 60]);
    // Live, in no zone that is known here, or in one whose hour is hours behind.
    let zone = "datetime('now', '-1 hours') || ' PDT'";
    let offset = "datetime('now', '-1 hours') || '-08:00'";
    values.extend([zone, offset]);
    let desk = desk(sqlite(), "DATETIME", &values, "").await;

    let said = desk.run(&["run", JOB, "--json"]);

    // Where the look before the run meets one of them the job is refused, else they are told of after it.
    let still = "SELECT count(*) FROM app_logins WHERE id > 120";
    assert_eq!(desk.count(still).await, 2, "{}{}", said.stdout, said.stderr);
    if said.code == 0 {
        let report: Value = serde_json::from_str(&said.stdout).unwrap();
        unread(&report[0], 2);
    } else {
        assert!(
            said.stderr.contains("mixed-representation") || said.stdout.contains("mixed"),
            "{}",
            said.stderr
        );
    }
    let path = desk.folder.path().join("besom.toml");
    let file = std::fs::read_to_string(&path).unwrap();
    let word = "[time-forms]\n\"app_logins.ends_at\" = \"sql-text\"\n";
    std::fs::write(&path, format!("{file}{word}")).unwrap();
    let report = desk.json(&["run", JOB, "--json"]);
    // Who says what a text without an offset means has it read where there is one.
    unread(&report[0], 1);
    assert_eq!(desk.count(still).await, 2);
    assert_eq!(desk.count("SELECT count(*) FROM app_logins").await, 62);
}

#[tokio::test]
async fn seconds_under_the_name_of_milliseconds_are_refused_and_the_line_that_is_told_works() {
    for database in [postgres().await, sqlite()] {
        let now = match database.url.starts_with("postgres") {
            true => "CAST(extract(epoch FROM now()) AS bigint)",
            false => "unixepoch()",
        };
        let (live, over) = (format!("{now} + 86400"), format!("{now} - 86400"));
        let desk = desk(
            database,
            "bigint",
            &[&live, &over, "0", "-1"],
            "\"unix-ms\"",
        )
        .await;

        let said = refused(&desk, "time-form-contradicted").await;

        let told = "values that were looked at are not: 1";
        assert!(said.stderr.contains(told), "{}", said.stderr);
        assert!(paste(&desk, &said).ends_with("= \"unix-s\""));
        verified(&runs(&desk, 1));
        assert_eq!(left(&desk).await, [1, 3, 4]);
    }
}

#[tokio::test]
async fn what_stands_for_never_stays_in_numbers_and_in_native_times() {
    let numbers = ["1700000000", "0", "-1", "253402300799", "NULL"];
    let natives = [
        "'2024-01-01'",
        "'0001-01-01'",
        "'1970-01-01'",
        "'-infinity'",
        "'infinity'",
        "'9999-12-31'",
        "NULL",
    ];
    for database in [postgres().await, sqlite()] {
        let desk = desk(database, "bigint", &numbers, "\"unix-s\"").await;
        verified(&runs(&desk, 1));
        assert_eq!(left(&desk).await, [2, 3, 4, 5]);
        let told = desk.says(&["check"]);
        assert!(
            told.contains("no-instant") && told.contains("3 rows of `"),
            "{told}"
        );
    }
    for declared in ["timestamptz", "date"] {
        let desk = desk(postgres().await, declared, &natives, "").await;
        verified(&runs(&desk, 1));
        assert_eq!(left(&desk).await, [2, 3, 4, 5, 6, 7], "{declared}");
        let told = desk.says(&["check"]);
        assert!(
            told.contains("no-instant") && told.contains("5 rows of `"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_day_is_over_when_it_has_ended() {
    let days = |of: &str| {
        [
            of.replace("DAYS", "0"),
            of.replace("DAYS", "-1"),
            of.replace("DAYS", "1"),
        ]
    };
    let on_postgres = days("(now() AT TIME ZONE 'UTC')::date + (DAYS)");
    let on_sqlite = days("date('now', 'DAYS days')");
    for (database, values) in [(postgres().await, on_postgres), (sqlite(), on_sqlite)] {
        let values: Vec<_> = values.iter().map(String::as_str).collect();
        let desk = desk(database, "date", &values, "").await;
        verified(&runs(&desk, 1));
        assert_eq!(left(&desk).await, [1, 3]);
    }
}

#[tokio::test]
async fn what_a_form_does_not_cover_is_counted_and_never_called_verified() {
    let usual = [
        "'2024-01-05T03:04:05Z'",
        "'2024-01-05t03:04:05z'",
        "'2024-01-05 03:04:05+0000'",
        "'2024-01-05 03:04:05+00'",
        "'2024-01-05 03:04:05.123 +0000 UTC'",
        "'2099-01-05T03:04:05Z'",
    ];
    let odd = [
        "'2024-1-5 3:04:05Z'",
        "'2024-01-05 03:04:05 PDT'",
        "'t'",
        "''",
    ];
    for database in [postgres().await, sqlite()] {
        let values = [usual.as_slice(), &odd].concat();
        let desk = desk(database, "text", &values, "\"rfc3339\"").await;

        unread(&runs(&desk, 5), 4);

        assert_eq!(left(&desk).await, [6, 7, 8, 9, 10]);
        let text = desk.run(&["run", JOB]);
        assert_eq!(text.code, 0);
        let line = format!(
            "{JOB} unverified: 4 rows of `app_logins.ends_at` hold a time that is not read"
        );
        assert!(text.stdout.contains(&line), "{}", text.stdout);
    }
}

#[tokio::test]
async fn milliseconds_among_seconds_are_counted_and_stay() {
    let mut values = vec!["1700000000"; 8];
    values.extend(["1700000000000", "4102444800"]);
    for database in [postgres().await, sqlite()] {
        let desk = desk(database, "bigint", &values, "\"unix-s\"").await;
        unread(&runs(&desk, 8), 1);
        assert_eq!(left(&desk).await, [9, 10]);
    }
}

#[tokio::test]
async fn an_epoch_in_numeric_or_float_works_by_the_line_that_is_told() {
    let values = ["1700000000.25", "4102444800.5", "0"];
    for declared in ["numeric", "double precision"] {
        let desk = desk(postgres().await, declared, &values, "").await;

        let said = refused(&desk, "unknown-time-form").await;

        assert!(paste(&desk, &said).ends_with("= \"unix-s\""));
        verified(&runs(&desk, 1));
        assert_eq!(left(&desk).await, [2, 3]);
    }
    let desk = desk(sqlite(), "REAL", &values, "").await;
    verified(&runs(&desk, 1));
    assert_eq!(left(&desk).await, [2, 3]);
}

#[tokio::test]
async fn a_number_too_coarse_for_seconds_is_no_time() {
    for word in ["", "\"unix-s\""] {
        let values = ["1700000000", "4102444800"];
        let desk = desk(postgres().await, "real", &values, word).await;
        let said = desk.run(&["run", JOB]);
        assert_ne!(said.code, 0, "{}", said.stdout);
        assert_eq!(left(&desk).await, [1, 2], "{word}");
    }
}

#[tokio::test]
async fn of_two_forms_each_row_goes_by_its_own_once_the_line_is_pasted() {
    let values = [
        "'2024-01-05T03:04:05Z'",
        "1700000000",
        "'2099-01-05T03:04:05+02:00'",
        "4102444800",
    ];
    let desk = desk(sqlite(), "DATETIME", &values, "").await;

    let said = refused(&desk, "mixed-representation").await;

    let line = paste(&desk, &said);
    assert!(
        line.contains("\"rfc3339\"") && line.contains("\"unix-s\""),
        "{line}"
    );
    verified(&runs(&desk, 2));
    assert_eq!(left(&desk).await, [3, 4]);
}

#[tokio::test]
async fn of_digits_and_iso_text_each_row_goes_by_its_own_on_postgres_too() {
    let values = [
        "'2024-01-05T03:04:05Z'",
        "'1700000000'",
        "'2099-01-05T03:04:05Z'",
        "'4102444800'",
    ];
    let desk = desk(postgres().await, "text", &values, "").await;

    let said = desk.run(&["run", JOB]);

    assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
    let line = paste(&desk, &said);
    assert!(
        line.contains("\"rfc3339\"") && line.contains("\"unix-s\""),
        "{line}"
    );
    verified(&runs(&desk, 2));
    assert_eq!(left(&desk).await, [3, 4]);
}
