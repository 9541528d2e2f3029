//! A foreign key whose column no index has, as the product left it: every parent that goes would read its whole child
//! table. `besom check` finds it and says what to do.

use serde_json::Value;

use crate::cli::Desk;

const LOGINS: i64 = 200_000;
const SESSIONS: i64 = 300;

/// Compatibility sessions that ended 40 days ago, and 200 000 SSO logins; one in a thousand led to
/// one of the sessions.
fn rows(postgres: bool) -> String {
    let (numbers, session, login, user, ago) = if postgres {
        (
            format!("generate_series(1, {LOGINS}) AS n"),
            "lpad(to_hex(n), 32, '0')::uuid",
            "md5('login' || n)::uuid",
            "'00000000000000000000000000000001'::uuid",
            "now() - interval '40 days'",
        )
    } else {
        (
            format!(
                "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {LOGINS}) \
                 SELECT n FROM s) AS numbers"
            ),
            "unhex(printf('%032x', n))",
            "randomblob(16)",
            "unhex(printf('%032x', 1))",
            "(unixepoch() - 40 * 86400) * 1000000",
        )
    };
    let of_login = session.replace("n)", "n / 1000)");
    format!(
        "INSERT INTO users (user_id, username, created_at) VALUES ({user}, 'user', {ago});
         INSERT INTO compat_sessions (compat_session_id, user_id, created_at, finished_at) \
         SELECT {session}, {user}, {ago}, {ago} FROM {numbers} WHERE n <= {SESSIONS};
         INSERT INTO compat_sso_logins (compat_sso_login_id, compat_session_id, login_token, \
             redirect_uri, created_at) \
         SELECT {login}, CASE WHEN n % 1000 = 0 THEN {of_login} END, 'login ' || n, \
             'https://app.example', {ago} FROM {numbers};
         ANALYZE"
    )
}

#[tokio::test]
async fn two_hundred_thousand_logins_without_an_index_are_found_and_run_after_it_is_made() {
    for database in crate::cli::both().await {
        let postgres = database.url.starts_with("postgres");
        let desk = Desk::with_schema(database, "[plugins.sessions]\n").await;
        desk.script(&rows(postgres)).await;
        let job = "sessions/finished-compat";

        // It is found, and the job refuses.
        let checked = desk.run(&["check", "--json"]);
        assert_eq!(checked.code, 1, "{}{}", checked.stdout, checked.stderr);
        assert!(
            checked.stdout.contains("unindexed-foreign-key")
                && checked.stdout.contains("compat_sso_logins"),
            "{}",
            checked.stdout
        );
        let refused = desk.run(&["run", job]);
        assert_ne!(refused.code, 0, "{}", refused.stdout);
        let told = format!("{}{}", refused.stdout, refused.stderr);
        assert!(told.contains("unindexed-foreign-key"), "{told}");
        let sessions = "SELECT count(*) FROM compat_sessions";
        assert_eq!(desk.count(sessions).await, SESSIONS);

        // The statement is printed, once, and it mends the finding.
        let statement = desk.run(&["check", "--sql"]).stdout;
        let statements: Vec<&str> = statement
            .lines()
            .filter(|line| !line.starts_with("--") && line.contains("compat_session_id"))
            .collect();
        let create = if postgres {
            "CREATE INDEX CONCURRENTLY"
        } else {
            "CREATE INDEX"
        };
        assert_eq!(statements.len(), 1, "{statement}");
        assert!(
            statements[0].starts_with(create)
                && statements[0].contains("compat_sso_logins")
                && statements[0].ends_with(';'),
            "{statement}"
        );
        desk.script(statements[0]).await;
        desk.says(&["check"]);

        // And it runs.
        let done: Value = desk.json(&["run", job, "--json"]);
        assert_eq!(done[0]["affected"], SESSIONS, "{done:#}");
        assert_eq!(done[0]["dependents"], LOGINS / 1000, "{done:#}");
        assert_eq!(done[0]["verified"], true, "{done:#}");
        assert_eq!(desk.count(sessions).await, 0);
        let left = desk.count("SELECT count(*) FROM compat_sso_logins").await;
        assert_eq!(left, LOGINS - LOGINS / 1000);
    }
}
