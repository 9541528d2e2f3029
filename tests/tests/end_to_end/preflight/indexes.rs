//! `unindexed-sweep` and `invalid-index`.

use besom_tests::lab::both;

use super::*;

const LOG: &str = "CREATE TABLE log (id bigint PRIMARY KEY, dead_at bigint);";

fn along() -> Request {
    Request::delete("log", dead()).order_by("dead_at")
}

fn filled(rows: u32) -> (String, String) {
    let postgres = format!(
        "{LOG} INSERT INTO log SELECT n, n FROM generate_series(1, {rows}) n; ANALYZE log;"
    );
    let sqlite = format!(
        "{LOG} CREATE INDEX log_id ON log (id);
         INSERT INTO log WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows})
         SELECT n, n FROM n; ANALYZE;"
    );
    (postgres, sqlite)
}

#[tokio::test]
async fn an_order_without_an_index_stands_out_on_a_large_table_until_the_printed_one_is_there() {
    let (postgres, sqlite) = filled(120_000);
    for lab in both(&postgres, &sqlite).await {
        let finding = found(&lab, &along(), "unindexed-sweep").await;

        let how = match lab.dialect() {
            besom::catalog::Dialect::Postgres => ", page by page = ",
            besom::catalog::Dialect::Sqlite => ", by key, a page for each row = 120,000 page reads",
        };
        assert_eq!(finding.severity, Severity::Warning);
        let says = |text: &str| finding.message.contains(text);
        assert!(
            says("about 120,000 rows") && says(how),
            "{}",
            finding.message
        );
        mend(&lab, &finding).await;
        assert!(codes(&lab, &along()).await.is_empty());
        let by_key = Request::delete("log", dead());
        assert!(codes(&lab, &by_key).await.is_empty());
    }
}

#[tokio::test]
async fn a_small_table_needs_no_index_for_its_order() {
    let (postgres, sqlite) = filled(1_000);
    for lab in both(&postgres, &sqlite).await {
        assert!(codes(&lab, &along()).await.is_empty());
    }
}

/// `log` and, without a foreign key, the `line`s of its rows.
fn with_lines(rows: u32) -> (String, String) {
    let line = "CREATE TABLE line (id bigint PRIMARY KEY, log bigint);";
    let postgres = format!(
        "{LOG} {line} INSERT INTO line SELECT n, n FROM generate_series(1, {rows}) n; ANALYZE line;"
    );
    let sqlite = format!(
        "{LOG} {line} CREATE INDEX line_id ON line (id);
         INSERT INTO line WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows})
         SELECT n, n FROM n; ANALYZE;"
    );
    (postgres, sqlite)
}

/// Dead rows of the log that have no line.
fn without_lines() -> Request {
    let lineless = Condition::NotExists {
        table: "line".to_owned(),
        on: on("log", "id"),
        matching: None,
    };
    Request::delete("log", Condition::All(vec![dead(), lineless]))
}

#[tokio::test]
async fn a_large_table_that_a_condition_looks_into_without_an_index_stands_out_until_it_is_there() {
    let (postgres, sqlite) = with_lines(120_000);
    for lab in both(&postgres, &sqlite).await {
        let finding = found(&lab, &without_lines(), "unindexed-relation").await;

        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.message.contains("120,000"), "{}", finding.message);
        mend(&lab, &finding).await;
        let codes = codes(&lab, &without_lines()).await;
        assert!(
            !codes.contains(&"unindexed-relation".to_owned()),
            "{codes:?}"
        );
    }
}

#[tokio::test]
async fn a_small_table_or_its_key_may_be_looked_into_without_an_index() {
    let (postgres, sqlite) = with_lines(1_000);
    for lab in both(&postgres, &sqlite).await {
        let codes = codes(&lab, &without_lines()).await;
        assert!(
            !codes.contains(&"unindexed-relation".to_owned()),
            "{codes:?}"
        );
    }
    let (postgres, sqlite) = with_lines(120_000);
    for lab in both(&postgres, &sqlite).await {
        let lineless = Condition::NotExists {
            table: "line".to_owned(),
            on: on("id", "id"),
            matching: None,
        };
        let by_key = Request::delete("log", Condition::All(vec![dead(), lineless]));
        let codes = codes(&lab, &by_key).await;
        assert!(
            !codes.contains(&"unindexed-relation".to_owned()),
            "{codes:?}"
        );
    }
}

#[tokio::test]
async fn an_index_that_was_not_built_to_its_end_is_built_anew() {
    let lab = Lab::postgres(&format!("{LOG} INSERT INTO log VALUES (1, 7), (2, 7);")).await;
    let mut session = lab.session().await;
    let built = session
        .run_script("CREATE UNIQUE INDEX CONCURRENTLY log_dead ON log (dead_at)")
        .await;
    assert!(built.is_err());
    drop(session);
    lab.script("UPDATE log SET dead_at = id").await;

    let finding = found(&lab, &along(), "invalid-index").await;

    assert_eq!(finding.severity, Severity::Error);
    assert_eq!(
        finding.fix,
        ["REINDEX INDEX CONCURRENTLY \"public\".\"log_dead\""]
    );
    mend(&lab, &finding).await;
    assert!(codes(&lab, &along()).await.is_empty());
}

#[tokio::test]
async fn a_childs_failed_index_is_mended_and_not_built_a_second_time() {
    let lab = Lab::postgres(
        "CREATE TABLE log (id bigint PRIMARY KEY, dead_at bigint);
         CREATE TABLE line (id bigint PRIMARY KEY, log bigint REFERENCES log (id));
         INSERT INTO log VALUES (1, 7); INSERT INTO line VALUES (1, 1), (2, 1);",
    )
    .await;
    let mut session = lab.session().await;
    let built = session
        .run_script("CREATE UNIQUE INDEX CONCURRENTLY line_log ON line (log)")
        .await;
    assert!(built.is_err());
    drop(session);
    assert_eq!(
        codes(&lab, &Request::delete("log", dead())).await,
        ["invalid-index"]
    );
}

#[tokio::test]
async fn what_a_failed_reindex_left_behind_is_dropped() {
    let lab = Lab::postgres(&format!(
        "{LOG} CREATE INDEX log_dead ON log (dead_at, id); CREATE INDEX log_dead_ccnew ON log (dead_at);
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'log_dead_ccnew'::regclass;"
    ))
    .await;
    let finding = found(&lab, &along(), "invalid-index").await;
    assert_eq!(
        finding.fix,
        ["DROP INDEX CONCURRENTLY \"public\".\"log_dead_ccnew\""]
    );
    mend(&lab, &finding).await;
    assert!(codes(&lab, &along()).await.is_empty());
}

#[tokio::test]
async fn an_index_that_only_the_application_can_write_is_named_on_sqlite() {
    for (table, index, known, own) in [
        ("item", "(name COLLATE NOCASE)", "NOCASE", "mycoll"),
        ("item", "(abs(name))", "abs", "myfn"),
        ("item", "(id) WHERE abs(name) = 1", "abs", "myfn"),
        ("child", "(name COLLATE NOCASE)", "NOCASE", "mycoll"),
    ] {
        let lab = Lab::sqlite(&format!(
            "CREATE TABLE item (id INTEGER PRIMARY KEY, dead_at BIGINT, name TEXT, note TEXT);
             CREATE TABLE child (id INTEGER PRIMARY KEY, item BIGINT REFERENCES item ON DELETE CASCADE, name TEXT);
             CREATE INDEX child_item ON child (item);
             CREATE INDEX strange ON {table} {index};
             INSERT INTO item VALUES (1, 1, 'a', 'b');"
        ))
        .await;
        // As it is in the file after the application has made it.
        lab.script(&format!(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, '{known}', '{own}') WHERE name = 'strange';
             PRAGMA writable_schema = RESET;"
        ))
        .await;
        lab.database.close().await;
        let lab = Lab {
            database: besom::database::Database::connect(&lab.home.url, Default::default())
                .await
                .unwrap(),
            ..lab
        };

        let found = found(&lab, &Request::delete("item", dead()), "invalid-index").await;

        assert!(found.stops() && found.inevitable, "{found:?}");
        for part in [
            "`strange`",
            &format!("`main.{table}`"),
            &format!("`{own}`"),
            "DROP INDEX",
        ] {
            assert!(found.message.contains(part), "{part}: {found:?}");
        }
        // It is not written where another column changes.
        let clear = |column: &str| {
            let null = besom::request::Source::Value(besom::request::Value::Null);
            Request::update("item", dead()).set(column, null)
        };
        let of_name = codes(&lab, &clear("name")).await.contains(&found.code);
        assert_eq!(of_name, table == "item", "{index}");
        assert!(
            !codes(&lab, &clear("note")).await.contains(&found.code),
            "{index}"
        );
        lab.script("DROP INDEX strange").await;
        assert!(
            !codes(&lab, &Request::delete("item", dead()))
                .await
                .contains(&found.code)
        );
    }
}
