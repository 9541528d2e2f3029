//! Which rows of the swept table may go: the whole condition on one of them.

use super::Plan;
use super::blurred::strictly;
use super::chains::{refers, ties};
use super::signs::{key_fields, sign};
use super::window::key_columns;
use super::writer::{Row, Writer};
use crate::request::{Comparison, Condition, Fault};
use crate::scope::{Path, Restriction};

impl Plan {
    /// The whole condition on a row that is to be deleted or changed: the request's, the grant's,
    /// and that nothing forbids it. Asked of one row at a time; where rows hang together a batch asks
    /// [`Plan::goes_now`].
    pub(crate) fn eligible(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        self.predicate(w, row)?;
        self.free(w, row)
    }

    /// The request's condition and the grant's narrowing, and that an update changes something.
    pub(crate) fn predicate(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        self.condition(w, row, &self.request().matching, false)?;
        for term in self.authorized.narrowing() {
            w.push(" AND ");
            self.condition(w, row, term, false)?;
        }
        self.repeated(w, row, &self.axis.terms);
        if let Some(root) = self.authorized.root() {
            // Detached since the run began, its rows are no longer those that were granted.
            w.push(" AND EXISTS (SELECT 1 FROM pg_catalog.pg_partition_ancestors(to_regclass(")
                .bind_as(self.table().sql_name(), "text")
                .push(")) AS above WHERE above.relid = to_regclass(")
                .bind_as(root.sql_name(), "text")
                .push("))");
        }
        self.unchanged(w, row);
        self.changes(w, row)
    }

    /// Something may forbid the delete of an eligible row.
    pub(crate) fn may_block(&self) -> bool {
        !self.authorized.restricting().is_empty()
            || self.is_chained()
            || self.protected().next().is_some()
    }

    /// Children that the grant's narrowing may protect, and with them their parents, and those that may be another
    /// parent's.
    pub(super) fn protected(&self) -> impl Iterator<Item = (&Path, &[Condition])> {
        let dependents = self.authorized.dependents().iter();
        let dependents = dependents.map(|tied| (&tied.path, tied.narrowing.as_slice()));
        let consequences = self.authorized.consequences().iter();
        let consequences = consequences.map(|c| (&c.path, c.narrowing.as_slice()));
        dependents
            .chain(consequences)
            .filter(|(path, narrowing)| !narrowing.is_empty() || self.is_blurred(path))
    }

    /// ` AND NOT EXISTS (…)` for everything that would refuse the delete.
    pub(crate) fn free(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        self.free_by_itself(w, row)?;
        self.free_with_its_chain(w, row)
    }

    /// No foreign key refuses, and no child that must stay hangs on it.
    pub(super) fn free_by_itself(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        for restriction in self.authorized.restricting() {
            w.push(" AND NOT ");
            self.refers(w, row, restriction)?;
        }
        for (path, narrowing) in self.protected() {
            w.push(" AND NOT ");
            self.outside(w, row, path, narrowing)?;
        }
        Ok(())
    }

    /// A row that stays refers to this one, or to one that goes with it.
    pub(super) fn refers(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        restriction: &Restriction,
    ) -> Result<(), Fault> {
        self.child_exists(w, row, &restriction.path, |w, child| {
            let itself = self.catalog.holds(&child.table.id, &row.table.id);
            if !itself && restriction.within.is_empty() && restriction.along.is_empty() {
                return Ok(());
            }
            w.push(" AND (");
            let mut between = "";
            if itself {
                w.push(&same_row(child, row));
                between = " OR ";
            }
            for place in &restriction.within {
                if let Some(tied) = self.authorized.dependents().get(*place) {
                    w.push(between);
                    self.hangs_on(w, child, row, &tied.path)?;
                    between = " OR ";
                }
            }
            for along in &restriction.along {
                w.push(between);
                self.hangs_on(w, child, row, along)?;
                between = " OR ";
            }
            w.push(") IS NOT TRUE");
            Ok(())
        })
    }

    /// A row at the end of the path that the grant's narrowing protects, or that may be another parent's.
    pub(super) fn outside(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        path: &Path,
        narrowing: &[Condition],
    ) -> Result<(), Fault> {
        self.tied_row_exists(w, row, path, |w, parent, child| {
            w.push(" AND (");
            w.separated(narrowing, " AND ", |w, term| {
                self.condition(w, child, term, false)
            })?;
            if let (true, Some(link)) = (self.is_blurred(path), path.0.last()) {
                w.push(if narrowing.is_empty() { "" } else { " AND " });
                w.push(&strictly(link, child, parent));
            }
            w.push(") IS NOT TRUE");
            Ok(())
        })
    }

    /// `child` is one of the rows that hang on `root` by `path`.
    fn hangs_on(
        &self,
        w: &mut Writer,
        child: &Row<'_>,
        root: &Row<'_>,
        path: &Path,
    ) -> Result<(), Fault> {
        let Some((last, middle)) = path.0.split_last() else {
            w.truth(false);
            return Ok(());
        };
        if middle.is_empty() {
            w.push("(");
            self.tied_by(w, last, child, root)?;
            w.push(")");
            return Ok(());
        }
        let middle = Path(middle.to_vec());
        self.child_exists(w, root, &middle, |w, above| {
            w.push(" AND ");
            self.tied_by(w, last, child, above)
        })
    }

    /// Rows of the table that refer to this one, and to those in turn, are all eligible too: then
    /// they go together.
    fn free_with_its_chain(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        if !self.is_chained() {
            return Ok(());
        }
        w.push(" AND NOT ");
        self.chain_is_held(w, row)
    }

    /// `EXISTS (…)`: a row that stays refers to this one, over however many others.
    pub(super) fn chain_is_held(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        w.push("EXISTS (");
        let up = self.referrers(w, row)?;
        let member = w.row(row.table);
        w.push(" SELECT 1 FROM ").push(&up.alias).push(" JOIN ");
        self.source(w, &member)?;
        w.push(" ON ")
            .push(&same_row(&member, &up))
            .push(" WHERE (");
        // What CASCADE takes need not be due itself.
        match self.has_trees() {
            true => {
                w.truth(true);
                self.may_ride(w, &member)?;
            }
            false => {
                self.predicate(w, &member)?;
                self.free_by_itself(w, &member)?;
            }
        }
        w.push(") IS NOT TRUE)");
        Ok(())
    }

    /// `WITH RECURSIVE up AS (…)`: every row that refers to `row`, and to those in turn.
    fn referrers<'t>(&self, w: &mut Writer, row: &Row<'t>) -> Result<Row<'t>, Fault> {
        let first = w.row(row.table);
        let next = w.row(row.table);
        let up = Row {
            alias: format!("up_{}", first.alias),
            table: row.table,
        };
        let keys = self.authorized.chains();
        w.push("WITH RECURSIVE ")
            .push(&up.alias)
            .push(" AS (SELECT ")
            .push(&self.chained_columns(&first))
            .push(" FROM ");
        self.source(w, &first)?;
        w.push(" WHERE (")
            .push(&refers(keys, &first, row))
            .push(") UNION SELECT ")
            .push(&self.chained_columns(&next))
            .push(" FROM ")
            .push(&up.alias)
            .push(" JOIN ");
        self.source(w, &next)?;
        w.push(" ON ").push(&ties(keys, &next, &up)).push(")");
        Ok(up)
    }

    pub(super) fn child_exists(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        path: &Path,
        also: impl FnOnce(&mut Writer, &Row<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.tied_row_exists(w, row, path, |w, _, child| also(w, child))
    }

    /// The same, for a condition on a row at the end of the path and on the one that it is tied to.
    fn tied_row_exists(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        path: &Path,
        also: impl FnOnce(&mut Writer, &Row<'_>, &Row<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let tables = self.tables_of(&path.0)?;
        w.push("EXISTS (SELECT 1 FROM ");
        let mut above = row.clone();
        let mut parent = row.clone();
        let mut first = None;
        for (index, (link, table)) in path.0.iter().zip(&tables).enumerate() {
            let child = w.row(table);
            if index > 0 {
                w.push(" JOIN ");
            }
            self.source(w, &child)?;
            let on = self.join_of(link, &child, &above);
            if index == 0 {
                first = Some((on, link, child.clone()));
            } else {
                w.push(" ON ").push(&on);
                self.meant(w, link, &child)?;
            }
            parent = std::mem::replace(&mut above, child);
        }
        w.push(" WHERE ");
        if let Some((on, link, child)) = &first {
            w.push(on);
            self.meant(w, link, child)?;
        }
        also(w, &parent, &above)?;
        w.row_by_row();
        w.push(")");
        Ok(())
    }
}

/// Two names for one row of a table.
pub(super) fn same_row(row: &Row<'_>, other: &Row<'_>) -> String {
    // A leaf's row is told from those of the partitioned table as that tells them apart.
    let other = Row {
        alias: other.alias.clone(),
        table: row.table,
    };
    let pairs = key_columns(row).into_iter().zip(key_columns(&other));
    let same = pairs.zip(key_fields(row.table)).map(|((a, b), field)| {
        let sign = sign(field, Comparison::Equal);
        format!("{a} {sign} {b}")
    });
    same.collect::<Vec<_>>().join(" AND ")
}
