//! What the two databases spell differently. Every function takes and gives SQL expressions;
//! moments are integers, microseconds since the epoch, until they are stored.

/// Whose SQL is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    Sqlite,
}

/// Which table a key or token belongs to, so that equal numbers give different ones.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    User = 1,
    Client,
    BrowserSession,
    Oauth2Session,
    AccessToken,
    RefreshToken,
    Grant,
    DeviceCode,
    CompatSession,
    CompatAccessToken,
    CompatRefreshToken,
    FamilyToken,
    Family,
    SsoLogin,
    Provider,
    Link,
    UpstreamSession,
    Authentication,
    ServerSession,
    SigningKey,
    PersonalSession,
    QueueWorker,
    QueueJob,
    Email,
    RecoverySession,
    RecoveryTicket,
    Registration,
    EmailAuthentication,
    EmailCode,
    PasswordReset,
    RegistrationToken,
}

/// Odd, hence invertible modulo 2^40: different numbers give different digits. Below 2^38, so that
/// the product with a 24-bit number fits 63 bits.
const MULTIPLIERS: [i64; 3] = [171_798_693_757, 203_559_120_341, 98_764_321_987];

/// Ten hexadecimal digits.
const DIGITS_RANGE: i64 = 1 << 40;

impl Dialect {
    /// Opens the transaction and makes `demo_numbers`: 0, 1, 2… `numbers` - 1.
    pub(super) fn begin(self, numbers: i64) -> Vec<String> {
        match self {
            Self::Postgres => vec![
                "BEGIN".to_owned(),
                // A million rows take longer than a batch may.
                "SET LOCAL statement_timeout = 0".to_owned(),
                format!(
                    "CREATE TEMP TABLE demo_numbers ON COMMIT DROP AS \
                     SELECT n FROM generate_series(0::bigint, {numbers} - 1) AS n"
                ),
            ],
            Self::Sqlite => vec![
                // 256 MiB: with the default of 2, a million rows in key order of several indexes
                // read and write the same pages again and again.
                "PRAGMA cache_size = -262144".to_owned(),
                "BEGIN IMMEDIATE".to_owned(),
                "CREATE TEMP TABLE demo_numbers (n INTEGER PRIMARY KEY)".to_owned(),
                format!(
                    "INSERT INTO demo_numbers WITH RECURSIVE count(n) AS \
                     (SELECT 0 UNION ALL SELECT n + 1 FROM count WHERE n + 1 < {numbers}) \
                     SELECT n FROM count"
                ),
            ],
        }
    }

    /// A table that lives as long as the transaction.
    pub(super) fn scratch(self, name: &str, select: &str) -> String {
        match self {
            Self::Postgres => format!("CREATE TEMP TABLE {name} ON COMMIT DROP AS {select}"),
            Self::Sqlite => format!("CREATE TEMP TABLE {name} AS {select}"),
        }
    }

    /// Drops what [`Dialect::scratch`] made, commits, and sets the connection back.
    pub(super) fn end(self) -> Vec<String> {
        match self {
            Self::Postgres => vec!["COMMIT".to_owned()],
            Self::Sqlite => [
                "demo_numbers",
                "demo_oauth2",
                "demo_compat",
                "demo_families",
                "demo_queue",
            ]
            .iter()
            .map(|table| format!("DROP TABLE temp.{table}"))
            .chain(["COMMIT".to_owned(), "PRAGMA cache_size = -2000".to_owned()])
            .collect(),
        }
    }

    /// A moment as the column stores it.
    pub(super) fn time(self, micros: &str) -> String {
        match self {
            Self::Postgres => {
                format!("'epoch'::timestamptz + ({micros}) * interval '1 microsecond'")
            }
            Self::Sqlite => format!("({micros})"),
        }
    }

    /// A key that holds its creation time: a ULID in a uuid.
    pub(super) fn ulid(self, micros: &str, kind: Kind, number: &str) -> String {
        let time = self.hex(&format!("({micros}) / 1000"), 12);
        let rest = format!(
            "{} || {}",
            self.digits(kind, number, 0),
            self.digits(kind, number, 1)
        );
        self.uuid(&format!("{time} || {rest}"))
    }

    /// A key that looks random: a version 4 UUID.
    pub(super) fn random_uuid(self, kind: Kind, number: &str) -> String {
        let one = self.digits(kind, number, 0);
        let two = self.digits(kind, number, 1);
        let three = self.digits(kind, number, 2);
        self.uuid(&format!(
            "{one} || substr({two}, 1, 2) || '4' || substr({two}, 3, 3) \
             || 'a' || substr({two}, 6, 5) || {three}"
        ))
    }

    /// A secret's text, unique for its kind and number.
    pub(super) fn secret(self, prefix: &str, kind: Kind, number: &str) -> String {
        let one = self.digits(kind, number, 1);
        let two = self.digits(kind, number, 2);
        format!("'{prefix}' || {one} || {two}")
    }

    /// An address from the ranges that are set aside for documentation.
    pub(super) fn address(self, number: &str) -> String {
        let six = format!(
            "'2001:db8::' || {}",
            self.hex(&format!("1 + ({number}) % 65535"), 1)
        );
        let four = format!("'198.51.100.' || (1 + ({number}) % 254)");
        let text = format!("CASE ({number}) % 3 WHEN 0 THEN {six} ELSE {four} END");
        match self {
            Self::Postgres => format!("({text})::inet"),
            Self::Sqlite => text,
        }
    }

    /// Bytes, unique for their kind and number.
    pub(super) fn bytes(self, kind: Kind, number: &str) -> String {
        let digits = self.digits(kind, number, 2);
        match self {
            Self::Postgres => format!("decode({digits}, 'hex')"),
            Self::Sqlite => format!("unhex({digits})"),
        }
    }

    /// A list of texts: an array, or its JSON.
    pub(super) fn list(self, texts: &[&str]) -> String {
        let texts = texts.join(", ");
        match self {
            Self::Postgres => format!("ARRAY[{texts}]"),
            Self::Sqlite => format!("json_array({texts})"),
        }
    }

    /// JSON, from its text.
    pub(super) fn json(self, text: &str) -> String {
        match self {
            Self::Postgres => format!("({text})::jsonb"),
            Self::Sqlite => text.to_owned(),
        }
    }

    fn uuid(self, digits: &str) -> String {
        match self {
            Self::Postgres => format!("({digits})::uuid"),
            Self::Sqlite => format!("unhex({digits})"),
        }
    }

    /// Ten hexadecimal digits that look random and differ where the numbers do.
    fn digits(self, kind: Kind, number: &str, place: usize) -> String {
        let multiplier = MULTIPLIERS.get(place).copied().unwrap_or(1);
        // Sets the kinds apart; any large prime does.
        let offset = 55_555_777_771 * kind as i64;
        let mixed = format!("(({number}) * {multiplier} + {offset}) % {DIGITS_RANGE}");
        self.hex(&mixed, 10)
    }

    /// At least `width` hexadecimal digits.
    fn hex(self, number: &str, width: usize) -> String {
        match self {
            // lpad would cut what is longer.
            Self::Postgres if width <= 1 => format!("to_hex({number})"),
            Self::Postgres => format!("lpad(to_hex({number}), {width}, '0')"),
            Self::Sqlite => format!("printf('%0{width}x', {number})"),
        }
    }
}
