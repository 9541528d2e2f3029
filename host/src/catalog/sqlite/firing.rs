//! What the statement of a trigger tells: when it fires, and what its body may do to the row.

use super::super::TriggerTiming;
use super::text::{tokens, unquoted};

/// When and on which events a trigger fires.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Firing {
    pub(super) timing: TriggerTiming,
    pub(super) on_delete: bool,
    pub(super) on_update: bool,
    /// The columns after UPDATE OF.
    pub(super) of_columns: Vec<String>,
}

/// Reads `CREATE TRIGGER name [BEFORE | AFTER | INSTEAD OF] {DELETE | INSERT | UPDATE} …`, which is
/// how SQLite keeps every trigger, whatever stood between TRIGGER and the name.
pub(super) fn trigger_firing(statement: &str) -> Option<Firing> {
    let tokens = tokens(statement);
    let mut tokens = tokens.iter().skip(3);
    let mut next = tokens.next()?;
    let timing = if next.is("AFTER") {
        next = tokens.next()?;
        TriggerTiming::After
    } else if next.is("INSTEAD") {
        next = tokens.nth(1)?; // past OF
        TriggerTiming::InsteadOf
    } else {
        if next.is("BEFORE") {
            next = tokens.next()?;
        }
        TriggerTiming::Before
    };
    let mut of_columns = Vec::new();
    if next.is("UPDATE") && tokens.next().is_some_and(|token| token.is("OF")) {
        let listed = tokens.take_while(|token| !token.is("ON"));
        let names = listed.filter(|token| !token.is(","));
        of_columns.extend(names.map(|name| unquoted(name.text())));
    }
    Some(Firing {
        of_columns,
        timing,
        on_delete: next.is("DELETE"),
        on_update: next.is("UPDATE"),
    })
}

/// A trigger with RAISE(IGNORE), which gives up the change that fired it without an error.
pub(super) fn raises_ignore(statement: &str) -> bool {
    let tokens = tokens(statement);
    let starts = |at: usize| {
        let words = ["RAISE", "(", "IGNORE", ")"];
        let mut tokens = tokens.iter().skip(at);
        words
            .iter()
            .all(|word| tokens.next().is_some_and(|token| token.is(word)))
    };
    (0..tokens.len()).any(starts)
}

/// A statement with the word REPLACE, by which rows that are in the way of another are deleted without a word; the
/// function of that name counts as well.
pub(super) fn replaces(statement: &str) -> bool {
    tokens(statement).iter().any(|token| token.is("REPLACE"))
}

/// Those of the columns that the body of a CREATE TRIGGER statement may assign: names before a `=`, which may compare as
/// well, and all of them where it writes by other means.
pub(super) fn assigned<'a>(
    statement: &str,
    columns: impl Iterator<Item = &'a String>,
) -> Vec<String> {
    let tokens = tokens(statement);
    let body: Vec<_> = tokens
        .iter()
        .skip_while(|token| !token.is("BEGIN"))
        .collect();
    let pairs = || body.iter().zip(body.iter().skip(1));
    let changes = body.iter().any(|token| token.is("UPDATE"));
    let otherwise = body.iter().any(|token| token.is("REPLACE"))
        || pairs().any(|(set, list)| set.is("SET") && list.text() == "(");
    let named = |column: &&'a String| {
        pairs().any(|(name, sign)| {
            sign.text() == "=" && unquoted(name.text()).eq_ignore_ascii_case(column)
        })
    };
    columns
        .filter(|column| otherwise || changes && named(column))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_that_gives_up_the_delete_is_told_from_one_that_says_so() {
        let ignoring =
            "CREATE TRIGGER t BEFORE DELETE ON a BEGIN SELECT raise ( /* so */ ignore); END";
        let quoting = "CREATE TRIGGER t BEFORE DELETE ON a BEGIN SELECT 'RAISE(IGNORE)'; END";
        let failing = "CREATE TRIGGER t BEFORE DELETE ON a BEGIN SELECT RAISE(ABORT, 'no'); END";
        assert!(raises_ignore(ignoring));
        assert!(!raises_ignore(quoting) && !raises_ignore(failing));
    }

    #[test]
    fn a_trigger_called_like_a_keyword_is_read_by_its_place() {
        let firing = |timing, on_delete, on_update| {
            Some(Firing {
                timing,
                on_delete,
                on_update,
                of_columns: match on_update {
                    true => vec!["x".to_owned()],
                    false => Vec::new(),
                },
            })
        };
        let cases = [
            (
                "CREATE TRIGGER before DELETE ON t BEGIN SELECT 1; END",
                (TriggerTiming::Before, true, false),
            ),
            (
                "CREATE TRIGGER \"a b\" AFTER UPDATE OF x ON t BEGIN DELETE FROM u; END",
                (TriggerTiming::After, false, true),
            ),
            (
                "CREATE TRIGGER v INSTEAD OF DELETE ON v BEGIN SELECT 1; END",
                (TriggerTiming::InsteadOf, true, false),
            ),
            (
                "CREATE TRIGGER i BEFORE INSERT ON t BEGIN DELETE FROM u; END",
                (TriggerTiming::Before, false, false),
            ),
        ];
        for (statement, (timing, on_delete, on_update)) in cases {
            assert_eq!(
                trigger_firing(statement),
                firing(timing, on_delete, on_update),
                "{statement}"
            );
        }
    }
}
