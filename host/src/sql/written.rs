//! Times as text: which texts are of a form, and what instant they mean, as SQL.
//!
//! What is not of the form gets no further than the test of its shape: one bad value must not fail a
//! statement on PostgreSQL, whose casts raise an error at `2026-02-30`, nor become an instant on SQLite,
//! which takes the same for March.

use crate::catalog::{Dialect, TimeForm};

/// A text as an instant.
pub(super) struct Written {
    /// Whether it is of the form.
    pub(super) of_form: String,
    /// Whole seconds. Of a form without an offset they are those that the clock's hands show.
    pub(super) seconds: String,
    /// The first six digits of the fraction, as a number.
    pub(super) micros: String,
    /// The next three.
    pub(super) nanos: String,
}

impl Written {
    /// What `text`, an expression that is a text or NULL, means by `form`.
    pub(super) fn new(dialect: Dialect, text: &str, form: TimeForm) -> Vec<Self> {
        match (dialect, form) {
            (Dialect::Postgres, TimeForm::Rfc3339) => vec![postgres_with_offset(text)],
            (Dialect::Postgres, TimeForm::SqlText) => vec![postgres_without(text)],
            (Dialect::Postgres, TimeForm::Date) => vec![postgres_day(text)],
            (Dialect::Postgres, TimeForm::Local(_)) => {
                vec![postgres_without(text), postgres_day(text)]
            }
            (Dialect::Sqlite, TimeForm::Rfc3339) => vec![sqlite_with_offset(text)],
            (Dialect::Sqlite, TimeForm::SqlText) => vec![sqlite_without(text)],
            (Dialect::Sqlite, TimeForm::Date) => vec![sqlite_day(text)],
            (Dialect::Sqlite, TimeForm::Local(_)) => vec![sqlite_without(text), sqlite_day(text)],
            _ => Vec::new(),
        }
    }

    /// Microseconds, rounded down.
    pub(super) fn floor(&self) -> String {
        format!("({}) * 1000000 + {}", self.seconds, self.micros)
    }

    /// Microseconds, rounded up.
    pub(super) fn ceiling(&self) -> String {
        let more = format!("CASE WHEN {} > 0 THEN 1 ELSE 0 END", self.nanos);
        format!("{} + {more}", self.floor())
    }
}

/// Days that there are: the months' lengths, and 29 February in leap years of the Gregorian calendar.
const DAY: &str = "(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|\
    (?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|\
    (?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)";

/// Neither hour 24 nor a leap second. `\d` would be any script's digits.
const CLOCK: &str = "[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,9})?";

/// As drivers write it; the second half is Go's `time.String`, with its zone's name and perhaps its
/// monotonic clock.
const OFFSET: &str = "(?: ?(?:[Zz]|UTC|GMT|[-+](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?)|\
    [ ][-+](?:0[0-9]|1[0-5])[0-5][0-9] (?:[A-Z]{2,5}|[-+][0-9]{2}(?:[0-9]{2})?)(?: m=[-+][0-9][0-9.]*)?)";

fn postgres_with_offset(text: &str) -> Written {
    let offset = format!(
        "coalesce(substring({text} FROM '^.{{19}}(?:[.][0-9]+)? ?([-+][0-9]{{2}}(?::?[0-9]{{2}})?)'), 'Z')"
    );
    postgres(text, &format!("{CLOCK}{OFFSET}"), &offset)
}

fn postgres_without(text: &str) -> Written {
    postgres(text, CLOCK, "'Z'")
}

fn postgres(text: &str, rest: &str, offset: &str) -> Written {
    let digits = |pattern: &str, places: u8| {
        let found = format!("substring({text} FROM '^.{{19}}[.]{pattern}')");
        format!("coalesce(rpad({found}, {places}, '0'), '0')::int")
    };
    Written {
        of_form: format!("{text} ~ '^{DAY}{rest}$'"),
        seconds: format!("extract(epoch FROM (left({text}, 19) || {offset})::timestamptz)::bigint"),
        micros: digits("([0-9]{1,6})", 6),
        nanos: digits("[0-9]{6}([0-9]{1,3})", 3),
    }
}

/// The day's end.
fn postgres_day(text: &str) -> Written {
    Written {
        of_form: format!("{text} ~ '^{DAY}$'"),
        seconds: format!("({text}::date - date '1970-01-01' + 1)::bigint * 86400"),
        micros: "0".to_owned(),
        nanos: "0".to_owned(),
    }
}

const DIGITS: &str = "[0-9][0-9]";

/// SQLite: there is no NUL in the text, at which its patterns, casts and functions of times would stop.
pub(super) fn is_whole(text: &str) -> String {
    format!("instr({text}, char(0)) = 0")
}

/// The day is one that there is; SQLite by itself would take 30 February for 2 March.
fn sqlite_day_is(text: &str) -> String {
    let day = format!("substr({text}, 1, 10)");
    format!(
        "date({day}, '+0 days') = {day} AND {day} >= '0001' AND {}",
        is_whole(text)
    )
}

fn sqlite_clock_is(text: &str) -> String {
    format!(
        "{text} GLOB '{DIGITS}{DIGITS}-{DIGITS}-{DIGITS}[Tt ][0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' \
         AND substr({text}, 12, 2) < '24' AND {}",
        sqlite_day_is(text)
    )
}

fn sqlite_seconds(text: &str) -> String {
    format!("unixepoch(substr({text}, 1, 10) || ' ' || substr({text}, 12, 8))")
}

fn sqlite_day(text: &str) -> Written {
    Written {
        of_form: format!(
            "length({text}) = 10 AND {text} GLOB '{DIGITS}{DIGITS}-{DIGITS}-{DIGITS}' AND {}",
            sqlite_day_is(text)
        ),
        seconds: format!("unixepoch({text}) + 86400"),
        micros: "0".to_owned(),
        nanos: "0".to_owned(),
    }
}

/// Digits of a fraction that begins behind the point; what stands behind them is cut off.
fn sqlite_fraction(text: &str, tail: &str) -> (String, String) {
    let digits = format!("substr({text}, 21, max(length({text}) - 20 - length({tail}), 0))");
    (
        format!("CAST(substr({digits} || '000000', 1, 6) AS INTEGER)"),
        format!("CAST(substr({digits} || '000000000', 7, 3) AS INTEGER)"),
    )
}

fn sqlite_without(text: &str) -> Written {
    let (micros, nanos) = sqlite_fraction(text, "''");
    Written {
        of_form: format!(
            "{} AND (length({text}) = 19 OR length({text}) BETWEEN 21 AND 29 \
             AND substr({text}, 20, 1) = '.' AND substr({text}, 21) NOT GLOB '*[^0-9]*')",
            sqlite_clock_is(text)
        ),
        seconds: sqlite_seconds(text),
        micros,
        nanos,
    }
}

fn sqlite_with_offset(text: &str) -> Written {
    let four = format!("{DIGITS}{DIGITS}");
    // What follows the seconds and their fraction.
    let tail = format!(
        "CASE WHEN {text} GLOB '???????????????????.[0-9]*' \
         THEN ltrim(substr({text}, 21), '0123456789') ELSE substr({text}, 20) END"
    );
    // The zone's name that Go writes behind the offset, without its monotonic clock.
    let go = "CASE WHEN z GLOB '* m=[-+][0-9]*' AND substr(z, instr(z, ' m=') + 4) NOT GLOB '*[^0-9.]*' \
              THEN substr(z, 7, instr(z, ' m=') - 7) ELSE substr(z, 7) END";
    let named = format!(
        "(n GLOB ' [A-Z][A-Z]*' AND length(n) <= 6 AND substr(n, 2) NOT GLOB '*[^A-Z]*' \
         OR n GLOB ' [-+]{DIGITS}' OR n GLOB ' [-+]{four}')"
    );
    let offset = format!(
        "CASE WHEN z IN ('Z', 'z', ' Z', ' z', 'UTC', ' UTC', 'GMT', ' GMT') THEN '+00' \
         WHEN z GLOB ' [-+]{four} *' THEN CASE WHEN {named} THEN substr(z, 2, 5) END \
         WHEN z GLOB ' *' THEN substr(z, 2) ELSE z END"
    );
    let shapes = "(o GLOB '[-+][01][0-9]:[0-5][0-9]' OR o GLOB '[-+][01][0-9][0-5][0-9]' \
         OR o GLOB '[-+][01][0-9]') AND substr(o, 2, 2) < '16'";
    let seconds = "CASE substr(o, 1, 1) WHEN '-' THEN -60 ELSE 60 END \
         * (substr(o, 2, 2) * 60 + CASE length(o) WHEN 6 THEN substr(o, 5, 2) \
         WHEN 5 THEN substr(o, 4, 2) ELSE 0 END)";
    let from =
        format!("FROM (SELECT {offset} AS o FROM (SELECT z, {go} AS n FROM (SELECT {tail} AS z)))");
    let (micros, nanos) = sqlite_fraction(text, &format!("({tail})"));
    Written {
        of_form: format!(
            "{} AND length({text}) - length({tail}) <= 29 AND (SELECT {shapes} {from})",
            sqlite_clock_is(text)
        ),
        seconds: format!("{} - (SELECT {seconds} {from})", sqlite_seconds(text)),
        micros,
        nanos,
    }
}
