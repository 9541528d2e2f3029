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
    both "5010_oauth2_access_tokens_session_fk",
    both "5020_oauth_access_tokens_expires_at_idx",
    both "5030_oauth_access_tokens_revoked_at_idx",
    both "5040_oauth2_refresh_tokens_access_token_fk",
    both "5050_oauth2_refresh_tokens_next_refresh_token_fk",
    both "5060_oauth2_refresh_tokens_session_fk",
    both "5070_oauth_refresh_token_consumed_at_idx",
    both "5080_oauth_refresh_token_not_consumed_idx",
    both "5090_oauth_refresh_tokens_revoked_at_idx",
    both "5100_oauth2_authorization_grants_client_fk",
    both "5110_oauth2_authorization_grants_session_fk",
    both "5120_oauth2_authorization_grants_user_session_id_idx",
    both "5130_oauth2_device_code_grants_client_fk",
    both "5140_oauth2_device_code_grants_session_fk",
    both "5150_oauth2_device_code_grants_user_session_fk",
    both "5160_oauth2_sessions_client_fk",
    both "5170_oauth2_sessions_user_fk",
    both "5180_oauth2_sessions_user_session_fk",
    both "5190_oauth2_sessions_active_client_idx",
    both "5200_oauth2_sessions_active_user_client_idx",
    both "5210_oauth2_sessions_finished_at_idx",
    both "5220_oauth2_sessions_inactive_ips_idx",
    both "5230_oauth2_sessions_last_active_at_idx",
    both "5240_compat_access_tokens_session_fk",
    both "5250_compat_refresh_tokens_access_token_fk",
    both "5260_compat_refresh_tokens_session_fk",
    both "5270_compat_sessions_user_fk",
    both "5280_compat_sessions_user_session_fk",
    both "5290_compat_sessions_active_user_idx",
    both "5300_compat_sessions_finished_at_idx",
    both "5310_compat_sessions_inactive_ips_idx",
    both "5320_compat_sessions_last_active_at_idx",
    both "5330_personal_sessions_actor_user_id_idx",
    both "5340_personal_sessions_owner_oauth2_client_id_idx",
    both "5350_personal_sessions_owner_user_id_idx",
    both "5360_personal_access_tokens_personal_session_id_idx",
    both "5370_users_lower_username_idx",
    both "5380_user_emails_user_fk",
    both "5390_user_emails_email_idx",
    both "5400_user_emails_lower_email_idx",
    both "5410_user_passwords_user_fk",
    both "5420_user_sessions_user_fk",
    both "5430_user_sessions_finished_at_idx",
    both "5440_user_sessions_inactive_ips_idx",
    both "5450_user_sessions_last_active_at_idx",
    both "5460_user_session_authentications_upstream_oauth_session_fk",
    both "5470_user_session_authentications_user_password_fk",
    both "5480_user_session_authentications_user_session_fk",
    both "5490_queue_jobs_next_attempt_fk",
    both "5500_queue_jobs_schedule_name_fk",
    both "5510_queue_jobs_started_by_fk",
    both "5520_idx_queue_jobs_status_queue_job_id",
    both "5530_queue_jobs_scheduled_at_idx",
    both "5540_upstream_oauth_authorization_sessions_link_fk",
    both "5550_upstream_oauth_authorization_sessions_provider_fk",
    both "5560_upstream_oauth_authorization_sessions_orphaned",
    both "5570_upstream_oauth_authorization_sessions_sid_sub_idx",
    both "5580_upstream_oauth_authorization_sessions_sub_sid_idx",
    both "5590_upstream_oauth_authorization_sessions_user_session_id_idx",
    both "5600_upstream_oauth_links_provider_fk",
    both "5610_upstream_oauth_links_user_fk",
    both "5620_idx_upstream_oauth_links_orphaned",
    both "5630_user_recovery_tickets_session_fk",
    both "5640_user_recovery_tickets_user_email_fk",
    both "5650_user_recovery_tickets_ticket_idx",
    both "5660_user_email_authentications_user_registration_fk",
    both "5670_user_email_authentications_user_session_fk",
    both "5680_user_email_authentication_codes_authentication_fk",
    both "5690_user_registration_tokens_created_at_idx",
    both "5700_user_registration_tokens_expires_at_idx",
    both "5710_user_registration_tokens_last_used_at_idx",
    both "5720_user_registration_tokens_revoked_at_idx",
    both "5730_user_registration_tokens_times_used_idx",
    both "5740_user_registration_tokens_usage_limit_idx",
    both "5750_user_registrations_email_authentication_fk",
    both "5760_user_registrations_user_registration_token_id_fk",
    both "5770_user_registrations_upstream_oauth_session_id_idx",
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
