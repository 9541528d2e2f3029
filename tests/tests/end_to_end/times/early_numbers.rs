//! A number that would be a time between 1973 and 2000 is likelier something else: without `oldest` it is left, and told.

use std::time::Duration;

use besom::catalog::{TimeForm, Times};
use besom::request::{Join, Mode};
use besom::scope::MinAge;
use besom::sweep::{Verification, verify};
use besom_tests::lab::{Lab, both, drain, everything};

use super::*;

/// Times of 2025 in this unit, and a live row's number that is of none: `YYYYMMDDHHMM`, Apple's seconds since 2001, .NET's
/// ticks, Windows' FILETIME.
const STRANGERS: [(TimeForm, i64, &str); 5] = [
    (TimeForm::UnixMs, 1_735_689_600_000, "202712311200"),
    (TimeForm::UnixS, 1_735_689_600, "820454400"),
    (TimeForm::UnixUs, 1_735_689_600_000_000, "202712311200000"),
    (
        TimeForm::UnixNs,
        1_735_689_600_000_000_000,
        "639342000000000000",
    ),
    (
        TimeForm::UnixNs,
        1_735_689_600_000_000_000,
        "134431920000000000",
    ),
];

/// How the two databases declare what holds numbers, and how these are written.
type Writing = ([&'static str; 2], fn(&str) -> String);

const WRITINGS: [Writing; 5] = [
    (["bigint", "INTEGER"], |number| number.to_owned()),
    (["numeric", "NUMERIC"], |number| format!("{number}.5")),
    (["double precision", "REAL"], |number| number.to_owned()),
    (["text", "TEXT"], |number| format!("'{number}'")),
    (["text", ""], |number| format!("'{number}.5'")),
];

/// A number of 2100.
fn ahead(form: TimeForm) -> i64 {
    let second = 1_735_689_600;
    let strangers = STRANGERS.iter();
    let unit = strangers.filter(|(of, ..)| *of == form).map(|of| of.1);
    4_102_444_800 * (unit.max().unwrap() / second)
}

/// 1973-01-01, as an operator says it.
fn early(form: TimeForm) -> Times {
    Times::from(form).since(Some(Times::REAL))
}

async fn verified(lab: &Lab, condition: Condition) -> Verification {
    let (context, _) = lab.begin().await;
    drain(&context, Request::delete("item", condition))
        .await
        .unwrap();
    let ended = context.settle().await.ended;
    let told = Verification::of(&verify(&lab.database, &ended).await);
    lab.end(&context).await;
    told
}

#[tokio::test]
async fn a_live_row_whose_number_is_no_time_of_the_unit_stays_and_is_told() {
    for (form, old, stranger) in STRANGERS {
        for (declared, write) in WRITINGS {
            let old = write(&old.to_string());
            let live = write(stranger);
            let ahead = write(&(ahead(form)).to_string());
            let values = [
                vec![old.as_str(); 88],
                vec![live.as_str(); 2],
                vec![ahead.as_str(); 4],
            ]
            .concat();
            let [postgres, sqlite] = declared.map(|declared| items(declared, &values));
            for mut lab in both(&postgres, &sqlite).await {
                let place = format!("{form} {declared:?} {:?}", lab.dialect());
                lab.say("item", "at", form);
                lab.options.mode = Mode::DryRun;
                let (dry, _) = lab
                    .run(Request::delete("item", older("at", NOW)))
                    .await
                    .unwrap();
                lab.options.mode = Mode::Apply;
                assert_eq!(dry.affected, 88, "{place}");

                let verified = verified(&lab, older("at", NOW)).await;

                let left = lab.ids("SELECT id FROM item").await;
                assert_eq!(left, (89..=94).collect::<Vec<_>>(), "{place}");
                let Verification::Unverified(why) = verified else {
                    panic!("{place}: {verified:?}")
                };
                for part in [
                    "2 rows of `item.at` hold a time that is not read, such as",
                    "`oldest` in [time-forms]",
                ] {
                    assert!(why.contains(part), "{place}: {why}");
                }
                let young = gone(&lab, not(older("at", NOW))).await.unwrap();
                assert_eq!(young, [91, 92, 93, 94], "{place}");
                lab.say("item", "at", early(form));
                let gone = gone(&lab, older("at", NOW)).await;
                // Now all the values are such, and meant.
                assert_eq!(gone.unwrap(), [89, 90], "{place}");
            }
        }
    }
}

#[tokio::test]
async fn so_does_one_where_nobody_said_how_the_column_holds_times() {
    for (form, old, stranger) in STRANGERS {
        if form == TimeForm::UnixNs {
            continue; // has to be said
        }
        for ([_, declared], write) in WRITINGS {
            let (old, live) = (write(&old.to_string()), write(stranger));
            let values = [vec![old.as_str(); 88], vec![live.as_str(); 2]].concat();
            let lab = Lab::sqlite(&items(declared, &values)).await;

            let verified = verified(&lab, older("at", NOW)).await;

            assert_eq!(lab.ids("SELECT id FROM item").await, [89, 90], "{declared}");
            assert!(
                matches!(&verified, Verification::Unverified(why) if why.contains("`oldest`")),
                "{verified:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_first_number_that_is_read_is_that_of_2000() {
    let values = [
        "946684799",
        "946684800",
        "94694399",
        "94694400",
        "1735689600",
        "946684799.999999",
        "1735689600",
        "1735689600",
    ];
    for mut lab in both(&items("numeric", &values), &items("NUMERIC", &values)).await {
        lab.say("item", "at", TimeForm::UnixS);
        let verified = verified(&lab, older("at", NOW)).await;
        let left = lab.ids("SELECT id FROM item").await;
        assert_eq!(left, [1, 3, 4, 6], "{:?}", lab.dialect());
        // What is before 1973 stands for "never", and is read.
        assert!(
            matches!(&verified, Verification::Unverified(why) if why.starts_with("3 rows of")),
            "{verified:?}"
        );
    }
}

#[tokio::test]
async fn a_text_or_a_type_of_times_is_believed_from_1973_on() {
    for (postgres, value) in [
        ("text", "'1976-06-03 00:00:00'"),
        ("date", "'1976-06-03'"),
        ("timestamp", "'1976-06-03 00:00:00'"),
        ("timestamptz", "'1976-06-03 00:00:00+00'"),
    ] {
        let values = [value];
        for mut lab in both(&items(postgres, &values), &items("TEXT", &values)).await {
            if postgres == "text" {
                lab.say("item", "at", TimeForm::SqlText);
            }
            assert_eq!(gone(&lab, older("at", NOW)).await.unwrap(), [1]);
        }
    }
}

/// Parents of 2025, of which the second has a child whose number is no time of its unit.
const FAMILY: &str = "
    CREATE TABLE item (id bigint PRIMARY KEY, at bigint, ends bigint);
    CREATE TABLE child (id bigint PRIMARY KEY, item bigint REFERENCES item ON DELETE CASCADE, at bigint);
    CREATE INDEX child_item ON child (item);
    INSERT INTO item VALUES (1, 1735689600000, 1735689600001), (2, 1735689600000, 202712311200);
    INSERT INTO child VALUES (11, 1, 1735689600000), (12, 2, 202712311200);";

async fn families() -> Vec<Lab> {
    told_of(both(FAMILY, FAMILY).await)
}

fn told_of(mut labs: Vec<Lab>) -> Vec<Lab> {
    for lab in &mut labs {
        for (table, column) in [("item", "at"), ("item", "ends"), ("child", "at")] {
            lab.say(table, column, TimeForm::UnixMs);
        }
    }
    labs
}

fn live_child() -> Condition {
    Condition::NotExists {
        table: "child".into(),
        on: vec![Join::new("item", "id")],
        matching: Some(Box::new(not(older("at", NOW)))),
    }
}

#[tokio::test]
async fn a_related_row_with_such_a_number_counts_as_there() {
    for lab in families().await {
        assert_eq!(gone(&lab, live_child()).await.unwrap(), [1]);
    }
}

#[tokio::test]
async fn a_dependent_with_such_a_number_is_not_taken_along() {
    let schema = FAMILY.replace("REFERENCES item ON DELETE CASCADE", "");
    for lab in told_of(both(&schema, &schema).await) {
        let (context, _) = lab.begin().await;
        let request = Request::delete("item", older("at", NOW))
            .delete_first("child", vec![Join::new("item", "id")], None)
            .where_they_meet(older("at", NOW));
        drain(&context, request).await.unwrap();
        lab.end(&context).await;
        assert_eq!(lab.ids("SELECT id FROM child").await, [12]);
    }
}

#[tokio::test]
async fn what_the_grant_may_protect_by_such_a_number_is_protected() {
    for table in ["item", "child"] {
        for mut lab in families().await {
            lab.script("UPDATE item SET ends = at; UPDATE item SET at = 202712311200 WHERE id = 2")
                .await;
            let mut grants = everything(lab.catalog().await.as_ref());
            grants.tables.get_mut(table).unwrap().min_age = Some(MinAge {
                column: "at".into(),
                age: Duration::from_secs(86_400),
            });
            lab.grants = Some(grants);
            assert_eq!(
                gone(&lab, older("ends", NOW)).await.unwrap(),
                [1],
                "{table}"
            );
        }
    }
}

#[tokio::test]
async fn it_is_compared_with_no_other_column_and_has_no_place_among_the_newest() {
    for lab in families().await {
        for operator in [
            Comparison::Less,
            Comparison::Greater,
            Comparison::NotEqual,
            Comparison::Equal,
        ] {
            let second = Condition::Compare {
                column: "id".into(),
                operator: Comparison::Equal,
                to: Value::Integer(2),
            };
            let columns = Condition::CompareColumns {
                column: "ends".into(),
                operator,
                to: "at".into(),
            };
            for columns in [columns.clone(), not(columns)] {
                let both = Condition::All(vec![second.clone(), columns]);
                assert!(gone(&lab, both).await.unwrap().is_empty());
            }
        }
        lab.script("DELETE FROM item; INSERT INTO item VALUES (1, 1, 1735689600000), (2, 1, 1735689600001), (3, 1, 202712311200)")
            .await;
        let beyond = Condition::BeyondNewest {
            group_by: vec!["at".into()],
            order_by: "ends".into(),
            keep: 1,
        };
        assert_eq!(gone(&lab, beyond).await.unwrap(), [1]);
    }
}
