//! Values that a job passes over, told before it does: ids of another version than the rest
//! (`mixed-id-versions`), and times that stand for "never" (`no-instant`).

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Rehearsed, Severity};
use crate::catalog::{Catalog, Times, spell};
use crate::sweep::{NoInstant, NotKnown};

/// The code of [`no_instant`].
pub const NO_INSTANT: &str = "no-instant";

/// A warning for each key column whose sampled ids have versions, one of them another than 7.
pub(super) fn mixed_ids(rehearsed: &Rehearsed) -> Vec<Finding> {
    let strays = rehearsed.plans.iter().flat_map(|plan| plan.strays());
    let told = strays.map(|(place, stray)| {
        let message = format!(
            "of the ids in `{place}` only those of UUID version 7 tell a time, and {stray} is none: such a row stays, \
             however old it looks, and a run counts it as unread. Give such rows another id or delete them by hand, or let the \
             job go by a time column"
        );
        Finding::new("mixed-id-versions", Severity::Warning, message)
    });
    told.collect()
}

/// What to say of the rows of one column whose time stands for none.
pub fn no_instant(found: &NoInstant, catalog: &Catalog) -> Finding {
    let more = if found.more { " or more" } else { "" };
    let (rows, hold) = match found.rows {
        1 => ("row", "holds"),
        _ => ("rows", "hold"),
    };
    let column = format!(
        "{}.{}",
        catalog.spelling(&found.table),
        spell(&found.column)
    );
    let such = match found.examples.as_slice() {
        [] => String::new(),
        examples => format!(", such as {}", examples.join(", ")),
    };
    if found.in_doubt {
        let key = toml::Value::String(column.clone());
        let message = format!(
            "{}{more} {rows} of `{column}` {hold} what may stand for no value{such}, and the job asks whether there \
             is one: such a row counts neither as one that has a value nor as one without, stays, and is counted as \
             unread. Write NULL there; or where the column holds times, say how: [time-forms] {key} = \"…\"; or where \
             what looks like none is a value like any other: {key} = \"{value}\"",
            found.rows,
            value = Times::VALUE
        );
        return Finding::new(NO_INSTANT, Severity::Info, message);
    }
    let message = format!(
        "{}{more} {rows} of `{column}` {hold} no time but what stands for \"never\"{such}: by it no row is old, \
         nor ever ends. Where these differ from each other the column may hold something else than its form says; where \
         they are real times, `oldest` in [time-forms] says since when there are any",
        found.rows
    );
    Finding::new(NO_INSTANT, Severity::Info, message)
}

/// Of which columns it is not known whether they hold such values: one finding for each reason.
pub fn not_looked_for(columns: &BTreeMap<String, NotKnown>) -> Vec<Finding> {
    let reasons: BTreeSet<NotKnown> = columns.values().copied().collect();
    let told = reasons.into_iter().filter_map(|reason| {
        let of_it = columns.iter().filter(|(_, why)| **why == reason);
        let names: Vec<_> = of_it.map(|(name, _)| name).collect();
        let (first, others) = (names.first()?, names.len() - 1);
        let others = match others {
            0 => String::new(),
            1 => " and of one other column".to_owned(),
            others => format!(" and of {others} other columns"),
        };
        let why = match reason {
            NotKnown::NoIndex => {
                "to look for them takes too long. An index that leads with the column answers it"
            }
            NotKnown::TooLong => {
                "the half second that such looks have for a job was over before the answer. Look for them by hand, once; \
                 the code may then be tolerated"
            }
            NotKnown::RollbackJournal => {
                "nobody commits to a file with a rollback journal while it is read, so that the look was ended. It may \
                 take its time after PRAGMA journal_mode=WAL"
            }
        };
        let message = format!(
            "whether rows of `{first}`{others} hold no time but what stands for \"never\" is not known: such rows stay, and {why}"
        );
        Some(Finding::new(NO_INSTANT, Severity::Info, message))
    });
    told.collect()
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_spoken_of_where_there_is_none() {
        let columns = [
            ("a.at", NotKnown::NoIndex),
            ("b.at", NotKnown::TooLong),
            ("c.at", NotKnown::NoIndex),
            ("d.at", NotKnown::RollbackJournal),
        ];
        let columns = columns.map(|(name, why)| (name.to_owned(), why)).into();

        let told = not_looked_for(&columns);

        let [no_index, too_long, journal] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert!(
            no_index
                .message
                .starts_with("whether rows of `a.at` and of one other column hold")
        );
        assert!(no_index.message.contains("An index that leads"));
        assert!(too_long.message.contains("`b.at`") && journal.message.contains("`d.at`"));
        assert!(journal.message.contains("PRAGMA journal_mode=WAL"));
        for told in [too_long, journal] {
            assert!(!told.message.contains("index"), "{}", told.message);
        }
    }
}
