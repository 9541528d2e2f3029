//! `besom demo`.

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn the_demo_cleans_verifies_and_a_second_one_affects_nothing() {
    for database in both().await {
        let url = database.url.replace("?mode=rwc", "");
        let run = |more: &[&str]| {
            let mut arguments = vec!["demo", "--rows", "4000", "--json", "--database", &url];
            arguments.extend(more);
            let output = besom().args(arguments).output().unwrap();
            (
                output.status.code(),
                output.stdout,
                String::from_utf8_lossy(&output.stderr).into_owned(),
            )
        };
        let (code, stdout, stderr) = run(&["--keep"]);
        assert_eq!(code, Some(0), "{stderr}");
        let first: Value = serde_json::from_slice(&stdout).unwrap();
        let plugins = first["plugins"].as_array().unwrap().iter();
        let names: Vec<&str> = plugins.map(|p| p["name"].as_str().unwrap()).collect();
        let mut bundled = besom::cli::bundled_names();
        bundled.sort_unstable();
        assert_eq!(names, bundled);
        let listed = besom().args(["plugin", "jobs", "--json"]).output().unwrap();
        let listed: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
        assert_eq!(first["jobs"].as_array().unwrap().len(), listed.len());
        assert!(
            first["jobs"]
                .as_array()
                .unwrap()
                .iter()
                .all(|job| job["verified"] == json!(true))
        );
        assert!(
            first["kept"]
                .as_array()
                .unwrap()
                .iter()
                .all(|kept| kept["before"] == kept["after"])
        );

        let (code, stdout, stderr) = run(&["--keep"]);
        assert_eq!(code, Some(0), "{stderr}");
        let second: Value = serde_json::from_slice(&stdout).unwrap();
        assert!(
            second["jobs"]
                .as_array()
                .unwrap()
                .iter()
                .all(|job| job["affected"] == json!(0)),
            "{second:#}"
        );

        // What an earlier demo left is not taken away by one that was not told to go on with it.
        let (code, _, stderr) = run(&[]);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains("--keep"), "{stderr}");
    }
}

#[tokio::test]
async fn a_demo_leaves_a_database_with_other_tables_alone() {
    for database in both().await {
        let desk = Desk::with_file(database, "");
        desk.script("CREATE TABLE mine (id bigint PRIMARY KEY)")
            .await;
        let url = desk.database.url.clone();
        let said = desk.run(&["demo", "--rows", "2000", "--keep", "--database", &url]);
        assert_ne!(said.code, 0);
        assert!(said.stderr.contains("mine"), "{}", said.stderr);
    }
}
