//! Columns that cannot take what a foreign key's SET NULL or SET DEFAULT would put there.

use std::collections::BTreeMap;

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

/// `NULL`, `NULL::integer`.
fn is_null(default: &str) -> bool {
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
    terms(check.get(open..).unwrap_or_default())
        .iter()
        .any(|term| {
            let name = ["is not null", "notnull", "not null"]
                .iter()
                .find_map(|ending| {
                    let at = term.len().checked_sub(ending.len())?;
                    let matches = term.get(at..)?.eq_ignore_ascii_case(ending);
                    matches.then(|| term.get(..at).unwrap_or_default())
                });
            name.is_some_and(|name| {
                let name = name.trim().trim_matches(['"', '`', '[', ']']);
                name.replace("\"\"", "\"") == column
            })
        })
}

/// The terms that AND joins, without the parentheses around them.
fn terms(text: &str) -> Vec<&str> {
    let mut whole = text.trim();
    while let Some(inner) = within_parentheses(whole) {
        whole = inner.trim();
    }
    let mut found = Vec::new();
    let (mut from, mut depth, mut quote) = (0, 0_i32, None);
    for (at, c) in whole.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            _ => {}
        }
        let rest = whole.get(at..).unwrap_or_default();
        let and = rest
            .get(..5)
            .is_some_and(|word| word.eq_ignore_ascii_case(" and "));
        let or = rest
            .get(..4)
            .is_some_and(|word| word.eq_ignore_ascii_case(" or "));
        if depth == 0 && quote.is_none() && or {
            return Vec::new(); // it binds weaker than AND
        }
        if depth == 0 && quote.is_none() && and {
            found.push(whole.get(from..at).unwrap_or_default());
            from = at + 5;
        }
    }
    let last = whole.get(from..).unwrap_or_default();
    match found.is_empty() {
        true => vec![last],
        false => {
            found.push(last);
            found.into_iter().flat_map(terms).collect()
        }
    }
}

/// What stands in parentheses, where one pair is around all of it.
fn within_parentheses(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut depth = 0_i32;
    for c in inner.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    Some(inner)
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
