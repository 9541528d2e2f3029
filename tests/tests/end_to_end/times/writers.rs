//! Instants written by other hands than besom's: chrono's, and the functions of the two databases.

use besom::catalog::{Dialect, TimeForm, Times};
use chrono::{DateTime, FixedOffset, Utc};

/// How a value is written, as SQL, from nanoseconds since the epoch; and what is left of them.
pub(super) struct Writer {
    pub(super) declared: [&'static str; 2],
    pub(super) times: fn() -> Times,
    /// Nanoseconds of the smallest unit that is written.
    pub(super) unit: i128,
    pub(super) write: fn(Dialect, i128) -> String,
}

fn utc(nanos: i128) -> DateTime<Utc> {
    let (seconds, rest) = (
        nanos.div_euclid(1_000_000_000),
        nanos.rem_euclid(1_000_000_000),
    );
    DateTime::from_timestamp(seconds as i64, rest as u32).unwrap()
}

fn at(nanos: i128, offset: i32) -> DateTime<FixedOffset> {
    utc(nanos).with_timezone(&FixedOffset::east_opt(offset).unwrap())
}

/// Some offset that there is, by the instant.
fn offset(nanos: i128) -> i32 {
    [0, -8 * 3600, 5 * 3600 + 1800, 14 * 3600, -12 * 3600, 3600]
        [(nanos / 1_000).rem_euclid(6) as usize]
}

fn text(format: &str, nanos: i128, offset: i32) -> String {
    format!("'{}'", at(nanos, offset).format(format))
}

/// The database's own word for an instant of whole microseconds or seconds.
fn of(dialect: Dialect, nanos: i128, postgres: &str, sqlite: &str) -> String {
    let micros = nanos.div_euclid(1_000);
    match dialect {
        Dialect::Postgres => {
            let stamp = format!("(timestamptz 'epoch' + {micros} * interval '1 microsecond')");
            postgres.replace("{}", &stamp)
        }
        Dialect::Sqlite => sqlite.replace("{}", &micros.div_euclid(1_000_000).to_string()),
    }
}

pub(super) const NANO: i128 = 1;
pub(super) const MICRO: i128 = 1_000;
pub(super) const MILLI: i128 = 1_000_000;
pub(super) const SECOND: i128 = 1_000_000_000;
pub(super) const DAY: i128 = 86_400 * SECOND;

const TEXT: [&str; 2] = ["text", "TEXT"];
const BIG: [&str; 2] = ["bigint", "INTEGER"];

fn said(form: TimeForm) -> Times {
    several([form])
}

fn several(forms: impl IntoIterator<Item = TimeForm>) -> Times {
    Times::declared(forms)
}

pub(super) fn writers() -> Vec<Writer> {
    let with = |declared, times, unit, write| Writer {
        declared,
        times,
        unit,
        write,
    };
    vec![
        with(
            TEXT,
            || said(TimeForm::Rfc3339),
            NANO,
            |_, n| text("%Y-%m-%dT%H:%M:%S%.9f%:z", n, offset(n)),
        ),
        with(
            TEXT,
            || said(TimeForm::Rfc3339),
            NANO,
            |_, n| text("%Y-%m-%d %H:%M:%S%.f%z", n, offset(n)),
        ),
        with(
            TEXT,
            || said(TimeForm::Rfc3339),
            SECOND,
            |_, n| text("%Y-%m-%d %H:%M:%S %z UTC", n, 0),
        ),
        with(
            TEXT,
            || said(TimeForm::Rfc3339),
            MILLI,
            |_, n| text("%Y-%m-%d %H:%M:%S%.3f %z PST m=+0.001", n, -8 * 3600),
        ),
        with(
            ["text", "DATETIME"],
            || said(TimeForm::Rfc3339),
            MICRO,
            |d, n| match d {
                Dialect::Postgres => of(d, n, "{}::text", ""),
                Dialect::Sqlite => text("%Y-%m-%d %H:%M:%S%.6fZ", n, 0),
            },
        ),
        with(
            TEXT,
            || said(TimeForm::SqlText),
            SECOND,
            |d, n| {
                of(
                    d,
                    n,
                    "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')",
                    "datetime({}, 'unixepoch')",
                )
            },
        ),
        with(
            TEXT,
            || said(TimeForm::SqlText),
            NANO,
            |_, n| text("%Y-%m-%dT%H:%M:%S%.f", n, 0),
        ),
        with(
            TEXT,
            || said(TimeForm::SqlText),
            NANO,
            |_, n| match n % 2 {
                0 => text("%Y-%m-%dT%H:%M:%S%.f%:z", n, offset(n)),
                _ => text("%Y-%m-%d %H:%M:%S%.f", n, 0),
            },
        ),
        with(
            TEXT,
            || said(TimeForm::Local(chrono_tz::Tz::Asia__Kolkata)),
            NANO,
            |_, n| text("%Y-%m-%d %H:%M:%S%.f", n, 5 * 3600 + 1800),
        ),
        with(
            TEXT,
            || said(TimeForm::Date),
            DAY,
            |_, n| text("%Y-%m-%d", n - DAY, 0),
        ),
        with(
            ["date", "DATE"],
            || said(TimeForm::Date),
            DAY,
            |_, n| text("%Y-%m-%d", n - DAY, 0),
        ),
        with(
            ["timestamptz", "TEXT"],
            || said(TimeForm::Rfc3339),
            MICRO,
            |_, n| text("%Y-%m-%d %H:%M:%S%.6f%:z", n, offset(n)),
        ),
        with(
            BIG,
            || said(TimeForm::UnixS),
            SECOND,
            |d, n| {
                of(
                    d,
                    n,
                    "floor(extract(epoch FROM {}))::bigint",
                    "unixepoch(datetime({}, 'unixepoch'))",
                )
            },
        ),
        with(
            BIG,
            || said(TimeForm::UnixMs),
            MILLI,
            |_, n| n.div_euclid(MILLI).to_string(),
        ),
        with(
            BIG,
            || said(TimeForm::UnixUs),
            MICRO,
            |d, n| match d {
                Dialect::Postgres => of(d, n, "(extract(epoch FROM {}) * 1000000)::bigint", ""),
                Dialect::Sqlite => n.div_euclid(MICRO).to_string(),
            },
        ),
        with(BIG, || said(TimeForm::UnixNs), NANO, |_, n| n.to_string()),
        with(
            ["numeric", "TEXT"],
            || said(TimeForm::UnixS),
            MICRO,
            |d, n| match d {
                Dialect::Postgres => of(d, n, "extract(epoch FROM {})", ""),
                Dialect::Sqlite => format!("'{}'", utc(n).format("%s%.6f")),
            },
        ),
        with(
            ["double precision", "REAL"],
            || said(TimeForm::UnixS),
            MICRO,
            |d, n| match d {
                Dialect::Postgres => of(d, n, "extract(epoch FROM {})::float8", ""),
                Dialect::Sqlite => utc(n).format("%s%.6f").to_string(),
            },
        ),
        with(
            TEXT,
            || said(TimeForm::UnixNs),
            NANO,
            |_, n| format!("'{n}'"),
        ),
        // As drivers write a zone without a fraction, each row in another way.
        with(
            TEXT,
            || said(TimeForm::Rfc3339),
            SECOND,
            |_, n| match n.div_euclid(SECOND) % 5 {
                0 => text("%Y-%m-%dT%H:%M:%SZ", n, 0),
                1 => text("%Y-%m-%d %H:%M:%SZ", n, 0),
                2 => text("%Y-%m-%d %H:%M:%S%:z", n, offset(n)),
                3 => text("%Y-%m-%d %H:%M:%S %:z", n, offset(n)),
                _ => text("%Y-%m-%d %H:%M:%S+02", n, 2 * 3600),
            },
        ),
        with(
            ["numeric", "NUMERIC"],
            || said(TimeForm::UnixMs),
            MILLI,
            |_, n| n.div_euclid(MILLI).to_string(),
        ),
        with(
            ["numeric", "NUMERIC"],
            || said(TimeForm::UnixUs),
            MICRO,
            |_, n| n.div_euclid(MICRO).to_string(),
        ),
        with(
            ["double precision", "REAL"],
            || said(TimeForm::UnixMs),
            MILLI,
            |_, n| format!("{}.0", n.div_euclid(MILLI)),
        ),
        with(
            TEXT,
            || said(TimeForm::UnixS),
            SECOND,
            |_, n| format!("'{}'", n.div_euclid(SECOND)),
        ),
        with(
            TEXT,
            || said(TimeForm::UnixMs),
            MILLI,
            |_, n| format!("'{}'", n.div_euclid(MILLI)),
        ),
        with(
            ["timestamp", "TEXT"],
            || said(TimeForm::Local(chrono_tz::Tz::Asia__Kolkata)),
            MICRO,
            |_, n| text("%Y-%m-%d %H:%M:%S%.6f", n, 5 * 3600 + 1800),
        ),
        with(
            BIG,
            || several([TimeForm::UnixS, TimeForm::UnixMs]),
            SECOND,
            |_, n| match n.div_euclid(SECOND) % 2 {
                0 => n.div_euclid(SECOND).to_string(),
                _ => (n.div_euclid(SECOND) * 1_000).to_string(),
            },
        ),
        with(
            ["text", "DATETIME"],
            || several([TimeForm::UnixMs, TimeForm::Rfc3339]),
            MILLI,
            |_, n| match n.div_euclid(MILLI) % 2 {
                0 => format!("'{}'", n.div_euclid(MILLI)),
                _ => text("%Y-%m-%dT%H:%M:%S%.3f%:z", n, offset(n)),
            },
        ),
    ]
}
