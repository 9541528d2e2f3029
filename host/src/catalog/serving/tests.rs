//! What databases give back as predicates, and what follows from which condition.

use super::*;
use crate::catalog::types::{Collation, Column, Kind, Privileges, TableId, TableKind};
use crate::request::{Comparison, Timestamp, Value};

fn column(name: &str, sql_type: &str, kind: Kind) -> Column {
    let collation = (kind == Kind::Text).then(|| Collation {
        sql_name: "pg_catalog.\"default\"".to_owned(),
        deterministic: true,
    });
    Column {
        name: name.to_owned(),
        sql_type: sql_type.to_owned(),
        stored_type: sql_type.to_owned(),
        kind,
        collation,
        nullable: true,
        generated: false,
        computed: false,
        readable: true,
        assignable: true,
        time_form: None,
    }
}

fn table(dialect: Dialect) -> Table {
    let moods = Kind::Enum(vec!["a".to_owned(), "b c".to_owned()]);
    let columns = match dialect {
        Dialect::Postgres => vec![
            column("id", "uuid", Kind::Uuid),
            column("t", "timestamp with time zone", Kind::Timestamp),
            column("ip", "inet", Kind::Inet),
            column("s", "text", Kind::Text),
            column("v", "character varying", Kind::Text),
            column("c", "character", Kind::Text),
            column("n", "integer", Kind::Integer(32)),
            column("b", "bigint", Kind::Integer(64)),
            column("nu", "numeric", Kind::Numeric),
            column("flag", "boolean", Kind::Boolean),
            column("m", "mood", moods),
            column("Odd \"Name", "text", Kind::Text),
        ],
        Dialect::Sqlite => vec![
            column("id", "INTEGER", Kind::Integer(64)),
            column("t", "INTEGER", Kind::Integer(64)),
            column("ip", "TEXT", Kind::Text),
            column("s", "TEXT", Kind::Text),
            column("n", "INTEGER", Kind::Integer(64)),
            column("flag", "BOOLEAN", Kind::Boolean),
            column("Odd \"Name", "TEXT", Kind::Text),
        ],
    };
    Table {
        id: TableId::new("public", "t"),
        kind: TableKind::Table,
        columns,
        primary_key: vec!["id".to_owned()],
        foreign_keys: Vec::new(),
        referenced_by: Vec::new(),
        indexes: Vec::new(),
        triggers: Vec::new(),
        partitions: Vec::new(),
        partition_key: Vec::new(),
        privileges: Privileges::default(),
        row_security: false,
        estimated_rows: 0,
        has_rowid: dialect == Dialect::Sqlite,
        rowid_alias: (dialect == Dialect::Sqlite).then(|| "id".to_owned()),
    }
}

fn compare(column: &str, operator: Comparison, to: Value) -> Condition {
    Condition::Compare {
        column: column.to_owned(),
        operator,
        to,
    }
}

fn is(column: &str, to: Value) -> Condition {
    compare(column, Comparison::Equal, to)
}

fn not(column: &str, to: Value) -> Condition {
    compare(column, Comparison::NotEqual, to)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn old() -> Condition {
    Condition::OlderThan {
        column: "t".to_owned(),
        cutoff: Timestamp(0),
        offset: 0,
    }
}

fn set(column: &str) -> Condition {
    Condition::IsNotNull {
        column: column.to_owned(),
    }
}

fn null(column: &str) -> Condition {
    Condition::IsNull {
        column: column.to_owned(),
    }
}

fn one_of(column: &str, values: &[Value]) -> Condition {
    Condition::OneOf {
        column: column.to_owned(),
        values: values.to_vec(),
    }
}

fn negated(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

/// Whether every row that meets the condition is in an index with that predicate.
fn follows(dialect: Dialect, predicate: &str, condition: Condition) -> bool {
    let table = table(dialect);
    let index = Index {
        name: "i".to_owned(),
        columns: vec![IndexColumn::plain("t")],
        unique: false,
        predicate: Some(predicate.to_owned()),
        valid: true,
        btree: true,
        hash: false,
        rows: None,
    };
    table
        .implied(&index, &condition.conjuncts(), dialect)
        .is_some()
}

/// The texts are those of PostgreSQL 15's `pg_get_expr`.
#[test]
fn what_postgresql_makes_of_a_predicate_is_understood() {
    let both = Condition::All(vec![set("ip"), old()]);
    let flagged = || is("flag", Value::Boolean(true));
    let unflagged = || is("flag", Value::Boolean(false));
    let cases = [
        ("((ip IS NOT NULL) AND (t IS NOT NULL))", both),
        ("flag", flagged()),
        ("(NOT flag)", unflagged()),
        ("(NOT flag)", not("flag", Value::Boolean(true))),
        ("(NOT flag)", negated(flagged())),
        ("(flag = true)", flagged()),
        ("(flag <> true)", unflagged()),
        ("(flag IS TRUE)", flagged()),
        ("(flag IS FALSE)", unflagged()),
        ("(flag IS NOT TRUE)", unflagged()),
        ("(flag IS NOT TRUE)", null("flag")),
        (
            "((flag IS NOT NULL) AND (flag IS FALSE) AND (flag = false))",
            unflagged(),
        ),
        (
            "((NOT flag) AND (ip IS NULL))",
            Condition::All(vec![unflagged(), null("ip")]),
        ),
        ("(NOT (n IS NULL))", is("n", Value::Integer(1))),
        ("(s <> ''::text)", not("s", text(""))),
        ("(s <> ''::text)", is("s", text("x"))),
        (
            "(((v)::text <> ''::text) AND (v IS NOT NULL))",
            not("v", text("")),
        ),
        ("((v)::text = 'c'::text)", is("v", text("c"))),
        ("(c = 'a'::bpchar)", is("c", text("a"))),
        (
            "(s = ANY (ARRAY['x'::text, 'it''s'::text]))",
            is("s", text("it's")),
        ),
        (
            "(s = ANY (ARRAY['x'::text, 'it''s'::text]))",
            one_of("s", &[text("x"), text("it's")]),
        ),
        ("(s = ANY ('{x,y}'::text[]))", is("s", text("y"))),
        (
            "((v)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]))",
            is("v", text("y")),
        ),
        (
            "(n = ANY (ARRAY[1, 2, '-3'::integer]))",
            is("n", Value::Integer(-3)),
        ),
        ("(n <> ALL (ARRAY[1, 2]))", is("n", Value::Integer(3))),
        (
            "(n <> ALL (ARRAY[1, 2]))",
            negated(one_of("n", &[Value::Integer(2), Value::Integer(1)])),
        ),
        ("(m = 'b c'::mood)", is("m", text("b c"))),
        ("(m = 'b c'::mood)", is("m", Value::Other("b c".to_owned()))),
        ("(m <> 'a'::mood)", is("m", text("b c"))),
        (
            "(m = ANY (ARRAY['a'::mood, 'b c'::mood]))",
            one_of("m", &[text("a")]),
        ),
        (
            "((n = '-5'::integer) AND (b > 100))",
            Condition::All(vec![
                is("n", Value::Integer(-5)),
                compare("b", Comparison::Greater, Value::Integer(100)),
            ]),
        ),
        (
            "(b = '5000000000'::bigint)",
            is("b", Value::Integer(5_000_000_000)),
        ),
        ("(n = (5)::bigint)", is("n", Value::Integer(5))),
        ("((n >= 1) AND (n <= 3))", is("n", Value::Integer(3))),
        ("(n <> 0)", is("n", Value::Integer(5))),
        (
            "(id = '00000000-0000-0000-0000-00000000000a'::uuid)",
            is(
                "id",
                Value::Uuid("00000000-0000-0000-0000-00000000000A".to_owned()),
            ),
        ),
        (
            "(\"Odd \"\"Name\" = 'q'::text)",
            is("Odd \"Name", text("q")),
        ),
        ("('x'::text = s)", is("s", text("x"))),
        (
            "(flag AND (NOT (n = 3)) AND ((s = 'b'::text) AND ((v)::text = 'c'::text)))",
            Condition::All(vec![
                flagged(),
                not("n", Value::Integer(3)),
                is("s", text("b")),
                is("v", text("c")),
            ]),
        ),
        // Both ways to meet it do.
        (
            "(s = ANY (ARRAY['x'::text, 'y'::text]))",
            Condition::Any(vec![is("s", text("x")), is("s", text("y"))]),
        ),
        (
            "(ip IS NOT NULL)",
            negated(Condition::Any(vec![null("ip"), is("n", Value::Integer(1))])),
        ),
    ];
    for (predicate, condition) in cases {
        assert!(
            follows(Dialect::Postgres, predicate, condition.clone()),
            "{predicate} from {condition:?}"
        );
    }
}

#[test]
fn what_does_not_follow_or_is_not_understood_does_not_serve() {
    let everything = || {
        Condition::All(vec![
            old(),
            set("ip"),
            is("s", text("x")),
            is("v", text("x")),
            is("n", Value::Integer(1)),
            is("flag", Value::Boolean(true)),
            is("m", text("a")),
        ])
    };
    for predicate in [
        "((s = 'x'::text) OR (s = 'b'::text))",
        "(lower(s) = 'x'::text)",
        "(s ~~ 'x%'::text)",
        "((s COLLATE \"C\") = 'x'::text)",
        "(COALESCE(n, 0) = 1)",
        "(ROW(t, n) IS NOT NULL)",
        "(s IS DISTINCT FROM 'b'::text)",
        "(NOT (flag AND (n = 1)))",
        "(NOT flag)",
        "(flag IS NOT TRUE)",
        "(ip IS NULL)",
        "(nu IS NOT NULL)",
        "(nu = 1.5)",
        "(s = 'X'::text)",
        "(s = 'x'::bpchar)",
        "((s)::bpchar = 'x'::bpchar)",
        "(s <> 'x'::text)",
        "(s = ANY (ARRAY['a'::text, 'b'::text]))",
        "(n > 1)",
        "(n <> 1)",
        "(n = 2)",
        "((n)::numeric = '1'::numeric)",
        "(n = (1)::numeric)",
        "(m = 'b c'::mood)",
        "(m = 'a'::other_mood)",
        "(t > '2020-01-01 00:00:00+00'::timestamp with time zone)",
        "(s = 'a\\b'::text)",
        "(unheard = 1)",
        "unknown",
        "",
        "((ip IS NOT NULL) AND",
        "(ip IS NOT NULL) OR flag",
        "(ip IS NOT NULL) flag",
    ] {
        assert!(
            !follows(Dialect::Postgres, predicate, everything()),
            "{predicate}"
        );
    }
    let either = Condition::Any(vec![set("ip"), is("n", Value::Integer(1))]);
    assert!(!follows(Dialect::Postgres, "(ip IS NOT NULL)", either));
    // A row with NULL meets neither the condition nor its negation, and this is no comparison.
    assert!(!follows(
        Dialect::Postgres,
        "(ip IS NOT NULL)",
        negated(set("ip"))
    ));
}

/// SQLite keeps what somebody has written.
#[test]
fn what_stands_in_a_statement_of_sqlite_is_understood() {
    let flagged = || is("flag", Value::Boolean(true));
    let cases = [
        (
            "ip IS NOT NULL AND t NOT NULL",
            Condition::All(vec![set("ip"), old()]),
        ),
        ("ip notnull", set("IP").clone()),
        ("ip != ''", not("ip", text(""))),
        ("[ip] <> ''", not("ip", text(""))),
        ("`ip` <> '' /* and */ -- so", not("ip", text(""))),
        ("t.ip IS NOT NULL", set("ip")),
        ("flag", flagged()),
        ("flag = 1", flagged()),
        ("flag == TRUE", flagged()),
        ("flag IS TRUE", flagged()),
        ("NOT flag", is("flag", Value::Boolean(false))),
        ("flag = 0", is("flag", Value::Boolean(false))),
        ("s IN ('x', 'y')", is("s", text("y"))),
        ("s is 'x'", is("s", text("x"))),
        ("n IN (1,-2)", one_of("n", &[Value::Integer(-2)])),
        ("n NOT IN (1, 2)", is("n", Value::Integer(3))),
        (
            "((n > 0) AND (s = 'x'))",
            Condition::All(vec![is("n", Value::Integer(1)), is("s", text("x"))]),
        ),
        ("\"Odd \"\"Name\" = 'q'", is("Odd \"Name", text("q"))),
    ];
    for (predicate, condition) in cases {
        if condition == set("IP") {
            // The catalog spells names as the table does.
            assert!(!follows(Dialect::Sqlite, predicate, condition));
            assert!(follows(Dialect::Sqlite, predicate, set("ip")));
            continue;
        }
        assert!(
            follows(Dialect::Sqlite, predicate, condition.clone()),
            "{predicate} from {condition:?}"
        );
    }
    for predicate in [
        "s = \"x\"",
        "s = 'x' COLLATE NOCASE",
        "s <> 'y'",
        "n BETWEEN 1 AND 3",
        "n = '1'",
        "s = 1",
        "lower(s) = 'x'",
        "s IS NOT 'y'",
        "NOT s IS 'y'",
        "s LIKE 'x'",
        "s = x'78'",
        "s = 'x",
    ] {
        let condition = Condition::All(vec![is("s", text("x")), is("n", Value::Integer(1))]);
        assert!(
            !follows(Dialect::Sqlite, predicate, condition),
            "{predicate}"
        );
    }
}

#[test]
fn a_term_is_repeated_as_it_is_on_the_column_of_the_statement() {
    let table = table(Dialect::Postgres);
    let written = |predicate: &str, name: &str| {
        let terms = predicate::terms(predicate, &table, Dialect::Postgres).unwrap();
        terms.iter().map(|term| term.on(name)).collect::<Vec<_>>()
    };
    assert_eq!(written("(NOT flag)", "r1.\"flag\""), ["NOT r1.\"flag\""]);
    assert_eq!(
        written("(((v)::text <> ''::text) AND (v IS NOT NULL))", "r1.\"v\""),
        ["( r1.\"v\" ) :: text <> '' :: text", "r1.\"v\" IS NOT NULL"]
    );
}

fn index(name: &str, columns: &[&str], predicate: Option<&str>) -> Index {
    Index {
        name: name.to_owned(),
        columns: columns
            .iter()
            .map(|name| IndexColumn::plain(*name))
            .collect(),
        unique: false,
        predicate: predicate.map(str::to_owned),
        valid: true,
        btree: true,
        hash: false,
        rows: None,
    }
}

fn best(indexes: Vec<Index>, facts: &[Condition]) -> Option<String> {
    let table = Table {
        indexes,
        estimated_rows: 1_000_000,
        ..table(Dialect::Postgres)
    };
    let facts: Vec<_> = facts.iter().collect();
    let serving = table.in_order_of("t", &facts, Dialect::Postgres);
    serving.first().map(|serving| serving.index.name.clone())
}

#[test]
fn among_indexes_that_serve_the_narrowest_is_taken() {
    let whole = index("a_whole", &["t"], None);
    let keyed = index("b_keyed", &["t", "id"], None);
    let partial = index("c_partial", &["t"], Some("(ip IS NOT NULL)"));
    let narrow = index("d_narrow", &["t"], Some("((ip IS NOT NULL) AND flag)"));
    let facts = [
        set("ip"),
        is("flag", Value::Boolean(true)),
        is("n", Value::Integer(1)),
    ];
    let all = vec![
        whole.clone(),
        keyed.clone(),
        partial.clone(),
        narrow.clone(),
    ];

    assert_eq!(best(all, &facts).as_deref(), Some("d_narrow"));
    assert_eq!(
        best(vec![whole.clone(), keyed.clone()], &facts).as_deref(),
        Some("b_keyed")
    );
    // Statistics know better.
    let counted = |index: &Index, rows| Index {
        rows: Some(rows),
        ..index.clone()
    };
    let known = vec![counted(&partial, 10), counted(&narrow, 900_000)];
    assert_eq!(best(known, &facts).as_deref(), Some("c_partial"));
    let tenant = index("e_tenant", &["n", "t"], None);
    assert_eq!(
        best(vec![whole.clone(), tenant.clone()], &facts).as_deref(),
        Some("e_tenant")
    );
    assert_eq!(
        best(vec![whole, tenant], &[old()]).as_deref(),
        Some("a_whole")
    );
}

#[test]
fn an_index_behind_columns_that_are_held_to_one_value_serves() {
    let by_two = || vec![index("i", &["n", "flag", "t", "id"], None)];
    let tenant = is("n", Value::Integer(1));
    let flagged = is("flag", Value::Boolean(true));
    assert_eq!(
        best(by_two(), &[tenant.clone(), flagged.clone()]).as_deref(),
        Some("i")
    );
    assert_eq!(
        best(by_two(), &[null("n"), flagged.clone()]).as_deref(),
        Some("i")
    );
    assert_eq!(
        best(
            by_two(),
            &[one_of("n", &[Value::Integer(1)]), flagged.clone()]
        )
        .as_deref(),
        Some("i")
    );
    assert_eq!(best(by_two(), std::slice::from_ref(&tenant)), None);
    let several = one_of("n", &[Value::Integer(1), Value::Integer(2)]);
    assert_eq!(best(by_two(), &[several, flagged.clone()]), None);
    let either = Condition::Any(vec![tenant, is("n", Value::Integer(2))]);
    assert_eq!(best(by_two(), &[either, flagged]), None);
}

#[test]
fn an_index_is_read_backwards_where_its_key_goes_the_same_way() {
    let reaches = |t: bool, id: bool| {
        let mut index = index("i", &["t", "id"], None);
        for (column, descending) in index.columns.iter_mut().zip([t, id]) {
            column.descending = descending;
            column.nulls_first = descending;
        }
        let table = Table {
            indexes: vec![index],
            ..table(Dialect::Postgres)
        };
        let serving = table.in_order_of("t", &[], Dialect::Postgres);
        let first = serving.first().unwrap();
        assert!(!first.nulls_first);
        first.reaches_key
    };
    assert!(reaches(false, false) && reaches(true, true));
    assert!(!reaches(true, false) && !reaches(false, true));
}

#[test]
fn a_search_goes_by_the_columns_that_lead_an_index_in_any_order() {
    let found = |index: Index, columns: &[&str], facts: &[Condition]| {
        let table = Table {
            indexes: vec![index],
            ..table(Dialect::Postgres)
        };
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let facts: Vec<_> = facts.iter().collect();
        table
            .searched_by(&columns, &facts, Dialect::Postgres)
            .is_some()
    };
    assert!(found(index("i", &["n"], None), &["n"], &[]));
    assert!(found(index("i", &["b", "n", "c"], None), &["n", "b"], &[]));
    assert!(!found(index("i", &["c", "n"], None), &["n"], &[]));
    assert!(!found(index("i", &["n", "c", "b"], None), &["n", "b"], &[]));
    assert!(!found(index("i", &["n"], None), &["n", "b"], &[]));

    assert!(found(
        index("i", &["n"], Some("(n IS NOT NULL)")),
        &["n"],
        &[]
    ));
    let both = "((n IS NOT NULL) AND (\"b\" IS NOT NULL))";
    assert!(found(index("i", &["n", "b"], Some(both)), &["n", "b"], &[]));
    assert!(!found(index("i", &["n"], Some("flag")), &["n"], &[]));
    assert!(!found(
        index("i", &["n"], Some("(ip IS NOT NULL)")),
        &["n"],
        &[]
    ));
    assert!(!found(
        index("i", &["n"], Some("(n IS NOT NULL) OR flag")),
        &["n"],
        &[]
    ));

    // Rows of one kind.
    let kind = [is("s", text("account"))];
    assert!(found(index("i", &["s", "n"], None), &["n"], &kind));
    assert!(found(
        index("i", &["n"], Some("(s = 'account'::text)")),
        &["n"],
        &kind
    ));
    assert!(!found(
        index("i", &["n"], Some("(s = 'card'::text)")),
        &["n"],
        &kind
    ));

    let hash = Index {
        btree: false,
        hash: true,
        ..index("i", &["n"], None)
    };
    assert!(found(hash, &["n"], &[]));
    let mut foreign = index("i", &["n"], None);
    foreign.columns.iter_mut().for_each(|c| c.collated = false);
    assert!(!found(foreign, &["n"], &[]));
}

#[test]
fn an_index_that_comes_near_is_named_with_what_it_lacks() {
    let near = |index: Index| {
        let table = Table {
            indexes: vec![index],
            ..table(Dialect::Postgres)
        };
        table
            .why_not("s", &[], Dialect::Postgres)
            .unwrap_or_default()
    };
    let mut lower = index("i", &["s"], None);
    for column in &mut lower.columns {
        column.name = None;
        column.collated = false;
        column.instead = Some("lower(s)".to_owned());
    }
    assert_eq!(near(lower.clone()), "index `i` is on `lower(s)`");
    for column in &mut lower.columns {
        column.name = Some("s".to_owned());
        column.instead = Some("s COLLATE \"de-x-icu\"".to_owned());
    }
    assert_eq!(near(lower), "index `i` is on `s COLLATE \"de-x-icu\"`");
    let behind = near(index("i", &["n", "s"], None));
    assert!(behind.contains("has `n` before it"), "{behind}");
    let partial = near(index("i", &["s"], Some("flag")));
    assert!(partial.contains("`WHERE flag`"), "{partial}");
    assert_eq!(near(index("i", &["n"], None)), "");
}
