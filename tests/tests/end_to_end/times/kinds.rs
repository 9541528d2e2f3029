//! What stands for "never" in columns of every kind: it is told of, and by it no row is old, nor old enough.

use besom::catalog::Dialect::{self, Postgres, Sqlite};
use besom::catalog::TimeForm::{self, Rfc3339, UnixMs, UnixNs, UnixS};
use besom_tests::{TestDatabase, postgres, sqlite};

use super::as_commands::{JOB, PLUGIN};
use crate::cli::Desk;

const LOS_ANGELES: TimeForm = TimeForm::Local(chrono_tz::Tz::America__Los_Angeles);

/// A column that holds times.
#[derive(Debug)]
pub struct Kind {
    pub dialect: Dialect,
    pub declared: &'static str,
    /// What `[time-forms]` says of it; nothing where the column tells by itself.
    pub forms: &'static [TimeForm],
    /// What stands for "never" there, besides NULL.
    pub never: &'static [&'static str],
    /// Some times long ago and far ahead.
    pub past: &'static str,
    pub ahead: &'static str,
}

const fn kind(
    dialect: Dialect,
    declared: &'static str,
    forms: &'static [TimeForm],
    never: &'static [&'static str],
    [past, ahead]: [&'static str; 2],
) -> Kind {
    Kind {
        dialect,
        declared,
        forms,
        never,
        past,
        ahead,
    }
}

const OF_POSTGRES: &[&str] = &[
    "'infinity'",
    "'-infinity'",
    "'0001-01-01'",
    "'1970-01-01'",
    "'9999-12-31'",
];
const OF_TEXT: &[&str] = &[
    "'0000-00-00 00:00:00'",
    "'0001-01-01 00:00:00'",
    "'1970-01-01 00:00:00'",
    "'9999-12-31 23:59:59'",
];
const OF_SECONDS: &[&str] = &["0", "-1", "253402300799"];

const DAYS: [&str; 2] = ["'2020-01-01'", "'2099-01-01'"];
const TEXTS: [&str; 2] = ["'2020-01-01 00:00:00'", "'2099-01-01 00:00:00'"];
const SECONDS: [&str; 2] = ["1577836800", "4070908800"];

pub const KINDS: [Kind; 15] = [
    kind(Postgres, "timestamptz", &[], OF_POSTGRES, DAYS),
    kind(Postgres, "timestamp", &[], OF_POSTGRES, DAYS),
    kind(Postgres, "timestamp", &[LOS_ANGELES], OF_POSTGRES, DAYS),
    kind(Postgres, "date", &[], OF_POSTGRES, DAYS),
    kind(Postgres, "bigint", &[UnixS], OF_SECONDS, SECONDS),
    kind(
        Postgres,
        "bigint",
        &[UnixNs],
        &["0", "-1", "9223372036854775807"],
        ["1577836800000000000", "4070908800000000000"],
    ),
    kind(
        Postgres,
        "numeric",
        &[UnixMs],
        &["0", "-1", "253402300799000"],
        ["1577836800000.5", "4070908800000"],
    ),
    kind(
        Postgres,
        "double precision",
        &[UnixS],
        &["0", "-1", "'infinity'", "'-infinity'"],
        ["1577836800.5", "4070908800"],
    ),
    kind(
        Postgres,
        "text",
        &[Rfc3339],
        &[
            "'infinity'",
            "'0000-00-00'",
            "'0001-01-01T00:00:00Z'",
            "'1970-01-01T00:00:00Z'",
        ],
        ["'2020-01-01T00:00:00Z'", "'2099-01-01T00:00:00Z'"],
    ),
    kind(Sqlite, "INTEGER", &[], OF_SECONDS, SECONDS),
    kind(Sqlite, "DATETIME", &[], OF_TEXT, TEXTS),
    kind(Sqlite, "TEXT", &[LOS_ANGELES], OF_TEXT, TEXTS),
    kind(
        Sqlite,
        "DATE",
        &[],
        &[
            "'0000-00-00'",
            "'0001-01-01'",
            "'1970-01-01'",
            "'9999-12-31'",
        ],
        DAYS,
    ),
    kind(
        Sqlite,
        "REAL",
        &[UnixS],
        &["0", "-1", "9e999"],
        ["1577836800.5", "4070908800"],
    ),
    kind(
        Sqlite,
        "DATETIME",
        &[UnixS, Rfc3339],
        &["0", "-1", "'0001-01-01T00:00:00Z'"],
        ["1577836800", "'2099-01-01T00:00:00Z'"],
    ),
];

/// Logins `(id, ends_at, made_at)` that have to be an hour old, both columns of one kind.
pub async fn aged(
    database: TestDatabase,
    declared: &str,
    forms: &[TimeForm],
    rows: &[(usize, String, String)],
) -> Desk {
    let said: Vec<_> = forms.iter().map(|form| format!("\"{form}\"")).collect();
    let said = match said.as_slice() {
        [] => String::new(),
        [form] => form.clone(),
        all => format!("[{}]", all.join(", ")),
    };
    let said = match said.as_str() {
        "" => String::new(),
        said => format!(
            "[time-forms]\n\"app_logins.ends_at\" = {said}\n\"app_logins.made_at\" = {said}\n"
        ),
    };
    let file = format!(
        "{PLUGIN}[plugins.sessions.grant.app_logins]\ndelete = true\n\
         min-age = {{ column = \"made_at\", age = \"1h\" }}\n{said}"
    );
    let desk = Desk::with_file(database, &file);
    let rows = rows.iter();
    let rows: Vec<_> = rows
        .map(|(id, ends, made)| format!("({id}, {ends}, {made})"))
        .collect();
    desk.script(&format!(
        "CREATE TABLE app_logins (id bigint PRIMARY KEY, ends_at {declared}, made_at {declared});
         CREATE INDEX logins_end ON app_logins (ends_at);
         INSERT INTO app_logins VALUES {}",
        rows.join(", ")
    ))
    .await;
    desk.says(&["migrate"]);
    desk
}

/// Rows that never end, as many that were never made, and from 100 on twelve that may go.
async fn is_told_and_stays(database: TestDatabase, kind: &Kind) {
    let (past, never) = (kind.past.to_owned(), kind.never.iter());
    let mut rows: Vec<_> = never
        .chain([&"NULL"])
        .enumerate()
        .flat_map(|(n, never)| {
            let never = (*never).to_owned();
            [
                (2 * n + 1, never.clone(), past.clone()),
                (2 * n + 2, past.clone(), never),
            ]
        })
        .collect();
    let kept = i64::try_from(rows.len()).unwrap();
    rows.extend((100..112).map(|id| (id, past.clone(), past.clone())));
    let desk = aged(database, kind.declared, kind.forms, &rows).await;

    let told = desk.says(&["check"]);
    let ran = desk.json(&["run", JOB, "--json"]);

    for column in ["ends_at", "made_at"] {
        let count = kind.never.len();
        let told_of = format!(
            "{JOB}: info no-instant: {count} rows of `app_logins.{column}` hold no time but"
        );
        assert!(told.contains(&told_of), "{kind:?}: {told}");
    }
    assert_eq!(ran[0]["affected"], 12, "{kind:?}: {ran}");
    assert_eq!(ran[0]["verified"], true, "{kind:?}: {ran}");
    let left = "SELECT count(*) FROM app_logins WHERE id < 100";
    assert_eq!(desk.count(left).await, kept, "{kind:?}");
}

#[tokio::test]
async fn what_stands_for_never_is_told_and_keeps_its_row_in_every_type_of_postgres() {
    for kind in KINDS.iter().filter(|kind| kind.dialect == Postgres) {
        is_told_and_stays(postgres().await, kind).await;
    }
}

#[tokio::test]
async fn what_stands_for_never_is_told_and_keeps_its_row_in_every_type_of_sqlite() {
    for kind in KINDS.iter().filter(|kind| kind.dialect == Sqlite) {
        is_told_and_stays(sqlite(), kind).await;
    }
}
