//! `unindexed-foreign-key` and `unenforced-relation`.

use besom_tests::lab::{Lab, both};

use super::*;

const PARENT: &str = "CREATE TABLE parent (id bigint PRIMARY KEY, dead_at bigint);";

fn delete_parents() -> Request {
    Request::delete("parent", dead())
}

#[tokio::test]
async fn a_child_column_without_an_index_stands_out_until_the_printed_index_is_there() {
    for rule in ["NO ACTION", "RESTRICT", "CASCADE", "SET NULL"] {
        let schema = format!(
            "{PARENT} CREATE TABLE child (id bigint PRIMARY KEY, \
             \"Parent Id\" bigint REFERENCES parent (id) ON DELETE {rule}); {}",
            rows("child")
        );
        for lab in both(&schema, &schema).await {
            let finding = found(&lab, &delete_parents(), "unindexed-foreign-key").await;

            // No parent is there: nothing is slow.
            assert_eq!(finding.severity, Severity::Warning, "{rule}");
            let schema = match lab.dialect() {
                besom::catalog::Dialect::Postgres => "public",
                besom::catalog::Dialect::Sqlite => "main",
            };
            assert!(
                finding.message.contains(&format!("`{schema}.child`"))
                    && finding.message.contains("`Parent Id`"),
                "{}",
                finding.message
            );
            mend(&lab, &finding).await;
            assert!(codes(&lab, &delete_parents()).await.is_empty(), "{rule}");
        }
    }
}

#[tokio::test]
async fn a_child_of_a_row_or_of_none_is_told_of_and_no_statement_builds_an_index_on_it() {
    let schema = format!(
        "{PARENT} CREATE TABLE child (id bigint PRIMARY KEY, parent bigint REFERENCES parent (id));"
    );
    let row = format!("{schema} INSERT INTO child VALUES (1, NULL);");
    for (schema, size) in [(schema, "(no rows on 0 pages)"), (row, "on 1 page)")] {
        for lab in both(&schema, &schema).await {
            let finding = found(&lab, &delete_parents(), "unindexed-foreign-key").await;

            assert_eq!(
                (finding.severity, finding.fix.len()),
                (Severity::Warning, 0)
            );
            assert!(finding.message.contains(size), "{finding:?}");
            assert!(
                finding.message.contains("read as fast as an index"),
                "{finding:?}"
            );
        }
    }
}

#[tokio::test]
async fn two_indexes_of_a_table_with_a_long_name_are_both_built() {
    let table = "t".repeat(60);
    let schema = format!(
        "{PARENT} CREATE TABLE {table} (id bigint PRIMARY KEY, mother bigint REFERENCES parent (id),
                                        father bigint REFERENCES parent (id)); {}",
        rows(&table)
    );
    for lab in both(&schema, &schema).await {
        let all = findings(&lab, &[delete_parents()]).await;
        assert_eq!(all.len(), 2, "{all:?}");
        for finding in &all {
            mend(&lab, finding).await;
        }
        assert!(codes(&lab, &delete_parents()).await.is_empty());
    }
}

#[tokio::test]
async fn the_index_is_built_while_writers_go_on_and_only_on_postgresql() {
    let schema = format!(
        "{PARENT} CREATE TABLE child (id bigint PRIMARY KEY, parent bigint REFERENCES parent (id)); {}",
        rows("child")
    );
    let [postgres, sqlite] = <[Lab; 2]>::try_from(both(&schema, &schema).await)
        .ok()
        .unwrap();
    let finding = found(&postgres, &delete_parents(), "unindexed-foreign-key").await;
    assert_eq!(
        finding.fix,
        ["CREATE INDEX CONCURRENTLY \"child_parent_idx\" ON \"public\".\"child\" (\"parent\")"]
    );
    let finding = found(&sqlite, &delete_parents(), "unindexed-foreign-key").await;
    assert_eq!(
        finding.fix,
        ["CREATE INDEX \"child_parent_idx\" ON \"child\" (\"parent\")"]
    );
}

#[tokio::test]
async fn indexes_that_lead_with_the_key_in_any_order_or_leave_out_nulls_are_enough() {
    let with = |index: &str| {
        format!(
            "CREATE TABLE parent (a bigint, b bigint, dead_at bigint, PRIMARY KEY (a, b));
             CREATE TABLE child (id bigint PRIMARY KEY, a bigint, b bigint, live boolean,
                                 FOREIGN KEY (a, b) REFERENCES parent (a, b));
             CREATE INDEX i ON child {index};"
        )
    };
    for (index, enough) in [
        ("(b, a)", true),
        ("(a, b, id)", true),
        ("(a, b) WHERE a IS NOT NULL", true),
        ("(a, b) WHERE a IS NOT NULL AND b IS NOT NULL", true),
        ("(a, b) WHERE live", false),
        ("(a, id, b)", false),
        ("(a)", false),
    ] {
        let schema = with(index);
        for lab in both(&schema, &schema).await {
            let found = codes(&lab, &delete_parents()).await;
            let expected: &[&str] = if enough {
                &[]
            } else {
                &["unindexed-foreign-key"]
            };
            assert_eq!(found, expected, "{index} on {:?}", lab.dialect());
        }
    }
}

#[tokio::test]
async fn a_hash_index_is_enough_and_one_in_another_collation_is_not() {
    let schema = "CREATE TABLE parent (id text PRIMARY KEY, dead_at bigint);
        CREATE TABLE child (id bigint PRIMARY KEY, parent text REFERENCES parent (id));";
    let hash = format!("{schema} CREATE INDEX i ON child USING hash (parent);");
    let lab = Lab::postgres(&hash).await;
    assert!(codes(&lab, &delete_parents()).await.is_empty());

    let other = format!("{schema} CREATE INDEX i ON child (parent COLLATE \"C\");");
    let lab = Lab::postgres(&other).await;
    assert_eq!(
        codes(&lab, &delete_parents()).await,
        ["unindexed-foreign-key"]
    );

    let other = format!("{schema} CREATE INDEX i ON child (parent COLLATE NOCASE);");
    let lab = Lab::sqlite(&other).await;
    assert_eq!(
        codes(&lab, &delete_parents()).await,
        ["unindexed-foreign-key"]
    );
}

#[tokio::test]
async fn keys_are_followed_through_dependents_and_cascades_to_the_last() {
    let schema = format!(
        "{PARENT}
         CREATE TABLE child (id bigint PRIMARY KEY, parent bigint REFERENCES parent (id) ON DELETE CASCADE);
         CREATE INDEX child_parent ON child (parent);
         CREATE TABLE toy (id bigint PRIMARY KEY, child bigint REFERENCES child (id) ON DELETE SET NULL);
         CREATE TABLE note (id bigint PRIMARY KEY, parent bigint REFERENCES parent (id));
         CREATE INDEX note_parent ON note (parent);
         CREATE TABLE mark (id bigint PRIMARY KEY, note bigint REFERENCES note (id)); {} {}",
        rows("toy"),
        rows("mark")
    );
    let request = delete_parents().delete_first("note", on("parent", "id"), None);
    for lab in both(&schema, &schema).await {
        let found = findings(&lab, std::slice::from_ref(&request)).await;
        let tables: Vec<_> = ["toy", "mark"]
            .iter()
            .filter(|table| {
                found
                    .iter()
                    .any(|f| f.message.contains(&format!(".{table}`")))
            })
            .collect();
        assert_eq!((found.len(), tables.len()), (2, 2), "{found:?}");
        for finding in &found {
            mend(&lab, finding).await;
        }
        assert!(codes(&lab, &request).await.is_empty());
    }
}

#[tokio::test]
async fn a_key_of_the_table_to_itself_needs_its_index_as_well() {
    let schema = format!(
        "CREATE TABLE parent (id bigint PRIMARY KEY, dead_at bigint,
        next bigint REFERENCES parent (id)); {}",
        rows("parent")
    );
    for lab in both(&schema, &schema).await {
        let finding = found(&lab, &delete_parents(), "unindexed-foreign-key").await;
        mend(&lab, &finding).await;
        assert!(codes(&lab, &delete_parents()).await.is_empty());
    }
}

#[tokio::test]
async fn a_partitioned_child_is_indexed_partition_by_partition() {
    let schema = format!(
        "{PARENT}
         CREATE TABLE child (id bigint, parent bigint REFERENCES parent (id)) PARTITION BY RANGE (id);
         CREATE TABLE child_one PARTITION OF child FOR VALUES FROM (0) TO (100);
         CREATE TABLE child_two PARTITION OF child FOR VALUES FROM (100) TO (10000);
         CREATE INDEX ON child_two (parent); {}",
        rows("child")
    );
    let lab = Lab::postgres(&schema).await;
    let finding = found(&lab, &delete_parents(), "unindexed-foreign-key").await;
    assert_eq!(finding.fix.len(), 1, "{finding:?}");
    mend(&lab, &finding).await;
    assert!(codes(&lab, &delete_parents()).await.is_empty());
}

#[tokio::test]
async fn a_relation_that_no_foreign_key_ties_is_a_warning_until_the_printed_one_does() {
    let schema = format!(
        "{PARENT}
         CREATE TABLE child (id bigint PRIMARY KEY, parent bigint);
         CREATE INDEX child_parent ON child (parent);
         INSERT INTO parent VALUES (1, 1), (2, 1); INSERT INTO child VALUES (1, 2);"
    );
    let none = Condition::NotExists {
        table: "child".to_owned(),
        on: on("parent", "id"),
        matching: None,
    };
    let related = Request::delete("parent", Condition::All(vec![dead(), none]));
    let dependent = delete_parents().delete_first("child", on("parent", "id"), None);
    for request in [related, dependent] {
        let lab = Lab::postgres(&schema).await;
        let finding = found(&lab, &request, "unenforced-relation").await;
        assert_eq!(finding.severity, Severity::Warning);
        mend(&lab, &finding).await;
        assert!(codes(&lab, &request).await.is_empty());

        // One writer at a time: nothing is inserted in the middle of a batch.
        let lab = Lab::sqlite(&schema).await;
        assert!(codes(&lab, &request).await.is_empty());
    }
}

#[tokio::test]
async fn a_printed_foreign_key_brings_its_index_and_works_on_a_partitioned_table() {
    let plain = "CREATE TABLE child (id bigint, parent bigint);";
    let partitioned = "CREATE TABLE child (id bigint, parent bigint) PARTITION BY HASH (id);
        CREATE TABLE child_0 PARTITION OF child FOR VALUES WITH (MODULUS 1, REMAINDER 0);";
    for child in [plain, partitioned] {
        let lab = Lab::postgres(&format!("{PARENT} {child}")).await;
        let orphaned = Condition::NotExists {
            table: "child".to_owned(),
            on: on("parent", "id"),
            matching: None,
        };
        let request = Request::delete("parent", Condition::All(vec![dead(), orphaned]));

        let finding = found(&lab, &request, "unenforced-relation").await;
        mend(&lab, &finding).await;

        // The mended job runs: the new key is no unindexed one.
        assert_eq!(codes(&lab, &request).await, [""; 0], "{finding:?}");
    }
}

#[tokio::test]
async fn a_view_gets_no_foreign_key() {
    let schema = format!(
        "{PARENT} CREATE TABLE child (parent bigint); CREATE VIEW seen AS SELECT * FROM child;"
    );
    let lab = Lab::postgres(&schema).await;
    let unseen = Condition::NotExists {
        table: "seen".to_owned(),
        on: on("parent", "id"),
        matching: None,
    };
    let request = Request::delete("parent", Condition::All(vec![dead(), unseen]));
    let all = findings(&lab, &[request]).await;
    assert!(all.iter().all(|finding| finding.fix.is_empty()), "{all:?}");
}

#[tokio::test]
async fn rows_of_one_family_are_tied_by_no_key_that_could_be_printed() {
    let schema = "CREATE TABLE token (id bigint PRIMARY KEY, family bigint, dead_at bigint);";
    let none_live = Condition::NotExists {
        table: "token".to_owned(),
        on: on("family", "family"),
        matching: Some(Box::new(Condition::IsNull {
            column: "dead_at".to_owned(),
        })),
    };
    let request = Request::delete("token", Condition::All(vec![dead(), none_live]));
    let lab = Lab::postgres(schema).await;
    let finding = found(&lab, &request, "unenforced-relation").await;
    assert_eq!(
        (finding.severity, finding.fix.len()),
        (Severity::Warning, 0)
    );
}

#[tokio::test]
async fn a_foreign_key_is_printed_only_where_the_two_types_allow_one() {
    for (id, refers, prints) in [
        ("bigint", "integer", true),
        ("text", "varchar(20)", true),
        ("uuid", "uuid", true),
        ("bigint", "numeric", false),
        ("integer", "double precision", false),
        ("bigint", "bigint", true),
    ] {
        let lab = Lab::postgres(&format!(
            "CREATE TABLE parent (id {id} PRIMARY KEY, dead_at bigint);
             CREATE TABLE child (id bigint PRIMARY KEY, parent {refers});
             CREATE INDEX child_parent ON child (parent);"
        ))
        .await;
        let childless = Condition::NotExists {
            table: "child".to_owned(),
            on: on("parent", "id"),
            matching: None,
        };
        let request = Request::delete("parent", Condition::All(vec![dead(), childless]));

        let finding = found(&lab, &request, "unenforced-relation").await;

        assert_eq!(
            !finding.fix.is_empty(),
            prints,
            "{id}, {refers}: {finding:?}"
        );
        if prints {
            mend(&lab, &finding).await;
            assert_eq!(codes(&lab, &request).await, [""; 0], "{id}, {refers}");
        } else {
            assert!(finding.message.contains(refers), "{finding:?}");
        }
    }
}

#[tokio::test]
async fn a_join_of_types_without_an_equality_is_an_error_and_prints_no_foreign_key() {
    let lab = Lab::postgres(
        "CREATE TABLE parent (id uuid PRIMARY KEY, dead_at bigint);
         CREATE TABLE child (id bigint PRIMARY KEY, parent text);
         CREATE INDEX child_parent ON child (parent);",
    )
    .await;
    let childless = Condition::NotExists {
        table: "child".to_owned(),
        on: on("parent", "id"),
        matching: None,
    };
    let request = Request::delete("parent", Condition::All(vec![dead(), childless]));

    let all = findings(&lab, &[request]).await;

    let refused = all.iter().find(|finding| finding.code == "value");
    let refused = refused.unwrap_or_else(|| panic!("{all:?}"));
    assert_eq!(refused.severity, Severity::Error);
    assert!(refused.message.contains("uuid") && refused.message.contains("text"));
    let alter = |finding: &Finding| finding.fix.iter().any(|line| line.contains("FOREIGN KEY"));
    assert!(!all.iter().any(alter), "{all:?}");
}

#[tokio::test]
async fn an_index_on_a_column_of_another_type_leads_to_no_child() {
    let schema = |id: &str, refers: &str| {
        format!(
            "CREATE TABLE parent (id {id} PRIMARY KEY, dead_at bigint);
             CREATE TABLE child (id bigint PRIMARY KEY, parent {refers} REFERENCES parent);
             CREATE INDEX child_parent ON child (parent); {}",
            rows("child")
        )
    };
    for (id, refers, told) in [
        ("numeric", "bigint", true),
        ("double precision", "integer", true),
        ("text", "char(8)", true),
        ("bigint", "integer", false),
        ("text", "varchar", false),
    ] {
        let lab = Lab::postgres(&schema(id, refers)).await;
        of_two_types(&lab, told, &format!("{id} {refers}")).await;
    }
    for (id, refers, told) in [
        ("INTEGER", "TEXT", true),
        ("INTEGER", "", true),
        ("TEXT", "VARCHAR", false),
        ("INTEGER", "DATETIME", false),
        ("TEXT", "", false),
    ] {
        let lab = Lab::sqlite(&schema(id, refers)).await;
        of_two_types(&lab, told, &format!("{id} {refers}")).await;
    }
}

async fn of_two_types(lab: &Lab, told: bool, place: &str) {
    let codes = codes(lab, &delete_parents()).await;
    let code = "unindexed-foreign-key";
    assert_eq!(codes.iter().any(|c| c == code), told, "{place}: {codes:?}");
    if told {
        let finding = found(lab, &delete_parents(), code).await;
        assert!(finding.message.contains("one type"), "{finding:?}");
        assert!(finding.fix.is_empty(), "{finding:?}");
    }
}
