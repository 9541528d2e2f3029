//! `before-delete-trigger` and `soft-delete-trigger`.

use super::mend::name;
use super::reach::Reach;
use super::{Finding, Severity};
use crate::catalog::{Dialect, Trigger, TriggerTiming, quote_ident};

/// Row triggers that run before a row goes, on every table that loses rows.
pub(super) fn on_delete(reach: &Reach, dialect: Dialect) -> Vec<Finding> {
    let mut found = Vec::new();
    for touched in reach.tables.values().filter(|touched| touched.loses) {
        let table = &touched.table;
        let firing = |trigger: &&Trigger| {
            trigger.on_delete && trigger.for_each_row && trigger.timing == TriggerTiming::Before
        };
        for trigger in table.triggers.iter().filter(firing) {
            found.push(if trigger.may_keep_rows {
                let off = match dialect {
                    Dialect::Postgres => format!(
                        "ALTER TABLE {} DISABLE TRIGGER {}",
                        name(&table.id, dialect),
                        quote_ident(&trigger.name)
                    ),
                    Dialect::Sqlite => format!("DROP TRIGGER {}", quote_ident(&trigger.name)),
                };
                let how = match dialect {
                    Dialect::Postgres => "returns NULL from BEFORE DELETE",
                    Dialect::Sqlite => "says RAISE(IGNORE) before a delete",
                };
                let message = format!(
                    "trigger `{}` of `{}` {how}: it may keep rows that besom believes gone, for \
                     ever in the way. Check what it does. If rows are to go, take it away ({off}); \
                     if it lets the job's rows go, tolerate this code",
                    trigger.name, table.id
                );
                Finding::new("soft-delete-trigger", Severity::Error, message)
            } else {
                let message = format!(
                    "trigger `{}` of `{}` runs for each row that goes: it may change other rows, \
                     which besom does not count, and it takes its time in every batch",
                    trigger.name, table.id
                );
                Finding::new("before-delete-trigger", Severity::Warning, message)
            });
        }
    }
    found
}
