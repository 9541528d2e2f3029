//! Checks of a table that may refuse what a foreign key's rule puts into its columns.

use std::collections::BTreeMap;

use super::beside::Becomes;
use super::not_null::within_parentheses;
use super::null_passes::{is_constant, names, null_with, passes_nulls};
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
                || is_null(words, column, table)
                || other_than_a_constant(words)
                    .is_some_and(|one| null_with(&one.join(" "), column, table, true))
        })
}

/// The term is NULL wherever the column is.
fn is_null(words: &[&str], column: &str, table: &Table) -> bool {
    if let Some(inner) = within_parentheses(words) {
        return is_null(inner, column, table);
    }
    // Of NULLs both make a NULL.
    for by in ["OR", "AND"] {
        let terms = terms(words, by);
        if terms.len() > 1 {
            return terms.iter().all(|term| is_null(term, column, table));
        }
    }
    match words {
        [not, negated @ ..] if not.eq_ignore_ascii_case("NOT") => is_null(negated, column, table),
        _ => {
            null_with(&words.join(" "), column, table, true)
                || listed(words).is_some_and(|one| null_with(&one, column, table, false))
                || between(words, table).is_some_and(|one| null_with(&one, column, table, false))
        }
    }
}

/// Where the word stands first that no parentheses are around.
fn outside(words: &[&str], keyword: &str) -> Option<usize> {
    let mut depth = 0_u32;
    words.iter().position(|word| {
        match *word {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && word.eq_ignore_ascii_case(keyword)
    })
}

/// `a IS DISTINCT FROM 1`, SQLite's `a IS NOT 1`: what is another value than that one, as NULL is.
fn other_than_a_constant<'w, 't>(words: &'w [&'t str]) -> Option<&'w [&'t str]> {
    let is = |word: &str, keyword: &str| word.eq_ignore_ascii_case(keyword);
    let (one, rest) = words.split_at_checked(outside(words, "IS")?)?;
    let value = match rest {
        [_, distinct, from, value @ ..] if is(distinct, "DISTINCT") && is(from, "FROM") => value,
        [_, not, value @ ..] if is(not, "NOT") => value,
        _ => return None,
    };
    is_constant(value).then_some(one)
}

/// `a BETWEEN 1 AND 2`, also with a NOT: what is compared with both. One bound may be what decides, so a NULL there
/// is none of the whole.
fn between(words: &[&str], table: &Table) -> Option<String> {
    let is = |word: &str, keyword: &str| word.eq_ignore_ascii_case(keyword);
    let (one, bounds) = words.split_at_checked(outside(words, "BETWEEN")?)?;
    let one = match one.split_last() {
        Some((not, one)) if is(not, "NOT") => one,
        _ => one,
    };
    let bounds = bounds.iter().skip(1).filter(|word| !is(word, "AND"));
    let bounds: Vec<&str> = bounds.copied().collect();
    passes_nulls(&bounds.join(" "), table, false).then(|| one.join(" "))
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

/// `a IN (…)`, `a NOT IN (…)`, `a = ANY (…)`, `a <> ALL (…)`: what is looked for in the list.
fn listed(words: &[&str]) -> Option<String> {
    let is = |at: usize, word: &str| {
        let at = words.get(at);
        at.is_some_and(|own| own.eq_ignore_ascii_case(word))
    };
    let mut places = 0..words.len();
    let at = places.find(|at| {
        let any = is(*at, "=") && is(at + 1, "ANY");
        let all = is(*at, "<") && is(at + 1, ">") && is(at + 2, "ALL");
        any || all || is(*at, "IN") || is(*at, "NOT") && is(at + 1, "IN")
    })?;
    // One list, and nothing behind it.
    let (one, list) = words.split_at_checked(at)?;
    let brackets = list.iter().skip_while(|word| **word != "(");
    within_parentheses(&brackets.copied().collect::<Vec<_>>()).map(|_| one.join(" "))
}

/// What the word joins; one, where what stands there binds otherwise. The AND of a BETWEEN joins nothing.
fn terms<'w, 't>(words: &'w [&'t str], by: &str) -> Vec<&'w [&'t str]> {
    let (mut depth, mut from, mut terms) = (0_u32, 0, Vec::new());
    let mut is_between = false;
    for (at, word) in words.iter().enumerate() {
        let is = |keyword: &str| depth == 0 && word.eq_ignore_ascii_case(keyword);
        if is("CASE") {
            return vec![words];
        }
        if is("BETWEEN") {
            is_between = true;
        } else if is("AND") && is_between {
            is_between = false;
        } else if is(by) {
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
