//! Values by which applications mean NULL, in columns of which nothing says that they hold times.

use besom::request::{Mode, Request};
use besom_tests::lab::{both, drain};

use super::*;

/// Tokens, and what was made of them: such a one is live while it is neither consumed nor revoked.
fn schema(declared: &str) -> String {
    format!(
        "CREATE TABLE token (id bigint PRIMARY KEY);
         CREATE TABLE refresh (id bigint PRIMARY KEY, token bigint NOT NULL, consumed {declared}, revoked {declared});
         CREATE INDEX refresh_token ON refresh (token);"
    )
}

/// A token each, with one that was made of it and was consumed then.
async fn consumed(lab: &Lab, values: &[&str]) {
    for (at, value) in values.iter().enumerate() {
        let id = at + 1;
        lab.script(&format!(
            "INSERT INTO token VALUES ({id}); INSERT INTO refresh VALUES ({id}, {id}, {value}, NULL)"
        ))
        .await;
    }
}

fn null(column: &str) -> Condition {
    Condition::IsNull {
        column: column.into(),
    }
}

fn set(column: &str) -> Condition {
    Condition::IsNotNull {
        column: column.into(),
    }
}

fn without_live() -> Condition {
    let live = Condition::All(vec![null("consumed"), null("revoked")]);
    without("refresh", "token", "id", live)
}

/// The types that may hold a time of which nobody has said so, and values of each that are none.
fn nothings() -> [(&'static str, &'static str, Vec<&'static str>); 4] {
    let numbers = vec![
        "0",
        "-1",
        "9223372036854775807",
        "-62135596800",
        "253402300799",
    ];
    let texts = vec![
        "''",
        "'0'",
        "'-1'",
        "'0000-00-00'",
        "'0000-00-00 00:00:00'",
        "'0001-01-01'",
        "'0001-01-01T00:00:00Z'",
        "'1970-01-01 00:00:00'",
        "'infinity'",
        "' '",
        "'null'",
        "'9999-12-31'",
    ];
    [
        ("bigint", "INTEGER", numbers.clone()),
        ("numeric", "NUMERIC", numbers.clone()),
        ("double precision", "REAL", vec!["0", "-1", "-62135596800"]),
        ("text", "TEXT", texts),
    ]
}

#[tokio::test]
async fn where_all_values_may_mean_null_their_tokens_count_as_live_and_are_counted() {
    for (declared, on_sqlite, values) in nothings() {
        for lab in both(&schema(declared), &schema(on_sqlite)).await {
            consumed(&lab, &values).await;
            let (context, _) = lab.begin().await;

            drain(&context, Request::delete("token", without_live()))
                .await
                .unwrap();

            let left = lab.count("SELECT count(*) FROM token").await;
            assert_eq!(left, values.len() as i64, "{declared} {:?}", lab.dialect());
            let Verification::Unverified(why) = verified(&lab, &context).await else {
                panic!("{declared} {:?}", lab.dialect());
            };
            let told = format!(
                "{} rows of `refresh.consumed` hold what may stand for no value, such as ",
                values.len()
            );
            assert!(why.starts_with(&told), "{why}");
        }
    }
}

#[tokio::test]
async fn beside_times_they_are_no_time_at_which_anything_has_happened() {
    for (declared, on_sqlite, nothings) in nothings() {
        let time = match declared {
            "text" => "'2025-01-01 00:00:00'",
            _ => "1735689600",
        };
        let values = [vec![time; 20], nothings.clone(), vec!["NULL"]].concat();
        for lab in both(&schema(declared), &schema(on_sqlite)).await {
            consumed(&lab, &values).await;

            lab.run(Request::delete("token", without_live()))
                .await
                .unwrap();

            let left = lab.ids("SELECT id FROM token").await;
            let kept: Vec<_> = (21..=values.len() as i64).collect();
            assert_eq!(left, kept, "{declared} {:?}", lab.dialect());
        }
    }
}

#[tokio::test]
async fn a_sweep_that_asks_for_a_value_keeps_what_may_be_none() {
    for (declared, on_sqlite, values) in nothings() {
        for lab in both(&schema(declared), &schema(on_sqlite)).await {
            consumed(&lab, &values).await;
            for condition in [
                set("consumed"),
                not(null("consumed")),
                null("consumed"),
                not(set("consumed")),
            ] {
                lab.run(Request::delete("refresh", condition))
                    .await
                    .unwrap();
            }

            let left = lab.count("SELECT count(*) FROM refresh").await;
            assert_eq!(left, values.len() as i64, "{declared} {:?}", lab.dialect());
        }
    }
}

#[tokio::test]
async fn a_truth_value_that_is_false_is_neither_null_nor_there() {
    for (declared, values) in [
        ("boolean", ["TRUE", "FALSE", "NULL"]),
        ("bigint", ["1", "0", "NULL"]),
        ("text", ["'true'", "'false'", "NULL"]),
    ] {
        for lab in both(&schema(declared), &schema(declared)).await {
            consumed(&lab, &values).await;
            let (context, _) = lab.begin().await;

            drain(&context, Request::delete("token", without_live()))
                .await
                .unwrap();
            let told = verified(&lab, &context).await;
            lab.end(&context).await;
            lab.run(Request::delete("refresh", set("consumed")))
                .await
                .unwrap();

            assert_eq!(
                lab.ids("SELECT id FROM token").await,
                [2, 3],
                "{declared} {:?}",
                lab.dialect()
            );
            assert_eq!(
                lab.ids("SELECT id FROM refresh").await,
                [2, 3],
                "{declared} {:?}",
                lab.dialect()
            );
            assert!(
                matches!(&told, Verification::Unverified(why) if why.contains("1 row of `refresh.consumed`")),
                "{told:?}"
            );
        }
    }
}

#[tokio::test]
async fn few_values_among_many_nulls_are_enough_to_doubt() {
    let fill = "INSERT INTO refresh WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 30000)
                SELECT n, n, CASE WHEN n = 15000 THEN 0 END, 0 FROM n;
                INSERT INTO token VALUES (15000)";
    for lab in both(&schema("bigint"), &schema("INTEGER")).await {
        lab.script(fill).await;
        lab.run(Request::delete("token", without_live()))
            .await
            .unwrap();
        lab.run(Request::delete("refresh", set("consumed")))
            .await
            .unwrap();
        assert_eq!(lab.count("SELECT count(*) FROM token").await, 1);
        assert_eq!(lab.count("SELECT count(*) FROM refresh").await, 30_000);
    }
}

#[tokio::test]
async fn times_in_no_form_that_is_read_leave_a_doubt() {
    for (declared, on_sqlite, time, none) in [
        ("bigint", "INTEGER", "20250131", "0"),
        ("bigint", "INTEGER", "20250131120000", "0"),
        ("bigint", "INTEGER", "757382400", "0"), // seconds since 2001
        ("double precision", "REAL", "2460706.5", "0"),
        ("text", "TEXT", "'01/31/2025 12:00'", "''"),
        ("text", "TEXT", "'Fri, 31 Jan 2025 12:00:00 GMT'", "''"),
        (
            "text",
            "TEXT",
            "'2025-01-31 12:00:00 PDT'",
            "'0000-00-00 00:00:00'",
        ),
        ("bigint", "INTEGER", "1735689600000000000", "0"),
    ] {
        for lab in both(&schema(declared), &schema(on_sqlite)).await {
            consumed(&lab, &[time, time, time, time, none]).await;

            lab.run(Request::delete("token", without_live()))
                .await
                .unwrap();

            assert_eq!(
                lab.ids("SELECT id FROM token").await,
                [5],
                "{time} {:?}",
                lab.dialect()
            );
        }
    }
}

#[tokio::test]
async fn a_day_of_postgres_that_stands_for_never_is_none() {
    let lab = Lab::postgres(&schema("date")).await;
    consumed(
        &lab,
        &[
            "'2025-01-01'",
            "'0001-01-01'",
            "'-infinity'",
            "'1970-01-01'",
        ],
    )
    .await;

    lab.run(Request::delete("token", without_live()))
        .await
        .unwrap();

    assert_eq!(lab.ids("SELECT id FROM token").await, [2, 3, 4]);
}

#[tokio::test]
async fn a_dry_run_and_a_dependents_own_condition_keep_it_too() {
    for mut lab in both(&schema("bigint"), &schema("INTEGER")).await {
        consumed(&lab, &["0", "-1"]).await;
        let mut request = Request::delete("token", Condition::Everything);
        request.dependents = vec![besom::request::Dependent {
            table: "refresh".into(),
            on: vec![Join::new("token", "id")],
            parent: None,
            fate: besom::request::Fate::Delete,
            matching: Some(set("consumed")),
        }];
        lab.options.mode = Mode::DryRun;
        let (dry, _) = lab
            .run(Request::delete("token", without_live()))
            .await
            .unwrap();
        lab.options.mode = Mode::Apply;
        let (context, _) = lab.begin().await;

        let (batch, _) = drain(&context, request).await.unwrap();

        assert_eq!((dry.affected, batch.affected, batch.dependents), (0, 2, 0));
        assert_eq!(lab.count("SELECT count(*) FROM refresh").await, 2);
        let told = verified(&lab, &context).await;
        assert!(
            matches!(&told, Verification::Unverified(why) if why.contains("2 rows of `refresh.consumed`")),
            "{told:?}"
        );
    }
}
