//! Columns of two tables that are compared, and the collation under which they are.
//!
//! PostgreSQL refuses to compare two columns of different collations (42P22) unless the statement
//! names one. Where one of the two is the database's default it picks the other, whose order the
//! index at hand may not have. SQLite picks the left side's by itself and so do its foreign keys, which
//! have the parent there.

use super::signs::sign;
use super::writer::Row;
use crate::catalog::{Collation, Column, Equality, ForeignKey};
use crate::request::Comparison;

/// `parent = child`, where `child` is the row that is looked for; `by`: what a foreign key of the two says it by.
pub(super) fn equal(
    parent: &Row<'_>,
    from: &str,
    child: &Row<'_>,
    to: &str,
    by: Option<&Equality>,
) -> String {
    let (left, right) = (parent.column(from), child.column(to));
    let (from, to) = (parent.table.column(from), child.table.column(to));
    let named = named(from, to);
    if let Some(by) = by {
        let cast =
            |to: &Option<String>| to.as_ref().map_or_else(String::new, |to| format!("::{to}"));
        let (above, below) = (cast(&by.parent), cast(&by.child));
        return format!("{left}{above}{named} {} {right}{below}", by.operator);
    }
    // A foreign key at a blank-padded column takes no account of the blanks behind the child's text.
    let padded = |column: Option<&Column>| column.is_some_and(|c| c.sql_type == "bpchar");
    let cast = match (padded(from), padded(to)) {
        (true, false) => "::bpchar",
        // And one at any other column compares the parent's with them.
        (false, true) => "::text",
        _ => "",
    };
    let sign = sign_between(from, to, Comparison::Equal);
    format!("{left}{named} {sign} {right}{cast}")
}

/// What compares values of two columns. Between two types it is what the database finds: see `pairs.rs`.
pub(super) fn sign_between<'c>(
    one: Option<&'c Column>,
    other: Option<&Column>,
    comparison: Comparison,
) -> &'c str {
    let alike = match (one, other) {
        (Some(one), Some(other)) => one.sql_type == other.sql_type,
        _ => false,
    };
    sign(one.filter(|_| alike), comparison)
}

/// By what the place of a foreign key holds its two columns to be equal, where that is not `=`.
pub(super) fn by_key(key: &ForeignKey, place: usize) -> Option<&Equality> {
    key.equalities.get(place)?.as_ref()
}

/// ` COLLATE …` behind the parent's column, where the two columns differ.
///
/// PostgreSQL's own foreign keys look for children under the parent's collation where that is
/// nondeterministic, and under the child's otherwise (`ri_triggers.c`; from version 18 on only
/// columns of one collation may meet where either is nondeterministic). All deterministic
/// collations agree on what is equal, so that the child's may be had, and with it the child's index.
pub(super) fn named(parent: Option<&Column>, child: Option<&Column>) -> String {
    let of = |column: Option<&Column>| column.and_then(|column| column.collation.clone());
    match (of(parent), of(child)) {
        (Some(parent), Some(child)) if parent != child => {
            let Collation { sql_name, .. } = if parent.deterministic { child } else { parent };
            format!(" COLLATE {sql_name}")
        }
        _ => String::new(),
    }
}

/// PostgreSQL: a column's text for functions and patterns, which know no nondeterministic collation and would fail
/// the statement.
pub(super) fn by_bytes(name: &str) -> String {
    format!("({name}::text COLLATE \"C\")")
}

/// Two columns are equal alike, whichever of them is the parent.
pub(super) fn one_equality(one: &Column, other: &Column) -> bool {
    let own = |column: &Column| column.collation.clone().filter(|by| !by.deterministic);
    own(one) == own(other) && (one.sql_type == "bpchar") == (other.sql_type == "bpchar")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Kind;

    fn column(collation: Option<(&str, bool)>) -> Column {
        Column {
            name: "c".to_owned(),
            sql_type: "text".to_owned(),
            stored_type: "text".to_owned(),
            kind: Kind::Text,
            collation: collation.map(|(sql_name, deterministic)| Collation {
                sql_name: sql_name.to_owned(),
                deterministic,
                orders_ids: true,
            }),
            affinity: None,
            nullable: false,
            generated: false,
            computed: false,
            readable: true,
            assignable: true,
            operators: None,
            time_form: None,
            clocks: Vec::new(),
        }
    }

    fn of(parent: Option<(&str, bool)>, child: Option<(&str, bool)>) -> String {
        named(Some(&column(parent)), Some(&column(child)))
    }

    #[test]
    fn columns_of_one_collation_or_of_none_are_compared_as_they_are() {
        assert_eq!(of(Some(("x", true)), Some(("x", true))), "");
        assert_eq!(of(None, None), "");
        assert_eq!(of(Some(("x", true)), None), "");
        assert_eq!(named(None, Some(&column(Some(("x", true))))), "");
    }

    #[test]
    fn only_what_finds_more_than_the_same_bytes_makes_it_matter_who_is_the_parent() {
        let one = |one, other| one_equality(&column(one), &column(other));
        assert!(one(Some(("x", true)), Some(("y", true))));
        assert!(one(Some(("x", false)), Some(("x", false))));
        assert!(one(None, Some(("x", true))));
        assert!(!one(Some(("x", false)), Some(("y", true))));
        assert!(!one(Some(("x", false)), None));
        let padded = Column {
            sql_type: "bpchar".to_owned(),
            ..column(None)
        };
        assert!(!one_equality(&padded, &column(None)));
    }

    #[test]
    fn the_parents_collation_counts_where_it_finds_more_than_the_same_bytes() {
        assert_eq!(of(Some(("p", true)), Some(("c", true))), " COLLATE c");
        assert_eq!(of(Some(("p", true)), Some(("c", false))), " COLLATE c");
        assert_eq!(of(Some(("p", false)), Some(("c", true))), " COLLATE p");
        assert_eq!(of(Some(("p", false)), Some(("c", false))), " COLLATE p");
    }
}
