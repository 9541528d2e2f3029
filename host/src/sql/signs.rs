//! The signs that compare values of columns, and rows by several of them: for a type that is not PostgreSQL's own the
//! operators of its operator class, by name and schema ([`crate::catalog::Operators`]).

use super::time::operator;
use super::writer::{Row, Writer};
use crate::catalog::{Column, Table};
use crate::request::Comparison;

/// What stands between two values of the column. `None`: it is none that the table declares, such as `ctid`.
pub(super) fn sign(column: Option<&Column>, comparison: Comparison) -> &str {
    let own = column.and_then(|column| column.operators.as_ref());
    let named = own.and_then(|operators| operators.of(comparison));
    named.unwrap_or_else(|| operator(comparison))
}

/// `a = b`, of two values of one column.
pub(super) fn same(table: &Table, column: &str, a: &str, b: &str) -> String {
    let sign = sign(table.column(column), Comparison::Equal);
    format!("{a} {sign} {b}")
}

/// The columns behind [`super::window::key_columns`].
pub(super) fn key_fields(table: &Table) -> Vec<Option<&Column>> {
    match table.rowid_name() {
        Some(_) => vec![None],
        // The row's place; of a partitioned table with the partition.
        None if table.primary_key.is_empty() => vec![None, None],
        None => {
            let names = table.primary_key.iter();
            names.map(|name| table.column(name)).collect()
        }
    }
}

/// The key of a row is one of those that stand under these names in another part of the statement.
pub(super) fn is_in(row: &Row<'_>, keys: &[String], names: &[String], from: &str) -> String {
    let fields = key_fields(row.table);
    if all_plain(&fields) {
        let (keys, names) = (keys.join(", "), names.join(", "));
        return format!("({keys}) IN (SELECT {names} FROM {from})");
    }
    let pairs = keys.iter().zip(names).zip(fields);
    let same = pairs.map(|((key, name), field)| {
        let sign = sign(field, Comparison::Equal);
        format!("{name} {sign} {key}")
    });
    let same = same.collect::<Vec<_>>().join(" AND ");
    format!("(EXISTS (SELECT 1 FROM {from} WHERE {same}))")
}

pub(super) fn all_plain(fields: &[Option<&Column>]) -> bool {
    fields.iter().flatten().all(|c| c.operators.is_none())
}

/// `(a, b) > (…, …)`, by the order of the columns' own types. Where one sign does not do for all of them the first
/// column's bound stands alone as well, for its index.
pub(super) fn beside(
    w: &mut Writer,
    columns: &[String],
    fields: &[Option<&Column>],
    comparison: Comparison,
    bind: &dyn Fn(&mut Writer, usize),
) {
    let field = |place: usize| fields.get(place).copied().flatten();
    let of = |place: usize, comparison| sign(field(place), comparison);
    let first = of(0, comparison);
    if (0..columns.len()).all(|place| of(place, comparison) == first) {
        w.push(&format!("({}) {first} (", columns.join(", ")));
        for place in 0..columns.len() {
            if place > 0 {
                w.push(", ");
            }
            bind(w, place);
        }
        w.push(")");
        return;
    }
    let (strict, or_equal) = match comparison {
        Comparison::Greater | Comparison::GreaterOrEqual => {
            (Comparison::Greater, Comparison::GreaterOrEqual)
        }
        _ => (Comparison::Less, Comparison::LessOrEqual),
    };
    let term = |w: &mut Writer, place: usize, comparison| {
        let column = columns.get(place).map_or("", String::as_str);
        w.push(&format!("{column} {} ", of(place, comparison)));
        bind(w, place);
    };
    let last = columns.len().saturating_sub(1);
    w.push("(");
    for place in 0..last {
        term(w, place, or_equal);
        w.push(" AND (");
        term(w, place, strict);
        w.push(" OR ");
    }
    term(w, last, comparison);
    w.push(&")".repeat(last + 1));
}

/// The sign of a comparison with a value; `None`: the type has no such operator, so that the database would take one of
/// another type, or refuse.
pub(super) fn known(column: &Column, comparison: Comparison) -> Option<&str> {
    match &column.operators {
        None => Some(operator(comparison)),
        Some(own) => own.of(comparison),
    }
}
