//! The example plugin outside the bundle, installed as anybody's is: it reads rows and names those that
//! are to go, and the newest stay.

mod growing;

use besom::request::{Condition, Request};
use besom_tests::TestDatabase;
use besom_tests::lab::{Lab, both as labs};

use crate::cli::{Desk, both, place};

const GRANT: &str = "
[plugins.policy-data.grant.policy_data]
read = [\"policy_data_id\"]
delete = true
all-rows = true
";

/// A desk with the plugin's file, these keys of its own section, and the grant.
async fn desk(database: TestDatabase, keys: &str, grant: &str) -> Desk {
    let file = format!("[plugins.policy-data]\ncomponent = \"policy-data.wasm\"\n{keys}\n{grant}");
    let desk = Desk::with_schema(database, "").await;
    let path = desk.folder.path().join("besom.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{before}\n{file}")).unwrap();
    let component = besom_tests::fixtures::policy_data();
    place(desk.folder.path(), "policy-data.wasm", &component);
    desk
}

/// Versions of these numbers, whose keys rise with them.
fn insert(postgres: bool, versions: impl IntoIterator<Item = i64>) -> String {
    let row = |n: i64| match postgres {
        true => format!("('{n:032x}', to_timestamp({n}), '{{}}')"),
        false => format!("(x'{n:032x}', {n}, '{{}}')"),
    };
    let rows: Vec<_> = versions.into_iter().map(row).collect();
    format!("INSERT INTO policy_data VALUES {}", rows.join(", "))
}

fn on_postgres(desk: &Desk) -> bool {
    desk.database.url.starts_with("postgres")
}

async fn publish(desk: &Desk, versions: impl IntoIterator<Item = i64>) {
    desk.script(&insert(on_postgres(desk), versions)).await;
}

/// How many versions there are, and how many of them from that number on.
async fn there(desk: &Desk, from: i64) -> (i64, i64) {
    let key = match on_postgres(desk) {
        true => format!("'{from:032x}'"),
        false => format!("x'{from:032x}'"),
    };
    let all = "SELECT count(*) FROM policy_data";
    let since = format!("{all} WHERE policy_data_id >= {key}");
    (desk.count(all).await, desk.count(&since).await)
}

#[tokio::test]
async fn without_a_grant_it_is_refused_with_the_grant_that_it_needs() {
    for database in both().await {
        let desk = desk(database, "", "").await;
        publish(&desk, 1..=20).await;

        let said = desk.run(&["run", "policy-data"]);

        assert_eq!(said.code, 2, "{}", said.stderr);
        let text = format!("{}{}", said.stdout, said.stderr);
        for line in GRANT.trim().lines() {
            assert!(text.contains(line), "no {line} in {text}");
        }
        assert_eq!(there(&desk, 1).await.0, 20);
    }
}

#[tokio::test]
async fn under_its_grant_it_keeps_the_newest_ten() {
    for database in both().await {
        let desk = desk(database, "", GRANT).await;
        publish(&desk, (1..=2_500).rev()).await;

        let dry = desk.json(&["run", "policy-data", "--dry-run", "--json"]);
        assert_eq!(there(&desk, 1).await.0, 2_500);
        let done = desk.json(&["run", "policy-data", "--json"]);

        assert_eq!(dry[0]["affected"], 2_490);
        assert_eq!(done[0]["affected"], 2_490);
        assert_eq!(there(&desk, 2_491).await, (10, 10));
        let again = desk.json(&["run", "policy-data", "--json"]);
        assert_eq!(again[0]["affected"], 0);
    }
}

#[tokio::test]
async fn the_record_says_that_only_the_plugin_knows_what_should_be_left() {
    for database in both().await {
        let desk = desk(database, "", GRANT).await;
        publish(&desk, 1..=12).await;

        let done = desk.json(&["run", "policy-data", "--json"]);

        let id = done[0]["run"].as_str().unwrap();
        let shown = desk.says(&["runs", "show", id]);
        assert!(
            shown.contains(
                "verification  unverified: the plugin chose rows of `policy_data` by reading them\n"
            ),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn it_keeps_as_many_as_it_is_told_and_never_none() {
    for database in both().await {
        let desk = desk(database, "settings = { keep = 3 }", GRANT).await;
        publish(&desk, 1..=12).await;

        let none = desk.run(&["run", "policy-data", "--set", "keep=0"]);
        assert_eq!(there(&desk, 1).await.0, 12);
        desk.says(&["run", "policy-data"]);

        assert_ne!(none.code, 0);
        assert!(none.stderr.contains("keep at least 1"), "{}", none.stderr);
        assert_eq!(there(&desk, 10).await, (3, 3));
    }
}

#[tokio::test]
async fn one_condition_does_the_same() {
    let schema = |sqlite: bool| {
        let (key, at) = match sqlite {
            false => ("uuid", "timestamptz"),
            true => ("BLOB", "INTEGER"),
        };
        format!(
            "CREATE TABLE policy_data (policy_data_id {key} NOT NULL PRIMARY KEY, created_at {at}, data TEXT);
             {}",
            insert(!sqlite, (1..=300).rev())
        )
    };
    let by_condition = labs(&schema(false), &schema(true)).await;
    for (lab, database) in by_condition.into_iter().zip(both().await) {
        let desk = desk(database, "batch-size = 7", GRANT).await;
        publish(&desk, (1..=300).rev()).await;
        let newest = Condition::BeyondNewest {
            group_by: Vec::new(),
            order_by: "policy_data_id".into(),
            keep: 10,
        };

        let (total, _) = lab
            .run(Request::delete("policy_data", newest))
            .await
            .unwrap();
        let done = desk.json(&["run", "policy-data", "--json"]);

        assert_eq!(done[0]["affected"], total.affected);
        let keys = |lab: &Lab| match lab.dialect() {
            besom::catalog::Dialect::Postgres => {
                "SELECT extract(epoch FROM created_at)::bigint FROM policy_data"
            }
            besom::catalog::Dialect::Sqlite => "SELECT created_at FROM policy_data",
        };
        let expected: Vec<_> = (291..=300).collect();
        assert_eq!(lab.ids(keys(&lab)).await, expected);
        assert_eq!(there(&desk, 291).await, (10, 10));
    }
}
