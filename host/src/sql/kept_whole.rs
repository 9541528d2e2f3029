//! Triggers for which a row is not taken apart.
//!
//! What hangs on the row goes in transactions before its own. A trigger that then refuses the row, or keeps it, would
//! leave it for ever without what hung on it. So a trigger that has a say in whether a row goes on which others hang
//! must be one that has none by its own source: it runs after the delete and only inserts, into tables that are no part
//! of the sweep, and that nothing else runs on. SQLite's say nothing before the delete either, but by RAISE().

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Plan;
use crate::catalog::{Dialect, Notes, Table, TableId, TableKind, Trigger, TriggerTiming};

impl Plan {
    /// The triggers, each with its table, that keep a row from being taken apart. None where nothing hangs on rows.
    pub(crate) fn kept_whole_by(&self) -> Vec<(Arc<Table>, Trigger)> {
        let parts = self.parts();
        if parts.is_empty() {
            return Vec::new();
        }
        let above = parts.iter().flat_map(|part| {
            let length = part.path().0.len();
            let above = part.path().0.iter().take(length.saturating_sub(1));
            above.filter_map(|link| self.catalog.by_id(&link.child))
        });
        let mut found: Vec<(Arc<Table>, Trigger)> = Vec::new();
        let mut swept: Option<BTreeSet<TableId>> = None;
        for table in above.chain([self.table()]) {
            let leaves = self.catalog.leaves_of(table);
            for table in leaves.chain([table]) {
                let on_delete = table.triggers.iter().filter(|trigger| trigger.on_delete);
                for trigger in on_delete {
                    let swept = swept.get_or_insert_with(|| self.named().into_keys().collect());
                    let known = found
                        .iter()
                        .any(|(of, own)| of.id == table.id && own == trigger);
                    if !known && !self.only_notes(trigger, swept) {
                        found.push((Arc::clone(table), trigger.clone()));
                    }
                }
            }
        }
        found
    }

    /// PostgreSQL: a trigger that fires where rows go or change may take others along.
    pub(crate) fn may_take_besides(&self) -> bool {
        if self.dialect() == Dialect::Sqlite {
            return false;
        }
        let swept: BTreeSet<_> = self.named().into_keys().collect();
        self.any_fires(|trigger| {
            // Many a BEFORE trigger looks at its row alone.
            let writes = trigger.timing != TriggerTiming::Before || trigger.writes;
            writes && !self.writes_only_notes(trigger, &swept)
        })
    }

    /// It can refuse nothing.
    fn only_notes(&self, trigger: &Trigger, swept: &BTreeSet<TableId>) -> bool {
        let after = trigger.timing == TriggerTiming::After || self.dialect() == Dialect::Sqlite;
        after && self.writes_only_notes(trigger, swept)
    }

    /// It does nothing to other rows but insert some elsewhere.
    fn writes_only_notes(&self, trigger: &Trigger, swept: &BTreeSet<TableId>) -> bool {
        let Some(Notes { into, as_invoker }) = &trigger.only_notes else {
            return false;
        };
        into.iter().all(|name| {
            let Ok(table) = self.catalog.table(name) else {
                return false;
            };
            let swept = |id: &TableId| {
                let mut swept = swept.iter();
                swept.any(|own| self.catalog.holds(own, id) || self.catalog.holds(id, own))
            };
            table.kind == TableKind::Table
                && !swept(&table.id)
                && table.triggers.is_empty()
                && table.foreign_keys.iter().all(|key| !swept(&key.parent))
                && (!as_invoker || table.privileges.insert || self.dialect() == Dialect::Sqlite)
        })
    }
}
