//! What databases give back as predicates, and what follows from which condition.

use super::*;

/// Whether every row that meets the condition is in an index with that predicate.
fn follows(dialect: Dialect, predicate: &str, condition: Condition) -> bool {
    let table = table(dialect);
    let index = Index {
        name: "i".to_owned(),
        columns: vec![IndexColumn::plain("t")],
        unique: false,
        nulls_distinct: true,
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
        ("n IS NOT TRUE", is("n", Value::Integer(0))),
        ("n IS NOT TRUE", null("n")),
        ("n IS NOT FALSE", is("n", Value::Integer(1))),
        ("n IS NOT FALSE", is("n", Value::Integer(2))),
        ("n IS NOT FALSE", is("n", Value::Integer(-1))),
        ("n IS FALSE", is("n", Value::Integer(0))),
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
    let two = || is("n", Value::Integer(2));
    for (predicate, condition) in [
        // 2 is true there, and is not TRUE, which is 1.
        ("n IS NOT TRUE", two()),
        (
            "n IS NOT TRUE",
            one_of("n", &[Value::Integer(0), Value::Integer(2)]),
        ),
        ("NOT (n IS TRUE)", two()),
        ("NOT n", two()),
        ("n IS FALSE", two()),
        ("n = TRUE", two()),
        ("n IS NOT FALSE", is("n", Value::Integer(0))),
        ("NOT (n IS FALSE)", is("n", Value::Integer(0))),
    ] {
        assert!(
            !follows(Dialect::Sqlite, predicate, condition.clone()),
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
        let terms = predicate::terms(predicate, &table, Dialect::Postgres).unwrap_or_default();
        terms.iter().map(|term| term.on(name)).collect::<Vec<_>>()
    };
    assert_eq!(written("(NOT flag)", "r1.\"flag\""), ["NOT r1.\"flag\""]);
    assert_eq!(
        written("(((v)::text <> ''::text) AND (v IS NOT NULL))", "r1.\"v\""),
        ["( r1.\"v\" ) :: text <> '' :: text", "r1.\"v\" IS NOT NULL"]
    );
}
