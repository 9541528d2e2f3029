//! What no host carries out, whatever the database looks like.

use std::collections::HashSet;

use crate::condition::Condition;
use crate::error::{Error, Result};
use crate::sweep::{Action, Assignment, Dependent, Sweep};

/// Bits of an IPv4 and of an IPv6 address.
const BITS: (u8, u8) = (32, 128);

/// Refuses, with the host's own codes, a sweep that contradicts itself.
pub(super) fn check(sweep: &Sweep) -> Result<()> {
    let table = sweep.table();
    match sweep.action() {
        Action::Delete => sweep.dependents().iter().try_for_each(dependent),
        Action::Update(_) if !sweep.dependents().is_empty() => Err(Error::invalid(
            "dependents",
            format!("the update of `{table}` has dependents: its rows stay"),
        )),
        Action::Update(assignments) if assignments.is_empty() => Err(Error::invalid(
            "no-assignment",
            format!("the update of `{table}` assigns nothing"),
        )),
        Action::Update(assignments) => {
            let mut assigned = HashSet::new();
            assignments
                .iter()
                .try_for_each(|of| assignment(of, &mut assigned))
        }
    }
}

fn dependent(of: &Dependent) -> Result<()> {
    if !of.delete && !of.dependents.is_empty() {
        return Err(Error::invalid(
            "parent",
            format!(
                "rows of `{}` are unlinked and stay: nothing goes ahead of them",
                of.table
            ),
        ));
    }
    if of
        .matching
        .as_ref()
        .is_some_and(|condition| !on_its_own_row(condition))
    {
        return Err(Error::invalid(
            "dependents",
            format!(
                "the condition on `{}` looks at other rows, or says nothing",
                of.table
            ),
        ));
    }
    of.dependents.iter().try_for_each(dependent)
}

fn on_its_own_row(condition: &Condition) -> bool {
    match condition {
        Condition::Exists { .. }
        | Condition::NotExists { .. }
        | Condition::BeyondNewest { .. }
        | Condition::Everything => false,
        Condition::All(of) | Condition::Any(of) => of.iter().all(on_its_own_row),
        Condition::Not(of) => on_its_own_row(of),
        _ => true,
    }
}

fn assignment<'a>(of: &'a Assignment, assigned: &mut HashSet<&'a str>) -> Result<()> {
    let column = match of {
        Assignment::Network {
            column,
            ipv4_prefix,
            ipv6_prefix,
        } => {
            if *ipv4_prefix > BITS.0 || *ipv6_prefix > BITS.1 {
                return Err(Error::invalid(
                    "value",
                    format!("`{column}`: no address has {ipv4_prefix} or {ipv6_prefix} bits"),
                ));
            }
            column
        }
        Assignment::Value { column, .. }
        | Assignment::Column { column, .. }
        | Assignment::Related { column, .. } => column,
    };
    if assigned.insert(column) {
        return Ok(());
    }
    Err(Error::invalid(
        "not-assignable",
        format!("`{column}` is assigned twice"),
    ))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::prelude::*;

    fn code(sweep: Sweep) -> Option<String> {
        check(&sweep)
            .err()
            .map(|error| error.problem().code.clone())
    }

    fn on() -> Join {
        join("parent_id").to("id")
    }

    #[test]
    fn hierarchies_that_go_from_below_are_carried_out() {
        let letters = Dependent::delete("letters", on())
            .delete_first("stamps", join("letter_id").to("id"))
            .unlink_first("notes", join("letter_id").to("id"));

        let sweep = delete("parents").matching(everything()).dependent(letters);

        assert_eq!(code(sweep), None);
    }

    #[test]
    fn nothing_goes_ahead_of_rows_that_stay() {
        let unlinked = Dependent::unlink("letters", on()).delete_first("stamps", join("letter_id"));
        let below = Dependent::delete("boxes", on()).dependent(unlinked.clone());
        let deleting = || delete("parents").matching(everything());
        let updating = update("parents").set("state", "closed");

        assert_eq!(
            code(deleting().dependent(unlinked)).as_deref(),
            Some("parent")
        );
        assert_eq!(code(deleting().dependent(below)).as_deref(), Some("parent"));
        let updating = updating
            .matching(everything())
            .delete_first("letters", on());
        assert_eq!(code(updating).as_deref(), Some("dependents"));
    }

    #[test]
    fn what_goes_ahead_is_told_by_its_own_columns() {
        let of = |condition| {
            let notes = join("about_id").to("id").matching(condition);
            code(
                delete("t")
                    .matching(everything())
                    .delete_first("notes", notes),
            )
        };

        assert_eq!(of(column("kind").equals("t")), None);
        let looking = not(exists("others", join("note_id").to("id")));
        assert_eq!(of(looking).as_deref(), Some("dependents"));
    }

    #[test]
    fn an_update_assigns_something_once_and_within_an_address() {
        let code = |update: Update| code(update.matching(everything()));

        assert_eq!(code(update("t")).as_deref(), Some("no-assignment"));
        let twice = update("t").set("a", 1).set_from_column("a", "b");
        assert_eq!(code(twice).as_deref(), Some("not-assignable"));
        let beyond = update("t").set_network("ip", 24, 129);
        assert_eq!(code(beyond).as_deref(), Some("value"));
        assert_eq!(code(update("t").set_network("ip", 32, 128)), None);
    }
}
