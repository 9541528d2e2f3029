//! Ids with a time inside, and others among them.

use besom::request::Request;
use besom::scope::MinAge;
use besom_tests::lab::{Lab, both, drain, everything};

use super::*;
use crate::cli::{Desk, both as databases};

const POSTGRES: &str = "CREATE TABLE item (id uuid PRIMARY KEY, n bigint NOT NULL);";
const SQLITE: &str = "CREATE TABLE item (id BLOB PRIMARY KEY, n INTEGER NOT NULL);";
const NIL: &str = "00000000-0000-0000-0000-000000000000";
/// Of version 4, with bits that read as a time in 2017 and as one in 1971.
const FIRST_4: &str = "015a1c5e-0000-4abc-9def-0123456789ab";
const VERY_FIRST_4: &str = "0007ce00-0000-4abc-9def-0123456789ab";
/// And one in 7041.
const LAST_4: &str = "919108f7-52d1-4320-9bac-f847db4148a8";

/// An id made at that second.
fn made(seconds: i64, n: i64, version: &str) -> String {
    let millis = format!("{:012x}", seconds * 1_000);
    let (high, low) = millis.split_at(8);
    format!("{high}-{low}-{version}-{n:012x}")
}

fn version7(seconds: i64, n: i64) -> String {
    made(seconds, n, "7abc-8def")
}

async fn insert(lab: &Lab, id: &str, n: i64) {
    let id = match lab.dialect() {
        Dialect::Postgres => format!("'{id}'::uuid"),
        Dialect::Sqlite => format!("x'{}'", id.replace('-', "")),
    };
    lab.script(&format!("INSERT INTO item VALUES ({id}, {n})"))
        .await;
}

/// Forty of last year and forty of this.
async fn forty_and_forty(lab: &Lab) {
    for n in 0..40 {
        insert(lab, &version7(NEW_YEAR - 60 * DAY, n), n).await;
        insert(lab, &version7(NEW_YEAR + DAY, n), 100 + n).await;
    }
}

fn old() -> Condition {
    Condition::IdOlderThan {
        column: "id".into(),
        cutoff: at(NEW_YEAR),
    }
}

#[tokio::test]
async fn ids_of_another_version_stay_wherever_they_sort_and_are_counted() {
    for lab in both(POSTGRES, SQLITE).await {
        forty_and_forty(&lab).await;
        insert(&lab, NIL, 200).await;
        insert(&lab, FIRST_4, 201).await;
        insert(&lab, VERY_FIRST_4, 202).await;
        insert(&lab, LAST_4, 203).await;
        let (context, _) = lab.begin().await;

        let (batch, _) = drain(&context, Request::delete("item", old()))
            .await
            .unwrap();

        let left = lab.ids("SELECT n FROM item").await;
        let fresh: Vec<i64> = (100..140).chain(200..204).collect();
        assert_eq!(left, fresh, "{:?}", lab.dialect());
        assert_eq!(batch.affected, 40);
        let Verification::Unverified(why) = verified(&lab, &context).await else {
            panic!("verified over ids that are not read")
        };
        assert!(
            why.starts_with("4 rows of `item.id` hold an id that is not read"),
            "{why}"
        );
        assert!(
            !why.contains("0123456789ab"),
            "no id is told in whole: {why}"
        );
    }
}

#[tokio::test]
async fn more_strays_than_the_ends_show_do_not_switch_the_test_off() {
    for lab in both(POSTGRES, SQLITE).await {
        for n in 0..300 {
            insert(&lab, &version7(NEW_YEAR - 60 * DAY, n), n).await;
        }
        for n in 0..20 {
            insert(&lab, &made(NEW_YEAR - 900 * DAY, n, "4abc-8def"), 1_000 + n).await;
        }

        lab.run(Request::delete("item", old())).await.unwrap();

        let left: Vec<i64> = (1_000..1_020).collect();
        assert_eq!(
            lab.ids("SELECT n FROM item").await,
            left,
            "{:?}",
            lab.dialect()
        );
    }
}

/// A ULID has random bits where a UUID has its version.
#[tokio::test]
async fn ulids_held_as_uuids_go_whatever_version_their_bits_read_as() {
    for lab in both(POSTGRES, SQLITE).await {
        let bits = [
            "0abc-1def",
            "7abc-8def",
            "cabc-5def",
            "4abc-9def",
            "fabc-fdef",
            "2abc-0def",
        ];
        for (n, bits) in (0..).zip(bits) {
            insert(&lab, &made(NEW_YEAR - 60 * DAY, n, bits), n).await;
            insert(&lab, &made(NEW_YEAR + DAY, n, bits), 100 + n).await;
        }
        insert(&lab, NIL, 200).await;
        let (context, _) = lab.begin().await;

        drain(&context, Request::delete("item", old()))
            .await
            .unwrap();

        let left: Vec<i64> = (100..106).chain([200]).collect();
        assert_eq!(
            lab.ids("SELECT n FROM item").await,
            left,
            "{:?}",
            lab.dialect()
        );
        assert_eq!(verified(&lab, &context).await, Verification::Verified);
    }
}

/// The bits of a version 4 read as an instant, old enough once in 150 times.
#[tokio::test]
async fn one_or_two_ids_of_another_version_stay() {
    let version6 = made(NEW_YEAR - 900 * DAY, 1, "6abc-8def");
    for ids in [
        vec![FIRST_4],
        vec![FIRST_4, "015a1c5e-0001-4abc-9def-0123456789ab"],
        vec![FIRST_4, NIL, "ffffffff-ffff-ffff-ffff-ffffffffffff"],
        vec![version6.as_str()],
    ] {
        for lab in both(POSTGRES, SQLITE).await {
            for (n, id) in (0..).zip(&ids) {
                insert(&lab, id, n).await;
            }
            let (context, _) = lab.begin().await;

            let (batch, _) = drain(&context, Request::delete("item", old()))
                .await
                .unwrap();

            assert_eq!(batch.affected, 0, "{ids:?} {:?}", lab.dialect());
            assert!(
                matches!(verified(&lab, &context).await, Verification::Unverified(_)),
                "{ids:?} {:?}",
                lab.dialect()
            );
        }
    }
}

#[tokio::test]
async fn a_few_ids_show_their_version_too() {
    for lab in both(POSTGRES, SQLITE).await {
        insert(&lab, &version7(NEW_YEAR - 60 * DAY, 1), 1).await;
        insert(&lab, &version7(NEW_YEAR - 60 * DAY, 2), 2).await;
        insert(&lab, FIRST_4, 3).await;

        lab.run(Request::delete("item", old())).await.unwrap();

        assert_eq!(
            lab.ids("SELECT n FROM item").await,
            [3],
            "{:?}",
            lab.dialect()
        );
    }
}

#[tokio::test]
async fn an_age_that_stands_in_the_key_is_not_read_from_another_version() {
    for mut lab in both(POSTGRES, SQLITE).await {
        forty_and_forty(&lab).await;
        insert(&lab, NIL, 200).await;
        insert(&lab, FIRST_4, 201).await;
        let mut grants = everything(&*lab.catalog().await);
        grants.tables.get_mut("item").unwrap().min_age = Some(MinAge {
            column: "id".into(),
            age: std::time::Duration::from_secs(86_400),
        });
        lab.grants = Some(grants);
        let (context, _) = lab.begin().await;
        let all = compare("n", Comparison::GreaterOrEqual, Value::Integer(0));

        drain(&context, Request::delete("item", all)).await.unwrap();

        assert_eq!(
            lab.ids("SELECT n FROM item").await,
            [200, 201],
            "{:?}",
            lab.dialect()
        );
        let Verification::Unverified(why) = verified(&lab, &context).await else {
            panic!("verified over ids that are not read")
        };
        assert!(why.starts_with("2 rows of `item.id` "), "{why}");
    }
}

#[tokio::test]
async fn hyphenated_text_and_crockford_text_keep_what_is_none_of_theirs() {
    let schema = "CREATE TABLE item (id TEXT PRIMARY KEY, n BIGINT NOT NULL);";
    for lab in both(schema, schema).await {
        let insert = async |id: &str, n: i64| {
            lab.script(&format!("INSERT INTO item VALUES ('{id}', {n})"))
                .await;
        };
        for n in 0..20 {
            insert(&version7(NEW_YEAR - 60 * DAY, n), n).await;
        }
        insert(NIL, 200).await;
        insert(FIRST_4, 201).await;

        lab.run(Request::delete("item", old())).await.unwrap();

        assert_eq!(lab.ids("SELECT n FROM item").await, [200, 201]);
        lab.script("DELETE FROM item").await;
        insert("01JY0000000000000000000001", 1).await;
        insert("00000000000000000000000000", 2).await;
        lab.run(Request::delete("item", old())).await.unwrap();
        assert_eq!(lab.ids("SELECT n FROM item").await, [2]);
    }
}

#[tokio::test]
async fn preflight_says_that_versions_are_mixed() {
    for database in databases().await {
        let kind = match database.url.starts_with("sqlite") {
            true => "BLOB",
            false => "uuid",
        };
        let desk = Desk::with_file(
            database,
            "[plugins.recovery]\nsettings = { profile = \"mas\", recovery-sessions-table = \"resets\", \
             recovery-sessions-id-column = \"id\", recovery-tickets-table = \"codes\", \
             recovery-tickets-session-column = \"reset\" }\n",
        );
        desk.script(&format!(
            "CREATE TABLE resets (id {kind} PRIMARY KEY);
             CREATE TABLE codes (id bigint PRIMARY KEY, reset {kind} REFERENCES resets ON DELETE CASCADE);
             CREATE INDEX codes_reset ON codes (reset);"
        ))
        .await;
        let write = |id: String| match kind {
            "uuid" => format!("INSERT INTO resets VALUES ('{id}');"),
            _ => format!("INSERT INTO resets VALUES (x'{}');", id.replace('-', "")),
        };
        let ids = (0..9).map(|n| version7(NEW_YEAR - 600 * DAY, n));
        let rows: String = ids.chain([FIRST_4.to_owned()]).map(write).collect();
        desk.script(&rows).await;
        desk.says(&["migrate"]);

        let checked = desk.json(&["check", "--json"]);
        let ran = desk.json(&["run", "recovery/recovery-sessions", "--json"]);

        let mut jobs = checked["jobs"].as_array().unwrap().iter();
        let job = jobs.find(|of| of["job"] == "recovery/recovery-sessions");
        let findings = job.unwrap()["findings"].as_array().unwrap();
        let mixed: Vec<_> = findings
            .iter()
            .filter(|of| of["code"] == "mixed-id-versions")
            .collect();
        assert_eq!(mixed.len(), 1, "{checked}");
        assert_eq!(mixed[0]["severity"], "warning");
        let message = mixed[0]["message"].as_str().unwrap();
        assert!(
            message.starts_with("of the ids in `resets.id` only those of UUID version 7"),
            "{message}"
        );
        assert!(message.contains("(UUID version 4)"), "{message}");
        assert_eq!(
            (&ran[0]["affected"], &ran[0]["verified"]),
            (&9.into(), &serde_json::Value::Null)
        );
        assert_eq!(desk.count("SELECT count(*) FROM resets").await, 1);
    }
}

#[tokio::test]
async fn a_text_with_its_hyphens_in_other_places_is_no_id() {
    let schema = "CREATE TABLE item (id TEXT PRIMARY KEY, n BIGINT NOT NULL);";
    for lab in both(schema, schema).await {
        for n in 0..40 {
            let id = version7(NEW_YEAR - 60 * DAY, n);
            lab.script(&format!("INSERT INTO item VALUES ('{id}', {n})"))
                .await;
        }
        let (context, _) = lab.begin().await;
        let sweep = besom::sweep::Sweep::open(&context, Request::delete("item", old()));
        let sweep = sweep.await.unwrap();
        // Arrived when the shape was known: as long, of the same letters, and its version at the same place.
        let odd = "015a1c5e0-000-7abc-8def-0123456789ab";
        lab.script(&format!("INSERT INTO item VALUES ('{odd}', 100)"))
            .await;

        while let besom::request::Step::Batch(_) = sweep.next().await.unwrap() {}

        let verified = verified(&lab, &context).await;
        assert_eq!(
            lab.ids("SELECT n FROM item").await,
            [100],
            "{:?}",
            lab.dialect()
        );
        assert!(format!("{verified:?}").contains("item.id"), "{verified:?}");
    }
}

#[tokio::test]
async fn ids_as_text_go_by_their_bytes_whatever_the_order_of_their_collation() {
    let by_number = "CREATE COLLATION by_number (provider = icu, locale = 'en-u-kn-true');";
    for column in [
        "text COLLATE by_number",
        "varchar(36) COLLATE by_number",
        "text COLLATE \"C\"",
        "text COLLATE ucs_basic",
        "text COLLATE \"en-x-icu\"",
        "text COLLATE \"et-x-icu\"",
    ] {
        let lab = Lab::postgres(&format!(
            "{by_number} CREATE TABLE item (id {column} PRIMARY KEY, n bigint NOT NULL);"
        ))
        .await;
        for n in 0..40 {
            let old = version7(NEW_YEAR - 60 * DAY - n * 40_000, n);
            let young = version7(NEW_YEAR + DAY + n * 40_000, n);
            lab.script(&format!(
                "INSERT INTO item VALUES ('{old}', {n}), ('{young}', {})",
                100 + n
            ))
            .await;
        }
        let request = Request::delete("item", old()).order_by("id");
        let (batch, _) = lab.run(request).await.unwrap();

        assert_eq!(batch.affected, 40, "{column}");
        let left = lab.ids("SELECT n FROM item").await;
        assert_eq!(left, (100..140).collect::<Vec<_>>(), "{column}");
    }
}
