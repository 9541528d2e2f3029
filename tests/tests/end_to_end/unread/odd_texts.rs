//! Texts of SQLite that begin like a time or an id and are none: what its functions and casts would read as far as
//! they understand it.

use besom::catalog::{TimeForm, Times};
use besom::request::Request;
use besom_tests::lab::{Lab, drain};

use super::*;

/// A table of one column, with plain values and then odd ones.
async fn lab(declared: &str, plain: &str, odd: &[&str]) -> Lab {
    let lab = Lab::sqlite(&format!(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, at {declared});
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 90)
         INSERT INTO item SELECT n, {plain} FROM n"
    ))
    .await;
    for (place, value) in odd.iter().enumerate() {
        lab.script(&format!(
            "INSERT INTO item VALUES ({}, {value})",
            101 + place
        ))
        .await;
    }
    lab
}

/// Neither young nor old, and counted.
async fn unread(lab: &Lab, odd: &[&str]) {
    let young = Request::delete("item", not(older("at", NEW_YEAR)));
    assert_eq!(lab.run(young).await.unwrap().0.affected, 0);
    let (context, _) = lab.begin().await;
    drain(&context, Request::delete("item", older("at", NEW_YEAR)))
        .await
        .unwrap();
    let told = verified(lab, &context).await;

    let left = lab.ids("SELECT id FROM item").await;
    let all: Vec<i64> = (101..101 + odd.len() as i64).collect();
    assert_eq!(left, all);
    let Verification::Unverified(why) = told else {
        panic!()
    };
    let rows = format!("{} rows of `item.at` hold", odd.len());
    assert!(why.starts_with(&rows), "{why}");
}

#[tokio::test]
async fn a_written_time_that_goes_on_behind_a_nul_or_is_no_plain_text_is_not_read() {
    let odd = [
        "'2025-01-05 03:04:05' || char(0) || '-08:00'",
        "'2025-01-05 03:04:05' || char(0)",
        "'2025-01-05' || char(0) || ' 03:04:05'",
        "'2025-01-05T03:04:05Z' || char(0) || 'x'",
        "'2025-01-05 03:04:05.5' || char(0) || '9'",
        "CAST('2025-01-05 03:04:05' AS BLOB)",
        "' 2025-01-05 03:04:05'",
        "'2025-01-05 03:04:05 '",
        "'2025-01-05 03:04:05' || char(10)",
        "CAST(x'323032352d30312d30352030333a30343a3035ff' AS TEXT)",
        "CAST(x'ff323032352d30312d30352030333a30343a3035' AS TEXT)",
        "'２０２５-01-05 03:04:05'",
    ];
    let mut declared = lab("TEXT", "'2024-01-05 03:04:05'", &odd).await;
    let found = lab("TEXT", "'2024-01-05 03:04:05'", &odd).await;
    declared.say(
        "item",
        "at",
        Times::declared([TimeForm::SqlText, TimeForm::UnixS]),
    );
    for lab in [declared, found] {
        unread(&lab, &odd).await;
    }
}

#[tokio::test]
async fn digits_that_go_on_behind_a_nul_or_are_no_plain_number_are_not_read() {
    let odd = [
        "'1700000000' || char(0) || '000'",
        "'1700000000' || char(0)",
        "CAST('1700000000' AS BLOB)",
        "' 1700000000'",
        "'1700000000 '",
        "'1.7e9'",
        "'17e8'",
        "'0x6553f100'",
        "'+1700000000'",
        "'1700000000.'",
        "'1_700_000_000'",
        "CAST(x'31373030303030303030ff' AS TEXT)",
    ];
    let mut lab = lab("TEXT", "'1704423845'", &odd).await;
    lab.say("item", "at", TimeForm::UnixS);
    unread(&lab, &odd).await;
}

#[tokio::test]
async fn a_key_that_goes_on_behind_a_nul_is_not_read() {
    let lab = lab(
        "TEXT",
        "printf('01HKR0QPV8%016d', n)",
        &[
            "'01HKR0QPV80000000000000099' || char(0)",
            "'01HKR0QPV80000000000000098' || char(0) || 'x'",
        ],
    )
    .await;
    let (context, _) = lab.begin().await;
    let old = Condition::IdOlderThan {
        column: "at".into(),
        cutoff: at(NEW_YEAR),
    };
    // They arrive after the column has been looked at.
    lab.script("UPDATE item SET at = substr(at, 1, 25) || '7' WHERE id > 100")
        .await;
    let sweep = besom::sweep::Sweep::open(&context, Request::delete("item", old))
        .await
        .unwrap();
    lab.script("UPDATE item SET at = at || char(0) || 'x' WHERE id > 100")
        .await;
    while !matches!(sweep.next().await.unwrap(), besom::request::Step::Drained) {}
    drop(sweep);

    assert_eq!(lab.ids("SELECT id FROM item").await, [101, 102]);
    let told = verified(&lab, &context).await;
    assert!(
        matches!(&told, Verification::Unverified(why) if why.starts_with("2 rows of `item.at` hold an id that is not read")),
        "{told:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_shown_as_text_is_shown_as_bytes() {
    let lab = lab(
        "TEXT",
        "'2024-01-05 03:04:05'",
        &["'z' || char(0) || '1'", "CAST(x'ff' AS TEXT)"],
    )
    .await;
    let (context, _) = lab.begin().await;
    drain(&context, Request::delete("item", older("at", NEW_YEAR)))
        .await
        .unwrap();
    assert_eq!(
        verified(&lab, &context).await,
        Verification::Unverified(
            "2 rows of `item.at` hold a time that is not read, such as X'7A0031', X'FF'".to_owned()
        )
    );
}
