//! Checks of a table that may refuse what a foreign key's rule puts into its columns.

use std::collections::BTreeMap;

use super::beside::Becomes;
use super::not_null::within_parentheses;
use super::null_passes::{names, null_with};
use super::sqlite::text::{Token, tokens, unquoted};
use super::{Table, TableId};

/// A check.
#[derive(Debug, Clone)]
pub(super) struct Check {
    /// Its name; SQLite's have none that one could see.
    pub(super) name: Option<String>,
    pub(super) expression: String,
}

/// Those of each table.
pub(super) type ChecksOf = BTreeMap<TableId, Vec<Check>>;

/// The columns of `set` by which a row that meets the check may break it; none: it meets it still.
pub(super) fn breaking(
    check: &Check,
    table: &Table,
    set: &BTreeMap<&String, Becomes>,
) -> Vec<String> {
    let involved = set.keys().filter(|column| names(&check.expression, column));
    let involved: Vec<String> = involved.map(|column| (*column).clone()).collect();
    let all = tokens(&check.expression);
    let words: Vec<&str> = all.iter().map(Token::text).collect();
    match involved.is_empty() || holds(&words, table, set, true) {
        true => Vec::new(),
        false => involved,
    }
}

/// It is true or NULL with the new values, either of which a check is content with. `held`: so it is with the old ones.
fn holds(words: &[&str], table: &Table, set: &BTreeMap<&String, Becomes>, held: bool) -> bool {
    if let Some(inner) = within_parentheses(words) {
        return holds(inner, table, set, held);
    }
    let either = terms(words, "OR");
    if either.len() > 1 {
        let mut either = either.into_iter();
        return either.any(|term| holds(term, table, set, false));
    }
    let both = terms(words, "AND");
    if both.len() > 1 {
        let mut both = both.into_iter();
        return both.all(|term| holds(term, table, set, held));
    }
    let text = words.join(" ");
    let stays = !set.keys().any(|column| names(&text, column));
    let mut nulls = set.iter().filter(|(_, value)| **value == Becomes::Null);
    held && stays
        || nulls.any(|(column, _)| {
            is_asked_for_null(words, column)
                || null_with(&text, column, table, true)
                || listed(words).is_some_and(|one| null_with(&one, column, table, false))
        })
}

/// `a IS NULL`.
fn is_asked_for_null(words: &[&str], column: &str) -> bool {
    let is = |word: &str, keyword: &str| word.eq_ignore_ascii_case(keyword);
    match words {
        [name, of, null] => {
            unquoted(name).eq_ignore_ascii_case(column) && is(of, "IS") && is(null, "NULL")
        }
        [name, of] => unquoted(name).eq_ignore_ascii_case(column) && is(of, "ISNULL"),
        _ => false,
    }
}

/// `a IN (…)`, `a = ANY (…)`: what is looked for in the list.
fn listed(words: &[&str]) -> Option<String> {
    let is = |at: usize, word: &str| {
        let at = words.get(at);
        at.is_some_and(|own| own.eq_ignore_ascii_case(word))
    };
    let mut places = 0..words.len();
    let at = places.find(|at| {
        let any = is(*at, "=") && is(at + 1, "ANY");
        (any || is(*at, "IN")) && !at.checked_sub(1).is_some_and(|before| is(before, "NOT"))
    })?;
    // One list, and nothing behind it.
    let (one, list) = words.split_at_checked(at)?;
    let brackets = list.iter().skip_while(|word| **word != "(");
    within_parentheses(&brackets.copied().collect::<Vec<_>>()).map(|_| one.join(" "))
}

/// What the word joins; one, where what stands there binds otherwise.
fn terms<'w, 't>(words: &'w [&'t str], by: &str) -> Vec<&'w [&'t str]> {
    let (mut depth, mut from, mut terms) = (0_u32, 0, Vec::new());
    for (at, word) in words.iter().enumerate() {
        let is = |keyword: &str| depth == 0 && word.eq_ignore_ascii_case(keyword);
        if is("BETWEEN") || is("CASE") || is("NOT") && at == from {
            return vec![words];
        }
        if is(by) {
            terms.push(words.get(from..at).unwrap_or_default());
            from = at + 1;
        }
        match *word {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    terms.push(words.get(from..).unwrap_or_default());
    terms
}
