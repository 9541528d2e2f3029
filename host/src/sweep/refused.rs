//! Why the database refused rows, in words that a run's record can hold: few of them, and none without end.

use std::collections::BTreeMap;

use super::retry::InTheWay;
use crate::database::DatabaseError;

/// Reasons that one record tells apart. A trigger may raise another text for each row.
const MOST_REASONS: usize = 8;

/// Characters of a message that a reason has.
const MOST_CHARACTERS: usize = 120;

/// Rows by the words of what refused them, with what was said of the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refused(BTreeMap<String, (u64, String)>);

impl Refused {
    /// Notes that one row was refused.
    pub(super) fn note(&mut self, error: &DatabaseError) {
        let said = self.0.entry(reason(&error.message));
        said.or_insert_with(|| (0, error.to_string())).0 += 1;
    }

    /// Adds these rows to the run's counts of rows by what holds them.
    pub(super) fn tell(self, blocked_by: &mut BTreeMap<String, u64>) {
        let plain = InTheWay::Refused.as_str();
        for (reason, (rows, first)) in self.0 {
            let begins = plain.trim_end_matches(')');
            let known = blocked_by.keys().filter(|key| key.starts_with(begins));
            let told = match blocked_by.contains_key(&reason) || known.count() < MOST_REASONS {
                true => reason,
                false => plain.to_owned(),
            };
            let held = blocked_by.entry(told).or_insert_with(|| {
                tracing::warn!(
                    why = first,
                    "rows that the database refuses are passed over"
                );
                0
            });
            *held += rows;
        }
    }
}

/// The message of a constraint or a trigger as a reason: on one line, without what differs from row to row as
/// far as numbers go, and cut.
fn reason(message: &str) -> String {
    let words = message.split_whitespace().map(|word| {
        let bare = word.trim_matches(|c: char| c.is_ascii_punctuation());
        match !bare.is_empty() && bare.chars().all(|c| c.is_ascii_digit()) {
            true => word.replace(bare, "…"),
            false => word.to_owned(),
        }
    });
    let line = words.collect::<Vec<_>>().join(" ");
    let shown = line.chars().flat_map(|c| {
        let escaped = c.is_control().then(|| c.escape_default());
        let plain = escaped.is_none().then_some(c);
        escaped.into_iter().flatten().chain(plain)
    });
    let mut cut: String = shown.clone().take(MOST_CHARACTERS).collect();
    if shown.count() > MOST_CHARACTERS {
        cut.push('…');
    }
    let plain = InTheWay::Refused.as_str().trim_end_matches(')');
    format!("{plain}: {cut})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_without_the_numbers_of_rows() {
        assert_eq!(
            reason("session 4711 (org 7) is\n on\thold\u{1b}[0m"),
            "(refused by the database: session … (org …) is on hold\\u{1b}[0m)"
        );
        assert_eq!(
            reason("new row violates check constraint \"tokens_1_check\""),
            "(refused by the database: new row violates check constraint \"tokens_1_check\")"
        );
        let long = reason(&"long ".repeat(100));
        assert!(long.chars().count() < 160 && long.ends_with("…)"), "{long}");
    }

    #[test]
    fn reasons_without_end_are_counted_together() {
        let mut blocked_by = BTreeMap::new();
        for row in 0..30_u8 {
            let mut refused = Refused::default();
            let text = format!("held as case{row}");
            refused.note(&DatabaseError::other("P0001", text));
            refused.tell(&mut blocked_by);
        }
        assert_eq!(blocked_by.len(), MOST_REASONS + 1);
        assert_eq!(blocked_by.get("(refused by the database)"), Some(&22));
        assert_eq!(blocked_by.values().sum::<u64>(), 30);
    }
}
