//! How many rows of each kind a demo has.

use super::{DataError, MOST_ROWS, parents, upstream};

/// How many there are of what the rows hang on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    pub users: i64,
    /// Browser sessions from which OAuth 2.0 sessions were opened; their numbers come first.
    pub browsers_with: i64,
    /// The others. With one authentication for each browser session, and upstream authorization
    /// sessions beside two in three: 62 of 1000 rows.
    pub browsers_without: i64,
    /// With six access and five refresh tokens each: 408 of 1000 rows.
    pub oauth2_sessions: i64,
    /// 58 of 1000 rows, and what rounding leaves over.
    pub authorization_grants: i64,
    /// 30 of 1000 rows.
    pub device_codes: i64,
    /// With three access tokens, two refresh tokens and one SSO login each: 168 of 1000 rows.
    pub compat_sessions: i64,
    /// Of five refresh tokens each: 120 of 1000 rows.
    pub families: i64,
    /// 60 of 1000 rows.
    pub server_sessions: i64,
    /// Upstream links that belong to nobody, with one authorization session each: 6 of 1000 rows,
    /// and one link more for each user, which make 4.
    pub orphaned_links: i64,
    /// 4 of 1000 rows.
    pub personal_sessions: i64,
    /// 36 of 1000 rows.
    pub queue_jobs: i64,
    /// With one ticket each: 12 of 1000 rows.
    pub recovery_sessions: i64,
    /// With the proof of an address, and its code, each: 18 of 1000 rows.
    pub registrations: i64,
    /// Proofs of an address from within a browser session, with their codes: 6 of 1000 rows.
    pub added_addresses: i64,
    /// 8 of 1000 rows.
    pub password_resets: i64,
}

impl Counts {
    pub fn of(rows: u64) -> Result<Self, DataError> {
        let total = i64::try_from(rows)
            .ok()
            .filter(|_| rows <= MOST_ROWS)
            .ok_or(DataError::TooManyRows { rows })?;
        let oauth2_sessions = total * 34 / 1000;
        let mut counts = Self {
            users: oauth2_sessions / 10 + 1,
            browsers_with: oauth2_sessions / 4 + 1,
            browsers_without: total * 15 / 1000,
            oauth2_sessions,
            authorization_grants: 0,
            device_codes: total * 30 / 1000,
            compat_sessions: total * 24 / 1000,
            families: total * 24 / 1000,
            server_sessions: total * 60 / 1000,
            orphaned_links: total * 3 / 1000,
            personal_sessions: total * 4 / 1000,
            queue_jobs: total * 36 / 1000,
            recovery_sessions: total * 6 / 1000,
            registrations: total * 6 / 1000,
            added_addresses: total * 3 / 1000,
            password_resets: total * 8 / 1000,
        };
        counts.authorization_grants = (total - counts.rows()).max(0);
        Ok(counts)
    }

    pub fn browser_sessions(&self) -> i64 {
        self.browsers_with + self.browsers_without
    }

    /// Rows in the tables that the bundled plugins sweep, without the signing keys and the workers,
    /// of which there are always as many.
    fn rows(&self) -> i64 {
        self.oauth2_sessions * 12
            + self.authorization_grants
            + self.device_codes
            + self.compat_sessions * 7
            + self.families * 5
            + self.server_sessions
            + self.browser_sessions() * 2
            + upstream::sessions_beside(self.browser_sessions())
            + self.users
            + self.orphaned_links * 2
            + self.personal_sessions
            + self.queue_jobs
            + self.recovery_sessions * 2
            + self.registrations * 3
            + self.added_addresses * 2
            + self.password_resets
    }

    /// Numbers that the statements count with; enough for clients, signing keys and workers too.
    pub fn numbers(&self) -> i64 {
        [
            self.users,
            self.oauth2_sessions,
            self.authorization_grants,
            self.compat_sessions,
            self.families,
            self.server_sessions,
            self.browser_sessions(),
            self.queue_jobs,
            super::server::KEYS,
            super::queue::WORKERS,
        ]
        .into_iter()
        .fold(parents::CLIENTS, i64::max)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_add_up_to_the_rows_asked_for() {
        for rows in [2000, 2001, 9999, 200_000, 1_000_003, MOST_ROWS] {
            let counts = Counts::of(rows).unwrap();
            assert_eq!(counts.rows(), i64::try_from(rows).unwrap());
            // One grant led to each session.
            assert!(counts.authorization_grants >= counts.oauth2_sessions);
        }
    }

    #[test]
    fn more_rows_than_there_are_keys_for_are_refused() {
        let refused = Counts::of(MOST_ROWS + 1);
        assert!(matches!(refused, Err(DataError::TooManyRows { .. })));
    }
}
