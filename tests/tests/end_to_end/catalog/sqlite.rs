//! The catalog of a SQLite database.

use besom::catalog::{Catalog, Dialect, Kind, OnDelete, TableId, TableKind, TriggerTiming};
use sqlx::AssertSqlSafe;

use super::{sqlite_with, table, written};

#[tokio::test]
async fn tables_columns_and_keys_are_read_as_sqlite_means_them() {
    let mut connection = sqlite_with(
        r#"CREATE TABLE loose (a INTEGER PRIMARY KEY, b BOOLEAN NOT NULL, c VARCHAR(9), d, e DATETIME,
                               f AS (a + 1), g AS (a + 2) STORED);
           CREATE TABLE strict_one (id BLOB PRIMARY KEY, at INTEGER, x ANY) STRICT;
           CREATE TABLE pair (b TEXT, a TEXT, PRIMARY KEY (a, b));
           CREATE TABLE pair_only (b TEXT, a TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
           CREATE TABLE quirk (id INTEGER PRIMARY KEY DESC);
           CREATE TABLE "My ""Table""" ("rowid" TEXT, "A.b" INT);
           CREATE TABLE hides (rowid, _rowid_, oid);
           CREATE VIEW v AS SELECT a FROM loose; CREATE VIEW broken AS SELECT * FROM nowhere;
           CREATE TABLE "sqliteish" (x)"#,
    )
    .await;

    let catalog = Catalog::load_sqlite(&mut connection).await.unwrap();

    assert_eq!(catalog.dialect(), Dialect::Sqlite);
    let loose = table(&catalog, "main.loose");
    let columns: Vec<_> = loose
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.kind.clone(), c.nullable, c.generated))
        .collect();
    assert_eq!(
        columns,
        [
            ("a", Kind::Integer(64), false, false),
            ("b", Kind::Boolean, false, false),
            ("c", Kind::Text, true, false),
            ("d", Kind::Any, true, false),
            ("e", Kind::Any, true, false),
            ("f", Kind::Any, true, true),
            ("g", Kind::Any, true, true),
        ]
    );
    assert_eq!(loose.rowid_alias.as_deref(), Some("a"));
    assert_eq!(
        loose
            .in_order_of("a", &[], Dialect::Sqlite)
            .first()
            .map(|serving| serving.index.name.as_str()),
        Some("rowid")
    );
    let strict = table(&catalog, "strict_one");
    assert!(strict.has_rowid && strict.rowid_alias.is_none());
    assert!(!strict.column("id").unwrap().nullable);
    assert_eq!(strict.column("x").unwrap().kind, Kind::Any);
    assert_eq!(table(&catalog, "pair").primary_key, ["a", "b"]);
    assert!(table(&catalog, "pair").column("a").unwrap().nullable);
    let pair_only = table(&catalog, "pair_only");
    assert!(!pair_only.has_rowid && !pair_only.column("a").unwrap().nullable);
    assert!(!pair_only.in_order_of("a", &[], Dialect::Sqlite).is_empty());
    assert_eq!(table(&catalog, "quirk").rowid_alias, None);
    assert_eq!(table(&catalog, "hides").rowid_name(), None);
    let odd = table(&catalog, "\"My \"\"Table\"\"\"");
    assert_eq!(odd.rowid_name(), Some("_rowid_"));
    assert_eq!(odd.column("A.b").unwrap().kind, Kind::Integer(64));
    let select = format!("SELECT \"_rowid_\" FROM {}", odd.sql_name());
    sqlx::raw_sql(AssertSqlSafe(select))
        .execute(&mut connection)
        .await
        .unwrap();
    assert_eq!(table(&catalog, "v").kind, TableKind::View);
    assert_eq!(table(&catalog, "v").columns.len(), 1);
    assert!(table(&catalog, "broken").columns.is_empty());
    assert_eq!(table(&catalog, "sqliteish").columns.len(), 1);
    let error = catalog.table("lose").unwrap_err().to_string();
    assert!(
        error.contains("schema main; did you mean `loose`?"),
        "{error}"
    );
}

#[tokio::test]
async fn foreign_keys_are_known_at_both_ends_in_the_tables_own_spelling() {
    let mut connection = sqlite_with(
        "CREATE TABLE Parent (Id INTEGER PRIMARY KEY, Up INTEGER REFERENCES parent);
         CREATE TABLE pair (b, a, PRIMARY KEY (a, b));
         CREATE TABLE child (
             n INTEGER REFERENCES PARENT(ID),
             r INTEGER REFERENCES parent ON DELETE RESTRICT DEFERRABLE,
             c INTEGER REFERENCES parent ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
             s INTEGER REFERENCES parent ON DELETE SET NULL,
             d INTEGER REFERENCES parent ON DELETE SET DEFAULT,
             x, y, z REFERENCES gone(id), FOREIGN KEY (x, y) REFERENCES pair)",
    )
    .await;

    let catalog = Catalog::load_sqlite(&mut connection).await.unwrap();

    let child = table(&catalog, "child");
    let keys: Vec<_> = child
        .foreign_keys
        .iter()
        .map(|k| {
            (
                k.columns.join(","),
                k.parent.name.as_str(),
                k.on_delete,
                k.deferrable,
            )
        })
        .rev()
        .collect();
    assert_eq!(
        keys,
        [
            ("n".to_owned(), "Parent", OnDelete::NoAction, false),
            ("r".to_owned(), "Parent", OnDelete::Restrict, false),
            ("c".to_owned(), "Parent", OnDelete::Cascade, true),
            ("s".to_owned(), "Parent", OnDelete::SetNull, false),
            ("d".to_owned(), "Parent", OnDelete::SetDefault, false),
            ("z".to_owned(), "gone", OnDelete::NoAction, false),
            ("x,y".to_owned(), "pair", OnDelete::NoAction, false),
        ]
    );
    assert_eq!(
        written(&table(&catalog, "pair").referenced_by),
        ["child(x, y) -> pair(a, b)"]
    );
    let parent = table(&catalog, "Parent");
    assert_eq!(parent.referenced_by.len(), 6);
    assert_eq!(written(&parent.foreign_keys), ["Parent(Up) -> Parent(Id)"]);
    assert!(
        parent
            .referenced_by
            .iter()
            .all(|key| key.parent_columns == ["Id"])
    );
    let nulled: Vec<_> = parent
        .referenced_by
        .iter()
        .flat_map(|key| &key.set_columns)
        .collect();
    assert_eq!(nulled, ["d", "s"]);
    assert!(catalog.by_id(&TableId::new("main", "gone")).is_none());
}

#[tokio::test]
async fn indexes_triggers_statistics_and_virtual_tables_are_read() {
    let mut connection = sqlite_with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INTEGER, c TEXT);
         CREATE INDEX i_desc ON t (b DESC, a);
         CREATE INDEX i_expr ON t (lower(c), b);
         CREATE INDEX i_nocase ON t (c COLLATE NOCASE);
         CREATE INDEX i_partial ON t (b) WHERE b IS NOT NULL AND c <> 'where';
         CREATE VIEW v AS SELECT * FROM t;
         CREATE TRIGGER IF NOT EXISTS main.t_before DELETE ON t BEGIN SELECT 1; END;
         CREATE TRIGGER v_instead INSTEAD OF DELETE ON v BEGIN SELECT 1; END;
         INSERT INTO t (b) SELECT value FROM json_each('[1,2,3,4,5,null,null]');
         ANALYZE;
         CREATE VIRTUAL TABLE words USING fts5(body)",
    )
    .await;

    let catalog = Catalog::load_sqlite(&mut connection).await.unwrap();

    let t = table(&catalog, "t");
    let index = |name: &str| t.indexes.iter().find(|index| index.name == name).unwrap();
    let columns: Vec<_> = index("i_desc")
        .columns
        .iter()
        .map(|c| (c.name.as_deref(), c.descending))
        .collect();
    assert_eq!(columns, [(Some("b"), true), (Some("a"), false)]);
    assert_eq!(index("i_expr").columns[0].name, None);
    assert!(!index("i_nocase").columns[0].ordered);
    let predicate = index("i_partial").predicate.as_deref();
    assert_eq!(predicate, Some("b IS NOT NULL AND c <> 'where'"));
    assert_eq!(
        index("i_nocase").columns[0].instead.as_deref(),
        Some("c COLLATE NOCASE")
    );
    assert_eq!(index("i_partial").rows, Some(0));
    let led_by = |column| {
        let serving = t.in_order_of(column, &[], Dialect::Sqlite);
        serving.first().map(|serving| serving.index)
    };
    assert!(led_by("a").unwrap().unique);
    assert_eq!(led_by("b").unwrap().name, "i_desc");
    assert!(led_by("c").is_none());
    assert_eq!(t.estimated_rows, 7);
    let [trigger] = t.triggers.as_slice() else {
        panic!("one trigger")
    };
    assert_eq!(
        (trigger.timing, trigger.on_delete),
        (TriggerTiming::Before, true)
    );
    assert_eq!(
        table(&catalog, "v").triggers[0].timing,
        TriggerTiming::InsteadOf
    );
    let words: Vec<_> = catalog
        .tables()
        .filter(|table| table.id.name.starts_with("words"))
        .collect();
    assert!(words.len() > 1, "the shadow tables too");
    assert!(
        words
            .iter()
            .all(|table| table.kind == TableKind::Foreign && !table.has_rowid)
    );
    assert!(
        catalog
            .tables()
            .all(|table| !table.id.name.starts_with("sqlite_"))
    );
}
