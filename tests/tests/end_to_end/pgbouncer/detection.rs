//! A pooler that the configuration does not tell of is found out, and nothing is left on its
//! connections.

use besom::database::{Database, DatabaseOptions, Pooler};
use besom_tests::TestDatabase;
use besom_tests::lab::Lab;
use besom_tests::pgbouncer::PgBouncerOptions;

use super::{left, one_connection, untouched};
use crate::cli::Desk;

async fn behind(ignored: &'static str) -> Option<TestDatabase> {
    besom_tests::behind_pgbouncer(PgBouncerOptions {
        ignored,
        ..one_connection()
    })
    .await
}

fn with_options(url: &str, options: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{options}")
}

#[tokio::test]
async fn a_pooler_that_nobody_told_of_is_refused_with_the_key_whatever_it_ignores() {
    for ignored in [
        "",
        "extra_float_digits",
        "extra_float_digits, options",
        "options",
    ] {
        let Some(home) = behind(ignored).await else {
            return;
        };
        // Somebody's session is there to be lent.
        let before = left(&home).await;

        let refused = Database::connect(&home.url, DatabaseOptions::default()).await;

        let refused = refused.err().unwrap_or_else(|| panic!("let in: {ignored}"));
        assert_eq!(refused.code, "pooler", "{refused}");
        assert!(
            refused
                .message
                .contains("pooler = \"transaction\" under [database]"),
            "{refused}"
        );
        assert_eq!(before, untouched(&home).await);
        assert_eq!(left(&home).await, before, "ignoring {ignored:?}");
    }
}

#[tokio::test]
async fn the_binary_says_which_key_to_write() {
    let Some(home) = behind("extra_float_digits, options").await else {
        return;
    };
    let desk = Desk::with_file(home, "[plugins.tokens]\n");
    for command in [&["migrate"][..], &["check"], &["run", "tokens"]] {
        let mut untold = desk.command(command);
        untold.env("BESOM_DATABASE__POOLER", "none");
        let said = untold.output().unwrap();
        let words = String::from_utf8(said.stderr).unwrap();
        assert!(!said.status.success(), "{command:?}");
        assert!(words.contains("pooler = \"transaction\""), "{words}");
    }
    assert_eq!(left(&desk.database).await, untouched(&desk.database).await);
}

#[tokio::test]
async fn a_role_with_the_same_settings_of_its_own_does_not_make_a_pooler_look_like_none() {
    let Some(home) = behind("extra_float_digits, options").await else {
        return;
    };
    let told = Database::connect(&home.direct(), DatabaseOptions::default())
        .await
        .unwrap();
    let mut session = told.session().await.unwrap();
    for setting in [
        "statement_timeout = 15000",
        "lock_timeout = 500",
        "row_security = off",
        "jit = off",
        "enable_seqscan = off",
        "enable_mergejoin = off",
        "intervalstyle = iso_8601",
    ] {
        session
            .run_script(&format!(
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET {setting}', current_database()); END $$"
            ))
            .await
            .unwrap();
    }

    let refused = Database::connect(&home.url, DatabaseOptions::default()).await;

    assert_eq!(
        refused.err().map(|error| error.code).as_deref(),
        Some("pooler")
    );
}

#[tokio::test]
async fn without_a_pooler_the_key_costs_round_trips_and_nothing_else() {
    let home = besom_tests::postgres().await;
    let lent = DatabaseOptions {
        pooler: Pooler::Transaction,
        ..DatabaseOptions::default()
    };
    let database = Database::connect(&home.url, lent).await.unwrap();
    let applied = besom::ledger::migrate(&database).await.unwrap();
    assert!(!applied.is_empty());
}

#[tokio::test]
async fn a_session_of_besoms_own_has_its_settings_and_the_urls() {
    let home = besom_tests::postgres().await;
    // A pooler takes no settings from a URL.
    let url = with_options(&home.direct(), "options[work_mem]=7MB&options[jit]=on");
    let database = Database::connect(&url, DatabaseOptions::default())
        .await
        .unwrap();
    let mut statement = besom::database::Statement::new(database.dialect());
    statement.push(
        "SELECT current_setting('work_mem'), current_setting('jit'), current_setting('enable_seqscan'),
                current_setting('statement_timeout'), current_setting('row_security')",
    );

    let row = database
        .session()
        .await
        .unwrap()
        .fetch_one(&statement)
        .await
        .unwrap();

    let words: Vec<_> = row.0.iter().filter_map(|cell| cell.as_text()).collect();
    assert_eq!(words, ["7MB", "off", "off", "15s", "off"]);
}

#[tokio::test]
async fn options_of_the_url_that_a_pooler_would_drop_are_refused() {
    let Some(home) = behind("options").await else {
        return;
    };
    let lent = DatabaseOptions {
        pooler: Pooler::Transaction,
        ..DatabaseOptions::default()
    };
    let url = with_options(&home.url, "options[search_path]=elsewhere");

    let refused = Database::connect(&url, lent).await.err().unwrap();

    assert_eq!(refused.code, "pooler");
    assert!(refused.message.contains("ALTER ROLE"), "{refused}");
}

#[tokio::test]
async fn many_sessions_share_few_connections() {
    let Some(lab) = Lab::behind_pgbouncer(one_connection(), "CREATE TABLE t (n int)").await else {
        return;
    };
    let many = (0..20).map(|_| {
        let database = lab.database.clone();
        async move { database.now().await }
    });
    for answer in futures::future::join_all(many).await {
        answer.unwrap();
    }
}
