//! Indexes that have another column before the time, which the condition or the grant holds to one value.

use std::collections::BTreeMap;

use besom::scope::Grants;
use besom_tests::lab::everything;

use super::*;

/// A hundred tenants, one row each in turn.
const TENANTS: &str = "org INTEGER, kind TEXT, gone BOOLEAN";
const VALUES: &str =
    "nullif(n % 100, 99), CASE n % 2 WHEN 0 THEN 'even' ELSE 'odd' END, n % 100 < 50";

fn of_seven() -> Request {
    Request::delete("item", all(&[is("org", Value::Integer(7)), due()])).order_by("t")
}

/// Windows far smaller than what is due, for which a planner does not sort.
async fn indexed(index: &str) -> [Lab; 2] {
    let index = format!("CREATE INDEX item_t ON item {index}");
    let mut labs = both(200_000, TENANTS, VALUES, &index).await;
    for lab in &mut labs {
        lab.options.batch_size = 100;
    }
    labs
}

#[tokio::test]
async fn an_index_of_tenant_and_time_serves_where_the_condition_names_the_tenant() {
    for (index, composite) in [
        ("(org, t)", false),
        ("(org, t, id)", true),
        ("(org DESC, t)", false),
        ("(org, t DESC, id DESC)", true),
    ] {
        for lab in indexed(index).await {
            assert_eq!(
                plan(&lab, of_seven()).await.axis().composite,
                composite && lab.dialect() == Dialect::Postgres,
                "{index}"
            );
            goes_by(&lab, "item_t", of_seven()).await;
            goes(&lab, of_seven(), 2_000).await;
            assert_eq!(
                lab.count("SELECT count(*) FROM item WHERE org = 7").await,
                0
            );
            assert_eq!(lab.count("SELECT count(*) FROM item").await, 198_000);
        }
    }
}

#[tokio::test]
async fn the_grant_may_name_the_tenant() {
    for mut lab in indexed("(org, t)").await {
        let catalog = lab.catalog().await;
        let mut grants: Grants = everything(&catalog);
        let item = grants
            .tables
            .iter_mut()
            .find(|(name, _)| name.ends_with("item"));
        item.unwrap().1.filter = BTreeMap::from([("org".to_owned(), Value::Integer(7))]);
        lab.grants = Some(grants);
        let every = || Request::delete("item", due()).order_by("t");

        goes_by(&lab, "item_t", every()).await;
        goes(&lab, every(), 2_000).await;
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 198_000);
    }
}

#[tokio::test]
async fn several_columns_may_stand_before_the_time() {
    for lab in indexed("(kind, org, gone, t)").await {
        let request = || {
            let of = [
                is("org", Value::Integer(8)),
                is("kind", text("even")),
                is("gone", Value::Boolean(true)),
                due(),
            ];
            Request::delete("item", all(&of)).order_by("t")
        };
        goes_by(&lab, "item_t", request()).await;
        goes(&lab, request(), 2_000).await;
    }
}

#[tokio::test]
async fn rows_of_no_tenant_are_found_by_their_null() {
    let index = "CREATE INDEX item_t ON item (org, t); CREATE INDEX item_u ON item (org DESC, t DESC, id DESC)";
    for mut lab in both(200_000, TENANTS, VALUES, index).await {
        lab.options.batch_size = 100;
        let nobody = Condition::IsNull {
            column: "org".into(),
        };
        let request = || Request::delete("item", all(&[nobody.clone(), due()])).order_by("t");
        // Both reach the key on SQLite, whose indexes end with it.
        let narrower = match lab.dialect() {
            Dialect::Postgres => "item_u",
            Dialect::Sqlite => "item_t",
        };
        goes_by(&lab, narrower, request()).await;
        lab.script("DROP INDEX item_u").await;
        goes_by(&lab, "item_t", request()).await;
        goes(&lab, request(), 2_000).await;
    }
}

#[tokio::test]
async fn a_key_that_begins_with_the_tenant_is_left_out_of_the_edges() {
    let schema = |dialect| {
        let table = filled(dialect, 200_000, TENANTS, VALUES);
        let table = table.replace("bigint PRIMARY KEY", "bigint NOT NULL");
        let without = match dialect {
            Dialect::Postgres => "",
            Dialect::Sqlite => " WITHOUT ROWID",
        };
        let table = table.replace("INTEGER PRIMARY KEY", "INTEGER NOT NULL");
        let table = table.replacen(
            "gone BOOLEAN)",
            &format!("gone BOOLEAN, PRIMARY KEY (org, id)){without}"),
            1,
        );
        let table = table.replace("nullif(n % 100, 99)", "n % 100");
        format!("{table} CREATE INDEX item_t ON item (org, t, id); ANALYZE;")
    };
    let labs = [
        Lab::postgres(&schema(Dialect::Postgres)).await,
        Lab::sqlite(&schema(Dialect::Sqlite)).await,
    ];
    for mut lab in labs {
        // One large group of equal times.
        lab.script("UPDATE item SET t = (SELECT min(t) FROM item) WHERE org = 7")
            .await;
        lab.options.batch_size = 100;
        goes_by(&lab, "item_t", of_seven()).await;
        goes(&lab, of_seven(), 2_000).await;
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 198_000);
    }
}

#[tokio::test]
async fn ties_are_counted_within_the_tenant() {
    for lab in indexed("(org, t)").await {
        lab.script("UPDATE item SET t = (SELECT min(t) FROM item) WHERE id > 100000; ANALYZE")
            .await;
        goes(&lab, of_seven(), 2_000).await;
    }
}

#[tokio::test]
async fn several_tenants_or_one_of_two_hold_nothing_to_one_value() {
    let several = Condition::OneOf {
        column: "org".into(),
        values: vec![Value::Integer(7), Value::Integer(8)],
    };
    let either = Condition::Any(vec![
        is("org", Value::Integer(7)),
        is("org", Value::Integer(8)),
    ]);
    for lab in indexed("(org, t)").await {
        for condition in [&several, &either] {
            let request = Request::delete("item", all(&[condition.clone(), due()])).order_by("t");
            let note = plan(&lab, request)
                .await
                .axis()
                .note
                .clone()
                .unwrap_or_default();
            assert!(note.contains("`item_t` has `org` before it"), "{note}");
        }
        let request = Request::delete("item", all(&[several.clone(), due()])).order_by("t");
        let (total, _) = lab.run(request).await.unwrap();
        assert_eq!(total.affected, 4_000);
    }
}
