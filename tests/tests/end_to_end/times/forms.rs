//! One form after the other, on either database.

use besom::catalog::{TimeForm, Times};
use besom_tests::lab::both;

use super::*;

/// The instant half a second past `NOW`, in every form that a driver is known to write.
const WRITTEN: [(&str, TimeForm); 22] = [
    ("2026-01-01T00:00:00.5Z", TimeForm::Rfc3339),
    ("2026-01-01t00:00:00.500z", TimeForm::Rfc3339),
    ("2026-01-01T02:00:00.500000+02:00", TimeForm::Rfc3339),
    ("2026-01-01T00:00:00.500000000+00:00", TimeForm::Rfc3339), // sqlx with chrono
    ("2025-12-31 16:00:00.5-08:00", TimeForm::Rfc3339),         // mattn/go-sqlite3
    ("2026-01-01 05:30:00.500+0530", TimeForm::Rfc3339),
    ("2026-01-01 00:00:00.5+00", TimeForm::Rfc3339), // PostgreSQL's own text
    ("2026-01-01 00:00:00.500 +00:00", TimeForm::Rfc3339), // Sequelize
    ("2026-01-01 00:00:00.5 +0000 UTC", TimeForm::Rfc3339), // Go's time.String
    (
        "2025-12-31 16:00:00.5 -0800 PST m=+0.000012345",
        TimeForm::Rfc3339,
    ),
    ("2026-01-01 05:30:00.5 +0530 +0530", TimeForm::Rfc3339), // a zone without a name
    ("2026-01-01 00:00:00.5 UTC", TimeForm::Rfc3339),         // Ruby's Time#to_s
    ("2026-01-01 00:00:00.5000000Z", TimeForm::Rfc3339),      // System.Data.SQLite
    ("2026-01-01 00:00:00.500", TimeForm::SqlText),
    ("2026-01-01T00:00:00.5", TimeForm::SqlText), // Python's isoformat
    ("2026-01-01 00:00:00.500000", TimeForm::SqlText), // Django, Rails, SQLAlchemy
    ("2026-01-01 00:00:00.5000000", TimeForm::SqlText), // Entity Framework
    (
        "2025-12-31 16:00:00.5",
        TimeForm::Local(chrono_tz::Tz::America__Los_Angeles),
    ),
    ("1767225600500", TimeForm::UnixMs),
    ("1767225600500000", TimeForm::UnixUs),
    ("1767225600500000000", TimeForm::UnixNs),
    ("1767225600.5", TimeForm::UnixS),
];

#[tokio::test]
async fn text_of_every_driver_is_exact_at_the_cutoff() {
    let mut forms: Vec<TimeForm> = WRITTEN.iter().map(|(_, form)| *form).collect();
    forms.dedup();
    for form in forms {
        let texts = WRITTEN.iter().filter(|(_, of)| *of == form);
        let values: Vec<_> = texts.map(|(text, _)| format!("'{text}'")).collect();
        let schema = items(
            "text",
            &values.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        let all: Vec<i64> = (1..).take(values.len()).collect();
        for mut lab in both(&schema, &schema).await {
            lab.say("item", "at", form);
            let at = NOW + 500_000;
            let still = gone(&lab, older("at", at)).await.unwrap();
            assert!(still.is_empty(), "{still:?} as {form}");
            let also = gone(&lab, not(older("at", at + 1))).await.unwrap();
            assert!(also.is_empty(), "{also:?} as {form}");
            let old = gone(&lab, older("at", at + 1)).await.unwrap();
            assert_eq!(old, all, "{form}");
        }
    }
}

#[tokio::test]
async fn numbers_of_every_type_are_exact_at_the_cutoff() {
    for (declared, on_sqlite, value, form) in [
        ("bigint", "INTEGER", "1767225600500000", TimeForm::UnixUs),
        ("bigint", "INTEGER", "1767225600500", TimeForm::UnixMs),
        ("bigint", "INTEGER", "1767225600500000000", TimeForm::UnixNs),
        ("numeric", "NUMERIC", "1767225600.5", TimeForm::UnixS),
        (
            "numeric(20,3)",
            "DATETIME",
            "1767225600500.000",
            TimeForm::UnixMs,
        ),
        ("double precision", "REAL", "1767225600.5", TimeForm::UnixS),
        (
            "double precision",
            "REAL",
            "1767225600500.0",
            TimeForm::UnixMs,
        ),
    ] {
        let (postgres, sqlite) = (items(declared, &[value]), items(on_sqlite, &[value]));
        for mut lab in both(&postgres, &sqlite).await {
            lab.say("item", "at", form);
            let at = NOW + 500_000;
            assert!(
                gone(&lab, older("at", at)).await.unwrap().is_empty(),
                "{declared} {value}"
            );
            assert!(
                gone(&lab, not(older("at", at + 1)))
                    .await
                    .unwrap()
                    .is_empty()
            );
            assert_eq!(
                gone(&lab, older("at", at + 1)).await.unwrap(),
                [1],
                "{declared} {value}"
            );
        }
    }
}

/// One second more is a whole unit: the last instant at which the row is not yet older.
#[tokio::test]
async fn whole_seconds_are_exact_in_types_that_are_coarse() {
    for (declared, on_sqlite) in [("integer", "INTEGER"), ("numeric(12,0)", "NUMERIC(12,0)")] {
        let schema = (
            items(declared, &["1767225600"]),
            items(on_sqlite, &["1767225600"]),
        );
        for mut lab in both(&schema.0, &schema.1).await {
            lab.say("item", "at", TimeForm::UnixS);
            assert!(gone(&lab, older("at", NOW)).await.unwrap().is_empty());
            assert_eq!(gone(&lab, older("at", NOW + 1)).await.unwrap(), [1]);
        }
    }
}

#[tokio::test]
async fn nanoseconds_behind_a_cutoff_are_not_before_it() {
    for (declared, value, form) in [
        (
            "text",
            "'2026-01-01T00:00:00.000000001Z'",
            TimeForm::Rfc3339,
        ),
        ("text", "'2026-01-01 00:00:00.000000001'", TimeForm::SqlText),
        ("bigint", "1767225600000000001", TimeForm::UnixNs),
    ] {
        let schema = items(declared, &[value]);
        for mut lab in both(&schema, &schema).await {
            lab.say("item", "at", form);
            for condition in [
                older("at", NOW),
                compare("at", Comparison::LessOrEqual, NOW),
                compare("at", Comparison::Equal, NOW),
                compare("at", Comparison::GreaterOrEqual, NOW + 1),
            ] {
                assert!(
                    gone(&lab, condition.clone()).await.unwrap().is_empty(),
                    "{condition:?}"
                );
            }
            let behind = compare("at", Comparison::Greater, NOW);
            assert_eq!(gone(&lab, behind).await.unwrap(), [1], "{value}");
        }
    }
}

#[tokio::test]
async fn an_offset_counts_whatever_separates_it() {
    // Good for six hours, over since an hour.
    let schema = items(
        "DATETIME",
        &["'2025-12-31 22:00:00-08:00'", "'2026-01-01 01:00:00+02:00'"],
    );
    for said in [None, Some(TimeForm::Rfc3339), Some(TimeForm::SqlText)] {
        let mut lab = Lab::sqlite(&schema).await;
        if let Some(form) = said {
            lab.say("item", "at", form);
        }
        assert_eq!(gone(&lab, older("at", NOW)).await.unwrap(), [2], "{said:?}");
    }
    let mut lab = Lab::postgres(&schema.replace("DATETIME", "text")).await;
    lab.say("item", "at", TimeForm::Rfc3339);
    assert_eq!(gone(&lab, older("at", NOW)).await.unwrap(), [2]);
}

#[tokio::test]
async fn two_strangers_between_many_of_one_form_stay() {
    let strangers = "(1001, '2025-12-31 22:40:07-08:00'), (1002, '2025-12-31 22:40:07 PDT')";
    let lab = Lab::sqlite(&format!(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, at DATETIME); CREATE INDEX i ON item (at);
         INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 120)
         SELECT n, datetime({}, 'unixepoch', CASE WHEN n > 60 THEN '+' ELSE '-' END || (100 + n) || ' days') FROM s;
         INSERT INTO item VALUES {strangers};",
        NOW / 1_000_000
    ))
    .await;

    let old = gone(&lab, older("at", NOW)).await.unwrap();

    assert_eq!(old, (1..=60).collect::<Vec<_>>());
    let young = gone(&lab, not(older("at", NOW))).await.unwrap();
    assert_eq!(young, (61..=120).collect::<Vec<_>>());
    assert_eq!(lab.ids("SELECT id FROM item").await, [1001, 1002]);
}

#[tokio::test]
async fn what_is_of_no_form_meets_neither_a_condition_nor_its_negation() {
    let odd = [
        "'2025-01-01 00:00:00 PDT'",
        "'2025-02-30 00:00:00'",
        "'2025-02-29'",
        "'0000-00-00 00:00:00'",
        "'0000-00-00'",
        "'2025-01-01 24:00:00'",
        "'2025-12-31 23:59:60'",
        "'2025-1-5 3:04:05'",
        "'2025-01-01 00:00'",
        "'2025-01-01 00:00:00 '",
        "' 2025-01-01 00:00:00'",
        "'2025-01-01 00:00:00.'",
        "'2025-01-01 00:00:00+24:00'",
        "'2025-01-01 00:00:00 +0000 utc'",
        "'20250101T000000Z'",
        "'01/02/2025'",
        "'Wed, 01 Jan 2025 00:00:00 GMT'",
        "'١٢٣٤-٠١-٠١ 00:00:00'",
        "'t'",
        "''",
    ];
    let fine = ["'2025-01-01 00:00:00'"; 25];
    let schema = items("text", &[odd.as_slice(), &fine].concat());
    for mut lab in both(&schema, &schema).await {
        lab.say("item", "at", TimeForm::SqlText);
        let told = told(&lab, "at").await;
        assert_eq!(told, (21..=45).collect::<Vec<_>>(), "{:?}", lab.dialect());
    }
}

#[tokio::test]
async fn milliseconds_among_seconds_stay_whoever_says_which_they_are() {
    // Old seconds, young ones, and what is neither.
    let mut values = vec!["1735689600"; 9];
    values.extend(["1798761600"; 20]);
    values.extend(["1735689600000", "1735689600000000", "17356"]);
    let schema = items("bigint", &values);
    let mut labs = both(&schema, &schema).await;
    labs.iter_mut()
        .for_each(|lab| lab.say("item", "at", TimeForm::UnixS));
    labs.push(Lab::sqlite(&schema).await);
    for lab in labs {
        let old = gone(&lab, older("at", NOW)).await.unwrap();
        assert_eq!(old, (1..=9).collect::<Vec<_>>());
        let beside = Condition::All(vec![
            not(older("at", NOW)),
            Condition::Not(Box::new(compare("at", Comparison::Greater, NOW))),
        ]);
        assert!(gone(&lab, beside).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_column_of_two_forms_is_read_row_by_row() {
    let values = [
        "1767225599", // a second before
        "'2025-12-31T23:59:59Z'",
        "1767225601",
        "'2026-01-01T00:00:01Z'",
        "'2025-12-31 23:59:59'", // of neither
    ];
    let forms = || Times::declared([TimeForm::UnixS, TimeForm::Rfc3339]);
    let quoted: Vec<_> = values
        .iter()
        .map(|v| format!("'{}'", v.trim_matches('\'')))
        .collect();
    let quoted: Vec<_> = quoted.iter().map(String::as_str).collect();
    let mut labs = vec![Lab::postgres(&items("text", &quoted)).await];
    for declared in ["DATETIME", "", "TEXT", "INTEGER"] {
        labs.push(Lab::sqlite(&items(declared, &values)).await);
    }
    for mut lab in labs {
        lab.say("item", "at", forms());
        assert_eq!(gone(&lab, older("at", NOW)).await.unwrap(), [1, 2]);
        assert_eq!(gone(&lab, not(older("at", NOW))).await.unwrap(), [3, 4]);
    }
}

#[tokio::test]
async fn seconds_and_milliseconds_side_by_side_are_told_by_their_size() {
    let schema = items(
        "bigint",
        &["1767225599", "1767225599999", "1767225601", "1767225600001"],
    );
    for mut lab in both(&schema, &schema).await {
        lab.say(
            "item",
            "at",
            Times::declared([TimeForm::UnixS, TimeForm::UnixMs]),
        );
        assert_eq!(gone(&lab, older("at", NOW)).await.unwrap(), [1, 2]);
        assert_eq!(gone(&lab, not(older("at", NOW))).await.unwrap(), [3, 4]);
    }
}

#[tokio::test]
async fn a_day_is_over_when_it_has_ended() {
    let schema = items("date", &["'2025-12-31'", "'2026-01-01'"]);
    let text = items("text", &["'2025-12-31'", "'2026-01-01'"]);
    let mut labs = both(&schema, &text).await;
    labs.extend([Lab::sqlite(&schema).await, Lab::postgres(&text).await]);
    if let Some(lab) = labs.last_mut() {
        lab.say("item", "at", TimeForm::Date);
    }
    for lab in labs {
        // In the middle of the day that both were valid through or still are.
        assert!(
            gone(&lab, older("at", NOW)).await.unwrap().is_empty(),
            "its last instant is not over"
        );
        assert_eq!(gone(&lab, older("at", NOW + 1)).await.unwrap(), [1]);
        assert!(
            gone(&lab, older("at", NOW + 24 * HOUR))
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            gone(&lab, older("at", NOW + 24 * HOUR + 1)).await.unwrap(),
            [2]
        );
    }
}

#[tokio::test]
async fn an_index_on_text_bounds_the_rows_that_are_read() {
    let lab = Lab::sqlite(&items("TEXT", &["'2025-12-31 23:59:59'"])).await;
    lab.script("CREATE INDEX i ON item (at)").await;
    let request = Request::delete("item", older("at", NOW)).order_by("at");
    let (batch, _) = lab.run(request).await.unwrap();
    assert_eq!(batch.affected, 1);
}
