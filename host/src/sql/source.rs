//! Where rows come from, and which of them may go.
//!
//! In a dry run of several jobs the later ones must see the tables as the earlier ones would have
//! left them; nothing has been deleted, so the source of a table is then a subquery that leaves
//! out what they would have deleted and blanks what foreign keys would have set to NULL.

use super::Plan;
use super::window::key_columns;
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, ForeignKey, OnDelete, quote_ident};
use crate::request::Fault;
use crate::scope::{Consequence, Path};

impl Plan {
    /// `FROM` item of the swept table: itself alone, without tables that inherit from it, because
    /// row identities are not unique across them.
    pub(crate) fn swept(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        self.layer(w, row, self.history.len(), true)
    }

    /// `FROM` item of any table, under the row's name.
    pub(crate) fn source(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        self.layer(w, row, self.history.len(), false)
    }

    /// The table as the first `depth` sweeps of the history leave it.
    fn layer(&self, w: &mut Writer, row: &Row<'_>, depth: usize, alone: bool) -> Result<(), Fault> {
        let Some((last, earlier)) = self.history.get(..depth).and_then(<[_]>::split_last) else {
            if alone && w.dialect() == Dialect::Postgres {
                w.push("ONLY ");
            }
            w.push(&row.table.sql_name()).push(" AS ").push(&row.alias);
            return Ok(());
        };
        let swept = last.table().id == row.table.id;
        let touching: Vec<_> = last
            .authorized
            .consequences()
            .iter()
            .filter(|consequence| consequence.path.child() == Some(&row.table.id))
            .collect();
        if !swept && touching.is_empty() {
            return self.layer(w, row, earlier.len(), alone);
        }
        let inner = w.row(row.table);
        w.push("(SELECT ");
        if let (Some(name), None) = (row.table.rowid_name(), &row.table.rowid_alias) {
            w.push(&inner.column(name))
                .push(" AS ")
                .push(&quote_ident(name))
                .push(", ");
        }
        w.separated(&row.table.columns, ", ", |w, column| {
            let blanked = touching.iter().find(|c| {
                c.path.0.last().is_some_and(|key| {
                    key.on_delete != OnDelete::Cascade && key.set_columns.contains(&column.name)
                })
            });
            match blanked {
                None => drop(w.push(&inner.column(&column.name))),
                Some(consequence) => {
                    w.push("CASE WHEN ");
                    last.parent_goes(w, &inner, consequence)?;
                    w.push(" THEN NULL ELSE ")
                        .push(&inner.column(&column.name))
                        .push(" END");
                }
            }
            w.push(" AS ").push(&quote_ident(&column.name));
            Ok::<_, Fault>(())
        })?;
        w.push(" FROM ");
        self.layer(w, &inner, earlier.len(), alone)?;
        w.push(" WHERE ");
        w.truth(true);
        if swept {
            w.push(" AND (");
            last.eligible(w, &inner)?;
            w.push(") IS NOT TRUE");
        }
        for consequence in touching {
            let rule = consequence.path.0.last().map(|key| key.on_delete);
            if rule == Some(OnDelete::Cascade) {
                w.push(" AND NOT ");
                last.parent_goes(w, &inner, consequence)?;
            }
        }
        w.push(") AS ").push(&row.alias);
        Ok(())
    }

    /// `EXISTS (…)`: the swept row at the root of the path is one that this plan deletes.
    fn parent_goes(&self, w: &mut Writer, child: &Row<'_>, of: &Consequence) -> Result<(), Fault> {
        w.push("EXISTS (SELECT 1 FROM ");
        let root = w.row(self.table());
        self.source(w, &root)?;
        let mut above = root.clone();
        let (last, middle) = split(&of.path)?;
        let tables = self.tables_of(middle)?;
        for (key, table) in middle.iter().zip(&tables) {
            let next = w.row(table);
            w.push(" JOIN ");
            self.source(w, &next)?;
            w.push(" ON ").push(&join(key, &next, &above));
            above = next;
        }
        w.push(" WHERE ")
            .push(&join(last, child, &above))
            .push(" AND ");
        self.eligible(w, &root)?;
        w.push(")");
        Ok(())
    }

    /// The whole condition on a row that is to be deleted: the request's, the grant's, and that
    /// nothing forbids it.
    pub(crate) fn eligible(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        self.predicate(w, row)?;
        self.free(w, row)
    }

    /// The request's condition and the grant's narrowing.
    pub(crate) fn predicate(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        self.condition(w, row, &self.request().matching, false)?;
        for term in self.authorized.narrowing() {
            w.push(" AND ");
            self.condition(w, row, term, false)?;
        }
        Ok(())
    }

    /// Something may forbid the delete of an eligible row.
    pub(crate) fn may_block(&self) -> bool {
        !self.authorized.restricting().is_empty()
            || self
                .authorized
                .consequences()
                .iter()
                .any(|c| !c.narrowing.is_empty())
    }

    /// ` AND NOT EXISTS (…)` for every foreign key that would refuse the delete, and for every
    /// child that the grant's narrowing protects from a foreign key's rule.
    pub(crate) fn free(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        for path in self.authorized.restricting() {
            w.push(" AND NOT ");
            self.child_exists(w, row, path, |_, _| Ok(()))?;
        }
        for consequence in self.authorized.consequences() {
            if consequence.narrowing.is_empty() {
                continue;
            }
            w.push(" AND NOT ");
            self.child_exists(w, row, &consequence.path, |w, child| {
                w.push(" AND (");
                w.separated(&consequence.narrowing, " AND ", |w, term| {
                    self.condition(w, child, term, false)
                })?;
                w.push(") IS NOT TRUE");
                Ok(())
            })?;
        }
        Ok(())
    }

    fn child_exists(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        path: &Path,
        also: impl FnOnce(&mut Writer, &Row<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let tables = self.tables_of(&path.0)?;
        w.push("EXISTS (SELECT 1 FROM ");
        let mut above = row.clone();
        let mut first_join = String::new();
        for (index, (key, table)) in path.0.iter().zip(&tables).enumerate() {
            let child = w.row(table);
            if index > 0 {
                w.push(" JOIN ");
            }
            self.source(w, &child)?;
            let on = join(key, &child, &above);
            if index == 0 {
                first_join = on;
                // A row that refers to itself does not keep itself.
                if key.child == key.parent {
                    let (a, b) = (
                        key_columns(&child).join(", "),
                        key_columns(&above).join(", "),
                    );
                    first_join.push_str(&format!(" AND ({a}) <> ({b})"));
                }
            } else {
                w.push(" ON ").push(&on);
            }
            above = child;
        }
        w.push(" WHERE ").push(&first_join);
        also(w, &above)?;
        if w.dialect() == Dialect::Postgres {
            w.push(" OFFSET 0");
        }
        w.push(")");
        Ok(())
    }

    /// `root JOIN child JOIN …`: the swept row with the rows of a path that hang on it.
    pub(crate) fn path_from(
        &self,
        w: &mut Writer,
        path: &Path,
        root: &Row<'_>,
        rows: &[Row<'_>],
    ) -> Result<(), Fault> {
        self.swept(w, root)?;
        let mut above = root;
        for (key, child) in path.0.iter().zip(rows) {
            w.push(" JOIN ");
            self.source(w, child)?;
            w.push(" ON ").push(&join(key, child, above));
            above = child;
        }
        Ok(())
    }

    pub(crate) fn tables_of(
        &self,
        keys: &[ForeignKey],
    ) -> Result<Vec<std::sync::Arc<crate::catalog::Table>>, Fault> {
        keys.iter()
            .map(|key| {
                self.catalog.by_id(&key.child).cloned().ok_or_else(|| {
                    Fault::invalid(
                        "unknown-table",
                        format!("`{}` is not there any more", key.child),
                    )
                })
            })
            .collect()
    }
}

fn split(path: &Path) -> Result<(&ForeignKey, &[ForeignKey]), Fault> {
    path.0
        .split_last()
        .ok_or_else(|| Fault::invalid("empty-path", "a path without a foreign key"))
}

/// The parent stands on the left, because SQLite's own foreign keys compare under the left side's
/// collation and have the parent there: a child that this join misses would go unseen.
fn join(key: &ForeignKey, child: &Row<'_>, parent: &Row<'_>) -> String {
    let pairs = key.columns.iter().zip(&key.parent_columns);
    pairs
        .map(|(to, from)| format!("{} = {}", parent.column(from), child.column(to)))
        .collect::<Vec<_>>()
        .join(" AND ")
}
