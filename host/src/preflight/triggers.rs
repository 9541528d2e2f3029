//! `before-delete-trigger`, `soft-delete-trigger` and `undoing-trigger`.

use std::sync::Arc;

use super::mend::name;
use super::reach::{Reach, Touched};
use super::{Finding, Severity};
use crate::catalog::{Catalog, Dialect, Table, Trigger, TriggerTiming, quote_ident};

/// Row triggers that run before a row goes, on every table that loses rows, and those that may undo what is to
/// change.
pub(super) fn before(reach: &Reach, catalog: &Catalog) -> Vec<Finding> {
    let mut found = Vec::new();
    for touched in reach.tables.values() {
        for (table, trigger) in of_rows(touched, catalog) {
            if trigger.on_delete && touched.loses {
                found.push(on_delete(&table, trigger, catalog.dialect()));
            }
            if trigger.on_update && trigger.fires_on(&touched.changes) {
                found.extend(on_update(&table, trigger, touched, catalog.dialect()));
            }
        }
    }
    found
}

/// The triggers that fire on a table, and those that its partitions have beside them.
pub(super) fn firing<'a>(
    touched: &'a Touched,
    catalog: &'a Catalog,
) -> impl Iterator<Item = (Arc<Table>, &'a Trigger)> {
    let table = &touched.table;
    let own = table.triggers.iter().map(move |own| (table, own));
    let copied = |trigger: &&Trigger| table.triggers.contains(trigger);
    let below = catalog.leaves_of(table).flat_map(move |leaf| {
        let own = leaf.triggers.iter().filter(move |trigger| !copied(trigger));
        own.map(move |own| (leaf, own))
    });
    own.chain(below)
        .filter(|(_, trigger)| {
            trigger.on_delete && touched.loses
                || trigger.on_update && trigger.fires_on(&touched.changes)
        })
        .map(|(table, trigger)| (Arc::clone(table), trigger))
}

/// Of these the ones that run before each row.
fn of_rows<'a>(
    touched: &'a Touched,
    catalog: &'a Catalog,
) -> impl Iterator<Item = (Arc<Table>, &'a Trigger)> {
    firing(touched, catalog)
        .filter(|(_, trigger)| trigger.for_each_row && trigger.timing == TriggerTiming::Before)
}

fn on_delete(table: &Table, trigger: &Trigger, dialect: Dialect) -> Finding {
    if !trigger.may_keep_rows {
        let message = format!(
            "trigger `{}` of `{}` runs for each row that goes: it may change other rows, which besom does not count, \
             and it takes its time in every batch",
            trigger.name, table.id
        );
        return Finding::new("before-delete-trigger", Severity::Warning, message);
    }
    let off = off(table, trigger, dialect);
    let how = match dialect {
        Dialect::Postgres => "returns NULL from BEFORE DELETE",
        Dialect::Sqlite => "says RAISE(IGNORE) before a delete",
    };
    let message = format!(
        "trigger `{}` of `{}` {how}: it may keep rows that besom believes gone, for ever in the way. Check what it \
         does. If rows are to go, take it away ({off}); if it lets the job's rows go, tolerate this code",
        trigger.name, table.id
    );
    Finding::new("soft-delete-trigger", Severity::Error, message)
}

/// What a trigger may do to a change; `None`: nothing that its source shows.
fn on_update(
    table: &Table,
    trigger: &Trigger,
    touched: &Touched,
    dialect: Dialect,
) -> Option<Finding> {
    let off = off(table, trigger, dialect);
    let mut let_go = touched.lets_go.iter();
    let restored = let_go.find(|column| trigger.assigns.contains(column));
    let (severity, what) = match (trigger.may_undo_changes, restored, dialect) {
        (true, _, Dialect::Postgres) => (
            Severity::Error,
            "returns NULL or OLD from BEFORE UPDATE".to_owned(),
        ),
        (true, _, Dialect::Sqlite) => (
            Severity::Error,
            "says RAISE(IGNORE) before an update".to_owned(),
        ),
        (false, Some(column), Dialect::Postgres) => (
            Severity::Error,
            format!("assigns `{column}` in BEFORE UPDATE"),
        ),
        (false, None, Dialect::Postgres) if trigger.unread && !touched.lets_go.is_empty() => (
            Severity::Warning,
            "runs before an update, in a language that besom does not read".to_owned(),
        ),
        // What is tied again after the update SQLite's own keys refuse.
        _ => return None,
    };
    let message = format!(
        "trigger `{}` of `{}` {what}: a row may keep the values that the job, or a foreign key's rule, is to change, \
         and go on referring to a row that is gone. A batch in which that happens is rolled back, and its run fails. \
         Check what it does. If rows are to change, take it away ({off}); if it lets the job's changes through, \
         tolerate this code",
        trigger.name, table.id
    );
    Some(Finding::new("undoing-trigger", severity, message))
}

fn off(table: &Table, trigger: &Trigger, dialect: Dialect) -> String {
    match dialect {
        Dialect::Postgres => format!(
            "ALTER TABLE {} DISABLE TRIGGER {}",
            name(&table.id, dialect),
            quote_ident(&trigger.name)
        ),
        Dialect::Sqlite => format!("DROP TRIGGER {}", quote_ident(&trigger.name)),
    }
}
