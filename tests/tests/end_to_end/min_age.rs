//! A plugin whose code is wrong cannot reach a row that is younger than `min-age`, whatever it
//! asks for and whichever way the row hangs on another.

use std::collections::BTreeMap;
use std::time::Duration;

use besom::catalog::Dialect;
use besom::request::{Comparison, Condition, JobName, Join, Request, Timestamp, Value};
use besom::scope::MinAge;
use besom_tests::lab::{Lab, both, drain, everything};

/// 2026-01-02 03:04:05.678901 UTC, in microseconds.
const NOW: i64 = 1_767_323_045_678_901;
const DAY: i64 = 86_400_000_000;
const FLOOR: Duration = Duration::from_secs(30 * 86_400);

const POSTGRES: &str = "
    CREATE TABLE item (id uuid PRIMARY KEY, name text NOT NULL, at timestamptz, kind text NOT NULL);
    CREATE INDEX item_at ON item (at);
    CREATE TABLE part (id bigint PRIMARY KEY, item_id uuid REFERENCES item ON DELETE CASCADE, at timestamptz, of text);
    CREATE INDEX part_item ON part (item_id);
    CREATE TABLE crumb (id bigint PRIMARY KEY, part_id bigint REFERENCES part ON DELETE CASCADE, at timestamptz);
    CREATE INDEX crumb_part ON crumb (part_id);
    CREATE TABLE note (id bigint PRIMARY KEY, item_id uuid REFERENCES item ON DELETE SET NULL, at timestamptz);
    CREATE INDEX note_item ON note (item_id);
";
const SQLITE: &str = "
    CREATE TABLE item (id BLOB PRIMARY KEY, name TEXT NOT NULL, at INTEGER, kind TEXT NOT NULL) STRICT;
    CREATE INDEX item_at ON item (at);
    CREATE TABLE part (id INTEGER PRIMARY KEY, item_id BLOB REFERENCES item ON DELETE CASCADE, at INTEGER, of TEXT) STRICT;
    CREATE INDEX part_item ON part (item_id);
    CREATE TABLE crumb (id INTEGER PRIMARY KEY, part_id INTEGER REFERENCES part ON DELETE CASCADE, at INTEGER) STRICT;
    CREATE INDEX crumb_part ON crumb (part_id);
    CREATE TABLE note (id INTEGER PRIMARY KEY, item_id BLOB REFERENCES item ON DELETE SET NULL, at INTEGER) STRICT;
    CREATE INDEX note_item ON note (item_id);
";

fn time(lab: &Lab, at: Option<i64>) -> String {
    match (lab.dialect(), at) {
        (_, None) => "NULL".to_owned(),
        (Dialect::Postgres, Some(at)) => format!("'{}'::timestamptz", Timestamp(at)),
        (Dialect::Sqlite, Some(at)) => at.to_string(),
    }
}

/// A ULID of that moment, told from others by its last byte.
fn key(lab: &Lab, at: i64, last: u8) -> String {
    let hex = format!("{:012x}{:018x}{last:02x}", at.div_euclid(1000), 0);
    match lab.dialect() {
        Dialect::Postgres => format!("'{hex}'::uuid"),
        Dialect::Sqlite => format!("x'{hex}'"),
    }
}

/// An item by the moment that both its key and its column hold.
async fn item(lab: &Lab, name: &str, at: Option<i64>) -> String {
    // The least key of its millisecond, where that is the floor's.
    let last = if name == "exact" {
        0
    } else {
        name.as_bytes()[0]
    };
    let key = key(lab, at.unwrap_or(NOW - 300 * DAY), last);
    let at = time(lab, at);
    lab.script(&format!(
        "INSERT INTO item VALUES ({key}, '{name}', {at}, 'any')"
    ))
    .await;
    key
}

/// Items around the floor, one of no age.
async fn items(lab: &Lab) {
    let floor = NOW - 30 * DAY;
    for (name, at) in [
        ("ancient", Some(NOW - 200 * DAY)),
        ("older", Some(floor - 1000)),
        ("exact", Some(floor)),
        ("younger", Some(floor + 1)),
        ("fresh", Some(NOW)),
        ("none", None),
    ] {
        item(lab, name, at).await;
    }
}

async fn names(lab: &Lab) -> Vec<String> {
    let mut statement = besom::database::Statement::new(lab.dialect());
    statement.push("SELECT name FROM item");
    let rows = lab.session().await.fetch(&statement).await.unwrap();
    let mut names: Vec<_> = rows
        .iter()
        .map(|row| row.get(0).as_text().unwrap().to_owned())
        .collect();
    names.sort_unstable();
    names
}

/// Every right, and a floor under the rows of one table.
async fn floor(lab: &mut Lab, table: &str, column: &str) {
    let mut grants = match lab.grants.take() {
        Some(grants) => grants,
        None => everything(lab.catalog().await.as_ref()),
    };
    let floor = MinAge {
        column: column.to_owned(),
        age: FLOOR,
    };
    grants.tables.get_mut(table).unwrap().min_age = Some(floor);
    lab.grants = Some(grants);
}

/// What a plugin may ask for that means every item, or tries to mean more.
fn greedy() -> Vec<Request> {
    let at = |cutoff, offset| Condition::OlderThan {
        column: "at".to_owned(),
        cutoff: Timestamp(cutoff),
        offset,
    };
    let by_key = Condition::IdOlderThan {
        column: "id".to_owned(),
        cutoff: Timestamp(NOW),
    };
    let null = || Condition::IsNull {
        column: "at".to_owned(),
    };
    let set = || Condition::IsNotNull {
        column: "at".to_owned(),
    };
    let no_part = |of: &str| Condition::NotExists {
        table: "part".to_owned(),
        on: vec![Join {
            foreign: "item_id".to_owned(),
            local: "id".to_owned(),
        }],
        matching: Some(Box::new(Condition::Compare {
            column: "of".to_owned(),
            operator: Comparison::Equal,
            to: Value::Text(of.to_owned()),
        })),
    };
    let not = |of| Condition::Not(Box::new(of));
    let mut requests: Vec<_> = [
        Condition::Everything,
        not(not(Condition::Everything)),
        Condition::Any(vec![null(), set()]),
        Condition::Any(vec![not(null()), Condition::Everything]),
        at(NOW, 0),
        // The offset moves the cut-off away and the row's time with it.
        at(NOW + 36_500 * DAY, 36_500 * DAY),
        by_key,
        no_part("nobody"),
        not(Condition::Compare {
            column: "kind".to_owned(),
            operator: Comparison::Equal,
            to: Value::Text("') OR TRUE --".to_owned()),
        }),
        Condition::All(vec![set(), no_part("nobody")]),
    ]
    .into_iter()
    .map(|matching| Request::delete("item", matching))
    .collect();
    requests.push(Request::delete("item", set()).order_by("at"));
    requests.push(Request::delete("item", at(NOW, 0)).order_by("at"));
    requests
}

async fn run(lab: &Lab, request: Request) -> besom::request::Batch {
    let context = lab
        .begin_as(JobName::new("lab", "sweep"), Timestamp(NOW))
        .await;
    let (batch, _) = drain(&context, request).await.unwrap();
    lab.end(&context).await;
    batch
}

#[tokio::test]
async fn no_request_reaches_a_row_younger_than_a_column_allows() {
    for request in greedy() {
        let lab = Lab::sqlite(SQLITE).await;
        stays_above_the_floor(lab, "at", &request).await;
    }
    let mut lab = Lab::postgres(POSTGRES).await;
    for request in greedy() {
        lab.script("TRUNCATE item CASCADE").await;
        lab = stays_above_the_floor(lab, "at", &request).await;
    }
}

#[tokio::test]
async fn no_request_reaches_a_row_younger_than_its_key_allows() {
    for request in greedy() {
        let lab = Lab::sqlite(SQLITE).await;
        stays_above_the_floor(lab, "id", &request).await;
    }
    let mut lab = Lab::postgres(POSTGRES).await;
    for request in greedy() {
        lab.script("TRUNCATE item CASCADE").await;
        lab = stays_above_the_floor(lab, "id", &request).await;
    }
}

async fn stays_above_the_floor(mut lab: Lab, column: &str, request: &Request) -> Lab {
    items(&lab).await;
    floor(&mut lab, "item", column).await;

    let done = run(&lab, request.clone()).await;

    let left = names(&lab).await;
    for name in ["exact", "younger", "fresh"] {
        assert!(
            left.contains(&name.to_owned()),
            "{name} is gone by {request:?}: {left:?}"
        );
    }
    // A row whose column is NULL has no age; its key has one.
    assert!(
        column == "id" || left.contains(&"none".to_owned()),
        "{request:?}: {left:?}"
    );
    assert!(done.affected >= 2, "{request:?}: {left:?}");
    lab
}

#[tokio::test]
async fn values_that_the_operator_did_not_choose_are_out_of_reach() {
    for mut lab in both(POSTGRES, SQLITE).await {
        items(&lab).await;
        lab.script("UPDATE item SET kind = 'ours' WHERE name IN ('fresh', 'ancient')")
            .await;
        let mut grants = everything(lab.catalog().await.as_ref());
        let chosen = ("kind".to_owned(), Value::Other("ours".to_owned()));
        grants.tables.get_mut("item").unwrap().filter = BTreeMap::from([chosen]);
        lab.grants = Some(grants);

        for request in greedy() {
            run(&lab, request).await;
        }

        assert_eq!(names(&lab).await, ["exact", "none", "older", "younger"]);
    }
}

/// Two old items, `kept` with a child below that is too young to go, `gone` with one that is not.
async fn with_children(lab: &Lab, insert: impl AsyncFn(&Lab, u8, &str, &str)) {
    for (number, name, age) in [
        (1, "kept", DAY),
        (2, "gone", 31 * DAY),
        (3, "exact", 30 * DAY),
        (4, "never", -1),
    ] {
        let parent = item(lab, name, Some(NOW - 200 * DAY)).await;
        let at = if age < 0 { None } else { Some(NOW - age) };
        insert(lab, number, &parent, &time(lab, at)).await;
    }
}

const KEPT: [&str; 3] = ["exact", "kept", "never"];

#[tokio::test]
async fn a_young_row_below_a_cascade_keeps_its_parent() {
    for mut lab in both(POSTGRES, SQLITE).await {
        with_children(&lab, async |lab, number, parent, at| {
            lab.script(&format!(
                "INSERT INTO part VALUES ({number}, {parent}, {at}, 'x')"
            ))
            .await;
        })
        .await;
        floor(&mut lab, "part", "at").await;

        let done = run(&lab, Request::delete("item", Condition::Everything)).await;

        assert_eq!(names(&lab).await, KEPT);
        assert_eq!((done.affected, done.cascaded, done.blocked), (1, 1, 3));
        assert_eq!(lab.ids("SELECT id FROM part").await, [1, 3, 4]);
    }
}

#[tokio::test]
async fn a_young_row_two_cascades_below_keeps_its_grandparent() {
    for mut lab in both(POSTGRES, SQLITE).await {
        with_children(&lab, async |lab, number, parent, at| {
            let old = time(lab, Some(NOW - 200 * DAY));
            lab.script(&format!(
                "INSERT INTO part VALUES ({number}, {parent}, {old}, 'x');
                 INSERT INTO crumb VALUES ({number}, {number}, {at})"
            ))
            .await;
        })
        .await;
        floor(&mut lab, "crumb", "at").await;

        let done = run(&lab, Request::delete("item", Condition::Everything)).await;

        assert_eq!(names(&lab).await, KEPT);
        assert_eq!((done.affected, done.cascaded, done.blocked), (1, 2, 3));
        assert_eq!(lab.ids("SELECT id FROM crumb").await, [1, 3, 4]);
        assert_eq!(lab.ids("SELECT id FROM part").await, [1, 3, 4]);
    }
}

#[tokio::test]
async fn a_young_row_that_would_forget_its_parent_keeps_it() {
    for mut lab in both(POSTGRES, SQLITE).await {
        with_children(&lab, async |lab, number, parent, at| {
            lab.script(&format!(
                "INSERT INTO note VALUES ({number}, {parent}, {at})"
            ))
            .await;
        })
        .await;
        floor(&mut lab, "note", "at").await;

        let done = run(&lab, Request::delete("item", Condition::Everything)).await;

        assert_eq!(names(&lab).await, KEPT);
        assert_eq!((done.affected, done.cascaded, done.blocked), (1, 1, 3));
        let unchanged = "SELECT id FROM note WHERE item_id IS NOT NULL";
        assert_eq!(lab.ids(unchanged).await, [1, 3, 4]);
    }
}

#[tokio::test]
async fn a_row_below_a_cascade_that_the_operator_did_not_choose_keeps_its_parent() {
    for mut lab in both(POSTGRES, SQLITE).await {
        for (number, name, of) in [
            (1, "gone", "'ours'"),
            (2, "kept", "'theirs'"),
            (3, "none", "NULL"),
        ] {
            let parent = item(&lab, name, Some(NOW - 200 * DAY)).await;
            lab.script(&format!(
                "INSERT INTO part VALUES ({number}, {parent}, NULL, {of})"
            ))
            .await;
        }
        let mut grants = everything(lab.catalog().await.as_ref());
        let chosen = ("of".to_owned(), Value::Other("ours".to_owned()));
        grants.tables.get_mut("part").unwrap().filter = BTreeMap::from([chosen]);
        lab.grants = Some(grants);

        let done = run(&lab, Request::delete("item", Condition::Everything)).await;

        assert_eq!(names(&lab).await, ["kept", "none"]);
        assert_eq!((done.affected, done.blocked), (1, 2));
    }
}

#[tokio::test]
async fn a_row_that_grows_young_while_the_batch_is_under_way_keeps_its_parent() {
    let mut lab = Lab::postgres(POSTGRES).await;
    let parent = item(&lab, "kept", Some(NOW - 200 * DAY)).await;
    item(&lab, "gone", Some(NOW - 200 * DAY)).await;
    let old = time(&lab, Some(NOW - 100 * DAY));
    lab.script(&format!(
        "INSERT INTO part VALUES (1, {parent}, {old}, 'x')"
    ))
    .await;
    floor(&mut lab, "part", "at").await;

    // The application has made it young and has not committed yet.
    let mut application = lab.session().await;
    application.begin("BEGIN").await.unwrap();
    let young = time(&lab, Some(NOW));
    application
        .run_script(&format!("UPDATE part SET at = {young}"))
        .await
        .unwrap();
    let done = run(&lab, Request::delete("item", Condition::Everything)).await;
    application.commit().await.unwrap();

    assert_eq!(names(&lab).await, ["kept"]);
    assert_eq!((done.affected, done.locked), (1, 1));
    let again = run(&lab, Request::delete("item", Condition::Everything)).await;
    assert_eq!((again.affected, again.blocked), (0, 1));
    assert_eq!(lab.ids("SELECT id FROM part").await, [1]);
}
