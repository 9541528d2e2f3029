//! What a plugin compares a column of times with is an instant, however it is spelled, or it is refused.
//!
//! A text in the database's own form may be a word whose meaning the database works out by itself (`infinity`,
//! `tomorrow`), and a number is compared with what the column holds and not with what that means. By either a
//! row that is never over would count as old, and no guard that looks at instants would see it.

use super::tables::{find, find_column};
use crate::catalog::{Catalog, Column, Dialect, Kind, Table, TimeForm, Written};
use crate::request::{Comparison, Condition, Fault, Request, Timestamp, Value};

/// The request with every text that is an instant, where it is compared with a column of times, as that
/// instant.
///
/// # Errors
/// `invalid` for any other value there, and for names that are not in the catalog.
pub(super) fn with_instants(
    mut request: Request,
    table: &Table,
    catalog: &Catalog,
) -> Result<Request, Fault> {
    request.matching = read(request.matching, table, catalog)?;
    for dependent in &mut request.dependents {
        if let Some(matching) = dependent.matching.take() {
            let child = find(catalog, &dependent.table)?;
            dependent.matching = Some(read(matching, child, catalog)?);
        }
    }
    Ok(request)
}

fn read(condition: Condition, table: &Table, catalog: &Catalog) -> Result<Condition, Fault> {
    let each = |of: Vec<Condition>| -> Result<Vec<Condition>, Fault> {
        of.into_iter()
            .map(|term| read(term, table, catalog))
            .collect()
    };
    let related = |name: &str, matching: Option<Box<Condition>>| -> Result<_, Fault> {
        let Some(matching) = matching else {
            return Ok(None);
        };
        let matching = read(*matching, find(catalog, name)?, catalog)?;
        Ok(Some(Box::new(matching)))
    };
    Ok(match condition {
        Condition::Compare {
            column,
            operator,
            to,
        } => {
            let (operator, to) = match time(table, &column, catalog.dialect())? {
                Some(of) => compared(table, of, operator, to)?,
                None => (operator, to),
            };
            Condition::Compare {
                column,
                operator,
                to,
            }
        }
        Condition::OneOf { column, values } => {
            let values = match time(table, &column, catalog.dialect())? {
                Some(of) => {
                    let values = values.into_iter();
                    let same = |to| Ok(compared(table, of, Comparison::Equal, to)?.1);
                    values.map(same).collect::<Result<_, Fault>>()?
                }
                None => values,
            };
            Condition::OneOf { column, values }
        }
        Condition::StartsWith { column, prefix } => {
            match time(table, &column, catalog.dialect())? {
                Some(of) => return Err(no_instant(table, of, "a prefix")),
                None => Condition::StartsWith { column, prefix },
            }
        }
        Condition::Exists {
            table: other,
            on,
            matching,
        } => Condition::Exists {
            matching: related(&other, matching)?,
            table: other,
            on,
        },
        Condition::NotExists {
            table: other,
            on,
            matching,
        } => Condition::NotExists {
            matching: related(&other, matching)?,
            table: other,
            on,
        },
        Condition::All(of) => Condition::All(each(of)?),
        Condition::Any(of) => Condition::Any(each(of)?),
        Condition::Not(of) => Condition::Not(Box::new(read(*of, table, catalog)?)),
        other => other,
    })
}

/// The column, where its type or the operator says that it holds times.
fn time<'t>(table: &'t Table, column: &str, dialect: Dialect) -> Result<Option<&'t Column>, Fault> {
    let column = find_column(table, column)?;
    let by_type = dialect == Dialect::Postgres && column.is_native_time();
    Ok((by_type || column.is_declared_time()).then_some(column))
}

/// The comparison as one with an instant.
fn compared(
    table: &Table,
    column: &Column,
    operator: Comparison,
    to: Value,
) -> Result<(Comparison, Value), Fault> {
    let text = match to {
        // Their own messages say how they are compared.
        Value::Timestamp(_) | Value::Null => return Ok((operator, to)),
        Value::Other(text) | Value::Text(text) => text,
        other => return Err(no_instant(table, column, other.kind())),
    };
    let (operator, at) = match Written::read(&text) {
        Some(written @ Written::At(_, Some(_))) => (operator, written.instant()),
        Some(day @ Written::Day(_)) if is_of_days(column) => by_day(operator, day),
        _ => (operator, None),
    };
    match at {
        Some(at) => Ok((operator, Value::Timestamp(at))),
        None => Err(no_instant(table, column, "a text")),
    }
}

/// It holds days, and those of no other zone than UTC.
fn is_of_days(column: &Column) -> bool {
    let zoned = |form: &TimeForm| matches!(form, TimeForm::Local(_));
    let declared = column.time_form.iter();
    column.kind == Kind::Date && !declared.flat_map(|times| times.forms()).any(zoned)
}

/// A day is over at its end. The end of the one before is the last that an earlier day has, and has come where the
/// day has begun.
fn by_day(operator: Comparison, day: Written) -> (Comparison, Option<Timestamp>) {
    /// Microseconds of a day.
    const DAY: i64 = 86_400_000_000;
    let before = |operator| (operator, day.instant().map(|end| end.minus_micros(DAY)));
    match operator {
        Comparison::Less => before(Comparison::LessOrEqual),
        Comparison::GreaterOrEqual => before(Comparison::Greater),
        _ => (operator, day.instant()),
    }
}

fn no_instant(table: &Table, column: &Column, what: &str) -> Fault {
    Fault::invalid(
        "value",
        format!(
            "column `{}` of `{}` holds times, and {what} is no instant to compare them with: give a timestamp, a \
             text with an offset such as 2026-01-31T12:00:00Z, or to a `date` its day, or use is-null and \
             is-not-null",
            column.name, table.id
        ),
    )
}
