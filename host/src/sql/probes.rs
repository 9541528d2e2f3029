//! Which columns a condition looks at whose type alone does not say how they hold what they are compared as.

use std::sync::Arc;

use super::plan::{Probe, ReadAs};
use crate::catalog::{Catalog, Column, Dialect, Kind, Presence, Table, TableId};
use crate::request::{Condition, Fault, Value};
use crate::scope::find_column;

/// Notes the columns that the condition looks at, and those of the relations in it.
pub(super) fn probes_of(
    table: &Arc<Table>,
    condition: &Condition,
    catalog: &Catalog,
    probes: &mut Vec<Probe>,
) -> Result<(), Fault> {
    let mut note = |column: &str, look: Look<'_>| -> Result<(), Fault> {
        let column = find_column(table, column)?.clone();
        let sqlite = catalog.dialect() == Dialect::Sqlite;
        let truth = || sqlite && super::truth::asks(condition, &column.name, &column.kind);
        if matches!(look, Look::Truth) && !truth() {
            return Ok(());
        }
        let probe = Probe {
            table: Arc::clone(table),
            column,
            read_as: match look {
                Look::Id => ReadAs::Id,
                Look::Truth => ReadAs::Truth,
                Look::Presence => ReadAs::Presence,
                Look::Time | Look::Order | Look::Beside(_) => ReadAs::Time,
            },
            ordered: matches!(look, Look::Order),
            beside: match look {
                Look::Beside(other) => Some(other.to_owned()),
                Look::Id | Look::Time | Look::Order | Look::Truth | Look::Presence => None,
            },
        };
        if !probes.contains(&probe) {
            probes.push(probe);
        }
        Ok(())
    };
    match condition {
        Condition::IdOlderThan { column, .. } => note(column, Look::Id),
        Condition::OlderThan { column, .. }
        | Condition::Compare {
            column,
            to: Value::Timestamp(_),
            ..
        } => note(column, Look::Time),
        Condition::Compare { column, .. } => note(column, Look::Truth),
        Condition::IsNull { column } | Condition::IsNotNull { column } => {
            let known = find_column(table, column)?;
            let day = catalog.dialect() == Dialect::Postgres && known.kind == Kind::Date;
            match Presence::by_type(catalog.dialect(), table, known) {
                _ if known.is_declared_time() || day => note(column, Look::Time),
                None => note(column, Look::Presence),
                Some(_) => Ok(()),
            }
        }
        Condition::CompareColumns { column, to, .. } => {
            note(column, Look::Truth)?;
            note(to, Look::Truth)?;
            let (left, right) = (find_column(table, column)?, find_column(table, to)?);
            let told = |c: &Column| c.is_native_time() || c.is_declared_time();
            if told(left) || told(right) {
                note(column, Look::Time)?;
                return note(to, Look::Time);
            }
            note(column, Look::Beside(to))?;
            note(to, Look::Beside(column))
        }
        Condition::OneOf { column, values } => {
            let mut values = values.iter();
            match values.any(|value| matches!(value, Value::Timestamp(_))) {
                true => note(column, Look::Time),
                false => note(column, Look::Truth),
            }
        }
        Condition::Exists {
            table: other,
            matching: Some(matching),
            ..
        }
        | Condition::NotExists {
            table: other,
            matching: Some(matching),
            ..
        } => {
            let related = catalog
                .table(other)
                .map_err(|unknown| Fault::invalid("unknown-table", unknown.to_string()))?;
            probes_of(related, matching, catalog, probes)
        }
        Condition::BeyondNewest { order_by, .. } => {
            let column = find_column(table, order_by)?;
            let sqlite = catalog.dialect() == Dialect::Sqlite;
            match column.kind {
                _ if column.holds_values() => Ok(()),
                _ if column.is_native_time() || column.time_form.is_some() => {
                    note(order_by, Look::Time)
                }
                Kind::Text | Kind::Any if sqlite => note(order_by, Look::Time),
                Kind::Integer(_) | Kind::Numeric | Kind::Float if sqlite => {
                    note(order_by, Look::Order)
                }
                _ => Ok(()),
            }
        }
        Condition::All(of) | Condition::Any(of) => of
            .iter()
            .try_for_each(|term| probes_of(table, term, catalog, probes)),
        Condition::Not(of) => probes_of(table, of, catalog, probes),
        _ => Ok(()),
    }
}

/// Each column once, and as a time also where it is compared with a column that is one.
pub(super) fn settled(mut probes: Vec<Probe>) -> Vec<Probe> {
    let times = |probes: &[Probe]| -> Vec<(TableId, String)> {
        let times = probes
            .iter()
            .filter(|p| p.read_as == ReadAs::Time && p.beside.is_none() && !p.ordered);
        times
            .map(|p| (p.table.id.clone(), p.column.name.clone()))
            .collect()
    };
    loop {
        let known = times(&probes);
        let is_time =
            |table: &TableId, column: &String| known.contains(&(table.clone(), column.clone()));
        let beside = |p: &Probe| {
            let other = p.beside.as_ref();
            other.is_some_and(|other| is_time(&p.table.id, other))
        };
        match probes.iter().position(beside) {
            Some(found) => {
                if let Some(probe) = probes.get_mut(found) {
                    probe.beside = None;
                }
            }
            None => {
                let mut once: Vec<Probe> = Vec::new();
                for probe in probes {
                    let name = &probe.column.name;
                    let presence = probe.read_as == ReadAs::Presence;
                    let again =
                        (probe.beside.is_some() || presence) && is_time(&probe.table.id, name);
                    if !again && !once.contains(&probe) {
                        once.push(probe);
                    }
                }
                return once;
            }
        }
    }
}

/// What a column is to be looked at for.
#[derive(Clone, Copy)]
enum Look<'a> {
    Id,
    Time,
    Truth,
    /// It is asked for NULL.
    Presence,
    /// Rows are ordered by it, and nothing says that it holds times.
    Order,
    /// It is compared with this other column, and nothing says that they are times.
    Beside(&'a str),
}
