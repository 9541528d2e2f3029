//! No row that is to go may be said to be old by an instant that is yet to come.

use crate::catalog::Table;
use crate::request::{Comparison, Condition, Fault, Timestamp, Value};

/// Refuses a condition on the row itself whose cut-off lies behind `now`: rows would go that are not old
/// yet. `negated`: under a negation, where "not after" says what "before" says otherwise. In a relation it
/// is another matter: "still live for a week" is a fair thing to ask.
///
/// # Errors
/// `invalid`, with the column and the instant.
pub(super) fn past_cutoffs(
    table: &Table,
    condition: &Condition,
    now: Timestamp,
    negated: bool,
) -> Result<(), Fault> {
    let (column, cutoff) = match condition {
        Condition::OlderThan {
            column,
            cutoff,
            offset,
        } if !negated => (column, cutoff.minus_micros(*offset)),
        Condition::IdOlderThan { column, cutoff } if !negated => (column, *cutoff),
        Condition::Compare {
            column,
            operator,
            to: Value::Timestamp(cutoff),
        } if is_before(*operator, negated) => (column, *cutoff),
        Condition::All(of) | Condition::Any(of) => {
            return of
                .iter()
                .try_for_each(|term| past_cutoffs(table, term, now, negated));
        }
        Condition::Not(of) => return past_cutoffs(table, of, now, !negated),
        _ => return Ok(()),
    };
    if cutoff <= now {
        return Ok(());
    }
    Err(Fault::invalid(
        "future-cutoff",
        format!(
            "rows of `{}` would count as old by `{column}` before {cutoff}, which is yet to come: it is \
             {now} now. A negative retention does that, or a wrong unit",
            table.id
        ),
    ))
}

fn is_before(operator: Comparison, negated: bool) -> bool {
    match operator {
        Comparison::Less | Comparison::LessOrEqual => !negated,
        Comparison::Greater | Comparison::GreaterOrEqual => negated,
        Comparison::Equal | Comparison::NotEqual => false,
    }
}
