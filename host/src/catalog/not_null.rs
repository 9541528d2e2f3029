//! Columns that cannot take what a foreign key's SET NULL or SET DEFAULT would put there.

use std::collections::BTreeMap;

use super::sqlite::text::{Token, tokens, unquoted};
use super::{ForeignKey, OnDelete, TableId};

/// What a column that some key sets could not take.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusing {
    /// NULL.
    pub(super) null: bool,
    /// Its default; `None`: it has none, which is NULL.
    pub(super) default: Option<String>,
}

/// The columns by table and name.
pub(super) type Refusals = BTreeMap<(TableId, String), Refusing>;

/// Which of the columns that the key's rule sets cannot take it, in the child or in one of these partitions of it.
pub(super) fn stuck(key: &ForeignKey, partitions: &[TableId], refusals: &Refusals) -> Vec<String> {
    let refuses = |column: &&String| {
        let tables = partitions.iter().chain([&key.child]);
        let mut found = tables.filter_map(|id| refusals.get(&(id.clone(), (*column).clone())));
        found.any(|refusing| {
            let nulls = |text: &String| is_null(text);
            refusing.null
                && match key.on_delete {
                    OnDelete::SetNull => true,
                    OnDelete::SetDefault => refusing.default.as_ref().is_none_or(nulls),
                    OnDelete::NoAction | OnDelete::Restrict | OnDelete::Cascade => false,
                }
        })
    };
    key.set_columns.iter().filter(refuses).cloned().collect()
}

/// Marks a key that is MATCH FULL and whose rule would leave NULL in some of its columns and values in others, which
/// no row of the child may hold.
pub(super) fn mark_torn(key: &mut ForeignKey, refusals: &Refusals) {
    let is_nulled = |column: &&String| {
        let found = refusals.get(&(key.child.clone(), (*column).clone()));
        let default = found.and_then(|refusing| refusing.default.as_ref());
        match key.on_delete {
            OnDelete::SetNull => true,
            OnDelete::SetDefault => default.is_none_or(|text| is_null(text)),
            OnDelete::NoAction | OnDelete::Restrict | OnDelete::Cascade => false,
        }
    };
    let nulled: Vec<_> = key.set_columns.iter().filter(is_nulled).cloned().collect();
    let torn = !nulled.is_empty() && nulled.len() < key.columns.len();
    if key.full && torn && key.stuck.is_empty() {
        key.stuck = nulled;
        key.torn = true;
    }
}

/// `NULL`, `NULL::integer`.
pub(super) fn is_null(default: &str) -> bool {
    let text = default.trim().trim_matches(['(', ')']).trim();
    let rest = text.get(4..).unwrap_or_default();
    let word = text
        .get(..4)
        .is_some_and(|word| word.eq_ignore_ascii_case("NULL"));
    word && (rest.is_empty() || rest.starts_with("::"))
}

/// `CHECK ((a IS NOT NULL) AND (b > 0))`: the check holds only where the column is not NULL. It looks at the terms
/// that AND joins and at nothing deeper: what it does not recognise may hold for NULL.
pub(super) fn forbids_null(check: &str, column: &str) -> bool {
    let open = check.find('(').unwrap_or(check.len());
    let tokens = tokens(check.get(open..).unwrap_or_default());
    let words: Vec<&str> = tokens.iter().map(Token::text).collect();
    has_term(&words, column)
}

/// One of the terms says that the column is not NULL.
fn has_term(words: &[&str], column: &str) -> bool {
    let is = |word: &str, keyword: &str| word.eq_ignore_ascii_case(keyword);
    if let Some(inner) = within_parentheses(words) {
        return has_term(inner, column);
    }
    let (mut depth, mut from, mut terms) = (0_u32, 0, Vec::new());
    for (at, word) in words.iter().enumerate() {
        match *word {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            // What binds weaker than AND, or has an AND of its own.
            word if depth == 0 && ["OR", "BETWEEN", "CASE"].iter().any(|of| is(word, of)) => {
                return false;
            }
            word if depth == 0 && is(word, "AND") => {
                terms.push(words.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
    }
    let last = words.get(from..).unwrap_or_default();
    if !terms.is_empty() {
        terms.push(last);
        return terms.iter().any(|term| has_term(term, column));
    }
    let Some((name, rest)) = last.split_first() else {
        return false;
    };
    let says = |keywords: &[&str]| {
        rest.len() == keywords.len() && rest.iter().zip(keywords).all(|(word, of)| is(word, of))
    };
    unquoted(name) == column
        && (says(&["IS", "NOT", "NULL"]) || says(&["NOTNULL"]) || says(&["NOT", "NULL"]))
}

/// What stands in parentheses, where one pair is around all of it.
pub(super) fn within_parentheses<'w, 't>(words: &'w [&'t str]) -> Option<&'w [&'t str]> {
    let (first, rest) = words.split_first()?;
    let (last, inner) = rest.split_last()?;
    let mut depth = 0_i32;
    for word in inner {
        match *word {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    (*first == "(" && *last == ")").then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_forbids_null_where_one_of_its_terms_does() {
        for (check, forbids) in [
            ("CHECK ((a IS NOT NULL))", true),
            ("CHECK (((a IS NOT NULL) AND (b > 0)))", true),
            (
                "CHECK (((b > 0) AND ((a IS NOT NULL) AND (c = 'x'::text))))",
                true,
            ),
            ("CHECK (a is not null) NOT VALID", false),
            ("CHECK (((a IS NOT NULL) OR (b IS NOT NULL)))", false),
            ("CHECK ((NOT (a IS NOT NULL)))", false),
            ("CHECK ((\"a\" IS NOT NULL))", true),
            ("CHECK (((b = ' and '::text) AND (a IS NOT NULL)))", true),
            ("(a NOTNULL)", true),
            ("(ba IS NOT NULL)", false),
            ("(a IS NOT NULL OR b AND a IS NOT NULL)", false),
            ("(x > 0 OR\n y AND a IS NOT NULL)", false),
            ("(x > 0\tor y AND a IS NOT NULL)", false),
            ("(x > 0\n  AND\n  a IS\n  NOT NULL)", true),
            ("(b = ')' OR (c > 0 AND a IS NOT NULL))", false),
            ("((b = '(') OR (a IS NOT NULL))", false),
            ("(b = ' OR ' AND a IS NOT NULL)", true),
            ("(\"x or y\" > 0 AND [a] IS NOT NULL)", true),
            ("(b BETWEEN 1 AND a IS NOT NULL)", false),
            ("(b > 0 /* OR */ AND a IS NOT NULL -- OR b\n)", true),
            ("(NOT a IS NOT NULL)", false),
            ("(", false),
        ] {
            assert_eq!(forbids_null(check, "a"), forbids, "{check}");
        }
    }

    #[test]
    fn no_default_and_a_default_of_null_are_one() {
        for (text, null) in [
            ("NULL", true),
            ("NULL::bigint", true),
            ("(null)", true),
            ("0", false),
            ("'NULL'::text", false),
            ("nullif(1, 1)", false),
        ] {
            assert_eq!(is_null(text), null, "{text}");
        }
    }
}
