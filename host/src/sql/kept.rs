//! Rows that a trigger keeps although they were to go.
//!
//! No database calls that an error: PostgreSQL skips the row for which a BEFORE trigger returns NULL, SQLite the one
//! for which it says RAISE(IGNORE). What goes by a statement of its own, dependents and rows below in a tree, goes all
//! the same. So whoever deletes such rows asks afterwards whether all that they belong to have gone.

use std::collections::BTreeMap;

use super::Plan;
use super::family::{VICTIMS, rows_of};
use super::writer::{Row, Writer};
use crate::catalog::{Table, TableId, Trigger, TriggerTiming};
use crate::request::{Action, Fate, Fault};

impl Plan {
    /// PostgreSQL: a trigger may keep a row of the table without a word.
    pub(super) fn may_be_kept(&self, table: &Table) -> bool {
        let leaves = self.catalog.leaves_of(table).map(AsRef::as_ref);
        let mut all = leaves.chain([table]);
        let keeps = |trigger: &Trigger| trigger.on_delete && decides_on_rows(trigger);
        all.any(|table: &Table| table.triggers.iter().any(keeps))
    }

    /// Triggers of the swept table that may keep a row as it is without a word: those whose source shows that, or else
    /// all that could.
    pub(crate) fn keepers(&self) -> Vec<&str> {
        let (fires, shows): (Vec<_>, fn(&Trigger) -> bool) = match &self.request().action {
            Action::Read(_) => return Vec::new(),
            Action::Delete => {
                let all = self.table().triggers.iter();
                let fires = all.filter(|trigger| trigger.on_delete);
                (fires.collect(), |trigger| trigger.may_keep_rows)
            }
            Action::Update(set) => {
                let columns = || set.iter().map(|set| &set.column);
                let all = self.table().triggers.iter();
                let fires = all.filter(|trigger| trigger.on_update && trigger.fires_on(columns()));
                (fires.collect(), |trigger| trigger.may_undo_changes)
            }
        };
        let mut all = fires;
        all.retain(|trigger| decides_on_rows(trigger));
        let shown: Vec<_> = all.iter().copied().filter(|of| shows(of)).collect();
        let told = if shown.is_empty() { all } else { shown };
        told.iter().map(|trigger| trigger.name.as_str()).collect()
    }

    /// PostgreSQL: a statement notes the rows that are to go before they do, so that those are counted that a trigger
    /// keeps.
    pub(super) fn counts_kept(&self) -> bool {
        // By its place a row would not be found again that has moved meanwhile.
        !self.table().primary_key.is_empty() && !self.keepers().is_empty()
    }

    /// Rows go by statements of their own because a swept row is to go, and would be gone if that stayed.
    pub(crate) fn gives_up_others(&self) -> bool {
        self.has_dependents() || self.has_trees()
    }

    /// PostgreSQL: how many rows of a batch were to go and did not, where others go because of them: of the swept
    /// ones, and of those dependents that a trigger may keep.
    pub(super) fn count_kept(&self, w: &mut Writer) -> Result<(), Fault> {
        w.push(&format!(
            "(SELECT count(*) FROM {VICTIMS}) - (SELECT count(*) FROM gone)"
        ));
        let mut by_table: BTreeMap<&TableId, Vec<usize>> = BTreeMap::new();
        for (place, tied) in self.authorized.dependents().iter().enumerate() {
            if let (Fate::Delete, Some(id)) = (tied.fate, tied.path.child()) {
                by_table.entry(id).or_default().push(place);
            }
        }
        for (id, places) in by_table {
            let Some(table) = self.catalog.by_id(id).filter(|of| self.may_be_kept(of)) else {
                continue;
            };
            // A row that is a dependent twice is deleted once.
            w.push(" + greatest(0, (SELECT count(*) FROM (");
            w.separated(&places, " UNION ", |w, place| {
                let part = Row {
                    alias: rows_of(*place),
                    table,
                };
                let identity = self.identity(&part).join(", ");
                w.push(&format!("SELECT {identity} FROM {}", part.alias));
                self.but_victims(w, &part, " WHERE ");
                Ok::<_, Fault>(())
            })?;
            w.push(") AS tied)");
            for place in &places {
                w.push(&format!(" - (SELECT count(*) FROM gone_{place})"));
            }
            w.push(")");
        }
        Ok(())
    }
}

/// Whether a row goes, or changes, is asked of it first.
fn decides_on_rows(trigger: &Trigger) -> bool {
    trigger.for_each_row && trigger.timing == TriggerTiming::Before
}
