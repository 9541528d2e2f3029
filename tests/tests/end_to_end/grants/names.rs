//! Names and values that try to be more than they are.

use super::*;

/// The code of the fault with which a request is refused, though every right is given.
async fn invalid(lab: &Lab, request: Request) -> String {
    let before = fingerprint(lab).await;
    let fault = lab.run(request.clone()).await.unwrap_err();
    assert_eq!(fingerprint(lab).await, before);
    let Fault::Invalid(problem) = fault else {
        panic!("{request:?}: {fault}");
    };
    problem.code
}

#[tokio::test]
async fn a_name_that_is_no_tables_reaches_none() {
    for lab in both(POSTGRES, SQLITE).await {
        for name in [
            "plains",
            "Plain",
            "PLAIN",
            "\"Plain\"",
            "pl\u{430}in", // Cyrillic
            "plain\u{200b}",
            "plain ",
            " plain",
            "plain\0",
            "plain; DROP TABLE plain",
            "plain\"; DROP TABLE plain; --",
            "\"plain\" AS x",
            "plain, label",
            "plain --",
            "(SELECT 1)",
            "public.public.plain",
            "main.main.plain",
            "temp.plain",
            "sqlite_schema",
            "sqlite_master",
            "pg_class",
            "pg_catalog.pg_class",
            "information_schema.tables",
            ".",
            "",
        ] {
            let request = Request::delete(name, Condition::Everything);
            assert_eq!(invalid(&lab, request).await, "unknown-table", "{name:?}");
            let related = not_exists(name, "id", "id", None);
            let request = Request::delete("plain", related);
            assert_eq!(invalid(&lab, request).await, "unknown-table", "{name:?}");
        }
    }
}

#[tokio::test]
async fn a_name_that_is_no_columns_reaches_none() {
    for lab in both(POSTGRES, SQLITE).await {
        for name in [
            "ats",
            "AT",
            "\"at\"",
            "\u{430}t", // Cyrillic
            "at ",
            "at\0",
            "at; DROP TABLE plain",
            "at IS NOT NULL OR at",
            "plain.at",
            "*",
            "ctid",
            "xmin",
            "tableoid",
            "rowid",
            "_rowid_",
            "oid",
            "",
        ] {
            let conditions = [
                older(name),
                Condition::IsNotNull {
                    column: name.to_owned(),
                },
                Condition::IdOlderThan {
                    column: name.to_owned(),
                    cutoff: CUTOFF,
                },
                Condition::BeyondNewest {
                    group_by: vec![name.to_owned()],
                    order_by: "at".to_owned(),
                    keep: 1,
                },
                not_exists("label", name, "kind", None),
                not_exists("label", "kind", name, None),
                not_exists("label", "kind", "kind", Some(older(name))),
            ];
            for condition in conditions {
                let request = Request::delete("plain", condition);
                assert_eq!(invalid(&lab, request).await, "unknown-column", "{name:?}");
            }
            let request = Request::delete("plain", older("at")).order_by(name);
            assert_eq!(invalid(&lab, request).await, "unknown-column", "{name:?}");
        }
    }
}

#[tokio::test]
async fn values_are_never_read_as_sql() {
    for lab in both(POSTGRES, SQLITE).await {
        for text in [
            "'; DROP TABLE plain; --",
            "a' OR '1'='1",
            "$1",
            "?1",
            "\\",
            "%",
            "_",
        ] {
            for condition in [
                Condition::Compare {
                    column: "kind".to_owned(),
                    operator: Comparison::Equal,
                    to: Value::Text(text.to_owned()),
                },
                Condition::StartsWith {
                    column: "kind".to_owned(),
                    prefix: text.to_owned(),
                },
            ] {
                let (batch, _) = lab.run(Request::delete("plain", condition)).await.unwrap();
                assert_eq!(batch.affected, 0, "{text}");
            }
        }
        let nul = Condition::Compare {
            column: "kind".to_owned(),
            operator: Comparison::NotEqual,
            to: Value::Text("a\0b".to_owned()),
        };
        assert_eq!(invalid(&lab, Request::delete("plain", nul)).await, "value");
    }
}

#[tokio::test]
async fn views_are_neither_swept_nor_looked_at() {
    for lab in both(POSTGRES, SQLITE).await {
        let views: &[&str] = match lab.dialect() {
            Dialect::Postgres => &["old_plain", "seen_plain"],
            Dialect::Sqlite => &["old_plain"],
        };
        for view in views {
            let request = Request::delete(*view, older("at"));
            assert_eq!(invalid(&lab, request).await, "not-a-table", "{view}");
            let request = Request::delete("label", not_exists(view, "kind", "kind", None));
            assert_eq!(invalid(&lab, request).await, "not-a-table", "{view}");
        }
    }
}

#[tokio::test]
async fn the_ledger_is_opened_by_no_grant() {
    for mut lab in both(POSTGRES, SQLITE).await {
        for granted in [false, true] {
            let mut grants = besom_tests::lab::everything(&*lab.catalog().await);
            if granted {
                let all = besom::scope::TableGrant {
                    delete: true,
                    all_rows: true,
                    ..Default::default()
                };
                grants.tables.insert("besom_batch".to_owned(), all);
            }
            lab.grants = Some(grants);
            let fault = lab
                .run(Request::delete("besom_batch", Condition::Everything))
                .await
                .unwrap_err();

            assert!(matches!(fault, Fault::Denied(_)), "{fault}");
        }
    }
}
