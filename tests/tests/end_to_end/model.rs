//! The deleted set against an in-memory model: random rows, random conditions, both databases.

use std::collections::BTreeMap;

use besom::catalog::Dialect;
use besom::request::{Comparison, Condition, Join, Request, Step, Timestamp, Value};
use besom_tests::lab::Lab;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// 2026-01-01 00:00 UTC, in microseconds.
const NOW: i64 = 1_767_225_600_000_000;
const DAY: i64 = 86_400_000_000;

const POSTGRES: &str = "
    CREATE TYPE mood AS ENUM ('calm', 'busy', 'done');
    CREATE TABLE item (
        id uuid PRIMARY KEY, n bigint NOT NULL UNIQUE, num integer, label text, flag boolean, at timestamptz,
        kind mood, until timestamptz, price numeric, raw bytea);
    CREATE INDEX item_at ON item (at);
    CREATE INDEX item_until ON item (until, id);
    CREATE TABLE note (id bigint PRIMARY KEY, item_n bigint, live boolean, at timestamptz);
    CREATE INDEX note_item ON note (item_n);
";
const SQLITE: &str = "
    CREATE TABLE item (
        id BLOB PRIMARY KEY, n INTEGER NOT NULL UNIQUE, num INTEGER, label TEXT, flag INTEGER, at INTEGER,
        kind TEXT, until INTEGER, price TEXT, raw BLOB) STRICT;
    CREATE INDEX item_at ON item (at);
    CREATE INDEX item_until ON item (until);
    CREATE TABLE note (id INTEGER PRIMARY KEY, item_n INTEGER, live INTEGER, at INTEGER) STRICT;
    CREATE INDEX note_item ON note (item_n);
";

const LABELS: [&str; 4] = ["", "a", "ab", "b%"];
const KINDS: [&str; 3] = ["calm", "busy", "done"];

#[derive(Debug, Clone)]
struct Item {
    /// The key's time, in microseconds.
    born: i64,
    num: Option<i64>,
    label: Option<usize>,
    flag: Option<bool>,
    at: Option<i64>,
    kind: Option<usize>,
    until: Option<i64>,
}

#[derive(Debug, Clone)]
struct Note {
    item: i64,
    live: Option<bool>,
    at: Option<i64>,
}

fn instant() -> impl Strategy<Value = i64> {
    // Few distinct values, so that rows tie and conditions meet them exactly.
    (0_i64..12, -1_i64..=1).prop_map(|(days, micro)| NOW - days * DAY + micro)
}

fn item() -> impl Strategy<Value = Item> {
    (
        0_i64..12,
        prop::option::of(-2_i64..3),
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

fn note() -> impl Strategy<Value = Note> {
    (
        0_i64..60,
        prop::option::of(any::<bool>()),
        prop::option::of(instant()),
    )
        .prop_map(|(item, live, at)| Note { item, live, at })
}

fn comparison() -> impl Strategy<Value = Comparison> {
    prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ])
}

fn either() -> impl Strategy<Value = Comparison> {
    prop::sample::select(vec![Comparison::Equal, Comparison::NotEqual])
}

fn note_condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        any::<bool>().prop_map(|live| Condition::Compare {
            column: "live".into(),
            operator: Comparison::Equal,
            to: Value::Boolean(live)
        }),
        instant().prop_map(|at| older("at", at)),
        Just(Condition::IsNull {
            column: "live".into()
        }),
    ]
}

fn older(column: &str, at: i64) -> Condition {
    Condition::OlderThan {
        column: column.into(),
        cutoff: Timestamp(at),
        offset: 0,
    }
}

fn compare(column: &str, operator: Comparison, to: Value) -> Condition {
    Condition::Compare {
        column: column.into(),
        operator,
        to,
    }
}

fn leaf() -> impl Strategy<Value = Condition> {
    let column = prop::sample::select(vec!["num", "label", "flag", "at", "kind", "until"]);
    prop_oneof![
        (comparison(), -2_i64..3).prop_map(|(op, n)| compare("num", op, Value::Integer(n))),
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
        prop::collection::vec(-2_i64..3, 1..3).prop_map(|values| Condition::OneOf {
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

fn related(matching: Option<Condition>, exists: bool) -> Condition {
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

fn condition() -> impl Strategy<Value = Condition> {
    leaf().prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::Any),
            inner.prop_map(|of| Condition::Not(Box::new(of))),
        ]
    })
}

/// "Delete the newest" is not a fixed set, and is refused.
fn negates_newest(condition: &Condition, negated: bool) -> bool {
    match condition {
        Condition::BeyondNewest { .. } => negated,
        Condition::All(of) | Condition::Any(of) => of.iter().any(|c| negates_newest(c, negated)),
        Condition::Not(of) => negates_newest(of, !negated),
        _ => false,
    }
}

/// SQL's three truth values: `None` is unknown.
type Truth = Option<bool>;

/// The model: the contract's words, nothing of the host's code.
struct Model<'a> {
    items: &'a BTreeMap<i64, Item>,
    notes: &'a [Note],
}

impl Model<'_> {
    fn holds(&self, n: i64, item: &Item, condition: &Condition) -> Truth {
        match condition {
            Condition::Compare {
                column,
                operator,
                to,
            } => match to {
                Value::Integer(v) => ordered(item.num?, *operator, *v),
                Value::Text(t) if column == "label" => {
                    ordered(LABELS[item.label?], *operator, t.as_str())
                }
                Value::Text(t) => ordered(KINDS[item.kind?], *operator, t.as_str()),
                Value::Boolean(b) => ordered(item.flag?, *operator, *b),
                Value::Timestamp(at) => ordered(item.at?, *operator, at.0),
                other => unreachable!("{other:?}"),
            },
            Condition::CompareColumns { operator, .. } => ordered(item.at?, *operator, item.until?),
            Condition::OlderThan {
                column,
                cutoff,
                offset,
            } => {
                let at = if column == "at" { item.at } else { item.until };
                Some(at? + offset < cutoff.0)
            }
            Condition::IdOlderThan { cutoff, .. } => {
                Some(item.born.div_euclid(1000) < cutoff.0.div_euclid(1000))
            }
            Condition::IsNull { column } => Some(self.null(item, column)),
            Condition::IsNotNull { column } => Some(!self.null(item, column)),
            Condition::OneOf { values, .. } => {
                let num = item.num?;
                Some(values.contains(&Value::Integer(num)))
            }
            Condition::StartsWith { prefix, .. } => Some(LABELS[item.label?].starts_with(prefix)),
            Condition::Exists { matching, .. } => Some(self.note(n, matching.as_deref())),
            Condition::NotExists { matching, .. } => Some(!self.note(n, matching.as_deref())),
            Condition::BeyondNewest { keep, .. } => {
                let (kind, at) = (item.kind?, item.at?);
                let newer = self.items.iter().filter(|(other, it)| {
                    it.kind == Some(kind)
                        && it
                            .at
                            .is_some_and(|a| (a, key(**other, it)) > (at, key(n, item)))
                });
                Some(newer.count() >= *keep as usize)
            }
            Condition::All(of) => {
                let terms: Vec<Truth> = of.iter().map(|c| self.holds(n, item, c)).collect();
                all_of(&terms)
            }
            Condition::Any(of) => {
                let denied = of
                    .iter()
                    .map(|c| self.holds(n, item, c).map(|holds| !holds));
                all_of(&denied.collect::<Vec<Truth>>()).map(|none| !none)
            }
            Condition::Not(of) => self.holds(n, item, of).map(|b| !b),
            Condition::Everything => Some(true),
        }
    }

    fn null(&self, item: &Item, column: &str) -> bool {
        match column {
            "num" => item.num.is_none(),
            "label" => item.label.is_none(),
            "flag" => item.flag.is_none(),
            "at" => item.at.is_none(),
            "kind" => item.kind.is_none(),
            _ => item.until.is_none(),
        }
    }

    fn note(&self, n: i64, matching: Option<&Condition>) -> bool {
        self.notes
            .iter()
            .filter(|note| note.item == n)
            .any(|note| match matching {
                None => true,
                Some(Condition::Compare {
                    to: Value::Boolean(live),
                    ..
                }) => note.live == Some(*live),
                Some(Condition::OlderThan { cutoff, .. }) => {
                    note.at.is_some_and(|at| at < cutoff.0)
                }
                Some(_) => note.live.is_none(),
            })
    }
}

/// False where one is false, true where all are true, unknown otherwise.
fn all_of(terms: &[Truth]) -> Truth {
    if terms.contains(&Some(false)) {
        Some(false)
    } else if terms.contains(&None) {
        None
    } else {
        Some(true)
    }
}

fn ordered<T: PartialOrd>(a: T, operator: Comparison, b: T) -> Truth {
    Some(match operator {
        Comparison::Equal => a == b,
        Comparison::NotEqual => a != b,
        Comparison::Less => a < b,
        Comparison::LessOrEqual => a <= b,
        Comparison::Greater => a > b,
        Comparison::GreaterOrEqual => a >= b,
    })
}

/// A ULID in hexadecimal: the row's time, then its number.
fn key(n: i64, item: &Item) -> String {
    let millis = item.born.div_euclid(1000);
    format!("{millis:012x}{n:020x}")
}

fn literal<T>(value: Option<T>, write: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "NULL".to_owned(), write)
}

fn rows(dialect: Dialect, items: &BTreeMap<i64, Item>, notes: &[Note]) -> String {
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

/// Random rows, a random condition, a random order and batch size: the rows that are gone are the
/// rows for which the model says the condition holds.
fn the_deleted_set_equals_the_models(dialect: Dialect) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = runtime.block_on(async {
        match dialect {
            Dialect::Postgres => Lab::postgres(POSTGRES).await,
            Dialect::Sqlite => Lab::sqlite(SQLITE).await,
        }
    });
    let lab = std::cell::RefCell::new(lab);
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(200);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let strategy = (
        prop::collection::vec(item(), 0..60),
        prop::collection::vec(note(), 0..40),
        condition(),
        prop::sample::select(vec![None, Some("at"), Some("until")]),
        prop::sample::select(vec![1_u64, 2, 7, 1000]),
        prop::option::weighted(0.2, 1_u64..20),
    );
    let outcome = runner.run(
        &strategy,
        |(items, notes, condition, order, size, budget)| {
            let items: BTreeMap<i64, Item> = items
                .into_iter()
                .enumerate()
                .map(|(n, i)| (n as i64, i))
                .collect();
            let model = Model {
                items: &items,
                notes: &notes,
            };
            // An order needs a condition that rules out NULL there.
            let condition = match order {
                Some(column) => Condition::All(vec![
                    Condition::IsNotNull {
                        column: column.into(),
                    },
                    condition,
                ]),
                None => condition,
            };
            let has_newest = format!("{condition:?}").contains("BeyondNewest");
            let kept: Vec<i64> = items
                .iter()
                .filter(|(n, item)| model.holds(**n, item, &condition) != Some(true))
                .map(|(n, _)| *n)
                .collect();
            let mut lab = lab.borrow_mut();
            lab.options.batch_size = size;
            lab.options.max_rows = budget.unwrap_or(1_000_000);
            let mut request = Request::delete("item", condition.clone());
            request.order_by = order.map(str::to_owned);
            runtime.block_on(async {
                lab.script(&rows(dialect, &items, &notes)).await;
                if negates_newest(&condition, false) {
                    let refused = lab.run(request).await.unwrap_err();
                    prop_assert_eq!(&refused.problem().code, "unstable");
                    prop_assert_eq!(lab.ids("SELECT n FROM item").await.len(), items.len());
                    return Ok(());
                }
                let (total, end) = lab
                    .run(request)
                    .await
                    .unwrap_or_else(|fault| panic!("{fault} for {condition:?}"));
                let left = lab.ids("SELECT n FROM item").await;
                let gone = items.len() - left.len();
                prop_assert_eq!(total.affected, gone as u64, "counted what went");
                if has_newest || budget.is_some() {
                    // Deleting changes who is newest for later batches, never towards more deletes;
                    // a budget stops early, never late.
                    prop_assert!(
                        kept.iter().all(|n| left.contains(n)),
                        "kept {:?} left {:?}",
                        kept,
                        left
                    );
                    if let Some(budget) = budget {
                        prop_assert!(total.affected <= budget, "{} > {}", total.affected, budget);
                        if !has_newest && left != kept {
                            prop_assert_eq!(total.affected, budget);
                            prop_assert!(matches!(end, Step::Suspended(_)));
                        }
                    }
                } else {
                    prop_assert_eq!(left, kept);
                    prop_assert_eq!(end, Step::Drained);
                }
                Ok(())
            })
        },
    );
    outcome.unwrap();
    let lab = lab.into_inner();
    runtime.block_on(async {
        // Every row that ever went is in the ledger.
        let batches = lab
            .count("SELECT CAST(coalesce(sum(affected), 0) AS bigint) FROM besom_batch")
            .await;
        let runs = lab
            .count("SELECT CAST(coalesce(sum(affected), 0) AS bigint) FROM besom_run")
            .await;
        assert_eq!(batches, runs);
        assert!(batches > 0, "the cases deleted nothing at all");
    });
}

#[test]
fn random_conditions_delete_the_models_set_on_postgres() {
    the_deleted_set_equals_the_models(Dialect::Postgres);
}

#[test]
fn random_conditions_delete_the_models_set_on_sqlite() {
    the_deleted_set_equals_the_models(Dialect::Sqlite);
}
