//! The refresh-tokens profile: families of five tokens, numbered 0 to 4, a day apart.

use super::dialect::{Dialect, Kind};
use super::{Counts, DAY, choose, spread};

/// How long a token is good for.
const LIFETIME: i64 = 30 * DAY;

/// One family in five each.
struct Life {
    /// The age of token 4, the newest: from, to.
    newest: (i64, i64),
    /// How many tokens, from the oldest on, are revoked.
    revoked: u8,
}

/// Token 4 and all before it are good for two weeks more, or have expired days ago.
const YOUNG: (i64, i64) = (DAY, 9 * DAY);
const OLD: (i64, i64) = (35 * DAY, 80 * DAY);

const LIVES: [Life; 5] = [
    // In use: the revoked ones show when a stolen one is used again.
    Life {
        newest: YOUNG,
        revoked: 4,
    },
    // Logged out.
    Life {
        newest: YOUNG,
        revoked: 5,
    },
    // Never used again, until the newest expired.
    Life {
        newest: OLD,
        revoked: 4,
    },
    // In use, by a client that does not rotate every time.
    Life {
        newest: YOUNG,
        revoked: 2,
    },
    // Logged out, and expired since.
    Life {
        newest: OLD,
        revoked: 5,
    },
];

pub(super) fn statements(dialect: Dialect, counts: &Counts, now: i64) -> Vec<String> {
    let newest = choose(
        "n % 5",
        LIVES
            .iter()
            .map(|life| format!("{now} - {}", spread("n", life.newest.0, life.newest.1))),
    );
    let revoked = choose("n % 5", LIVES.iter().map(|life| life.revoked.to_string()));
    let scratch = dialect.scratch(
        "demo_families",
        &format!(
            "SELECT n, {newest} AS newest, {revoked} AS revoked \
             FROM demo_numbers WHERE n < {}",
            counts.families
        ),
    );
    let made = format!("newest - (4 - g) * {DAY}");
    let user = format!("n % {}", counts.users);
    let tokens = format!(
        "INSERT INTO refresh_tokens (id, user_id, token_hash, family_id, revoked, expires_at, \
             created_at) \
         SELECT {id}, {user}, {hash}, {family}, g < revoked, {expires}, {created} \
         FROM demo_families CROSS JOIN (SELECT n AS g FROM demo_numbers WHERE n < 5) AS tokens",
        id = dialect.random_uuid(Kind::FamilyToken, "n * 5 + g"),
        user = dialect.random_uuid(Kind::User, &user),
        hash = dialect.secret("", Kind::FamilyToken, "n * 5 + g"),
        family = dialect.random_uuid(Kind::Family, "n"),
        expires = dialect.time(&format!("{made} + {LIFETIME}")),
        created = dialect.time(&made),
    );
    vec![scratch, tokens]
}
