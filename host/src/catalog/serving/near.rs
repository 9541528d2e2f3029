//! Indexes that come near, and why they do not serve.

use super::{implied, predicate};
use crate::catalog::{Dialect, Index, Table};
use crate::request::Condition;

impl Table {
    /// What is the matter with the index that comes nearest to serving the order of `column`, or the
    /// search for it; `None`: there is none of which one might think so.
    pub fn why_not(&self, column: &str, facts: &[&Condition], dialect: Dialect) -> Option<String> {
        let indexes = || self.indexes.iter().filter(|index| index.valid);
        let leads = |index: &&Index| {
            let first = index.columns.first();
            first.is_some_and(|first| first.name.as_deref() == Some(column) && first.collated)
        };
        let partial = indexes().filter(leads).find_map(|index| {
            let predicate = index.predicate.as_ref()?;
            let understood = predicate::terms(predicate, self, dialect).is_some();
            Some(match understood {
                true => format!(
                    "index `{}` holds only rows `WHERE {predicate}`, which the condition does not imply",
                    index.name
                ),
                false => format!(
                    "the predicate of index `{}`, `WHERE {predicate}`, is more than besom compares with \
                     a condition",
                    index.name
                ),
            })
        });
        let other = || {
            indexes().find_map(|index| {
                let first = index.columns.first()?;
                let instead = first.instead.as_ref()?;
                let own = first.name.as_deref() == Some(column);
                let on = names(instead, column, dialect);
                (own || on).then(|| format!("index `{}` is on `{instead}`", index.name))
            })
        };
        let behind = || {
            indexes().filter(|index| index.btree).find_map(|index| {
                let at = index.columns.iter().position(|own| own.name.as_deref() == Some(column))?;
                let free = index.columns.iter().take(at).find_map(|own| {
                    let leading = self.column(own.name.as_ref()?)?;
                    let mut facts = facts.iter();
                    let fixed = facts.any(|fact| implied::fixes(fact, leading).is_some());
                    (!fixed).then_some(&leading.name)
                })?;
                Some(format!(
                    "index `{}` has `{free}` before it, which the condition does not hold to one value",
                    index.name
                ))
            })
        };
        partial.or_else(other).or_else(behind)
    }
}

/// The expression is about the column.
fn names(expression: &str, column: &str, dialect: Dialect) -> bool {
    let tokens = super::tokens::tokens(expression, dialect).unwrap_or_default();
    tokens.iter().any(|token| {
        token.as_name(dialect).is_some_and(|name| match dialect {
            Dialect::Postgres => name == column,
            Dialect::Sqlite => name.eq_ignore_ascii_case(column),
        })
    })
}
