//! Texts under a collation by which other texts are equal to them: PostgreSQL knows no patterns there.

use besom::catalog::TimeForm;
use besom_tests::lab::Lab;

use super::*;

const ANYCASE: &str =
    "CREATE COLLATION anycase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);";

#[tokio::test]
async fn times_under_a_nondeterministic_collation_are_read_as_any_others() {
    let written = [
        (TimeForm::SqlText, "2025-12-31 23:59:59"),
        (TimeForm::Rfc3339, "2025-12-31T23:59:59.5Z"),
        (TimeForm::Date, "2025-12-30"),
        (TimeForm::UnixMs, "1767225599000"),
    ];
    for (form, old) in written {
        let values = [&format!("'{old}'"), "'infinity'", "'soon'", "NULL"].map(String::from);
        let values = values.each_ref().map(String::as_str);
        let schema = format!("{ANYCASE} {}", items("text COLLATE anycase", &values));
        let mut lab = Lab::postgres(&schema).await;
        lab.say("item", "at", form);

        let told = told(&lab, "at").await;

        assert_eq!(told, [1], "{form}");
    }
}

#[tokio::test]
async fn such_a_text_is_asked_for_null_and_compared_with_another() {
    let mut lab = Lab::postgres(&format!(
        "{ANYCASE}
         CREATE TABLE item (id bigint PRIMARY KEY, at text COLLATE anycase, other text COLLATE anycase);
         INSERT INTO item VALUES (1, '2025-01-01 00:00:00', '2025-01-02 00:00:00'),
             (2, 'Infinity', NULL), (3, NULL, NULL);"
    ))
    .await;
    let null = || Condition::IsNull {
        column: "at".into(),
    };
    let earlier = || Condition::CompareColumns {
        column: "at".into(),
        operator: Comparison::Less,
        to: "other".into(),
    };

    // What stands for "never" is in doubt as long as nobody has said that these are times.
    let unsaid = gone(&lab, null()).await.unwrap();
    lab.say("item", "at", TimeForm::SqlText);
    lab.say("item", "other", TimeForm::SqlText);
    let compared = gone(&lab, earlier()).await.unwrap();

    assert_eq!((unsaid, compared), (vec![3], vec![1]));
}

#[tokio::test]
async fn a_prefix_of_such_a_text_is_found_by_its_letters() {
    let lab = Lab::postgres(&format!(
        "{ANYCASE} CREATE TABLE item (id bigint PRIMARY KEY, at text COLLATE anycase);
         INSERT INTO item VALUES (1, 'temp:a'), (2, 'TEMP:b'), (3, 'x');"
    ))
    .await;
    let temp = Condition::StartsWith {
        column: "at".into(),
        prefix: "temp:".into(),
    };

    let gone = gone(&lab, temp).await.unwrap();

    assert_eq!(gone, [1]);
}
