//! The deleted set against an in-memory model: random rows, random conditions, both databases.

mod data;
pub(super) mod oracle;

use std::collections::BTreeMap;

use besom::catalog::Dialect;
use besom::request::{Condition, Request, Step};
use besom_tests::lab::Lab;
use data::{Item, POSTGRES, SQLITE, condition, item, note, rows};
use oracle::{Model, negates_newest};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

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
