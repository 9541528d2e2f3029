//! A job that is like another and cleans its very tables.

use super::{Desk, both};

const LIKE: &str = "[plugins.tokens.jobs.refresh-tokens]\nsettings = { retention = \"30d\" }\n\
                    [plugins.tokens.jobs.api-tokens]\nlike = \"refresh-tokens\"\n";
const OWN: &str = "settings = { refresh-tokens-table = \"api_tokens\" }\n";

#[tokio::test]
async fn it_is_told_as_long_as_it_has_no_table_of_its_own() {
    for database in both().await {
        let desk = Desk::with_schema(database, LIKE).await;
        desk.script("CREATE TABLE api_tokens AS SELECT * FROM refresh_tokens")
            .await;
        let told = |desk: &Desk| {
            let found = desk.json(&["check", "--json"]);
            let jobs = found["jobs"].as_array().unwrap().iter();
            jobs.filter(|job| job["findings"].to_string().contains("same-tables"))
                .map(|job| job["job"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };

        assert_eq!(told(&desk), ["tokens/api-tokens"]);

        let file = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{text}{OWN}")).unwrap();
        assert_eq!(told(&desk), [] as [&str; 0]);
    }
}
