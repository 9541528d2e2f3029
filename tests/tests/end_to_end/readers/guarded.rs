//! What the grant says about rows that are looked at and acted on.

use std::time::Duration;

use super::*;
use besom::request::Value;
use besom::scope::{Grants, MinAge};
use besom_tests::lab::{both, everything};

const ROWS: &str = "CREATE TABLE row (id BIGINT NOT NULL PRIMARY KEY, secret TEXT, tenant TEXT NOT NULL);
    CREATE TABLE leaf (id BIGINT NOT NULL PRIMARY KEY, row BIGINT REFERENCES row (id) ON DELETE CASCADE);
    CREATE INDEX leaf_row ON leaf (row);
    INSERT INTO row VALUES (1, 's', 'a'), (2, 's', 'b'), (3, 's', 'a');";

async fn granted(lab: &mut Lab, change: impl FnOnce(&mut Grants)) {
    let mut grants = everything(&*lab.catalog().await);
    change(&mut grants);
    lab.grants = Some(grants);
}

#[tokio::test]
async fn a_column_that_may_not_be_read_is_not_shown_not_ordered_by_and_not_counted() {
    for mut lab in both(ROWS, ROWS).await {
        granted(&mut lab, |grants| {
            grants.tables.get_mut("row").unwrap().read.remove("secret");
        })
        .await;
        let secret = Condition::IsNotNull {
            column: "secret".into(),
        };
        let everything = || Condition::Everything;
        let requests = [
            read("row", ["id", "secret"], everything()),
            newest_first(read("row", ["id"], everything()), "secret"),
            read("row", ["id"], secret.clone()),
        ];
        for request in requests {
            let fault = refused(&lab, request).await;
            assert!(matches!(fault, Fault::Denied(_)), "{fault:?}");
            assert!(fault.to_string().contains("secret"), "{fault}");
        }
        let (context, _) = lab.begin().await;
        let counted = besom::sweep::count(&context, read("row", [], secret), 9).await;
        assert!(matches!(counted, Err(Fault::Denied(_))), "{counted:?}");
        let progress = context.settle().await;
        assert!(progress.denied && progress.unfinished);
        lab.end(&context).await;
    }
}

#[tokio::test]
async fn reading_every_row_takes_the_right_to_all_rows() {
    for mut lab in both(ROWS, ROWS).await {
        granted(&mut lab, |grants| {
            grants.tables.get_mut("row").unwrap().all_rows = false;
        })
        .await;
        let fault = refused(&lab, read("row", ["id"], Condition::Everything)).await;

        assert!(fault.to_string().contains("all-rows = true"), "{fault}");
    }
}

#[tokio::test]
async fn rows_are_shown_whole_and_changed_only_within_the_grants_narrowing() {
    for mut lab in both(ROWS, ROWS).await {
        granted(&mut lab, |grants| {
            let row = grants.tables.get_mut("row").unwrap();
            row.filter.insert("tenant".into(), Value::Text("a".into()));
        })
        .await;
        let (context, reader) = open(&lab, read("row", ["id"], Condition::Everything)).await;
        assert_eq!(integers(&page(&reader).await, 0), [1, 2, 3]);
        let update = Change::Update(vec![
            (1, vec![("secret".into(), Value::Null)]),
            (2, vec![("secret".into(), Value::Null)]),
        ]);

        assert_eq!(reader.act(update).await.unwrap().affected, 1);
        assert_eq!(delete(&reader, &[0, 1]).await.affected, 1);
        lab.end(&context).await;
        assert_eq!(lab.ids("SELECT id FROM row").await, [2, 3]);
        assert_eq!(
            lab.ids("SELECT id FROM row WHERE secret IS NULL").await,
            [3]
        );
    }
}

#[tokio::test]
async fn min_age_holds_for_rows_that_are_named() {
    let lab = Lab::postgres(
        "CREATE TABLE row (id bigint PRIMARY KEY, at timestamptz NOT NULL);
         INSERT INTO row VALUES (1, now() - interval '2 days'), (2, now())",
    )
    .await;
    let mut lab = lab;
    granted(&mut lab, |grants| {
        grants.tables.get_mut("row").unwrap().min_age = Some(MinAge {
            column: "at".into(),
            age: Duration::from_secs(86_400),
        });
    })
    .await;
    let (context, reader) = open(&lab, read("row", ["id"], Condition::Everything)).await;
    assert_eq!(page(&reader).await.length, 2);

    assert_eq!(delete(&reader, &[0, 1]).await.affected, 1);
    lab.end(&context).await;
    assert_eq!(lab.ids("SELECT id FROM row").await, [2]);
}

#[tokio::test]
async fn deleting_and_updating_take_rights_of_their_own_and_those_of_a_cascade() {
    for mut lab in both(ROWS, ROWS).await {
        for missing in ["delete", "cascade", "update"] {
            granted(&mut lab, |grants| match missing {
                "delete" => grants.tables.get_mut("row").unwrap().delete = false,
                "cascade" => grants.tables.get_mut("leaf").unwrap().delete = false,
                _ => drop(
                    grants
                        .tables
                        .get_mut("row")
                        .unwrap()
                        .update
                        .remove("secret"),
                ),
            })
            .await;
            let (context, reader) = open(&lab, read("row", ["id"], Condition::Everything)).await;
            page(&reader).await;
            let change = match missing {
                "update" => Change::Update(vec![(0, vec![("secret".into(), Value::Null)])]),
                _ => Change::Delete(vec![0]),
            };
            let fault = reader.act(change).await.unwrap_err();
            let progress = context.settle().await;
            lab.end(&context).await;

            assert!(matches!(fault, Fault::Denied(_)), "{missing}: {fault:?}");
            assert!(progress.denied && progress.unfinished, "{missing}");
        }
        assert_eq!(
            lab.count("SELECT count(*) FROM row WHERE secret IS NOT NULL")
                .await,
            3
        );
    }
}

#[tokio::test]
async fn besoms_own_ledger_is_not_shown() {
    for lab in both(ROWS, ROWS).await {
        let request = read("besom_run", ["id"], Condition::Everything);

        assert!(
            refused(&lab, request)
                .await
                .to_string()
                .contains("own ledger")
        );
    }
}
