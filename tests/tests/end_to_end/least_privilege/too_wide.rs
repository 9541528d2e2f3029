//! `superuser` and `grant-too-wide`: told once, and they stop no job.

use super::Office;
use crate::cli::Desk;

const TOKENS: &str = "[plugins.tokens]\nsettings = { profile = \"mas\" }\n";

async fn office(role: &str) -> Office {
    let desk = Desk::filled(besom_tests::postgres().await, 2_000, TOKENS).await;
    let office = Office::of(desk, role).await;
    office.grant(&[]).await;
    office
}

#[tokio::test]
async fn a_superuser_is_told_once_a_check_and_never_by_a_run() {
    let desk = Desk::filled(besom_tests::postgres().await, 2_000, TOKENS).await;

    let text = desk.says(&["check"]);
    let said = desk.run(&["run", "tokens", "--json"]);

    assert_eq!(text.matches("superuser").count(), 2, "{text}"); // the code, and the sentence
    assert!(text.contains("besom grants --sql ROLE"), "{text}");
    assert!(!text.contains("grant-too-wide"), "{text}");
    assert_eq!(said.code, 0, "{}", said.stderr);
    let all = format!("{}{}", said.stdout, said.stderr);
    assert!(!all.contains("superuser"), "{all}");
    assert_eq!(desk.says(&["check", "--sql"]), "");
}

#[tokio::test]
async fn rights_that_no_job_needs_are_listed_and_taken_back_by_what_is_printed() {
    let office = office("besom_wide_own").await;
    let role = &office.role;
    assert_eq!(office.about_the_role(), []);
    office
        .desk
        .script(&format!(
            "GRANT ALL ON users TO {role};
             GRANT UPDATE (email) ON user_recovery_sessions TO {role};
             GRANT UPDATE, TRUNCATE ON oauth2_access_tokens TO {role};
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};"
        ))
        .await;

    let told = office.about_the_role();

    assert_eq!(told.len(), 1, "{told:?}");
    let (code, message) = &told[0];
    assert_eq!(code, "grant-too-wide");
    for words in [
        "DELETE, INSERT",
        "on `public.users`",
        "UPDATE (\"email\") on `public.user_recovery_sessions`",
        "TRUNCATE, UPDATE on `public.oauth2_access_tokens`",
        "besom grants --sql besom_wide_own --revoke",
    ] {
        assert!(message.contains(words), "no {words} in {message}");
    }
    assert_eq!(office.run(&["check"]).code, 0);

    office.grant(&["--revoke"]).await;

    assert_eq!(office.about_the_role(), []);
    assert_eq!(office.lacking(), []);
    assert_eq!(office.run(&["run", "tokens"]).code, 0);
}

#[tokio::test]
async fn rights_through_another_role_are_told_with_its_name_and_not_taken_from_it() {
    let office = office("besom_wide_member").await;
    let role = &office.role;
    office
        .desk
        .script(&format!(
            "DO $$ BEGIN CREATE ROLE besom_wide_group; EXCEPTION WHEN duplicate_object
                 OR unique_violation THEN NULL; END $$;
             GRANT besom_wide_group TO {role};
             GRANT DELETE ON users TO besom_wide_group;
             GRANT TRUNCATE ON user_sessions TO PUBLIC;"
        ))
        .await;

    let told = office.about_the_role();

    assert_eq!(told.len(), 1, "{told:?}");
    for words in [
        "DELETE on `public.users` (through `besom_wide_group`)",
        "TRUNCATE on `public.user_sessions` (through `PUBLIC`)",
    ] {
        assert!(told[0].1.contains(words), "{told:?}");
    }
    let script = office.desk.says(&["grants", "--sql", role, "--revoke"]);
    assert!(!script.contains("REVOKE"), "{script}");
}

#[tokio::test]
async fn an_owner_and_a_member_of_pg_write_all_data_are_told_in_a_sentence() {
    let office = office("besom_wide_owner").await;
    let role = &office.role;
    office
        .desk
        .script(&format!(
            "GRANT USAGE, CREATE ON SCHEMA public TO {role};
             ALTER TABLE users OWNER TO {role}; ALTER TABLE oauth2_access_tokens OWNER TO {role};
             ALTER TABLE besom_batch OWNER TO {role};
             GRANT pg_write_all_data TO {role}"
        ))
        .await;

    let told = office.about_the_role();

    let owner = "owns `public.oauth2_access_tokens`, `public.users`: ";
    assert!(told[0].1.contains(owner), "{told:?}");
    assert!(told[1].1.contains("pg_write_all_data"), "{told:?}");
    assert_eq!(told.len(), 2, "{told:?}");
    office
        .desk
        .script(&format!("REVOKE pg_write_all_data FROM {role}"))
        .await;
}

#[tokio::test]
async fn another_column_by_which_rows_can_be_locked_is_as_good() {
    let office = office("besom_wide_lock").await;
    let role = &office.role;
    let script = format!(
        "REVOKE UPDATE ON oauth2_access_tokens FROM {role};
         GRANT UPDATE (expires_at) ON oauth2_access_tokens TO {role}"
    );
    office.desk.script(&script).await;

    assert_eq!(office.about_the_role(), []);
    assert_eq!(office.lacking(), []);
}

#[tokio::test]
async fn where_a_job_is_refused_nothing_is_called_too_much() {
    let office = office("besom_wide_unknown").await;
    let grant = format!("GRANT DELETE ON users TO {}", office.role);
    office.desk.script(&grant).await;
    let file = office.desk.folder.path().join("besom.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str("[plugins.tokens.jobs.revoked-access]\nsettings = { retention = \"soon\" }\n");
    std::fs::write(&file, text).unwrap();

    assert_eq!(office.about_the_role(), []);
    let said = office
        .desk
        .run(&["grants", "--sql", &office.role, "--revoke"]);
    assert_eq!((said.code, said.stdout.as_str()), (1, ""));
}
