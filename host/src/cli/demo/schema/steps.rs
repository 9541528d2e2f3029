//! The steps of the reference schema, in their order.
//!
//! The thousands are the chapters: tables as they were, two foreign keys that were changed, a pointer that
//! was added, indexes one by one, other profiles; the gaps leave room to split a step. What each teaches is
//! in `docs/migrations.md`.

/// One migration.
pub(super) struct Step {
    /// The file's name without its ending.
    pub(super) name: &'static str,
    pub(super) postgres: &'static str,
    /// `None`: an earlier step of SQLite's has the end of the story.
    pub(super) sqlite: Option<&'static str>,
}

impl Step {
    /// The chapter: 2 of `2010_…`.
    pub(super) fn chapter(&self) -> Option<u32> {
        self.name.get(..1)?.parse().ok()
    }
}

macro_rules! steps {
    ($($dialects:ident $name:literal),* $(,)?) => {
        &[$(Step {
            name: $name,
            postgres: include_str!(concat!("../../../../../migrations/auth/postgres/", $name, ".sql")),
            sqlite: steps!(@$dialects $name),
        }),*]
    };
    (@both $name:literal) => {
        Some(include_str!(concat!("../../../../../migrations/auth/sqlite/", $name, ".sql")))
    };
    (@postgres $name:literal) => {
        None
    };
}

/// In this order.
pub(super) const STEPS: &[Step] = steps![
    both "1010_users",
    both "1020_upstream_oauth",
    both "1030_user_session_authentications",
    both "1040_oauth2",
    both "1050_compat",
    both "1060_personal",
    both "1070_queue",
    both "1080_recovery",
    both "1090_policy_data",
    postgres "2010_compat_user_session_no_action",
    postgres "2020_compat_user_session_validate",
    postgres "3010_queue_next_attempt_set_null",
    postgres "3020_queue_next_attempt_validate",
    both "4010_upstream_user_session",
    postgres "4015_upstream_user_session_validate",
    both "4020_upstream_user_session_trigger",
    both "5010_oauth2_access_tokens_session",
    both "5020_oauth2_access_tokens_revoked_at",
    both "5030_oauth2_access_tokens_expires_at",
    both "5040_oauth2_refresh_tokens_session",
    both "5050_oauth2_refresh_tokens_access_token",
    both "5060_oauth2_refresh_tokens_next",
    both "5070_oauth2_refresh_tokens_revoked_at",
    both "5080_oauth2_refresh_tokens_consumed_at",
    both "5090_oauth2_authorization_grants_client",
    both "5100_oauth2_authorization_grants_session",
    both "5110_oauth2_device_code_grant_client",
    both "5120_oauth2_device_code_grant_session",
    both "5130_oauth2_device_code_grant_user_session",
    both "5140_compat_access_tokens_session",
    both "5150_compat_access_tokens_expires_at",
    both "5160_compat_refresh_tokens_session",
    both "5170_compat_refresh_tokens_access_token",
    both "5180_compat_refresh_tokens_consumed_at",
    both "5190_user_sessions_user",
    both "5200_user_sessions_finished_at",
    both "5210_user_sessions_open_last_active_at",
    both "5220_user_sessions_ip_last_active_at",
    both "5230_oauth2_sessions_user",
    both "5240_oauth2_sessions_user_session",
    both "5250_oauth2_sessions_client",
    both "5260_oauth2_sessions_finished_at",
    both "5270_oauth2_sessions_open_last_active_at",
    both "5280_oauth2_sessions_ip_last_active_at",
    both "5290_compat_sessions_user",
    both "5300_compat_sessions_user_session",
    both "5310_compat_sessions_finished_at",
    both "5320_compat_sessions_open_last_active_at",
    both "5330_compat_sessions_ip_last_active_at",
    both "5340_compat_sso_logins_session",
    both "5350_personal_sessions_owner_user",
    both "5360_personal_sessions_owner_client",
    both "5370_personal_sessions_actor_user",
    both "5380_personal_sessions_ip_last_active_at",
    both "5390_personal_access_tokens_session",
    both "5400_user_session_authentications_session",
    both "5410_user_session_authentications_password",
    both "5420_user_session_authentications_upstream",
    both "5430_user_passwords_user",
    both "5440_user_passwords_upgraded_from",
    both "5450_queue_jobs_status",
    both "5460_queue_jobs_next_attempt",
    both "5470_queue_jobs_started_by",
    both "5480_queue_workers_last_seen_at",
    both "5490_queue_workers_shutdown_at",
    both "5500_upstream_oauth_authorization_sessions_provider",
    both "5510_upstream_oauth_authorization_sessions_link",
    both "5520_upstream_oauth_authorization_sessions_user_session",
    both "5530_upstream_oauth_authorization_sessions_orphaned",
    both "5540_upstream_oauth_links_user",
    both "5550_upstream_oauth_links_orphaned",
    both "5560_user_recovery_tickets_session",
    both "5570_user_recovery_tickets_email",
    both "5580_user_email_authentications_session",
    both "5590_user_email_authentications_registration",
    both "5600_user_registrations_email_authentication",
    both "6010_server_sessions",
    both "6020_refresh_tokens",
];

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::STEPS;

    #[test]
    fn every_file_of_both_dialects_is_a_step_in_the_order_of_its_number() {
        let named = |postgres: bool| {
            let steps = STEPS
                .iter()
                .filter(|step| postgres || step.sqlite.is_some());
            steps
                .map(|step| format!("{}.sql", step.name))
                .collect::<Vec<_>>()
        };
        assert!(named(true).is_sorted(), "{:?}", named(true));

        for (dialect, postgres) in [("postgres", true), ("sqlite", false)] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../migrations/auth")
                .join(dialect);
            let files: BTreeSet<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            assert_eq!(files, named(postgres).into_iter().collect(), "{dialect}");
        }
    }
}
