//! Partial indexes: of several terms, and beside whole ones.

use std::time::Duration;

use besom::request::Source;

use super::*;

/// All but the last 1 440 rows have no address any more: earlier runs have erased them.
const ERASED: &str = "CASE WHEN n > 400000 - 1440 THEN '192.0.2.7' END";
/// In the order in which a product has them, and in which names are looked through.
const TWO: &str = "CREATE INDEX item_a_t ON item (t);
    CREATE INDEX item_b_ips ON item (t) WHERE ip IS NOT NULL AND t IS NOT NULL";

fn erase() -> Request {
    Request::update("item", all(&[set("ip"), due()]))
        .set("ip", Source::Value(Value::Null))
        .order_by("t")
}

#[tokio::test]
async fn rows_at_the_far_end_are_reached_at_once_where_a_narrow_index_stands_beside_a_wide_one() {
    for mut lab in both(400_000, "ip TEXT", ERASED, TWO).await {
        lab.options.deadline = Duration::from_secs(1);
        goes_by(&lab, "item_b_ips", erase()).await;
        goes(&lab, erase(), 1_440).await;
    }
}

#[tokio::test]
async fn an_index_of_several_terms_serves_by_itself() {
    for lab in both(400_000, "ip TEXT", ERASED, TWO.split_once(';').unwrap().1).await {
        goes_by(&lab, "item_b_ips", erase()).await;
        goes(&lab, erase(), 1_440).await;
    }
}

/// What a row in a thousand is, as it may be declared and compared.
const FURTHER: &str =
    "state TEXT NOT NULL, v VARCHAR(20), gone BOOLEAN, n INTEGER, note TEXT NOT NULL";
const VALUES: &str = "CASE WHEN n % 1000 = 0 THEN 'it''s over' ELSE 'live' END,
    CASE WHEN n % 1000 = 0 THEN 'x' ELSE 'y' END, n % 1000 = 0, n % 1000,
    CASE WHEN n % 1000 = 0 THEN 'some' ELSE '' END";

#[tokio::test]
async fn every_form_of_predicate_serves_and_the_databases_planner_sees_it() {
    let over = || is("state", text("it's over"));
    let not_empty = Condition::Compare {
        column: "note".into(),
        operator: Comparison::NotEqual,
        to: text(""),
    };
    let one_of = |column: &str, values: &[Value]| Condition::OneOf {
        column: column.into(),
        values: values.to_vec(),
    };
    let cases = [
        ("state = 'it''s over'", over()),
        ("state IN ('done', 'it''s over')", over()),
        (
            "state IN ('done', 'it''s over')",
            one_of("state", &[text("it's over"), text("done")]),
        ),
        ("v = 'x'", is("v", text("x"))),
        ("v IN ('x', 'z')", is("v", text("x"))),
        ("gone", is("gone", Value::Boolean(true))),
        ("gone = TRUE", is("gone", Value::Boolean(true))),
        ("gone IS TRUE", is("gone", Value::Boolean(true))),
        ("note <> ''", not_empty.clone()),
        ("n = 0", is("n", Value::Integer(0))),
        ("n IN (0, -1)", is("n", Value::Integer(0))),
        (
            "n < 1 AND note <> '' AND state <> ''",
            all(&[
                is("n", Value::Integer(0)),
                not_empty,
                Condition::Compare {
                    column: "state".into(),
                    operator: Comparison::NotEqual,
                    to: text(""),
                },
            ]),
        ),
        (
            "gone AND state = 'it''s over' AND t IS NOT NULL",
            all(&[over(), is("gone", Value::Boolean(true))]),
        ),
    ];
    for mut lab in both(20_000, FURTHER, VALUES, "SELECT 1").await {
        lab.options.mode = besom::request::Mode::DryRun;
        for (number, (predicate, condition)) in cases.iter().enumerate() {
            let index = format!("item_part_{number}");
            lab.script(&format!(
                "CREATE INDEX {index} ON item (t) WHERE {predicate}; ANALYZE item"
            ))
            .await;
            let request = Request::delete("item", all(&[condition.clone(), due()])).order_by("t");
            goes_by(&lab, &index, request.clone()).await;
            let (total, _) = lab.run(request).await.unwrap();
            assert_eq!((total.affected, total.examined), (20, 20), "{predicate}");
            lab.script(&format!("DROP INDEX {index}")).await;
        }
    }
}

#[tokio::test]
async fn an_index_that_leaves_due_rows_out_is_not_gone_along() {
    let gone = || is("gone", Value::Boolean(true));
    for lab in both(20_000, FURTHER, VALUES, "SELECT 1").await {
        let predicates = [
            "state = 'live'",
            "state = 'it''s over' OR n = 5",
            "NOT gone",
            "n > 0",
            "lower(state) = 'it''s over'",
            "v IN ('y', 'z')",
        ];
        for (number, predicate) in predicates.into_iter().enumerate() {
            // SQLite tells other connections that a name is free only when they look.
            let index = format!("item_part_{number}");
            lab.script(&format!(
                "CREATE INDEX {index} ON item (t) WHERE {predicate}"
            ))
            .await;
            let request = Request::delete("item", all(&[gone(), due()])).order_by("t");
            let axis = plan(&lab, request).await.axis().clone();
            let note = axis.note.unwrap_or_default();
            assert!(note.contains(&index), "{predicate}: {note}");
            lab.script(&format!("DROP INDEX {index}")).await;
        }
        let request = Request::delete("item", all(&[gone(), due()])).order_by("t");
        let (total, _) = lab.run(request).await.unwrap();
        assert_eq!(total.affected, 20);
    }
}

#[tokio::test]
async fn an_enum_in_a_predicate_serves() {
    let schema = filled(
        Dialect::Postgres,
        20_000,
        "state mood NOT NULL",
        "(CASE WHEN n % 1000 = 0 THEN 'all over' ELSE 'live' END)::mood",
    );
    let lab = Lab::postgres(&format!(
        "CREATE TYPE mood AS ENUM ('live', 'all over'); {schema}
         CREATE INDEX item_part ON item (t) WHERE state = 'all over'; ANALYZE item"
    ))
    .await;
    let over = is("state", Value::Other("all over".into()));
    let request = || Request::delete("item", all(&[over.clone(), due()])).order_by("t");
    goes_by(&lab, "item_part", request()).await;
    goes(&lab, request(), 20).await;
}

#[tokio::test]
async fn without_an_order_the_sweep_goes_by_the_keys_of_a_few_rows() {
    let few = "CREATE INDEX item_part ON item (id) WHERE gone AND state = 'it''s over'";
    let both_terms = all(&[
        is("gone", Value::Boolean(true)),
        is("state", text("it's over")),
    ]);
    for lab in both(20_000, FURTHER, VALUES, few).await {
        let request = || Request::delete("item", both_terms.clone());
        goes_by(&lab, "item_part", request()).await;
        goes(&lab, request(), 20).await;
    }
}
