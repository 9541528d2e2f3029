//! Reading one value as an instant, as the statements do it.

use chrono::{
    Datelike, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike,
};
use chrono_tz::Tz;

use super::{TimeForm, Times};
use crate::request::Timestamp;

/// A value as it comes from the database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Raw {
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(String),
    /// What is neither, by its name.
    Other(String),
}

/// What a value is by some forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// An instant, rounded down to a microsecond.
    Instant(Timestamp),
    /// It stands for no instant. The instant that it would be, as near as there is one.
    Never(Timestamp),
    /// It is of none of the forms.
    Unread,
}

impl Raw {
    /// A number as the database writes it; text, where it is none.
    pub(crate) fn number(text: &str) -> Self {
        match (text.parse(), text.parse::<f64>()) {
            (Ok(whole), _) => Self::Integer(whole),
            (_, Ok(real)) if !real.is_nan() => Self::Real(real),
            _ => Self::Other(text.to_owned()),
        }
    }
}

impl Times {
    /// What the value is in a column of these forms.
    pub(crate) fn read(&self, value: &Raw) -> Reading {
        let forms = self.read_by();
        let found = forms.iter().find_map(|form| self.by(*form, value));
        match found {
            Some(at) if at >= i128::from(self.first().0) && at < i128::from(Times::END.0) => {
                i64::try_from(at).map_or(Reading::Unread, |at| Reading::Instant(Timestamp(at)))
            }
            Some(at) => Reading::Never(nearest(at)),
            None => self.never(value).map_or(Reading::Unread, Reading::Never),
        }
    }

    /// A number that is not read, and would be an instant between 1973 and 2000.
    pub(crate) fn is_early_number(&self, value: &Raw) -> bool {
        let early = self.with_early_numbers();
        self.read(value) == Reading::Unread && matches!(early.read(value), Reading::Instant(_))
    }

    /// Microseconds, by one form; `None`: the value is not of it.
    fn by(&self, form: TimeForm, value: &Raw) -> Option<i128> {
        if let Some(unit) = form.unit() {
            return self.counted(unit, &number(value)?);
        }
        let Raw::Text(text) = value else { return None };
        let written = Written::read(text)?;
        match (form, written) {
            (TimeForm::Rfc3339, Written::At(at, Some(offset))) => Some(micros(at) - offset),
            (TimeForm::SqlText, Written::At(at, None)) => Some(micros(at)),
            (TimeForm::Date | TimeForm::Native, Written::Day(day)) => Some(micros(end_of(day)?)),
            (TimeForm::Local(zone), Written::At(at, None)) => later(zone, at),
            (TimeForm::Local(zone), Written::Day(day)) => later(zone, end_of(day)?),
            _ => None,
        }
    }

    fn counted(&self, unit: i128, number: &Raw) -> Option<i128> {
        let (whole, micros) = match number {
            Raw::Integer(whole) => {
                let whole = i128::from(*whole);
                (whole, (whole * unit).div_euclid(1_000))
            }
            // So far a double holds whole numbers exactly, or near enough to tell the size.
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
            Raw::Real(real) if real.is_finite() && real.abs() < 1e19 => {
                let micros = (*real * (unit as f64) / 1_000.0).round();
                (real.floor() as i128, micros as i128)
            }
            _ => return None,
        };
        let late = Self::late_in(unit * 1_000).is_some_and(|late| late.contains(&whole));
        (self.real_in(unit).contains(&whole) && !late).then_some(micros)
    }

    /// What it would be, where it stands for no instant whatever the column's forms.
    fn never(&self, value: &Raw) -> Option<Timestamp> {
        if let Raw::Text(text) = value {
            let text = text.to_lowercase();
            if text.ends_with(" bc") {
                return Some(Timestamp(i64::MIN + 1));
            }
            if let Some(day) = self.no_days().iter().find(|day| text.starts_with(**day)) {
                let late = day.starts_with('9');
                return Some(Timestamp(if late { i64::MAX } else { i64::MIN + 1 }));
            }
            let mut known = Self::NO_WORDS.into_iter().zip(Self::NO_NUMBERS);
            if let Some((_, number)) = known.find(|(word, _)| *word == text) {
                return Some(Timestamp(number));
            }
        }
        let number = match number(value)? {
            Raw::Integer(number) => number,
            #[allow(clippy::cast_possible_truncation)]
            Raw::Real(number) if !number.is_nan() => number as i64,
            _ => return None,
        };
        let Some(unit) = self.forms.iter().find_map(|form| form.unit()) else {
            let known = Self::NO_NUMBERS.contains(&number);
            return known.then_some(Timestamp(number));
        };
        if number == Self::LARGEST || Self::late().any(|late| late.contains(&i128::from(number))) {
            return Some(Timestamp(i64::MAX));
        }
        let small = number < Times::REAL.0 / 1_000_000;
        small.then(|| nearest((i128::from(number) * unit).div_euclid(1_000)))
    }
}

fn nearest(micros: i128) -> Timestamp {
    let end = if micros < 0 { i64::MIN + 1 } else { i64::MAX };
    Timestamp(i64::try_from(micros).unwrap_or(end))
}

/// The number that a value is, or that its digits say.
fn number(value: &Raw) -> Option<Raw> {
    match value {
        Raw::Integer(_) | Raw::Real(_) => Some(value.clone()),
        Raw::Text(text) => {
            let digits = text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.');
            let plain = digits && text.len() >= 2 && !text.starts_with('.') && !text.ends_with('.');
            match text.parse() {
                _ if !plain => None,
                Ok(whole) => Some(Raw::Integer(whole)),
                Err(_) => text.parse().ok().map(Raw::Real),
            }
        }
        Raw::Other(_) => None,
    }
}

/// A text that is a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// With microseconds of the offset, where it has one.
    At(NaiveDateTime, Option<i128>),
    /// A day alone.
    Day(NaiveDate),
}

impl Written {
    /// The instant that it is: without an offset that of a clock in UTC, and of a day its end.
    pub(crate) fn instant(self) -> Option<Timestamp> {
        let at = match self {
            Self::At(at, offset) => micros(at) - offset.unwrap_or_default(),
            Self::Day(day) => micros(end_of(day)?),
        };
        i64::try_from(at).ok().map(Timestamp)
    }

    /// Strictly: what drivers write, and a calendar's days only.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let day = NaiveDate::parse_from_str(shaped(text, 0, "dddd-dd-dd")?, "%Y-%m-%d").ok()?;
        if day.year() < 1 {
            return None;
        }
        if text.len() == 10 {
            return Some(Self::Day(day));
        }
        let between = text.get(10..11)?;
        let clock = shaped(text, 11, "dd:dd:dd")?;
        if !matches!(between, "T" | "t" | " ") {
            return None;
        }
        let clock = NaiveTime::parse_from_str(clock, "%H:%M:%S").ok()?;
        if clock.nanosecond() != 0 {
            return None; // a leap second
        }
        let rest = text.get(19..)?;
        let (fraction, offset) = match rest.strip_prefix('.') {
            Some(rest) => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                rest.split_at_checked(digits)?
            }
            None => ("0", rest),
        };
        if fraction.is_empty() || fraction.len() > 9 {
            return None;
        }
        let nanos: u32 = format!("{fraction:0<9}").parse().ok()?;
        let at = day.and_time(clock.with_nanosecond(nanos)?);
        match offset {
            "" => Some(Self::At(at, None)),
            offset => Some(Self::At(at, Some(offset_of(offset)? * 60_000_000))),
        }
    }
}

/// The part of a text that begins at `from`, where it has the shape.
fn shaped<'t>(text: &'t str, from: usize, shape: &str) -> Option<&'t str> {
    let part = text.get(from..from + shape.len())?;
    let alike = part
        .bytes()
        .zip(shape.bytes())
        .all(|(byte, shape)| match shape {
            b'd' => byte.is_ascii_digit(),
            shape => byte == shape,
        });
    alike.then_some(part)
}

/// Minutes of an offset as drivers write it, with what Go writes behind it.
fn offset_of(text: &str) -> Option<i128> {
    let plain = text.strip_prefix(' ').unwrap_or(text);
    if matches!(plain, "Z" | "z" | "UTC" | "GMT") {
        return Some(0);
    }
    // Go writes a space before the offset, and a name behind it.
    if text.starts_with(' ')
        && let Some(name) = plain.get(5..).and_then(|rest| rest.strip_prefix(' '))
    {
        return go_name(name).then(|| minutes(plain.get(..5)?)).flatten();
    }
    minutes(plain)
}

/// `PST`, `+0530`, and perhaps a monotonic clock behind it.
fn go_name(text: &str) -> bool {
    let (name, monotonic) = match text.split_once(" m=") {
        Some((name, clock)) => {
            let digits = clock.strip_prefix(['+', '-']).unwrap_or_default();
            let number = digits.starts_with(|c: char| c.is_ascii_digit())
                && digits
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.');
            (name, number)
        }
        None => (text, true),
    };
    let letters =
        (2..=5).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_uppercase());
    let numeric = name.strip_prefix(['+', '-']).is_some_and(|digits| {
        matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    monotonic && (letters || numeric)
}

/// `+02:00`, `+0200` or `+02`, as far as zones go.
fn minutes(text: &str) -> Option<i128> {
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = match text.len() {
        6 => (shaped(text, 1, "dd:dd")?.get(..2)?, text.get(4..)?),
        5 => (shaped(text, 1, "dddd")?.get(..2)?, text.get(3..)?),
        3 => (shaped(text, 1, "dd")?, "0"),
        _ => return None,
    };
    let (hours, minutes): (i128, i128) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 16 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn end_of(day: NaiveDate) -> Option<NaiveDateTime> {
    day.succ_opt().map(|next| next.and_time(NaiveTime::MIN))
}

fn micros(at: NaiveDateTime) -> i128 {
    i128::from(at.and_utc().timestamp_micros())
}

/// The later of the instants at which a clock in the zone shows this.
fn later(zone: Tz, at: NaiveDateTime) -> Option<i128> {
    match zone.from_local_datetime(&at) {
        LocalResult::Single(at) | LocalResult::Ambiguous(_, at) => {
            Some(i128::from(at.timestamp_micros()))
        }
        LocalResult::None => {
            // Left out: what it would have been without the change.
            let before = zone
                .from_local_datetime(&(at - TimeDelta::days(1)))
                .latest()?;
            Some(i128::from((before + TimeDelta::days(1)).timestamp_micros()))
        }
    }
}
