//! Keys, indexes and partitions of a PostgreSQL server.

use besom::catalog::{Catalog, Dialect, OnDelete, TableId, TableKind};
use sqlx::AssertSqlSafe;

use super::{postgres_with, table, written};

#[tokio::test]
async fn foreign_keys_are_known_at_both_ends_with_their_rules() {
    let (mut connection, _database) = postgres_with(
        "CREATE TABLE p (b int, a int, pad text, PRIMARY KEY (a, b), up_a int, up_b int,
                         FOREIGN KEY (up_b, up_a) REFERENCES p (b, a));
         CREATE TABLE p_none (x int); CREATE TABLE single (id int PRIMARY KEY);
         CREATE TABLE c (
             a int, b int,
             r int CONSTRAINT c_restrict REFERENCES single ON DELETE RESTRICT,
             k int CONSTRAINT d_cascade REFERENCES single ON DELETE CASCADE DEFERRABLE,
             n int CONSTRAINT e_null REFERENCES single ON DELETE SET NULL,
             d int CONSTRAINT f_default REFERENCES single ON DELETE SET DEFAULT,
             CONSTRAINT a_none FOREIGN KEY (a, b) REFERENCES p);
         ALTER TABLE c ADD CONSTRAINT g_not_valid FOREIGN KEY (r) REFERENCES single NOT VALID",
    )
    .await;

    let catalog = Catalog::load_postgres(&mut connection).await.unwrap();

    let p = table(&catalog, "p");
    assert_eq!(p.primary_key, ["a", "b"]);
    assert!(table(&catalog, "p_none").primary_key.is_empty());
    assert_eq!(written(&p.foreign_keys), ["p(up_b, up_a) -> p(b, a)"]);
    assert_eq!(
        written(&p.referenced_by),
        ["c(a, b) -> p(a, b)", "p(up_b, up_a) -> p(b, a)"]
    );
    let c = table(&catalog, "c");
    let keys: Vec<_> = c
        .foreign_keys
        .iter()
        .map(|k| {
            (
                k.name.as_str(),
                k.on_delete,
                k.set_columns.len(),
                k.deferrable,
                k.validated,
            )
        })
        .collect();
    assert_eq!(
        keys,
        [
            ("a_none", OnDelete::NoAction, 0, false, true),
            ("c_restrict", OnDelete::Restrict, 0, false, true),
            ("d_cascade", OnDelete::Cascade, 0, true, true),
            ("e_null", OnDelete::SetNull, 1, false, true),
            ("f_default", OnDelete::SetDefault, 1, false, true),
            ("g_not_valid", OnDelete::NoAction, 0, false, false),
        ]
    );
    assert_eq!(table(&catalog, "single").referenced_by.len(), 5);
}

#[tokio::test]
async fn set_null_of_fewer_columns_than_the_key_has_is_known() {
    let (mut connection, _database) = postgres_with(
        "CREATE TABLE p (tenant int, id int, PRIMARY KEY (tenant, id));
         CREATE TABLE c (tenant int NOT NULL, p_id int)",
    )
    .await;
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int4")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let (list, expected) = if version >= 150_000 {
        ("(p_id)", vec!["p_id"])
    } else {
        ("", vec!["tenant", "p_id"])
    };
    let sql = format!(
        "ALTER TABLE c ADD FOREIGN KEY (tenant, p_id) REFERENCES p ON DELETE SET NULL {list}"
    );
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .unwrap();

    let catalog = Catalog::load_postgres(&mut connection).await.unwrap();

    assert_eq!(table(&catalog, "p").referenced_by[0].set_columns, expected);
}

#[tokio::test]
async fn indexes_show_what_they_can_serve() {
    let (mut connection, _database) = postgres_with(
        "CREATE TABLE t (id int PRIMARY KEY, a int, b text COLLATE \"C\", c timestamptz);
         CREATE INDEX i_desc ON t (a DESC, id) INCLUDE (c);
         CREATE INDEX i_expr ON t (lower(b), a);
         CREATE INDEX i_hash ON t USING hash (a);
         CREATE INDEX i_nulls ON t (c NULLS FIRST);
         CREATE INDEX i_partial ON t (c) WHERE c IS NOT NULL;
         CREATE INDEX i_pattern ON t (b text_pattern_ops);
         CREATE UNIQUE INDEX i_whole ON t (b);
         INSERT INTO t VALUES (1, 7, 'x'), (2, 7, 'y')",
    )
    .await;
    let failed = sqlx::raw_sql("CREATE UNIQUE INDEX CONCURRENTLY i_broken ON t (a)")
        .execute(&mut connection)
        .await;
    assert!(failed.is_err());

    let catalog = Catalog::load_postgres(&mut connection).await.unwrap();

    let t = table(&catalog, "t");
    let names: Vec<_> = t.indexes.iter().map(|index| index.name.as_str()).collect();
    let all = [
        "i_broken",
        "i_desc",
        "i_expr",
        "i_hash",
        "i_nulls",
        "i_partial",
        "i_pattern",
        "i_whole",
    ];
    assert_eq!(names[..8], all);
    assert_eq!(names[8], "t_pkey");
    let index = |name: &str| t.indexes.iter().find(|index| index.name == name).unwrap();
    assert!(!index("i_broken").valid && index("i_broken").unique);
    let columns: Vec<_> = index("i_desc")
        .columns
        .iter()
        .map(|c| (c.name.as_deref(), c.descending))
        .collect();
    assert_eq!(columns, [(Some("a"), true), (Some("id"), false)]);
    assert_eq!(index("i_expr").columns[0].name, None);
    assert_eq!(index("i_expr").columns[1].name.as_deref(), Some("a"));
    assert!(!index("i_hash").btree);
    assert_eq!(
        index("i_partial").predicate.as_deref(),
        Some("(c IS NOT NULL)")
    );
    for (name, ordered) in [
        ("i_desc", true),
        ("i_nulls", true),
        ("i_pattern", false),
        ("i_whole", true),
        ("t_pkey", true),
    ] {
        assert_eq!(index(name).columns[0].ordered, ordered, "{name}");
    }
    assert!(index("i_nulls").columns[0].nulls_first);
    assert_eq!(
        index("i_pattern").columns[0].instead.as_deref(),
        Some("b text_pattern_ops")
    );
    let led_by = |column| {
        let serving = t.in_order_of(column, &[], Dialect::Postgres);
        let orderly = serving.iter().find(|serving| !serving.nulls_first);
        orderly.map(|serving| serving.index.name.as_str())
    };
    assert_eq!(led_by("a"), Some("i_desc"));
    assert_eq!(led_by("b"), Some("i_whole"));
    assert_eq!(led_by("c"), None);
    assert_eq!(led_by("id"), Some("t_pkey"));
}

#[tokio::test]
async fn a_leaf_of_a_partitioned_parent_knows_who_refers_to_it() {
    let (mut connection, _database) = postgres_with(
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
         CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
         CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (30) PARTITION BY RANGE (id);
         CREATE TABLE p21 PARTITION OF p2 FOR VALUES FROM (10) TO (20);
         CREATE TABLE c (id int PRIMARY KEY, p_id int REFERENCES p) PARTITION BY RANGE (id);
         CREATE TABLE c1 PARTITION OF c FOR VALUES FROM (0) TO (10);
         CREATE TABLE base (id int); CREATE TABLE derived () INHERITS (base);
         CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
         CREATE TRIGGER kept BEFORE DELETE ON p FOR EACH ROW EXECUTE FUNCTION noop()",
    )
    .await;

    let catalog = Catalog::load_postgres(&mut connection).await.unwrap();

    let p = table(&catalog, "p");
    assert_eq!(p.kind, TableKind::Partitioned);
    assert_eq!(
        p.partitions,
        [TableId::new("public", "p1"), TableId::new("public", "p2")]
    );
    assert_eq!(
        table(&catalog, "base").partitions,
        [TableId::new("public", "derived")]
    );
    assert_eq!(table(&catalog, "p1").kind, TableKind::Table);
    for parent in ["p", "p1", "p2", "p21"] {
        let expected = [format!("c(p_id) -> {parent}(id)")];
        assert_eq!(written(&table(&catalog, parent).referenced_by), expected);
    }
    assert_eq!(
        written(&table(&catalog, "c").foreign_keys),
        ["c(p_id) -> p(id)"]
    );
    assert_eq!(
        written(&table(&catalog, "c1").foreign_keys),
        ["c1(p_id) -> p(id)"]
    );
    for name in ["p", "p1", "p21"] {
        assert_eq!(table(&catalog, name).primary_key, ["id"], "{name}");
        assert_eq!(table(&catalog, name).triggers.len(), 1, "{name}");
    }
}
