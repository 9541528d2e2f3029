//! What a plugin is shown of a time that is none: a plugin that compares for itself must not find it old.

use besom::catalog::{TimeForm, Times};
use besom::request::Timestamp;
use besom_tests::lab::both;

use super::*;

const REAL: i64 = 1_700_000_000;

fn schema(declared: &str, values: &[&str]) -> String {
    let rows: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(n, value)| format!("({}, {value})", n + 1))
        .collect();
    format!(
        "CREATE TABLE t (id bigint PRIMARY KEY, at {declared}); INSERT INTO t VALUES {}",
        rows.join(", ")
    )
}

async fn shown(lab: &Lab) -> Vec<Option<Timestamp>> {
    let request = read("t", ["id", "at"], Condition::Everything);
    let (context, reader) = open(lab, request).await;
    let page = page(&reader).await;
    lab.end(&context).await;
    match &page.columns[1] {
        Values::Timestamps(list) => list.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_stands_for_never_is_shown_as_none() {
    let real = Some(Timestamp(REAL * 1_000_000));
    let values = ["1700000000", "0", "-1", "253402300799", "NULL"];
    for mut lab in both(&schema("bigint", &values), &schema("INTEGER", &values)).await {
        lab.say("t", "at", TimeForm::UnixS);
        assert_eq!(shown(&lab).await, [real, None, None, None, None]);
    }
    let values = [
        "'2023-11-14 22:13:20Z'",
        "'-infinity'",
        "'0001-01-01'",
        "'infinity'",
        "'9999-12-31'",
        "'1970-01-01'",
    ];
    for declared in ["timestamptz", "timestamp"] {
        let lab = Lab::postgres(&schema(declared, &values)).await;
        assert_eq!(
            shown(&lab).await,
            [real, None, None, None, None, None],
            "{declared}"
        );
    }
    let mut lab = Lab::postgres(&schema("timestamptz", &["'1931-05-01Z'"])).await;
    let since = Timestamp(-2_208_988_800_000_000);
    lab.say("t", "at", Times::declared([]).since(Some(since)));
    let born = Some(Timestamp(-1_220_400_000_000_000));
    assert_eq!(shown(&lab).await, [born]);
}

#[tokio::test]
async fn one_time_that_cannot_be_read_ends_no_reader_and_is_counted() {
    let values = [
        "'2023-11-14T22:13:20Z'",
        "'2023-13-45'",
        "'2023-11-14T22:13:20Z'",
    ];
    for mut lab in both(&schema("text", &values), &schema("TEXT", &values)).await {
        lab.say("t", "at", TimeForm::Rfc3339);
        let (context, reader) = open(&lab, read("t", ["id", "at"], Condition::Everything)).await;
        let mut ids = Vec::new();
        while let Reading::Page(page) = reader.next().await.unwrap() {
            ids.extend(integers(&page, 0));
        }
        let ended = context.settle().await.ended;
        let told =
            besom::sweep::Verification::of(&besom::sweep::verify(&lab.database, &ended).await);
        lab.end(&context).await;

        assert_eq!(
            ids,
            [1, 3],
            "the row is left out: nothing is known of its time"
        );
        assert!(format!("{told:?}").contains("t.at"), "{told:?}");
    }
}

#[tokio::test]
async fn a_number_that_would_be_a_time_before_2000_leaves_its_row_off() {
    let values = ["1700000000", "820454400"];
    for mut lab in both(&schema("bigint", &values), &schema("INTEGER", &values)).await {
        let real = Some(Timestamp(REAL * 1_000_000));
        lab.say("t", "at", TimeForm::UnixS);
        assert_eq!(shown(&lab).await, [real]);
        let early = Times::from(TimeForm::UnixS).since(Some(Times::REAL));
        lab.say("t", "at", early);
        let apple = Some(Timestamp(820_454_400_000_000));
        assert_eq!(shown(&lab).await, [real, apple]);
    }
}
