//! Inside a negated relation what is NULL, or cannot be read, counts as there.

use besom::request::{Mode, Request};
use besom_tests::lab::{Lab, both, drain};

use super::*;
use crate::cli::{Desk, both as databases};

const POSTGRES: &str = "
    CREATE TABLE token (id bigint PRIMARY KEY, family text, revoked boolean, ends_at timestamptz,
                        starts_at timestamptz, state text, parent bigint, n integer);
    CREATE INDEX token_family ON token (family);
    CREATE INDEX token_parent ON token (parent);";
const SQLITE: &str = "
    CREATE TABLE token (id INTEGER PRIMARY KEY, family TEXT, revoked BOOLEAN, ends_at INTEGER,
                        starts_at INTEGER, state TEXT, parent INTEGER, n INTEGER);
    CREATE INDEX token_family ON token (family);
    CREATE INDEX token_parent ON token (parent);";

/// A revoked token in each family, and beside it one that is in question.
async fn families(lab: &Lab, beside: &[(&str, &str, &str)]) {
    let ahead = literal(lab.dialect(), NEW_YEAR + DAY);
    for (index, (family, revoked, ends_at)) in beside.iter().enumerate() {
        let (one, other) = (2 * index + 1, 2 * index + 2);
        lab.script(&format!(
            "INSERT INTO token (id, family, revoked, ends_at)
             VALUES ({one}, '{family}', TRUE, {ahead}), ({other}, '{family}', {revoked}, {ends_at})"
        ))
        .await;
    }
}

pub fn live() -> Condition {
    Condition::All(vec![
        is("revoked", false),
        compare(
            "ends_at",
            Comparison::GreaterOrEqual,
            Value::Timestamp(at(NEW_YEAR)),
        ),
    ])
}

/// Revoked tokens of families that have no live one.
pub fn of_dead_families(live: Condition) -> Condition {
    Condition::All(vec![
        is("revoked", true),
        without("token", "family", "family", live),
    ])
}

#[tokio::test]
async fn a_token_that_may_be_live_keeps_its_family() {
    for mut lab in both(POSTGRES, SQLITE).await {
        let (ahead, over) = (
            literal(lab.dialect(), NEW_YEAR + DAY),
            literal(lab.dialect(), NEW_YEAR - DAY),
        );
        let beside = [
            ("endless", "FALSE", "NULL"),
            ("untold", "NULL", ahead.as_str()),
            ("neither", "NULL", "NULL"),
            ("live", "FALSE", ahead.as_str()),
            ("over", "FALSE", over.as_str()),
            ("over, untold", "NULL", over.as_str()),
            ("revoked, endless", "TRUE", "NULL"),
        ];
        families(&lab, &beside).await;
        let request = || Request::delete("token", of_dead_families(live()));
        lab.options.mode = Mode::DryRun;
        let (dry, _) = lab.run(request()).await.unwrap();
        lab.options.mode = Mode::Apply;

        let (gone, _) = lab.run(request()).await.unwrap();

        let left = lab.ids("SELECT id FROM token WHERE revoked").await;
        assert_eq!(left, [1, 3, 5, 7], "{:?}", lab.dialect());
        assert_eq!((gone.affected, dry.affected), (4, 4));
    }
}

#[tokio::test]
async fn it_does_so_whichever_way_the_condition_is_written() {
    let live = |seconds| {
        not(Condition::Any(vec![
            is("revoked", true),
            older("ends_at", seconds),
        ]))
    };
    let spelled: [Condition; 3] = [
        of_dead_families(live(NEW_YEAR)),
        // NOT EXISTS, as the negation of EXISTS.
        Condition::All(vec![
            is("revoked", true),
            not(Condition::Exists {
                table: "token".into(),
                on: vec![Join::new("family", "family")],
                matching: Some(Box::new(live(NEW_YEAR))),
            }),
        ]),
        Condition::All(vec![
            is("revoked", true),
            not(not(without("token", "family", "family", live(NEW_YEAR)))),
        ]),
    ];
    for condition in spelled {
        for lab in both(POSTGRES, SQLITE).await {
            let over = literal(lab.dialect(), NEW_YEAR - DAY);
            let beside = [
                ("endless", "FALSE", "NULL"),
                ("over", "FALSE", over.as_str()),
            ];
            families(&lab, &beside).await;

            lab.run(Request::delete("token", condition.clone()))
                .await
                .unwrap();

            assert_eq!(
                lab.ids("SELECT id FROM token").await,
                [1, 2, 4],
                "{condition:?}"
            );
        }
    }
}

/// A row is kept by a child without a live child of its own: what may be live counts the one way
/// outside and the other way inside.
#[tokio::test]
async fn a_doubt_two_relations_deep_keeps_the_row_both_ways() {
    for lab in both(POSTGRES, SQLITE).await {
        let over = literal(lab.dialect(), NEW_YEAR - DAY);
        // 1 <- 2 <- 3: a grandchild that may be live; 11 <- 12: none; 21 alone; 31 <- 32 <- 33: certainly live.
        lab.script(&format!(
            "INSERT INTO token (id, parent, revoked, ends_at) VALUES
                (1, NULL, TRUE, {over}), (2, 1, FALSE, {over}), (3, 2, NULL, {over}),
                (11, NULL, TRUE, {over}), (12, 11, FALSE, {over}),
                (21, NULL, TRUE, {over}),
                (31, NULL, TRUE, {over}), (32, 31, FALSE, {over}), (33, 32, FALSE, {over})"
        ))
        .await;
        let childless = without("token", "parent", "id", is("revoked", false));
        let condition = Condition::All(vec![
            is("revoked", true),
            without("token", "parent", "id", childless),
        ]);

        lab.run(Request::delete("token", condition)).await.unwrap();

        // 2 may be without a live child, so 1 stays; 32 has one for certain, so 31 goes.
        let left = lab.ids("SELECT id FROM token").await;
        assert_eq!(left, [1, 2, 3, 11, 12, 32, 33], "{:?}", lab.dialect());
    }
}

#[tokio::test]
async fn a_null_in_any_comparison_of_a_negated_relation_counts_as_there() {
    let conditions: [(&str, Condition); 6] = [
        (
            "state",
            compare("state", Comparison::Equal, Value::Text("live".into())),
        ),
        (
            "state",
            compare("state", Comparison::NotEqual, Value::Text("dead".into())),
        ),
        (
            "state",
            Condition::OneOf {
                column: "state".into(),
                values: vec![Value::Text("live".into()), Value::Text("new".into())],
            },
        ),
        (
            "state",
            Condition::StartsWith {
                column: "state".into(),
                prefix: "li".into(),
            },
        ),
        ("n", compare("n", Comparison::Greater, Value::Integer(5))),
        (
            "starts_at",
            Condition::CompareColumns {
                column: "starts_at".into(),
                operator: Comparison::Less,
                to: "ends_at".into(),
            },
        ),
    ];
    for (column, condition) in conditions {
        for lab in both(POSTGRES, SQLITE).await {
            let over = literal(lab.dialect(), NEW_YEAR - DAY);
            families(
                &lab,
                &[("a", "FALSE", over.as_str()), ("b", "FALSE", over.as_str())],
            )
            .await;
            let none = format!(
                "UPDATE token SET state = 'dead', n = 0, starts_at = ends_at;
                 UPDATE token SET {column} = NULL WHERE id = 2"
            );
            lab.script(&none).await;

            lab.run(Request::delete(
                "token",
                of_dead_families(condition.clone()),
            ))
            .await
            .unwrap();

            assert_eq!(
                lab.ids("SELECT id FROM token").await,
                [1, 2, 4],
                "{condition:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_row_whose_place_among_the_newest_is_not_known_counts_as_there() {
    for lab in both(POSTGRES, SQLITE).await {
        let over = literal(lab.dialect(), NEW_YEAR - DAY);
        families(
            &lab,
            &[("a", "FALSE", "NULL"), ("b", "FALSE", over.as_str())],
        )
        .await;
        let beyond = Condition::All(vec![
            is("revoked", false),
            Condition::BeyondNewest {
                group_by: vec!["family".into()],
                order_by: "ends_at".into(),
                keep: 3,
            },
        ]);

        lab.run(Request::delete("token", of_dead_families(beyond)))
            .await
            .unwrap();

        assert_eq!(lab.ids("SELECT id FROM token").await, [1, 2, 4]);
    }
}

/// So that a partial index of the related table serves where its predicate is certain.
#[tokio::test]
async fn an_exact_test_inside_a_negated_relation_is_written_as_it_stands() {
    let lab = Lab::postgres(
        "CREATE TABLE session (id bigint PRIMARY KEY);
         CREATE TABLE token (id bigint PRIMARY KEY, session bigint NOT NULL, gone_by text,
                             live boolean NOT NULL, perhaps boolean);",
    )
    .await;
    let unset = Condition::IsNull {
        column: "gone_by".into(),
    };
    for (matching, written, exact) in [
        (unset, "\"gone_by\" IS NULL", true),
        (is("live", true), "\"live\" = TRUE", true),
        (is("perhaps", true), "\"perhaps\" <> TRUE", false),
    ] {
        let condition = without("token", "session", "id", matching);
        let (context, _) = lab.begin().await;
        drain(&context, Request::delete("session", condition))
            .await
            .unwrap();

        let plan = &context.settle().await.drained[0];

        let steps = plan.sample(10).unwrap();
        let sql: String = steps.iter().map(|(_, step)| step.text()).collect();
        assert!(sql.contains(written), "{sql}");
        assert_eq!(!sql.contains("IS NOT TRUE"), exact, "{sql}");
        lab.end(&context).await;
    }
}

/// The bundled job, with families.
async fn rotating(database: besom_tests::TestDatabase) -> Desk {
    let sqlite = database.url.starts_with("sqlite");
    let forms = match sqlite {
        true => "[time-forms]\n\"app_refresh.ends_at\" = \"unix-s\"\n",
        false => "",
    };
    let desk = Desk::with_file(
        database,
        &format!(
            "{forms}[plugins.tokens]\nsettings = {{ profile = \"refresh-tokens\", \
             refresh-tokens-table = \"app_refresh\", family-column = \"family\", \
             revoked-column = \"is_revoked\", expires-at-column = \"ends_at\" }}\n"
        ),
    );
    let (time, now) = match sqlite {
        true => ("INTEGER", "unixepoch()"),
        false => ("timestamptz", "now()"),
    };
    let day = if sqlite { "86400" } else { "interval '1 day'" };
    let never = match sqlite {
        true => ["0", "-1"],
        false => ["'infinity'", "'0001-01-01'"],
    };
    desk.script(&format!(
        "CREATE TABLE app_refresh (id bigint PRIMARY KEY, family text, is_revoked BOOLEAN, ends_at {time});
         CREATE INDEX by_family ON app_refresh (family);
         CREATE INDEX by_end ON app_refresh (ends_at);
         INSERT INTO app_refresh VALUES
             (1, 'without an end', TRUE, {now} + {day}), (2, 'without an end', FALSE, NULL),
             (3, 'not told', TRUE, {now} + {day}), (4, 'not told', NULL, {now} + {day}),
             (5, 'over', TRUE, {now} + {day}), (6, 'over', FALSE, {now} - {day}),
             (7, 'all revoked', TRUE, {now} + {day}), (8, 'all revoked', TRUE, NULL),
             (11, 'never ends', TRUE, {now} + {day}), (12, 'never ends', FALSE, {}),
             (13, 'ends at no time', TRUE, {now} + {day}), (14, 'ends at no time', FALSE, {})",
        never[0], never[1]
    ))
    .await;
    desk.says(&["migrate"]);
    desk
}

#[tokio::test]
async fn a_live_token_without_an_expiry_keeps_the_reuse_of_its_predecessor_detectable() {
    for database in databases().await {
        let desk = rotating(database).await;

        let dry = desk.json(&["run", "tokens/refresh-tokens", "--dry-run", "--json"]);
        let ran = desk.json(&["run", "tokens/refresh-tokens", "--json"]);

        let kept = "SELECT count(*) FROM app_refresh WHERE id < 5 OR id > 10";
        assert_eq!(desk.count(kept).await, 8);
        assert_eq!(desk.count("SELECT count(*) FROM app_refresh").await, 8);
        assert_eq!(
            (&dry[0]["affected"], &ran[0]["affected"]),
            (&4.into(), &4.into())
        );
        assert_eq!(ran[0]["verified"], true, "{}", ran[0]["verification"]);
    }
}
