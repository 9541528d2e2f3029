//! What a condition asks of the row itself, as SQL: see `walk.rs`.

use super::Plan;
use super::classes;
use super::collation::{by_bytes, named, one_equality, sign_between};
use super::signs::known;
use super::time::operator;
use super::truth;
use super::value::convert;
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, Kind};
use crate::request::{Comparison, Condition, Fault, Value};
use crate::scope::find_column;

impl Plan {
    /// Of an edge: which rows are in the index, whatever their values mean.
    pub(super) fn in_index(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        term: &Condition,
    ) -> Result<(), Fault> {
        match term {
            Condition::IsNotNull { column } => self.null(w, row, column, false),
            term => self.condition(w, row, term, false),
        }
    }

    pub(super) fn null(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        column: &str,
        null: bool,
    ) -> Result<(), Fault> {
        w.push(&row.column(&find_column(row.table, column)?.name));
        w.push(if null { " IS NULL" } else { " IS NOT NULL" });
        Ok(())
    }

    pub(super) fn compare(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        column: &str,
        comparison: Comparison,
        to: &Value,
    ) -> Result<(), Fault> {
        let column = find_column(row.table, column)?;
        if let Value::Timestamp(at) = to {
            return self.held(row, column)?.compare(w, comparison, *at);
        }
        if comparison.is_ordering() {
            ordered(row, column)?;
        }
        let name = row.column(&column.name);
        match (w.dialect(), &column.kind, truth::meant(to), to) {
            (Dialect::Sqlite, kind, Some(value), _) if truth::asked(kind, to) => {
                let value = value == (comparison == Comparison::Equal);
                let words = self.forms.words(&row.table.id, &column.name);
                truth::is(w, &name, value, words);
                return Ok(());
            }
            (Dialect::Postgres, Kind::Boolean, _, Value::Boolean(value)) => {
                // A literal, so that a partial index `WHERE flag` is seen to serve.
                w.push(&format!("({name} {} ", operator(comparison)));
                w.truth(*value);
                w.push(")");
                return Ok(());
            }
            _ => {}
        }
        let value = convert(w.dialect(), row.table, column, to)?;
        let sign = compares(row, column, comparison)?;
        w.push(&format!("({name} {sign} "));
        match (w.dialect(), to) {
            (Dialect::Sqlite, Value::Boolean(value)) => w.truth(*value),
            // A literal, so that a partial index `WHERE column <> ''` is seen to serve.
            (_, Value::Text(text)) if text.is_empty() => drop(w.push("''")),
            _ => drop(w.bind_as(value.bind, &column.sql_type)),
        }
        guard(w, &name, value.storage);
        w.push(")");
        Ok(())
    }

    pub(super) fn compare_columns(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        column: &str,
        comparison: Comparison,
        to: &str,
    ) -> Result<(), Fault> {
        let left = find_column(row.table, column)?;
        let right = find_column(row.table, to)?;
        if self.forms.are_times(&row.table.id, left, right) {
            return self.compare_times(w, row, (left, right), comparison);
        }
        let alike = std::mem::discriminant(&left.kind) == std::mem::discriminant(&right.kind);
        if !alike || left.kind == Kind::Json {
            return Err(Fault::invalid(
                "value",
                format!(
                    "columns `{}` ({}) and `{}` ({}) of `{}` hold different things",
                    left.name, left.sql_type, right.name, right.sql_type, row.table.id
                ),
            ));
        }
        if comparison.is_ordering() {
            ordered(row, left)?;
        }
        if left.sql_type == right.sql_type {
            compares(row, left, comparison)?;
        }
        let (a, b) = (row.column(&left.name), row.column(&right.name));
        if w.dialect() == Dialect::Sqlite && left.kind == Kind::Boolean {
            let number = |name: &str, column: &Column| {
                truth::number(name, self.forms.words(&row.table.id, &column.name))
            };
            let (a, b) = (number(&a, left), number(&b, right));
            w.push(&format!("({a} {} {b})", operator(comparison)));
            return Ok(());
        }
        let sign = sign_between(Some(left), Some(right), comparison);
        let collation = named(Some(left), Some(right));
        w.push(&format!("({a}{collation} {sign} {b}"));
        if !one_equality(left, right) && !comparison.is_ordering() {
            // Nobody has said by which column's: it holds by both, or its opposite does, or neither.
            let collation = named(Some(right), Some(left));
            w.push(&format!(" AND {b}{collation} {sign} {a}"));
        }
        if w.dialect() == Dialect::Sqlite {
            let alike = classes::alike(&left.kind, comparison, (&a, &b));
            w.push(" AND ").push(&alike);
        }
        w.push(")");
        Ok(())
    }

    pub(super) fn one_of(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        column: &str,
        values: &[Value],
        negated: bool,
    ) -> Result<(), Fault> {
        let column = find_column(row.table, column)?;
        if values.is_empty() {
            return Err(Fault::invalid(
                "empty-condition",
                format!("`one-of` on `{}` needs at least one value", column.name),
            ));
        }
        let (comparison, and) = match negated {
            false => (Comparison::Equal, false),
            true => (Comparison::NotEqual, true),
        };
        // Each by itself where a value has several spellings.
        let sqlite = w.dialect() == Dialect::Sqlite;
        let truths = sqlite && values.iter().any(|to| truth::asked(&column.kind, to));
        // An array of arrays falls apart into its elements.
        let arrays = column.operators.is_some() && column.sql_type.ends_with("[]");
        let mut of = values.iter();
        if truths || arrays || of.any(|value| matches!(value, Value::Timestamp(_))) {
            return balanced(
                w,
                values,
                if and { " AND " } else { " OR " },
                &mut |w, value| self.compare(w, row, &column.name, comparison, value),
            );
        }
        let name = row.column(&column.name);
        let mut storage = "";
        w.push("(").push(&name);
        match (&column.operators, negated) {
            (None, false) => w.push(" IN ("),
            (None, true) => w.push(" NOT IN ("),
            (Some(_), false) => w.push(&format!(
                " {} ANY (ARRAY[",
                compares(row, column, comparison)?
            )),
            (Some(_), true) => w.push(&format!(
                " {} ALL (ARRAY[",
                compares(row, column, comparison)?
            )),
        };
        w.separated(values, ", ", |w, value| {
            let value = convert(w.dialect(), row.table, column, value)?;
            if !storage.is_empty() && storage != value.storage {
                return Err(Fault::invalid(
                    "value",
                    format!(
                        "the values of `one-of` on `{}` are of several types",
                        column.name
                    ),
                ));
            }
            storage = value.storage;
            w.bind_as(value.bind, &column.sql_type);
            Ok(())
        })?;
        w.push(if column.operators.is_some() {
            "])"
        } else {
            ")"
        });
        guard(w, &name, storage);
        w.push(")");
        Ok(())
    }
}

/// The sign of a comparison with a value.
fn compares<'c>(
    row: &Row<'_>,
    column: &'c Column,
    comparison: Comparison,
) -> Result<&'c str, Fault> {
    known(column, comparison).ok_or_else(|| {
        Fault::invalid(
            "value",
            format!(
                "column `{}` of `{}` is {}, a type of which PostgreSQL knows no equality of its own: nothing can be \
                 held against it but NULL. Give the type a default operator class for btree or hash",
                column.name, row.table.id, column.sql_type
            ),
        )
    })
}

pub(super) fn flip(comparison: Comparison, negated: bool) -> Comparison {
    if negated {
        comparison.inverse()
    } else {
        comparison
    }
}

/// The terms in parentheses. A long list is halved, because SQLite takes it for a tree as deep as the
/// list is long, and no tree deeper than a thousand.
pub(super) fn balanced<T>(
    w: &mut Writer,
    of: &[T],
    separator: &str,
    write: &mut impl FnMut(&mut Writer, &T) -> Result<(), Fault>,
) -> Result<(), Fault> {
    const FLAT: usize = 16;
    w.push("(");
    if of.len() <= FLAT {
        w.separated(of, separator, &mut *write)?;
    } else {
        let (left, right) = of.split_at(of.len() / 2);
        balanced(w, left, separator, write)?;
        w.push(separator);
        balanced(w, right, separator, write)?;
    }
    w.push(")");
    Ok(())
}

/// SQLite's guard on what the column really holds.
fn guard(w: &mut Writer, name: &str, storage: &str) {
    if w.dialect() == Dialect::Sqlite && !storage.is_empty() {
        w.push(" AND ").push(&classes::is_of(name, storage));
    }
}

/// Only what every database orders alike has an order here.
pub(super) fn ordered(row: &Row<'_>, column: &Column) -> Result<(), Fault> {
    match column.kind {
        Kind::Integer(_)
        | Kind::Float
        | Kind::Numeric
        | Kind::Timestamp
        | Kind::LocalTimestamp
        | Kind::Date
        | Kind::Interval
        | Kind::Uuid
        | Kind::Bytes => Ok(()),
        _ => Err(no_order(row, column)),
    }
}

fn no_order(row: &Row<'_>, column: &Column) -> Fault {
    Fault::invalid(
        "no-order",
        format!(
            "column `{}` of `{}` is {}, which has no order here: use equal, not-equal, one-of or \
             starts-with, or older-than and id-older-than for times and keys",
            column.name, row.table.id, column.sql_type
        ),
    )
}

pub(super) fn starts_with(
    w: &mut Writer,
    row: &Row<'_>,
    column: &str,
    prefix: &str,
    negated: bool,
) -> Result<(), Fault> {
    let column = find_column(row.table, column)?;
    if column.kind != Kind::Text && column.kind != Kind::Any {
        return Err(Fault::invalid(
            "value",
            format!(
                "`starts-with` needs a text column; `{}` of `{}` is {}",
                column.name, row.table.id, column.sql_type
            ),
        ));
    }
    if prefix.is_empty() || prefix.contains('\0') {
        return Err(Fault::invalid(
            "value",
            format!(
                "the prefix for `{}` is empty or holds a NUL: an empty one would match every row",
                column.name
            ),
        ));
    }
    let name = row.column(&column.name);
    match w.dialect() {
        Dialect::Postgres => {
            w.push(if negated {
                "NOT starts_with("
            } else {
                "starts_with("
            });
            w.push(&by_bytes(&name))
                .push(", ")
                .bind_as(prefix, "text")
                .push(")");
        }
        Dialect::Sqlite => {
            // Characters, compared byte for byte whatever the column's collation.
            let length = prefix.chars().count();
            w.push(&format!(
                "(substr({name}, 1, {length}) COLLATE BINARY {} ",
                if negated { "<>" } else { "=" }
            ));
            w.bind(prefix)
                .push(&format!(" AND typeof({name}) = 'text')"));
        }
    }
    Ok(())
}
