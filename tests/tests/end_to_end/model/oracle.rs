//! What should go, by the contract's words and nothing of the host's code.

use std::collections::BTreeMap;

use besom::request::{Comparison, Condition, Value};

use super::data::{Item, KINDS, LABELS, Note, key};

/// "Delete the newest" is not a fixed set, and is refused.
pub(super) fn negates_newest(condition: &Condition, negated: bool) -> bool {
    match condition {
        Condition::BeyondNewest { .. } => negated,
        Condition::All(of) | Condition::Any(of) => of.iter().any(|c| negates_newest(c, negated)),
        Condition::Not(of) => negates_newest(of, !negated),
        _ => false,
    }
}

/// SQL's three truth values: `None` is unknown.
pub(crate) type Truth = Option<bool>;

/// The model: the contract's words, nothing of the host's code.
pub(super) struct Model<'a> {
    pub(super) items: &'a BTreeMap<i64, Item>,
    pub(super) notes: &'a [Note],
}

impl Model<'_> {
    pub(super) fn holds(&self, n: i64, item: &Item, condition: &Condition) -> Truth {
        match condition {
            Condition::Compare {
                column,
                operator,
                to,
            } => match to {
                Value::Integer(v) => ordered(item.num?, *operator, *v),
                Value::Text(t) if column == "label" => {
                    ordered(LABELS[item.label?], *operator, t.as_str())
                }
                Value::Text(t) => ordered(KINDS[item.kind?], *operator, t.as_str()),
                Value::Boolean(b) => ordered(item.flag?, *operator, *b),
                Value::Timestamp(at) => ordered(item.at?, *operator, at.0),
                other => unreachable!("{other:?}"),
            },
            Condition::CompareColumns { operator, .. } => ordered(item.at?, *operator, item.until?),
            Condition::OlderThan {
                column,
                cutoff,
                offset,
            } => {
                let at = if column == "at" { item.at } else { item.until };
                Some(at? + offset < cutoff.0)
            }
            Condition::IdOlderThan { cutoff, .. } => {
                Some(item.born.div_euclid(1000) < cutoff.0.div_euclid(1000))
            }
            Condition::IsNull { column } => self.null(item, column),
            Condition::IsNotNull { column } => self.null(item, column).map(|null| !null),
            Condition::OneOf { values, .. } => {
                let num = item.num?;
                Some(values.contains(&Value::Integer(num)))
            }
            Condition::StartsWith { prefix, .. } => Some(LABELS[item.label?].starts_with(prefix)),
            Condition::Exists { matching, .. } => self.note(n, matching.as_deref()),
            Condition::NotExists { matching, .. } => {
                self.note(n, matching.as_deref()).map(|there| !there)
            }
            Condition::BeyondNewest { keep, .. } => {
                let (kind, at) = (item.kind?, item.at?);
                let newer = self.items.iter().filter(|(other, it)| {
                    it.kind == Some(kind)
                        && it
                            .at
                            .is_some_and(|a| (a, key(**other, it)) > (at, key(n, item)))
                });
                Some(newer.count() >= *keep as usize)
            }
            Condition::All(of) => {
                let terms: Vec<Truth> = of.iter().map(|c| self.holds(n, item, c)).collect();
                all_of(&terms)
            }
            Condition::Any(of) => {
                let denied = of
                    .iter()
                    .map(|c| self.holds(n, item, c).map(|holds| !holds));
                all_of(&denied.collect::<Vec<Truth>>()).map(|none| !none)
            }
            Condition::Not(of) => self.holds(n, item, of).map(|b| !b),
            Condition::Everything => Some(true),
        }
    }

    fn null(&self, item: &Item, column: &str) -> Truth {
        Some(match column {
            "num" => item.num.is_none(),
            "flag" => return no_flag(item.flag),
            "at" => item.at.is_none(),
            "kind" => item.kind.is_none(),
            _ => item.until.is_none(),
        })
    }

    /// Some note of the item matches: unknown where none does for certain and one may.
    fn note(&self, n: i64, matching: Option<&Condition>) -> Truth {
        let own = self.notes.iter().filter(|note| note.item == n);
        let denied = own.map(|note| match matching {
            None => Some(false),
            Some(matching) => note_holds(note, matching).map(|holds| !holds),
        });
        all_of(&denied.collect::<Vec<Truth>>()).map(|none| !none)
    }
}

/// Whoever asks a truth value for NULL may mean by false that nothing has happened.
fn no_flag(flag: Option<bool>) -> Truth {
    match flag {
        None => Some(true),
        Some(true) => Some(false),
        Some(false) => None,
    }
}

fn note_holds(note: &Note, condition: &Condition) -> Truth {
    match condition {
        Condition::Compare {
            to: Value::Boolean(live),
            ..
        } => Some(note.live? == *live),
        Condition::OlderThan { cutoff, .. } => Some(note.at? < cutoff.0),
        Condition::IsNull { .. } => no_flag(note.live),
        Condition::All(of) => {
            let terms: Vec<Truth> = of.iter().map(|c| note_holds(note, c)).collect();
            all_of(&terms)
        }
        Condition::Any(of) => {
            let denied = of.iter().map(|c| note_holds(note, c).map(|holds| !holds));
            all_of(&denied.collect::<Vec<Truth>>()).map(|none| !none)
        }
        Condition::Not(of) => note_holds(note, of).map(|holds| !holds),
        other => unreachable!("{other:?}"),
    }
}

/// False where one is false, true where all are true, unknown otherwise.
pub(crate) fn all_of(terms: &[Truth]) -> Truth {
    if terms.contains(&Some(false)) {
        Some(false)
    } else if terms.contains(&None) {
        None
    } else {
        Some(true)
    }
}

pub(crate) fn ordered<T: PartialOrd>(a: T, operator: Comparison, b: T) -> Truth {
    Some(match operator {
        Comparison::Equal => a == b,
        Comparison::NotEqual => a != b,
        Comparison::Less => a < b,
        Comparison::LessOrEqual => a <= b,
        Comparison::Greater => a > b,
        Comparison::GreaterOrEqual => a >= b,
    })
}
