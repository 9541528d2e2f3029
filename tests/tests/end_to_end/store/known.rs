//! Commands that only want to know which jobs there are know installed ones.

use besom_tests::fixtures::Versioned;

use super::*;

const SCHEDULED: &str = "[plugins.versioned.jobs.old]\nschedule = \"0 3 * * *\"\n";

#[tokio::test]
async fn jobs_of_installed_plugins_are_in_the_schedule() {
    for database in both().await {
        let desk = desk(database, &format!("{ANY}{SCHEDULED}")).await;
        let before = desk.run(&["schedule", "--json"]);
        assert_eq!(before.code, 0, "{}", before.stderr);
        assert_eq!(before.stdout.trim(), "[]");
        let none = "no version of it is installed";
        assert!(before.stderr.contains(none), "{}", before.stderr);

        install(&desk, &Versioned::at("1.0.0"));

        let said = desk.run(&["schedule", "versioned", "--json"]);
        let lines: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(lines[0]["job"], JOB);
        assert_eq!(lines[0]["schedule"], "0 3 * * *");
        assert_eq!(lines[0]["next"].as_array().unwrap().len(), 1);
        assert_eq!(said.stderr, "", "the ledger was asked");
    }
}

#[tokio::test]
async fn runs_are_looked_for_by_the_names_of_installed_jobs() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        install(&desk, &Versioned::at("1.0.0"));

        let none = desk.says(&["runs", "list", "--job", JOB]);
        assert_eq!(none, "no runs yet\n");
        let said = desk.run(&["runs", "list", "--job", "versioned/new"]);
        assert_eq!(said.code, 2, "{}", said.stdout);
        assert!(
            said.stderr.contains("there are versioned/old"),
            "{}",
            said.stderr
        );

        // A plugin that runs nowhere may have had any job.
        desk.says(&["plugin", "remove", "versioned"]);
        desk.says(&["runs", "list", "--job", "versioned/new"]);
    }
}
