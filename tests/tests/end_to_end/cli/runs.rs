//! `besom runs list --job` and names that nobody has.

use super::{Desk, both};

#[tokio::test]
async fn a_job_that_is_not_there_is_refused_with_those_that_are() {
    for database in both().await {
        let desk = Desk::with_schema(database, "[plugins.tokens]\n").await;

        for (job, words) in [
            (
                "tokens/expired-acess",
                "did you mean `tokens/expired-access`?",
            ),
            ("tokens/nosuch", "there are tokens/"),
            // In the binary, and not in the file.
            ("sessions/nosuch", "there are tokens/"),
        ] {
            let said = desk.run(&["runs", "list", "--job", job]);
            assert_eq!(said.code, 2, "{}", said.stdout);
            let what = format!("there is no job `{job}`");
            assert!(said.stderr.contains(&what), "{}", said.stderr);
            assert!(said.stderr.contains(words), "{}", said.stderr);
        }
        let none = desk.says(&["runs", "list", "--job", "tokens/expired-access"]);
        assert_eq!(none, "no runs yet\n");
    }
}

#[tokio::test]
async fn runs_of_a_job_that_is_gone_are_listed() {
    for database in both().await {
        let desk = Desk::with_schema(database, "[plugins.tokens]\n").await;
        desk.says(&["run", "tokens/expired-access"]);
        let file = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("[plugins.tokens]", "[plugins.ips]")).unwrap();

        let listed = desk.json(&["runs", "list", "--job", "tokens/expired-access", "--json"]);

        assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
        let said = desk.run(&["runs", "list", "--job", "tokens/revoked-access"]);
        assert_eq!(said.code, 2, "it never ran: {}", said.stdout);
    }
}
