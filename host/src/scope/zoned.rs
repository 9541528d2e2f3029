//! Columns that are equal by the zone of the session: a `timestamptz` and a `timestamp` or `date`, a `timetz` and a
//! `time`. PostgreSQL converts the one to the other by that zone, in a join as in what carries a foreign key out.
//!
//! besom's sessions are in UTC. Where the applications' are not, such a key holds and takes other rows in a batch than
//! it does for them, and a join finds other ones. No zone that besom could set mends that for sessions which differ
//! among each other, so it is refused.

use super::behind::refused;
use crate::catalog::{Catalog, Column, Dialect, ForeignKey, Kind, Table, quote_ident, time_zone};
use crate::request::{Fault, Join};

/// A pair of columns that are equal by the zone of the session.
struct Pair<'a> {
    /// Has a zone.
    zoned: (&'a Table, &'a Column),
    /// Has none.
    bare: (&'a Table, &'a Column),
}

/// The columns of the key, or of what it refers to, are equal by the zone of the session.
///
/// # Errors
/// `zoned-tie` where the applications' sessions are not known to be in UTC.
pub(super) fn ties_the_same(key: &ForeignKey, catalog: &Catalog) -> Result<(), Fault> {
    match of_key(key, catalog) {
        Some(pair) if !catalog.sessions_are_in_utc() => {
            let what = format!("foreign key `{}` of `{}`", key.name, key.child);
            Err(by_zone(&pair, &what, catalog))
        }
        _ => Ok(()),
    }
}

/// The same of a join of `table` to `related`.
///
/// # Errors
/// `zoned-tie`.
pub(super) fn joins_the_same(
    table: &Table,
    related: &Table,
    on: &[Join],
    catalog: &Catalog,
) -> Result<(), Fault> {
    match of_join(table, related, on, catalog) {
        Some(pair) if !catalog.sessions_are_in_utc() => {
            let what = format!("a join of `{}` to `{}`", table.id, related.id);
            Err(by_zone(&pair, &what, catalog))
        }
        _ => Ok(()),
    }
}

/// The key goes by the zone of the session.
pub(super) fn is_zoned(key: &ForeignKey, catalog: &Catalog) -> bool {
    of_key(key, catalog).is_some()
}

/// The join goes by the zone of the session.
pub(super) fn is_zoned_join(
    table: &Table,
    related: &Table,
    on: &[Join],
    catalog: &Catalog,
) -> bool {
    of_join(table, related, on, catalog).is_some()
}

fn of_key<'a>(key: &ForeignKey, catalog: &'a Catalog) -> Option<Pair<'a>> {
    let (child, parent) = (catalog.by_id(&key.child)?, catalog.by_id(&key.parent)?);
    let mut pairs = key.columns.iter().zip(&key.parent_columns);
    pairs.find_map(|(own, of)| pair((child, own), (parent, of), catalog))
}

fn of_join<'a>(
    table: &'a Table,
    related: &'a Table,
    on: &[Join],
    catalog: &Catalog,
) -> Option<Pair<'a>> {
    let mut on = on.iter();
    on.find_map(|join| pair((related, &join.foreign), (table, &join.local), catalog))
}

fn pair<'a>(
    (one_table, one): (&'a Table, &str),
    (other_table, other): (&'a Table, &str),
    catalog: &Catalog,
) -> Option<Pair<'a>> {
    if catalog.dialect() == Dialect::Sqlite {
        return None;
    }
    let one = (one_table, one_table.column(one)?);
    let other = (other_table, other_table.column(other)?);
    match (zone_of(one.1)?, zone_of(other.1)?) {
        (true, false) => Some(Pair {
            zoned: one,
            bare: other,
        }),
        (false, true) => Some(Pair {
            zoned: other,
            bare: one,
        }),
        _ => None,
    }
}

/// Values of the column say by themselves how far their clock is from UTC; `None`: they are no times.
fn zone_of(column: &Column) -> Option<bool> {
    match column.kind {
        Kind::Timestamp => Some(true),
        Kind::LocalTimestamp | Kind::Date => Some(false),
        _ if column.sql_type.ends_with(" with time zone") => Some(true),
        _ if column.sql_type.ends_with(" without time zone") => Some(false),
        _ => None,
    }
}

fn by_zone(pair: &Pair<'_>, what: &str, catalog: &Catalog) -> Fault {
    let name = |(table, column): (&Table, &Column)| {
        format!("`{}.{}` ({})", table.id, column.name, column.sql_type)
    };
    let utc = match catalog.zone_is_declared() {
        true => "Give both one type".to_owned(),
        false => format!(
            "Where all sessions of the applications are in UTC, say so in besom.toml by a line below [database]:\n\n{}\n\
             Otherwise give both one type",
            time_zone(chrono_tz::Tz::UTC)
        ),
    };
    let (table, column) = pair.bare;
    let statement = match catalog.zone_of_sessions() {
        Some(zone) if pair.zoned.1.kind == Kind::Timestamp => {
            let column = quote_ident(&column.name);
            format!(
                ", where that is the zone in which the applications write it by\n\n\
                 ALTER TABLE {} ALTER COLUMN {column} TYPE timestamptz USING {column}::timestamp AT TIME ZONE '{zone}'\n",
                table.sql_name()
            )
        }
        _ => String::new(),
    };
    refused(
        "zoned-tie",
        format!(
            "{what} ties {} to {}, which are equal by the zone of the session: besom's are in UTC, and {}. A row that is \
             tied to another for the applications may be tied to none here, or to a third one, and what it holds would \
             go. {utc}{statement}",
            name(pair.zoned),
            name(pair.bare),
            catalog.why_not_in_utc(),
        ),
    )
}
