//! Random rows and random conditions, and how rows are written in each database.

use std::collections::BTreeMap;

use besom::catalog::Dialect;
use besom::request::{Comparison, Condition, Join, Timestamp, Value};
use proptest::prelude::*;

/// 2026-01-01 00:00 UTC, in microseconds.
pub(super) const NOW: i64 = 1_767_225_600_000_000;
pub(super) const DAY: i64 = 86_400_000_000;

pub(super) const POSTGRES: &str = "
    CREATE TYPE mood AS ENUM ('calm', 'busy', 'done');
    CREATE TABLE item (
        id uuid PRIMARY KEY, n bigint NOT NULL UNIQUE, num integer, label text, flag boolean, at timestamptz,
        kind mood, until timestamptz, price numeric, raw bytea);
    CREATE INDEX item_at ON item (at);
    CREATE INDEX item_until ON item (until, id);
    CREATE TABLE note (id bigint PRIMARY KEY, item_n bigint, live boolean, at timestamptz);
    CREATE INDEX note_item ON note (item_n);
";
pub(super) const SQLITE: &str = "
    CREATE TABLE item (
        id BLOB PRIMARY KEY, n INTEGER NOT NULL UNIQUE, num INTEGER, label TEXT, flag INTEGER, at INTEGER,
        kind TEXT, until INTEGER, price TEXT, raw BLOB) STRICT;
    CREATE INDEX item_at ON item (at);
    CREATE INDEX item_until ON item (until);
    CREATE TABLE note (id INTEGER PRIMARY KEY, item_n INTEGER, live INTEGER, at INTEGER) STRICT;
    CREATE INDEX note_item ON note (item_n);
";

pub(super) const LABELS: [&str; 4] = ["", "a", "ab", "b%"];
/// None of them may stand for NULL or for a truth value.
const NUM: std::ops::Range<i64> = 3..8;
pub(super) const KINDS: [&str; 3] = ["calm", "busy", "done"];

#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The key's time, in microseconds.
    pub(super) born: i64,
    pub(super) num: Option<i64>,
    pub(super) label: Option<usize>,
    pub(super) flag: Option<bool>,
    pub(super) at: Option<i64>,
    pub(super) kind: Option<usize>,
    pub(super) until: Option<i64>,
}

#[derive(Debug, Clone)]
pub(super) struct Note {
    pub(super) item: i64,
    pub(super) live: Option<bool>,
    pub(super) at: Option<i64>,
}

pub(super) fn instant() -> impl Strategy<Value = i64> {
    // Few distinct values, so that rows tie and conditions meet them exactly.
    (0_i64..12, -1_i64..=1).prop_map(|(days, micro)| NOW - days * DAY + micro)
}

pub(super) fn item() -> impl Strategy<Value = Item> {
    (
        0_i64..12,
        prop::option::of(NUM),
        prop::option::of(0..LABELS.len()),
        prop::option::of(any::<bool>()),
        prop::option::of(instant()),
        prop::option::of(0..KINDS.len()),
        prop::option::of(instant()),
    )
        .prop_map(|(days, num, label, flag, at, kind, until)| Item {
            born: NOW - days * DAY,
            num,
            label,
            flag,
            at,
            kind,
            until,
        })
}

pub(super) fn note() -> impl Strategy<Value = Note> {
    (
        0_i64..60,
        prop::option::of(any::<bool>()),
        prop::option::of(instant()),
    )
        .prop_map(|(item, live, at)| Note { item, live, at })
}

pub(super) fn comparison() -> impl Strategy<Value = Comparison> {
    prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ])
}

pub(super) fn either() -> impl Strategy<Value = Comparison> {
    prop::sample::select(vec![Comparison::Equal, Comparison::NotEqual])
}

pub(super) fn note_condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(|live| Condition::Compare {
            column: "live".into(),
            operator: Comparison::Equal,
            to: Value::Boolean(live)
        }),
        instant().prop_map(|at| older("at", at)),
        Just(Condition::IsNull {
            column: "live".into()
        }),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::Any),
            inner.prop_map(|of| Condition::Not(Box::new(of))),
        ]
    })
}

pub(super) fn older(column: &str, at: i64) -> Condition {
    Condition::OlderThan {
        column: column.into(),
        cutoff: Timestamp(at),
        offset: 0,
    }
}

pub(super) fn compare(column: &str, operator: Comparison, to: Value) -> Condition {
    Condition::Compare {
        column: column.into(),
        operator,
        to,
    }
}

pub(super) fn leaf() -> impl Strategy<Value = Condition> {
    // Not labels: whether an empty one is NULL hangs on what the others are.
    let column = prop::sample::select(vec!["num", "flag", "at", "kind", "until"]);
    prop_oneof![
        (comparison(), NUM).prop_map(|(op, n)| compare("num", op, Value::Integer(n))),
        (either(), 0..LABELS.len()).prop_map(|(op, i)| compare(
            "label",
            op,
            Value::Text(LABELS[i].into())
        )),
        (either(), 0..KINDS.len()).prop_map(|(op, i)| compare(
            "kind",
            op,
            Value::Text(KINDS[i].into())
        )),
        (either(), any::<bool>()).prop_map(|(op, b)| compare("flag", op, Value::Boolean(b))),
        (comparison(), instant()).prop_map(|(op, at)| compare(
            "at",
            op,
            Value::Timestamp(Timestamp(at))
        )),
        comparison().prop_map(|operator| Condition::CompareColumns {
            column: "at".into(),
            operator,
            to: "until".into()
        }),
        instant().prop_map(|at| older("at", at)),
        (instant(), -2_i64..3).prop_map(|(at, days)| Condition::OlderThan {
            column: "until".into(),
            cutoff: Timestamp(at),
            offset: days * DAY
        }),
        instant().prop_map(|at| Condition::IdOlderThan {
            column: "id".into(),
            cutoff: Timestamp(at)
        }),
        column
            .clone()
            .prop_map(|c| Condition::IsNull { column: c.into() }),
        column.prop_map(|c| Condition::IsNotNull { column: c.into() }),
        prop::collection::vec(NUM, 1..3).prop_map(|values| Condition::OneOf {
            column: "num".into(),
            values: values.into_iter().map(Value::Integer).collect()
        }),
        prop::sample::select(vec!["a", "b", "b%", "ab"]).prop_map(|prefix| Condition::StartsWith {
            column: "label".into(),
            prefix: prefix.into()
        }),
        prop::option::of(note_condition()).prop_map(|matching| related(matching, true)),
        prop::option::of(note_condition()).prop_map(|matching| related(matching, false)),
        (1_u32..4).prop_map(|keep| Condition::BeyondNewest {
            group_by: vec!["kind".into()],
            order_by: "at".into(),
            keep
        }),
        Just(Condition::Everything),
    ]
}

pub(super) fn related(matching: Option<Condition>, exists: bool) -> Condition {
    let on = vec![Join {
        foreign: "item_n".into(),
        local: "n".into(),
    }];
    let matching = matching.map(Box::new);
    match exists {
        true => Condition::Exists {
            table: "note".into(),
            on,
            matching,
        },
        false => Condition::NotExists {
            table: "note".into(),
            on,
            matching,
        },
    }
}

pub(super) fn condition() -> impl Strategy<Value = Condition> {
    leaf().prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::Any),
            inner.prop_map(|of| Condition::Not(Box::new(of))),
        ]
    })
}

/// A ULID in hexadecimal: the row's time, then its number.
pub(super) fn key(n: i64, item: &Item) -> String {
    let millis = item.born.div_euclid(1000);
    format!("{millis:012x}{n:020x}")
}

pub(super) fn literal<T>(value: Option<T>, write: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "NULL".to_owned(), write)
}

pub(super) fn rows(dialect: Dialect, items: &BTreeMap<i64, Item>, notes: &[Note]) -> String {
    let time = |at: i64| match dialect {
        Dialect::Postgres => format!("'{}'", Timestamp(at)),
        Dialect::Sqlite => at.to_string(),
    };
    let boolean = |b: bool| match dialect {
        Dialect::Postgres => b.to_string(),
        Dialect::Sqlite => i32::from(b).to_string(),
    };
    let mut sql = String::from("DELETE FROM note; DELETE FROM item;");
    for (n, item) in items {
        let id = match dialect {
            Dialect::Postgres => format!("'{}'", key(*n, item)),
            Dialect::Sqlite => format!("x'{}'", key(*n, item)),
        };
        sql += &format!(
            "INSERT INTO item (id, n, num, label, flag, at, kind, until) VALUES ({id}, {n}, {}, {}, {}, {}, {}, {});",
            literal(item.num, |v| v.to_string()),
            literal(item.label, |i| format!("'{}'", LABELS[i])),
            literal(item.flag, boolean),
            literal(item.at, time),
            literal(item.kind, |i| format!("'{}'", KINDS[i])),
            literal(item.until, time),
        );
    }
    for (id, note) in notes.iter().enumerate() {
        sql += &format!(
            "INSERT INTO note (id, item_n, live, at) VALUES ({id}, {}, {}, {});",
            note.item,
            literal(note.live, boolean),
            literal(note.at, time),
        );
    }
    sql
}
