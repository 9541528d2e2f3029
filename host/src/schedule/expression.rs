//! Five-field POSIX cron expressions.
//!
//! Operators write `minute hour day-of-month month day-of-week`, Sunday being 0 or 7, and mean a day
//! that fits *either* day field where both are restricted. The library underneath reads another
//! dialect: seconds first, Sunday 1, and both day fields must fit. So an expression is translated, to
//! two where both day fields say something.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime};

/// A cron expression that has been checked.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    /// It is due when one of these is.
    any_of: Vec<cron::Schedule>,
}

/// Why a text is no cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// It has more or fewer fields.
    #[error(
        "`{text}` has {fields} fields: write the five fields `minute hour day-of-month month day-of-week`, such \
         as `0 3 * * *`, or @hourly, @daily, @weekly, @monthly or @yearly"
    )]
    Fields {
        /// The text.
        text: String,
        /// Its fields.
        fields: usize,
    },
    /// A field cannot be read.
    #[error("the {field} `{value}` of `{text}` is {why}")]
    Field {
        /// The text.
        text: String,
        /// Which field.
        field: &'static str,
        /// What stands there.
        value: String,
        /// What is wrong, and what to write.
        why: String,
    },
    /// It can never be due.
    #[error("`{text}` is never due: no year has such a day")]
    Never {
        /// The text.
        text: String,
    },
}

/// One of the five fields.
struct Field {
    name: &'static str,
    least: u8,
    most: u8,
    /// Names for its numbers, from the least on.
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        least: 0,
        most: 59,
        names: &[],
    },
    Field {
        name: "hour",
        least: 0,
        most: 23,
        names: &[],
    },
    Field {
        name: "day of the month",
        least: 1,
        most: 31,
        names: &[],
    },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    Field {
        name: "day of the week",
        least: 0,
        // Sunday once more.
        most: 7,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

/// Words for common schedules.
const WORDS: [(&str, &str); 6] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
];

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        let text = text.trim();
        let word = WORDS.iter().find(|(word, _)| *word == text);
        let fields: Vec<_> = word
            .map_or(text, |(_, fields)| fields)
            .split_whitespace()
            .collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(ExpressionError::Fields {
                text: text.to_owned(),
                fields: fields.len(),
            });
        };
        let mut values = Vec::new();
        for (field, value) in FIELDS.iter().zip([minute, hour, day, month, weekday]) {
            let numbers = field.numbers(value).map_err(|why| ExpressionError::Field {
                text: text.to_owned(),
                field: field.name,
                value: value.to_owned(),
                why,
            })?;
            values.push(numbers);
        }
        let [minutes, hours, days, months, weekdays] = values.as_slice() else {
            return Err(ExpressionError::Fields {
                text: text.to_owned(),
                fields: values.len(),
            });
        };
        // Sunday is 1 there, and 7 is another name of 0 here.
        let mut shifted: Vec<_> = weekdays.iter().map(|day| day % 7 + 1).collect();
        shifted.sort_unstable();
        shifted.dedup();
        let of = |days: &str, weekdays: &str| {
            let (minutes, hours, months) = (list(minutes), list(hours), list(months));
            let translated = format!("0 {minutes} {hours} {days} {months} {weekdays} *");
            cron::Schedule::from_str(&translated).map_err(|_| ExpressionError::Never {
                text: text.to_owned(),
            })
        };
        // As crond has it: a field that begins with a star restricts nothing.
        let any_of = match (day.starts_with('*'), weekday.starts_with('*')) {
            (false, false) => vec![of(&list(days), "*")?, of("*", &list(&shifted))?],
            _ => vec![of(&list(days), &list(&shifted))?],
        };
        let expression = Self {
            text: text.to_owned(),
            any_of,
        };
        // A day that is in no year after this one is in none.
        if expression
            .next_after(DateTime::UNIX_EPOCH.naive_utc())
            .is_none()
        {
            return Err(ExpressionError::Never {
                text: text.to_owned(),
            });
        }
        Ok(expression)
    }
}

impl Expression {
    /// The next due time after another, on a clock that nobody changes; `None`: never again. Whether a
    /// zone's clocks show such a time, and when, is not known here.
    pub fn next_after(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        // To the library it is a time in UTC, where no time is skipped.
        let after = after.and_utc();
        let next = self
            .any_of
            .iter()
            .filter_map(|one| one.after(&after).next());
        next.min().map(|next| next.naive_utc())
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Field {
    /// The numbers that a list of values, ranges and steps names, in their order.
    fn numbers(&self, text: &str) -> Result<Vec<u8>, String> {
        let mut numbers = Vec::new();
        for item in text.split(',') {
            let (range, step) = match item.split_once('/') {
                None => (item, None),
                Some((range, step)) => {
                    let parsed: Option<u8> = step.parse().ok().filter(|step| *step > 0);
                    let step = parsed.ok_or_else(|| {
                        format!("not understood: `{step}` is no step such as the 15 of `*/15`")
                    })?;
                    (range, Some(step))
                }
            };
            let (first, last) = match range.split_once('-') {
                // A week has seven days, whatever they are called.
                None if range == "*" => (self.least, if self.most == 7 { 6 } else { self.most }),
                None => {
                    let first = self.number(range)?;
                    // As crond has it, `5/15` goes on from 5.
                    (first, if step.is_some() { self.most } else { first })
                }
                Some((first, last)) => (self.number(first)?, self.number(last)?),
            };
            if first > last {
                return Err(format!(
                    "not understood: the range `{range}` ends before it begins"
                ));
            }
            numbers.extend((first..=last).step_by(usize::from(step.unwrap_or(1))));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    fn number(&self, text: &str) -> Result<u8, String> {
        let named = self
            .names
            .iter()
            .zip(self.least..)
            .find(|(name, _)| name.eq_ignore_ascii_case(text));
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let plain = || text.parse().ok().filter(|_| digits);
        named
            .map(|(_, number)| number)
            .or_else(plain)
            .filter(|number| (self.least..=self.most).contains(number))
            .ok_or_else(|| {
                let names = match (self.names.first(), self.names.last()) {
                    (Some(first), Some(last)) => format!(" or {first} to {last}"),
                    _ => String::new(),
                };
                format!(
                    "not understood: write `*`, numbers from {} to {}{names}, ranges such as `1-5`, \
                     steps such as `*/15`, or several with commas",
                    self.least, self.most
                )
            })
    }
}

fn list(numbers: &[u8]) -> String {
    let numbers = numbers.iter().map(u8::to_string);
    numbers.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The next times due after 2026-02-27 12:00, a Friday.
    fn due(text: &str, count: usize) -> Vec<String> {
        let expression: Expression = text.parse().unwrap();
        let mut at: NaiveDateTime = "2026-02-27T12:00:00".parse().unwrap();
        let mut times = Vec::new();
        for _ in 0..count {
            at = expression.next_after(at).unwrap();
            times.push(at.format("%a %m-%d %H:%M").to_string());
        }
        times
    }

    #[test]
    fn fields_lists_ranges_steps_and_names() {
        assert_eq!(
            due("5 */4 * * *", 2),
            ["Fri 02-27 12:05", "Fri 02-27 16:05"]
        );
        assert_eq!(
            due("10/25 12 * * *", 2),
            ["Fri 02-27 12:10", "Fri 02-27 12:35"]
        );
        assert_eq!(
            due("0,30 13-14 * mar mon-wed", 2),
            ["Mon 03-02 13:00", "Mon 03-02 13:30"]
        );
        assert_eq!(due("@daily", 1), ["Sat 02-28 00:00"]);
    }

    #[test]
    fn sunday_is_0_and_7_and_a_range_may_end_with_it() {
        for text in ["0 3 * * 0", "0 3 * * 7", "0 3 * * SUN"] {
            assert_eq!(
                due(text, 2),
                ["Sun 03-01 03:00", "Sun 03-08 03:00"],
                "{text}"
            );
        }
        assert_eq!(
            due("0 3 * * 6-7", 3),
            ["Sat 02-28 03:00", "Sun 03-01 03:00", "Sat 03-07 03:00"]
        );
        assert_eq!(due("0 3 * * 1", 1), ["Mon 03-02 03:00"]);
    }

    #[test]
    fn a_day_that_fits_either_day_field_is_due() {
        assert_eq!(
            due("0 0 1 * 1", 3),
            ["Sun 03-01 00:00", "Mon 03-02 00:00", "Mon 03-09 00:00"]
        );
        // A field that begins with a star restricts nothing, so that both must fit.
        assert_eq!(
            due("0 0 */2 * 1", 2),
            ["Mon 03-09 00:00", "Mon 03-23 00:00"]
        );
        assert_eq!(due("0 0 29 2 *", 1), ["Tue 02-29 00:00"], "a leap day");
    }

    #[test]
    fn what_is_no_expression_is_refused_with_the_field_at_fault() {
        for (text, words) in [
            ("", "has 0 fields"),
            ("0 0 3 * * *", "has 6 fields"),
            ("@often", "has 1 fields"),
            ("60 * * * *", "the minute `60`"),
            ("* 24 * * *", "the hour `24`"),
            ("* * 0 * *", "the day of the month `0`"),
            ("* * * 13 *", "the month `13`"),
            ("* * * * 8", "the day of the week `8`"),
            ("* * * * someday", "0 to 7 or sun to sat"),
            ("*/0 * * * *", "no step"),
            ("30-10 * * * *", "ends before it begins"),
            ("+5 * * * *", "the minute `+5`"),
            ("1,,2 * * * *", "the minute `1,,2`"),
            ("0 0 30 2 *", "never due"),
            ("? * * * *", "the minute `?`"),
            ("0 0 L * *", "the day of the month `L`"),
        ] {
            let error = text.parse::<Expression>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
