//! Random rows that refer to each other, against a model: what goes is the largest set that may, in one
//! run, whatever the order of the keys and the size of the windows.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use besom::catalog::Dialect;
use besom::request::{Comparison, Condition, Mode, Request, Step, Value};
use besom_tests::lab::{Lab, everything};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
}

impl Rule {
    fn sql(self) -> &'static str {
        match self {
            Self::NoAction => "DEFERRABLE",
            Self::Restrict => "ON DELETE RESTRICT",
            Self::Cascade => "ON DELETE CASCADE",
            Self::SetNull => "ON DELETE SET NULL",
        }
    }
}

#[derive(Debug, Clone)]
struct Row {
    dead: bool,
    /// The grant covers it.
    granted: bool,
    a: Option<usize>,
    b: Option<usize>,
}

#[derive(Debug, Clone)]
struct Case {
    rule: Rule,
    /// By a multiple: upwards, downwards, anywhere.
    step: usize,
    rows: Vec<Row>,
    size: u64,
}

/// More than there are rows, and a prime, so that multiples are an order.
const PRIME: usize = 61;

fn cases() -> impl Strategy<Value = Case> {
    let rule = prop_oneof![
        Just(Rule::NoAction),
        Just(Rule::Restrict),
        Just(Rule::Cascade),
        Just(Rule::SetNull)
    ];
    let row = (
        prop::bool::weighted(0.85),
        prop::bool::weighted(0.95),
        prop::option::weighted(0.8, 0_usize..4),
        prop::option::weighted(0.15, 0_usize..40),
    );
    let rows = prop::collection::vec(row, 1..40);
    let step = prop_oneof![Just(1), Just(PRIME - 1), Just(23)];
    (rule, step, rows, prop_oneof![1_u64..6, Just(1000)]).prop_map(|(rule, step, seeds, size)| {
        let count = seeds.len();
        let rows = seeds
            .iter()
            .enumerate()
            .map(|(at, (dead, granted, a, b))| Row {
                dead: *dead,
                granted: *granted,
                // Mostly the one before or a few before, so that there are chains; sometimes anywhere.
                a: a.and_then(|back| at.checked_sub(back + 1))
                    .or(b.filter(|_| at % 7 == 3).map(|b| b % count)),
                b: b.map(|b| b % count),
            });
        Case {
            rule,
            step,
            rows: rows.collect(),
            size,
        }
    })
}

/// What is left of the rows with what they refer to, and what was affected, cascaded and blocked.
type Outcome = (BTreeMap<usize, [Option<usize>; 2]>, [u64; 3]);

impl Case {
    fn key(&self, at: usize) -> usize {
        (at + 1) * self.step % PRIME
    }

    fn referrers(&self, of: usize) -> impl Iterator<Item = usize> + '_ {
        let rows = self.rows.iter().enumerate();
        rows.filter(move |(at, row)| *at != of && [row.a, row.b].contains(&Some(of)))
            .map(|(at, _)| at)
    }

    fn with_all_that_refer(&self, roots: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut all = roots.clone();
        let mut next: Vec<usize> = roots.iter().copied().collect();
        while let Some(row) = next.pop() {
            next.extend(self.referrers(row).filter(|row| all.insert(*row)));
        }
        all
    }

    fn expected(&self) -> Outcome {
        let rows = self.rows.iter().enumerate();
        let due: BTreeSet<usize> = rows
            .filter(|(_, row)| row.dead && row.granted)
            .map(|(at, _)| at)
            .collect();
        let mut go = due.clone();
        match self.rule {
            Rule::SetNull => {}
            Rule::Cascade => go.retain(|row| {
                let below = self.with_all_that_refer(&BTreeSet::from([*row]));
                below.iter().all(|row| self.rows[*row].granted)
            }),
            Rule::NoAction | Rule::Restrict => go.retain(|row| {
                let below = self.with_all_that_refer(&BTreeSet::from([*row]));
                below.is_subset(&due)
            }),
        }
        let gone = match self.rule {
            Rule::Cascade => self.with_all_that_refer(&go),
            _ => go.clone(),
        };
        let mut cascaded = (gone.len() - go.len()) as u64;
        let mut left = BTreeMap::new();
        for (at, row) in self
            .rows
            .iter()
            .enumerate()
            .filter(|(at, _)| !gone.contains(at))
        {
            let stays = |to: Option<usize>| to.filter(|to| !gone.contains(to));
            let now = [stays(row.a), stays(row.b)];
            cascaded += u64::from(now != [row.a, row.b]);
            left.insert(at, now);
        }
        let blocked = due.difference(&gone).count() as u64;
        (left, [go.len() as u64, cascaded, blocked])
    }

    fn script(&self, dialect: Dialect) -> String {
        let boolean = match dialect {
            Dialect::Postgres => "boolean",
            Dialect::Sqlite => "INTEGER",
        };
        let rule = self.rule.sql();
        let truth = |is: bool| match (dialect, is) {
            (Dialect::Postgres, true) => "true",
            (Dialect::Postgres, false) => "false",
            (Dialect::Sqlite, true) => "1",
            (Dialect::Sqlite, false) => "0",
        };
        let mut sql = format!(
            "CREATE TABLE IF NOT EXISTS link (a INTEGER, b INTEGER);
             UPDATE link SET a = NULL, b = NULL; DROP TABLE link;
             CREATE TABLE link (id INTEGER PRIMARY KEY, a INTEGER REFERENCES link {rule}, b INTEGER REFERENCES link {rule},
                live {boolean} NOT NULL, org INTEGER NOT NULL);
             CREATE INDEX link_a ON link (a); CREATE INDEX link_b ON link (b);"
        );
        for (at, row) in self.rows.iter().enumerate() {
            let (id, live) = (self.key(at), truth(!row.dead));
            let org = i32::from(row.granted);
            sql += &format!("INSERT INTO link VALUES ({id}, NULL, NULL, {live}, {org});");
        }
        for (at, row) in self.rows.iter().enumerate() {
            for (name, to) in [("a", row.a), ("b", row.b)] {
                if let Some(to) = to {
                    let (id, to) = (self.key(at), self.key(to));
                    sql += &format!("UPDATE link SET {name} = {to} WHERE id = {id};");
                }
            }
        }
        sql
    }

    async fn check(&self, lab: &mut Lab) -> TestCaseResult {
        lab.script(&self.script(lab.dialect())).await;
        let mut grants = everything(&*lab.catalog().await);
        for grant in grants.tables.values_mut() {
            grant.filter.insert("org".to_owned(), Value::Integer(1));
        }
        lab.grants = Some(grants);
        lab.options.batch_size = self.size;
        // A key that sets columns to NULL changes rows: what the grant does not cover stays as it is.
        let (left, counts) = match self.rule {
            Rule::SetNull => return self.check_set_null(lab).await,
            _ => self.expected(),
        };
        for mode in [Mode::DryRun, Mode::Apply] {
            lab.options.mode = mode;
            let (batch, end) = lab
                .run(dead())
                .await
                .map_err(|fault| TestCaseError::fail(fault.to_string()))?;
            prop_assert_eq!(end, Step::Drained);
            prop_assert_eq!(
                [batch.affected, batch.cascaded, batch.blocked],
                counts,
                "{:?}",
                mode
            );
        }
        prop_assert_eq!(
            self.ids(lab).await,
            left.keys().copied().collect::<BTreeSet<_>>()
        );
        Ok(())
    }

    async fn check_set_null(&self, lab: &mut Lab) -> TestCaseResult {
        lab.grants = None;
        let mut whole = self.clone();
        whole.rows.iter_mut().for_each(|row| row.granted = true);
        let (left, counts) = whole.expected();
        lab.options.mode = Mode::DryRun;
        let foretold = lab.run(dead()).await;
        lab.options.mode = Mode::Apply;
        let (batch, _) = lab
            .run(dead())
            .await
            .map_err(|fault| TestCaseError::fail(fault.to_string()))?;
        let (dry, _) = foretold.map_err(|fault| TestCaseError::fail(fault.to_string()))?;
        prop_assert_eq!(
            (dry.affected, dry.cascaded),
            (batch.affected, batch.cascaded)
        );
        prop_assert_eq!((batch.affected, batch.blocked), (counts[0], counts[2]));
        prop_assert_eq!(
            whole.ids(lab).await,
            left.keys().copied().collect::<BTreeSet<_>>()
        );
        let dangling = "SELECT count(*) FROM link AS l WHERE l.a IS NOT NULL AND NOT EXISTS (SELECT 1 FROM link AS o WHERE o.id = l.a)";
        prop_assert_eq!(lab.count(dangling).await, 0);
        Ok(())
    }

    async fn ids(&self, lab: &Lab) -> BTreeSet<usize> {
        let ids = lab.ids("SELECT id FROM link").await;
        let at = |id: i64| {
            (0..self.rows.len())
                .find(|at| self.key(*at) as i64 == id)
                .unwrap()
        };
        ids.into_iter().map(at).collect()
    }
}

fn dead() -> Request {
    Request::delete(
        "link",
        Condition::Compare {
            column: "live".into(),
            operator: Comparison::Equal,
            to: Value::Boolean(false),
        },
    )
}

fn on(dialect: Dialect) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = RefCell::new(runtime.block_on(async {
        match dialect {
            Dialect::Postgres => Lab::postgres("").await,
            Dialect::Sqlite => Lab::sqlite("").await,
        }
    }));
    let cases_to_try = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    let mut runner = TestRunner::new(Config {
        cases: cases_to_try.unwrap_or(60),
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&cases(), |case| {
        let checked = runtime.block_on(case.check(&mut lab.borrow_mut()));
        checked.map_err(|error| match error {
            TestCaseError::Fail(reason) => TestCaseError::fail(format!(
                "{reason}\n{}",
                case.script(dialect).replace(';', ";\n")
            )),
            reject => reject,
        })
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_largest_set_that_may_go_goes_in_one_run_on_postgres() {
    on(Dialect::Postgres);
}

#[test]
fn the_largest_set_that_may_go_goes_in_one_run_on_sqlite() {
    on(Dialect::Sqlite);
}
