//! How many rows of each kind a demo has.

use super::{DataError, MOST_ROWS, parents};

/// How many there are of what the rows hang on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    pub users: i64,
    /// Browser sessions from which OAuth 2.0 sessions were opened; their numbers come first.
    pub browsers_with: i64,
    /// The others. With one authentication for each browser session: 52 of 1000 rows.
    pub browsers_without: i64,
    /// With six access and five refresh tokens each: 504 of 1000 rows.
    pub oauth2_sessions: i64,
    /// 66 of 1000 rows, and what rounding leaves over.
    pub authorization_grants: i64,
    /// 30 of 1000 rows.
    pub device_codes: i64,
    /// With three access tokens, two refresh tokens and one SSO login each: 168 of 1000 rows.
    pub compat_sessions: i64,
    /// Of five refresh tokens each: 120 of 1000 rows.
    pub families: i64,
    /// 60 of 1000 rows.
    pub server_sessions: i64,
}

impl Counts {
    pub fn of(rows: u64) -> Result<Self, DataError> {
        let total = i64::try_from(rows)
            .ok()
            .filter(|_| rows <= MOST_ROWS)
            .ok_or(DataError::TooManyRows { rows })?;
        let oauth2_sessions = total * 42 / 1000;
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
        };
        counts.authorization_grants = (total - counts.rows()).max(0);
        Ok(counts)
    }

    pub fn browser_sessions(&self) -> i64 {
        self.browsers_with + self.browsers_without
    }

    /// Rows in the tables that the bundled plugins sweep, without the signing keys.
    fn rows(&self) -> i64 {
        self.oauth2_sessions * 12
            + self.authorization_grants
            + self.device_codes
            + self.compat_sessions * 7
            + self.families * 5
            + self.server_sessions
            + self.browser_sessions() * 2
    }

    /// Numbers that the statements count with; enough for clients and signing keys too.
    pub fn numbers(&self) -> i64 {
        [
            self.users,
            self.oauth2_sessions,
            self.authorization_grants,
            self.compat_sessions,
            self.families,
            self.server_sessions,
            self.browser_sessions(),
            super::server::KEYS,
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
