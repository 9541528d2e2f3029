//! What may stand for none is in doubt whatever the other values are, unless a key of the row itself, a key that
//! the database holds to, or the operator says otherwise.

use besom::catalog::Times;
use besom::request::Request;
use besom_tests::lab::{both, drain};

use super::*;

fn set(column: &str) -> Condition {
    Condition::IsNotNull {
        column: column.into(),
    }
}

fn null(column: &str) -> Condition {
    Condition::IsNull {
        column: column.into(),
    }
}

/// Values that are none of a time, and one by which applications mean none.
fn mixtures() -> [(&'static str, &'static str, &'static str, &'static str); 4] {
    [
        ("bigint", "INTEGER", "n + 7", "0"),
        ("bigint", "INTEGER", "n * 1000003", "-1"),
        ("text", "TEXT", "'user-' || n", "''"),
        (
            "text",
            "TEXT",
            "'3f2b8a61-0d4e-4c1a-9a57-' || (100000000000 + n)",
            "'none'",
        ),
    ]
}

/// So many rows with a value, and behind them so many with what may stand for none.
fn filled(values: i64, nones: i64, value: &str, none: &str) -> String {
    let all = values + nones;
    format!(
        "INSERT INTO refresh WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {all})
         SELECT n, CASE WHEN n <= {values} THEN {value} ELSE {none} END FROM n"
    )
}

#[tokio::test]
async fn what_may_stand_for_none_is_in_doubt_whatever_its_share() {
    for (declared, on_sqlite, value, none) in mixtures() {
        for (values, nones) in [(60, 50), (50, 60), (500, 1), (1, 30)] {
            let schema = |declared: &str| {
                format!("CREATE TABLE refresh (id bigint PRIMARY KEY, replaced_by {declared})")
            };
            for lab in both(&schema(declared), &schema(on_sqlite)).await {
                lab.script(&filled(values, nones, value, none)).await;
                let (context, _) = lab.begin().await;

                drain(&context, Request::delete("refresh", set("replaced_by")))
                    .await
                    .unwrap();

                let place = format!("{value} {none} {values}:{nones} {:?}", lab.dialect());
                let left = lab.ids("SELECT id FROM refresh").await;
                let kept: Vec<_> = (values + 1..=values + nones).collect();
                assert_eq!(left, kept, "{place}");
                let Verification::Unverified(why) = verified(&lab, &context).await else {
                    panic!("{place}");
                };
                let rows = if nones == 1 { "row of" } else { "rows of" };
                assert!(
                    why.contains(&format!("{nones} {rows} `refresh.replaced_by`")),
                    "{place}: {why}"
                );
            }
        }
    }
}

#[tokio::test]
async fn types_without_a_time_have_values_that_stand_for_none_too() {
    const NIL: &str = "00000000-0000-0000-0000-000000000000";
    let id = "3f2b8a61-0d4e-4c1a-9a57-100000000000";
    let of = |declared: &str, value: &str, nones: &[&str]| {
        let nones: Vec<_> = nones.iter().map(|none| (*none).to_owned()).collect();
        (declared.to_owned(), value.to_owned(), nones)
    };
    let postgres = [
        of("uuid", &format!("'{id}'"), &[&format!("'{NIL}'")]),
        of(
            "bytea",
            "decode('00ff00', 'hex')",
            &["decode('', 'hex')", "decode('0000000000000000', 'hex')"],
        ),
        of(
            "jsonb",
            r#"'{"by": 1}'"#,
            &["'null'", "'{}'", r#"'""'"#, "'0'"],
        ),
        of("json", "' [1]'", &["' null '"]),
        of("reason", "'stolen'", &["'none'", "''"]),
        of("varchar(64)", &format!("'{id}'"), &[&format!("'{NIL}'")]),
    ];
    let sqlite = [
        of(
            "BLOB",
            "X'00FF'",
            &["X''", "X'00000000000000000000000000000000'", "0", "''"],
        ),
        of("UUID", &format!("'{id}'"), &[&format!("'{NIL}'"), "X''"]),
        of("TEXT", "'[1]'", &["'[]'", "'{}'", "'null'"]),
    ];
    let schema = |declared: &str| {
        format!("CREATE TABLE refresh (id bigint PRIMARY KEY, replaced_by {declared})")
    };
    let mut labs = Vec::new();
    for (declared, value, nones) in postgres {
        let types = "CREATE TYPE reason AS ENUM ('', 'none', 'stolen');";
        let lab = Lab::postgres(&format!("{types}{}", schema(&declared))).await;
        labs.push((lab, declared, value, nones));
    }
    for (declared, value, nones) in sqlite {
        labs.push((
            Lab::sqlite(&schema(&declared)).await,
            declared,
            value,
            nones,
        ));
    }
    for (lab, declared, value, nones) in labs {
        lab.script(&format!(
            "INSERT INTO refresh VALUES (-1, {value}), (-2, {value}), (-3, NULL)"
        ))
        .await;
        for (at, none) in nones.iter().enumerate() {
            lab.script(&format!("INSERT INTO refresh VALUES ({at}, {none})"))
                .await;
        }
        let (context, _) = lab.begin().await;

        drain(&context, Request::delete("refresh", set("replaced_by")))
            .await
            .unwrap();
        let told = verified(&lab, &context).await;
        lab.end(&context).await;
        lab.run(Request::delete("refresh", null("replaced_by")))
            .await
            .unwrap();

        let left = lab
            .count("SELECT count(*) FROM refresh WHERE id >= 0")
            .await;
        assert_eq!(left, nones.len() as i64, "{declared}");
        assert_eq!(lab.count("SELECT count(*) FROM refresh").await, left);
        assert!(
            matches!(&told, Verification::Unverified(why) if why.contains("what may stand for no value")),
            "{declared}: {told:?}"
        );
    }
}

/// What the operator says holds of whole tables and of their partitions, and of every type that is none of times.
#[tokio::test]
async fn the_operator_says_that_every_value_is_one() {
    let schema = |declared: &str| {
        format!("CREATE TABLE refresh (id bigint PRIMARY KEY, replaced_by {declared})")
    };
    let parts = "CREATE TABLE refresh (id bigint, replaced_by bigint) PARTITION BY RANGE (id);
        CREATE TABLE refresh_1 PARTITION OF refresh FOR VALUES FROM (MINVALUE) TO (MAXVALUE)";
    let mut labs = vec![(Lab::postgres(parts).await, "0")];
    for (declared, none) in [("bigint", "0"), ("text", "''"), ("boolean", "FALSE")] {
        for lab in both(&schema(declared), &schema(declared)).await {
            labs.push((lab, none));
        }
    }
    for (mut lab, none) in labs {
        lab.script(&format!(
            "INSERT INTO refresh VALUES (1, {none}), (2, NULL), (3, {none})"
        ))
        .await;
        lab.say("refresh", "replaced_by", Times::values());
        let (context, _) = lab.begin().await;

        drain(&context, Request::delete("refresh", set("replaced_by")))
            .await
            .unwrap();

        assert_eq!(
            lab.ids("SELECT id FROM refresh").await,
            [2],
            "{none} {:?}",
            lab.dialect()
        );
        assert_eq!(verified(&lab, &context).await, Verification::Verified);
    }
}

#[tokio::test]
async fn a_type_of_times_is_not_said_to_hold_none() {
    let lab = Lab::postgres("CREATE TABLE item (id bigint PRIMARY KEY, at timestamptz)").await;
    let word = [(("item".to_owned(), "at".to_owned()), Times::values())];
    let catalog = (*lab.catalog().await).clone();
    let refused = catalog
        .with_time_forms(&word.into())
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("item.at") && refused.contains("`value`"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_rows_own_key_is_there_whatever_it_is() {
    let schema =
        "CREATE TABLE item (id bigint PRIMARY KEY); INSERT INTO item VALUES (0), (-1), (5)";
    for lab in both(schema, schema).await {
        let (context, _) = lab.begin().await;
        drain(&context, Request::delete("item", set("id")))
            .await
            .unwrap();
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 0);
        assert_eq!(verified(&lab, &context).await, Verification::Verified);
    }
}

/// A primary key takes no NULL, so a soft delete that is a part of it is 0 of what lives.
#[tokio::test]
async fn a_part_of_a_key_may_stand_for_none() {
    let schema = "CREATE TABLE account (name text, gone bigint, PRIMARY KEY (name, gone));
        INSERT INTO account VALUES ('ada', 0), ('ada', 1), ('grace', 2), ('tony', 3)";
    for lab in both(schema, schema).await {
        lab.run(Request::delete("account", set("gone")))
            .await
            .unwrap();
        assert_eq!(lab.ids("SELECT gone FROM account").await, [0]);
    }
}

/// Tokens that name their successor; the last two have none.
const CHAIN: &str = "INSERT INTO token VALUES (3, NULL), (4, 3), (5, 0), (6, NULL)";

#[tokio::test]
async fn a_key_that_the_database_holds_to_is_there_whatever_it_is() {
    let lab = Lab::postgres(
        "CREATE TABLE token (id bigint PRIMARY KEY, next bigint);
         CREATE TABLE item (id bigint PRIMARY KEY, token bigint REFERENCES token (id));
         INSERT INTO token VALUES (0, NULL); INSERT INTO item VALUES (1, 0), (2, NULL)",
    )
    .await;
    let (context, _) = lab.begin().await;
    drain(&context, Request::delete("item", set("token")))
        .await
        .unwrap();
    assert_eq!(lab.ids("SELECT id FROM item").await, [2]);
    assert_eq!(verified(&lab, &context).await, Verification::Verified);
}

#[tokio::test]
async fn a_key_that_the_database_may_not_hold_to_says_nothing_of_zero() {
    let of = |key: &str| format!("CREATE TABLE token (id bigint PRIMARY KEY, next bigint{key});");
    let alter = "ALTER TABLE token ADD CONSTRAINT next FOREIGN KEY (next) REFERENCES token (id)";
    let labs = [
        Lab::sqlite(&format!(
            "PRAGMA foreign_keys = OFF; {}{CHAIN}",
            of(" REFERENCES token (id)")
        ))
        .await,
        Lab::postgres(&format!("{}{CHAIN}; {alter} NOT VALID", of(""))).await,
    ];
    for lab in labs {
        let (context, _) = lab.begin().await;

        drain(&context, Request::delete("token", set("next")))
            .await
            .unwrap();

        let left = lab.ids("SELECT id FROM token").await;
        assert_eq!(left, [3, 5, 6], "{:?}", lab.dialect());
        let told = verified(&lab, &context).await;
        assert!(
            matches!(&told, Verification::Unverified(why) if why.contains("1 row of `token.next`")),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn a_key_that_is_switched_off_says_nothing_of_zero() {
    let lab = Lab::postgres(
        "CREATE TABLE token (id bigint PRIMARY KEY); INSERT INTO token VALUES (3);
         CREATE TABLE item (id bigint PRIMARY KEY, token bigint REFERENCES token (id));
         ALTER TABLE item DISABLE TRIGGER ALL; INSERT INTO item VALUES (1, 3), (2, 0), (4, NULL)",
    )
    .await;
    lab.run(Request::delete("item", set("token")))
        .await
        .unwrap();
    assert_eq!(lab.ids("SELECT id FROM item").await, [2, 4]);
}

/// PostgreSQL looks at no column of a key of which one is NULL.
#[tokio::test]
async fn beside_a_column_that_may_be_null_a_key_says_nothing() {
    for (tenant, left) in [("bigint", vec![1, 2, 3]), ("bigint NOT NULL", vec![2])] {
        let lab = Lab::postgres(&format!(
            "CREATE TABLE owner (tenant bigint, id bigint, UNIQUE (tenant, id));
             CREATE TABLE item (id bigint PRIMARY KEY, tenant {tenant}, owner bigint,
                                FOREIGN KEY (tenant, owner) REFERENCES owner (tenant, id));
             INSERT INTO owner VALUES (1, 0), (1, 7); INSERT INTO item VALUES (1, 1, 0), (2, 1, NULL), (4, 1, 7)"
        ))
        .await;
        if tenant == "bigint" {
            lab.script("INSERT INTO item VALUES (3, NULL, 0)").await;
        }
        lab.run(Request::delete("item", set("owner")))
            .await
            .unwrap();
        assert_eq!(lab.ids("SELECT id FROM item").await, left, "{tenant}");
    }
}

/// The tables that inherit have no keys of the parent's.
#[tokio::test]
async fn a_key_says_nothing_of_the_rows_of_tables_that_inherit() {
    let lab = Lab::postgres(
        "CREATE TABLE owner (id bigint PRIMARY KEY); INSERT INTO owner VALUES (7);
         CREATE TABLE item (id bigint, owner bigint REFERENCES owner (id));
         CREATE TABLE special () INHERITS (item);
         CREATE TABLE thing (id bigint PRIMARY KEY);
         INSERT INTO thing VALUES (1), (2); INSERT INTO item VALUES (1, 7); INSERT INTO special VALUES (2, 0)",
    )
    .await;
    let held = Condition::Exists {
        table: "item".into(),
        on: vec![Join::new("id", "id")],
        matching: Some(Box::new(set("owner"))),
    };
    lab.run(Request::delete("thing", held)).await.unwrap();
    assert_eq!(lab.ids("SELECT id FROM thing").await, [2]);
}
