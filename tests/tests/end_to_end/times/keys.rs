//! Keys that sign, whose times are text with offsets: the bundled job compares them by the instant.

use crate::cli::{Desk, both};

const FILE: &str = "[plugins.sessions]\nsettings = { profile = \"server-sessions\", signing-keys-table = \"app_keys\", \
    signing-keys-activated-at-column = \"activated_at\", signing-keys-retired-at-column = \"retired_at\", \
    sessions-table = \"app_logins\", sessions-signing-key-column = \"key\" }\n\
    [time-forms]\n\"app_keys.activated_at\" = \"rfc3339\"\n\"app_keys.retired_at\" = \"rfc3339\"\n";

#[tokio::test]
async fn a_key_that_was_activated_again_after_it_was_retired_stays_in_whatever_zone_that_is_written()
 {
    for database in both().await {
        let desk = Desk::with_file(database, FILE);
        desk.script(
            "CREATE TABLE app_keys (id bigint PRIMARY KEY, activated_at text, retired_at text);
             CREATE INDEX keys_end ON app_keys (retired_at);
             CREATE TABLE app_logins (id bigint PRIMARY KEY, key bigint REFERENCES app_keys);
             CREATE INDEX logins_key ON app_logins (key);
             INSERT INTO app_keys VALUES
                 (1, '2025-06-01T19:41:17-05:00', '2025-06-01T23:41:17Z'),
                 (2, '2025-06-01T23:41:17.500Z', '2025-06-01T23:41:17Z'),
                 (3, '2025-06-02T01:41:17+02:00', '2025-06-01T23:41:17.250Z'),
                 (4, '2025-06-01T20:41:17-05:00', '2025-06-02T23:41:17Z'),
                 (5, 'soon', '2025-06-02T23:41:17Z'),
                 (6, '2025-01-01T00:00:00Z', '0001-01-01T00:00:00Z'),
                 (7, NULL, '2025-06-02T23:41:17Z'),
                 (8, '2025-01-01T00:00:00Z', '2025-06-01T23:41:17Z');
             INSERT INTO app_logins VALUES (1, 8)",
        )
        .await;
        desk.says(&["migrate"]);

        let ran = desk.json(&["run", "sessions/signing-keys", "--json"]);

        assert_eq!(ran[0]["affected"], 3, "{ran}");
        // 3 and 4 were retired after they were activated, and 7 was never active.
        let gone = "SELECT count(*) FROM app_keys WHERE id IN (3, 4, 7)";
        assert_eq!(desk.count(gone).await, 0);
        let of = &ran[0]["remains"][0]["unread_of"]["app_keys.activated_at"];
        assert_eq!(of["rows"], 1, "{ran}");
        assert_eq!(ran[0]["verified"], serde_json::Value::Null, "{ran}");
    }
}
