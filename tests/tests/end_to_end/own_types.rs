//! Columns of types that are not PostgreSQL's own, whose schema is not on the role's search path: a bare `=` would be the
//! operator of another type, or none.

use besom::request::{Batch, Comparison, Condition, Join, Mode, Request, Step, Value};
use besom_tests::lab::Lab;

/// An extension's types where Supabase and others put them.
const EXTENSIONS: &str =
    "CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION ltree SCHEMA ext;";

async fn lab(schema: &str) -> Lab {
    Lab::postgres(&format!("{EXTENSIONS}{schema}")).await
}

fn on(foreign: &str, local: &str) -> Vec<Join> {
    vec![Join::new(foreign, local)]
}

fn is_null(column: &str) -> Condition {
    Condition::IsNull {
        column: column.to_owned(),
    }
}

fn without(table: &str, on: Vec<Join>, matching: Option<Condition>) -> Condition {
    Condition::NotExists {
        table: table.to_owned(),
        on,
        matching: matching.map(Box::new),
    }
}

/// What a dry run tells is what the run then does.
async fn foretold_and_done(lab: &mut Lab, request: &Request) -> Batch {
    lab.options.mode = Mode::DryRun;
    let (foretold, _) = lab.run(request.clone()).await.unwrap();
    lab.options.mode = Mode::Apply;
    let (done, end) = lab.run(request.clone()).await.unwrap();
    assert_eq!(end, Step::Drained);
    assert_eq!(foretold, done);
    done
}

/// Accounts and their sessions, tied by an address that minds no case.
fn accounts(rule: &str) -> String {
    format!(
        "CREATE TABLE account (email ext.citext PRIMARY KEY, n bigint);
         CREATE TABLE session (id bigint PRIMARY KEY, email ext.citext REFERENCES account {rule}, ended bigint);
         CREATE INDEX ON session (email);
         INSERT INTO account VALUES ('bob', 1), ('eve', 2), ('amy', 3);
         INSERT INTO session VALUES (1, 'Bob', NULL), (2, 'EVE', 1), (3, 'eve', 1);"
    )
}

fn without_live_sessions() -> Request {
    let live = without("session", on("email", "email"), Some(is_null("ended")));
    Request::delete("account", live)
}

#[tokio::test]
async fn a_live_child_is_seen_whatever_the_case_of_its_key() {
    let mut lab = lab(&accounts("ON DELETE CASCADE")).await;

    let batch = foretold_and_done(&mut lab, &without_live_sessions()).await;

    assert_eq!((batch.affected, batch.cascaded), (2, 2));
    assert_eq!(lab.ids("SELECT n FROM account").await, [1]);
    assert_eq!(lab.ids("SELECT id FROM session").await, [1]);
}

#[tokio::test]
async fn a_child_that_another_transaction_holds_is_found_whatever_its_case() {
    let lab = lab(&accounts("ON DELETE CASCADE")).await;
    let all = Request::delete("account", Condition::Everything);
    let mut other = lab.session().await;
    other.begin("BEGIN").await.unwrap();
    other
        .run_script("SELECT * FROM session WHERE id = 3 FOR UPDATE")
        .await
        .unwrap();

    let (batch, _) = lab.run(all.clone()).await.unwrap();

    assert_eq!((batch.affected, batch.locked), (2, 1));
    assert_eq!(lab.ids("SELECT n FROM account").await, [2]);
    other.rollback().await.unwrap();
    let (batch, _) = lab.run(all).await.unwrap();
    assert_eq!((batch.affected, batch.cascaded), (1, 2));
}

#[tokio::test]
async fn a_key_that_forbids_the_delete_holds_and_dependents_go_first() {
    let mut lab = lab(&accounts("")).await;
    let all = Request::delete("account", Condition::Everything);

    let batch = foretold_and_done(&mut lab, &all).await;
    assert_eq!((batch.affected, batch.blocked), (1, 2));
    assert_eq!(lab.ids("SELECT n FROM account").await, [1, 2]);

    let with = all.delete_first("session", on("email", "email"), None);
    let batch = foretold_and_done(&mut lab, &with).await;
    assert_eq!((batch.affected, batch.dependents), (2, 3));
}

#[tokio::test]
async fn a_value_is_held_against_the_column_by_its_own_equality() {
    let compare = |operator, to: &str| Condition::Compare {
        column: "role".to_owned(),
        operator,
        to: Value::Text(to.to_owned()),
    };
    let one_of = |values: [&str; 2]| Condition::OneOf {
        column: "role".to_owned(),
        values: values.map(|value| Value::Text(value.to_owned())).to_vec(),
    };
    for (condition, left) in [
        (compare(Comparison::NotEqual, "admin"), vec![1, 4]),
        (compare(Comparison::Equal, "USER"), vec![1, 3, 4]),
        (compare(Comparison::NotEqual, ""), vec![3]),
        (one_of(["user", "ADMIN"]), vec![3]),
        (
            Condition::Not(Box::new(one_of(["admin", "owner"]))),
            vec![1, 4],
        ),
    ] {
        let mut lab = lab(
            "CREATE TABLE member (id bigint PRIMARY KEY, role ext.citext);
             INSERT INTO member VALUES (1, 'Admin'), (2, 'User'), (3, ''), (4, 'ADMIN');",
        )
        .await;
        let request = Request::delete("member", condition.clone());
        foretold_and_done(&mut lab, &request).await;
        let is = lab.ids("SELECT id FROM member").await;
        assert_eq!(is, left, "{condition:?}");
    }
}

#[tokio::test]
async fn windows_jump_over_no_row_whatever_the_types_of_the_key() {
    for (table, key) in [
        (
            "(k ext.citext PRIMARY KEY, n bigint)",
            "CASE WHEN n % 2 = 0 THEN chr(64 + n::int) ELSE chr(96 + n::int) END, n",
        ),
        (
            "(k ext.ltree PRIMARY KEY, n bigint)",
            "('a.b' || n)::ext.ltree, n",
        ),
        (
            "(org int, k ext.citext, n bigint, PRIMARY KEY (org, k))",
            "n % 3, CASE WHEN n % 2 = 0 THEN chr(64 + n::int) ELSE chr(96 + n::int) END, n",
        ),
        (
            "(l ext.ltree, org int, k ext.citext, n bigint, PRIMARY KEY (l, org, k))",
            "('x.' || n % 2)::ext.ltree, n % 3, CASE WHEN n % 2 = 0 THEN chr(64 + n::int) ELSE chr(96 + n::int) END, n",
        ),
    ] {
        let kept = "CREATE TABLE kept (n bigint PRIMARY KEY); INSERT INTO kept VALUES (4), (9);";
        let rows = format!("INSERT INTO item SELECT {key} FROM generate_series(1, 26) AS n");
        let mut lab = lab(&format!("CREATE TABLE item {table};{kept}{rows}")).await;
        lab.options.batch_size = 3;
        let request = Request::delete("item", without("kept", on("n", "n"), None));

        let batch = foretold_and_done(&mut lab, &request).await;

        assert_eq!((batch.examined, batch.affected), (26, 24), "{table}");
        assert_eq!(lab.ids("SELECT n FROM item").await, [4, 9], "{table}");
    }
}

#[tokio::test]
async fn a_sweep_along_an_index_ends_between_keys_of_such_a_type() {
    for index in ["(at, k)", "(at)"] {
        let mut lab = lab(&format!(
            "CREATE TABLE item (k ext.citext PRIMARY KEY, at timestamptz NOT NULL, n bigint);
             CREATE INDEX ON item {index};
             INSERT INTO item SELECT CASE WHEN n % 2 = 0 THEN chr(64 + n) ELSE chr(96 + n) END, '2020-01-01', n
                 FROM generate_series(1, 26) AS n"
        ))
        .await;
        lab.options.batch_size = 3;
        let old = Condition::OlderThan {
            column: "at".to_owned(),
            cutoff: besom::request::Timestamp(1_700_000_000_000_000),
            offset: 0,
        };
        let batch = foretold_and_done(&mut lab, &Request::delete("item", old).order_by("at")).await;
        assert_eq!(batch.affected, 26, "{index}");
    }
}

#[tokio::test]
async fn rows_of_one_type_without_an_operator_on_the_path_are_joined_and_compared() {
    let mut lab = lab(
        "CREATE TABLE item (id bigint PRIMARY KEY, path ext.ltree, old ext.ltree);
         CREATE TABLE used (id bigint PRIMARY KEY, path ext.ltree);
         INSERT INTO item VALUES (1, 'a.b', 'a.b'), (2, 'a.c', 'a.b'), (3, 'a.d', 'a.d');
         INSERT INTO used VALUES (1, 'a.b');",
    )
    .await;
    let unused = without("used", on("path", "path"), None);
    let moved = Condition::CompareColumns {
        column: "path".to_owned(),
        operator: Comparison::NotEqual,
        to: "old".to_owned(),
    };
    let both = Condition::All(vec![unused, moved]);

    let batch = foretold_and_done(&mut lab, &Request::delete("item", both)).await;

    assert_eq!(batch.affected, 1);
    assert_eq!(lab.ids("SELECT id FROM item").await, [1, 3]);
}

#[tokio::test]
async fn the_newest_of_a_group_are_those_of_its_type() {
    let mut lab = lab(
        "CREATE TABLE note (id bigint PRIMARY KEY, owner ext.citext);
         INSERT INTO note VALUES (1, 'bob'), (2, 'Bob'), (3, 'BOB'), (4, 'eve');",
    )
    .await;
    let beyond = Condition::BeyondNewest {
        group_by: vec!["owner".to_owned()],
        order_by: "id".to_owned(),
        keep: 1,
    };
    foretold_and_done(&mut lab, &Request::delete("note", beyond)).await;
    assert_eq!(lab.ids("SELECT id FROM note").await, [3, 4]);
}

#[tokio::test]
async fn rows_that_hang_together_by_such_a_key_are_told_apart() {
    for (rule, gone) in [("", vec![4]), ("ON DELETE CASCADE", vec![4])] {
        let mut lab = lab(&format!(
            "CREATE TABLE node (k ext.citext PRIMARY KEY, up ext.citext REFERENCES node {rule}, n bigint, due bigint);
             CREATE INDEX ON node (up);
             INSERT INTO node VALUES ('a', NULL, 1, 1), ('b', 'A', 2, 1), ('c', 'B', 3, 1), ('d', NULL, 4, NULL);"
        ))
        .await;
        lab.options.batch_size = 2;
        let due = Condition::IsNotNull {
            column: "due".to_owned(),
        };
        foretold_and_done(&mut lab, &Request::delete("node", due)).await;
        assert_eq!(lab.ids("SELECT n FROM node").await, gone, "{rule}");
    }
}

#[tokio::test]
async fn a_default_of_such_a_type_stops_no_command() {
    let lab = lab("CREATE TABLE place (path ext.ltree PRIMARY KEY);
         CREATE TABLE item (id bigint PRIMARY KEY, path ext.ltree DEFAULT 'top' REFERENCES place ON DELETE SET DEFAULT);
         CREATE INDEX ON item (path);
         INSERT INTO place VALUES ('top'), ('top.a'); INSERT INTO item VALUES (1, 'top.a');")
    .await;
    let catalog = lab.catalog().await;
    let keys = &catalog.table("item").unwrap().foreign_keys;
    assert!(keys[0].stuck.is_empty(), "{keys:?}");

    let other = Condition::Compare {
        column: "path".to_owned(),
        operator: Comparison::NotEqual,
        to: Value::Other("top".to_owned()),
    };
    let (batch, _) = lab.run(Request::delete("place", other)).await.unwrap();
    assert_eq!((batch.affected, batch.cascaded), (1, 1));
}

/// A type like text whose equality minds no case where a foreign key asks, if `seen`, and does everywhere otherwise.
fn word(seen: &str) -> String {
    let sign = |name: &str, strategy: u8, test: &str| {
        (
            format!(
                "CREATE FUNCTION ext.word_{strategy}(ext.word, ext.word) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT
                     AS $$ BEGIN RETURN {test}; END $$;
                 CREATE OPERATOR ext.{name} (LEFTARG = ext.word, RIGHTARG = ext.word, FUNCTION = ext.word_{strategy});"
            ),
            format!("OPERATOR {strategy} ext.{name}"),
        )
    };
    let signs = [
        sign("<", 1, "$1::text < $2::text"),
        sign("<=", 2, "$1::text <= $2::text"),
        sign("=", 3, seen),
        sign(">=", 4, "$1::text >= $2::text"),
        sign(">", 5, "$1::text > $2::text"),
    ];
    let made: String = signs.iter().map(|(made, _)| made.as_str()).collect();
    let listed: Vec<_> = signs.iter().map(|(_, listed)| listed.as_str()).collect();
    format!(
        "CREATE SCHEMA ext;
         CREATE TYPE ext.word;
         CREATE FUNCTION ext.word_in(cstring) RETURNS ext.word LANGUAGE internal IMMUTABLE STRICT AS 'textin';
         CREATE FUNCTION ext.word_out(ext.word) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
         CREATE TYPE ext.word (INPUT = ext.word_in, OUTPUT = ext.word_out, LIKE = text);
         CREATE FUNCTION ext.word_cmp(ext.word, ext.word) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'byteacmp';
         {made}
         CREATE OPERATOR CLASS ext.word_ops DEFAULT FOR TYPE ext.word USING btree AS {}, FUNCTION 1 ext.word_cmp(ext.word, ext.word);
         CREATE TABLE account (name ext.word PRIMARY KEY, n bigint);
         CREATE TABLE session (id bigint, name ext.word REFERENCES account ON DELETE CASCADE);
         INSERT INTO account VALUES ('bob', 1), ('eve', 2);
         SET session_replication_role = replica;
         INSERT INTO session VALUES (1, 'Bob');
         SET session_replication_role = DEFAULT;",
        listed.join(", ")
    )
}

const NO_CASE: &str = "lower($1::text) = lower($2::text)";

#[tokio::test]
async fn a_users_own_type_is_asked_by_the_operator_of_its_class() {
    let mut lab = Lab::postgres(&word(NO_CASE)).await;
    let free = Request::delete("account", without("session", on("name", "name"), None));
    let batch = foretold_and_done(&mut lab, &free).await;
    assert_eq!((batch.affected, batch.cascaded), (1, 0));
    assert_eq!(lab.ids("SELECT n FROM account").await, [1]);
}

#[tokio::test]
async fn a_type_without_an_equality_is_held_against_nothing() {
    let lab = Lab::postgres(
        "CREATE SCHEMA ext;
         CREATE TYPE ext.word;
         CREATE FUNCTION ext.word_in(cstring) RETURNS ext.word LANGUAGE internal IMMUTABLE STRICT AS 'textin';
         CREATE FUNCTION ext.word_out(ext.word) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
         CREATE TYPE ext.word (INPUT = ext.word_in, OUTPUT = ext.word_out, LIKE = text);
         CREATE CAST (ext.word AS text) WITHOUT FUNCTION AS ASSIGNMENT;
         CREATE TABLE item (id bigint PRIMARY KEY, name ext.word, other ext.word);
         INSERT INTO item VALUES (1, 'a', 'b');",
    )
    .await;
    let to_a_value = Condition::Compare {
        column: "name".to_owned(),
        operator: Comparison::NotEqual,
        to: Value::Other("b".to_owned()),
    };
    let to_a_column = Condition::CompareColumns {
        column: "name".to_owned(),
        operator: Comparison::NotEqual,
        to: "other".to_owned(),
    };
    for condition in [to_a_value, to_a_column] {
        let fault = lab
            .run(Request::delete("item", condition))
            .await
            .unwrap_err();
        assert_eq!(fault.problem().code, "value", "{fault}");
        assert!(fault.problem().message.contains("ext.word"), "{fault}");
    }
}

#[tokio::test]
async fn more_rows_gone_than_were_counted_roll_the_batch_back_by_name() {
    // The join is asked by a statement, and the key by a trigger of its own, which finds more.
    let lab = Lab::postgres(&word(&format!(
        "CASE WHEN pg_trigger_depth() > 0 THEN {NO_CASE} ELSE $1::text = $2::text END"
    )))
    .await;
    let fault = lab
        .run(Request::delete("account", Condition::Everything))
        .await
        .unwrap_err();
    assert_eq!(fault.problem().code, "not-gone", "{fault}");
    assert!(
        fault.problem().message.contains("`public.session`"),
        "{fault}"
    );
    assert_eq!(lab.ids("SELECT n FROM account").await, [1, 2]);
    assert_eq!(lab.ids("SELECT id FROM session").await, [1]);
    assert_eq!(lab.count("SELECT count(*) FROM besom_batch").await, 0);
}
