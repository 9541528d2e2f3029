//! Where rows come from, and which of them may go.
//!
//! In a dry run of several jobs the later ones must see the tables as the earlier ones would have
//! left them; nothing has been deleted, so the source of a table is then a subquery that leaves
//! out what they would have deleted and blanks what foreign keys would have set to NULL.

use super::Plan;
use super::collation::{by_key, equal};
use super::window::Window;
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, OnDelete, Table, TableKind, quote_ident};
use crate::request::{Action, Fate, Fault};
use crate::scope::{Link, Path};

/// What a plan does to one table.
struct Touch<'a> {
    /// It deletes rows of it by their own condition.
    swept: bool,
    /// It changes rows of it by their own condition.
    updated: bool,
    /// Rows go that hang on a deleted row by one of these.
    taken: Vec<&'a Path>,
    /// Rows that hang on a deleted row by one of these have columns set to NULL.
    blanked: Vec<(&'a Path, &'a [String])>,
}

impl<'a> Touch<'a> {
    fn is_nothing(&self) -> bool {
        !self.swept && !self.updated && self.taken.is_empty() && self.blanked.is_empty()
    }

    fn blanked_by<'s>(&'s self, column: &'s str) -> impl Iterator<Item = &'a Path> + 's {
        let blanks = move |(_, columns): &&(&Path, &[String])| columns.iter().any(|c| c == column);
        self.blanked.iter().filter(blanks).map(|(path, _)| *path)
    }
}

impl Plan {
    /// `FROM` item of the swept table: itself alone, without tables that inherit from it, because
    /// row identities are not unique across them.
    pub(crate) fn swept(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        self.layer(w, row, self.history.len(), true)
    }

    /// `FROM` item of any table, under the row's name: with its partitions, but without tables that
    /// inherit from it, whose rows no foreign key of its own reaches and no grant of its own covers.
    pub(crate) fn source(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        let alone = row.table.kind != TableKind::Partitioned;
        self.layer(w, row, self.history.len(), alone)
    }

    /// `FROM` item of a table that is only looked at: with all that inherits from it, as a query
    /// of the application's would see it.
    pub(crate) fn related(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
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
        let touch = last.touch(row.table);
        if touch.is_nothing() {
            return self.layer(w, row, earlier.len(), alone);
        }
        let inner = w.row(row.table);
        w.push("(SELECT ");
        // What the role may not read is read by no statement, and here it would refuse them all.
        if w.dialect() == Dialect::Postgres && row.table.privileges.select_whole {
            let own = ["tableoid", "ctid"].map(|own| format!("{0}.{own} AS {own}, ", inner.alias));
            w.push(&own.concat());
        }
        if let (Some(name), None) = (row.table.rowid_name(), &row.table.rowid_alias) {
            w.push(&inner.column(name))
                .push(" AS ")
                .push(&quote_ident(name))
                .push(", ");
        }
        let readable = row.table.columns.iter().filter(|column| column.readable);
        w.separated(readable, ", ", |w, column| {
            let blanked: Vec<_> = touch.blanked_by(&column.name).collect();
            let assigned = touch.updated.then(|| last.assignment_of(&column.name));
            if let Some(Some(assignment)) = assigned {
                w.push("CASE WHEN ");
                last.meets(w, &inner)?;
                w.push(" THEN ");
                last.new_value(w, &last.as_swept(&inner), assignment)?;
                w.push(" ELSE ")
                    .push(&inner.column(&column.name))
                    .push(" END");
            } else if blanked.is_empty() {
                w.push(&inner.column(&column.name));
            } else {
                w.push("CASE WHEN ");
                w.separated(blanked, " OR ", |w, path| last.root_goes(w, &inner, path))?;
                w.push(" THEN NULL ELSE ")
                    .push(&inner.column(&column.name))
                    .push(" END");
            }
            w.push(" AS ").push(&quote_ident(&column.name));
            if self.blanks(row.table, &column.name, depth) {
                w.push(", ");
                let was = was(&column.name);
                let below = self.blanks(row.table, &column.name, earlier.len());
                let name = if below { &was } else { &column.name };
                w.push(&inner.column(name))
                    .push(" AS ")
                    .push(&quote_ident(&was));
            }
            Ok::<_, Fault>(())
        })?;
        w.push(" FROM ");
        self.layer(w, &inner, earlier.len(), alone)?;
        w.push(" WHERE ");
        w.truth(true);
        if touch.swept {
            w.push(" AND (");
            last.meets(w, &inner)?;
            w.push(") IS NOT TRUE");
        }
        for path in touch.taken {
            w.push(" AND NOT ");
            last.root_goes(w, &inner, path)?;
        }
        w.push(") AS ").push(&row.alias);
        Ok(())
    }

    /// The first `depth` sweeps of the history may blank this column, and none of them gives it another
    /// value: the table's layer then has what it was, as well.
    fn blanks(&self, table: &Table, column: &str, depth: usize) -> bool {
        let earlier = self.history.get(..depth).unwrap_or_default();
        let mut blanked = false;
        for plan in earlier {
            let touch = plan.touch(table);
            if touch.updated && plan.assignment_of(column).is_some() {
                return false;
            }
            blanked |= touch.blanked_by(column).next().is_some();
        }
        blanked
    }

    /// Under which name a row of [`Plan::source`] or [`Plan::related`] also has what the column was before it was
    /// blanked. What is equal to a value that is not blanked is equal to that one, and that one has an index.
    pub(super) fn was_column(&self, row: &Row<'_>, column: &str) -> Option<String> {
        let blanked = self.blanks(row.table, column, self.history.len());
        blanked.then(|| row.column(&was(column)))
    }

    /// [`join`], for a child that this plan has taken from [`Plan::source`] or [`Plan::related`].
    pub(super) fn join_of(&self, link: &Link, child: &Row<'_>, parent: &Row<'_>) -> String {
        let mut text = join(link, child, parent);
        for (place, (to, from)) in link.columns.iter().zip(&link.parent_columns).enumerate() {
            if self.blanks(child.table, to, self.history.len()) {
                let by = link.key.as_ref().and_then(|key| by_key(key, place));
                let collated = equal(parent, from, child, to, by);
                let was = collated.replacen(&child.column(to), &child.column(&was(to)), 1);
                text.push_str(&format!(" AND {was}"));
            }
        }
        text
    }

    /// The child hangs on the parent by the link: it is joined to it, and meets what the link asks of it.
    pub(super) fn tied_by(
        &self,
        w: &mut Writer,
        link: &Link,
        child: &Row<'_>,
        parent: &Row<'_>,
    ) -> Result<(), Fault> {
        w.push(&join(link, child, parent));
        self.meant(w, link, child)
    }

    /// ` AND …`: what the link asks of the child's own columns.
    pub(super) fn meant(&self, w: &mut Writer, link: &Link, child: &Row<'_>) -> Result<(), Fault> {
        match &link.matching {
            None => Ok(()),
            Some(matching) => {
                w.push(" AND ");
                self.condition(w, child, matching, false)
            }
        }
    }

    /// A row of the swept table, or of the partitioned table that it is a leaf of, is eligible.
    fn meets(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        if row.table.id != self.table().id {
            in_leaf(w, row, self.table());
            w.push(" AND ");
        }
        self.eligible(w, &self.as_swept(row))
    }

    /// The row lies before the end of the window, or in a leaf that is swept before this one.
    pub(super) fn visited(&self, w: &mut Writer, row: &Row<'_>, window: &Window) {
        if row.table.id == self.table().id {
            self.up_to(w, row, window);
            return;
        }
        w.push("(");
        in_leaf(w, row, self.table());
        w.push(" AND ");
        self.up_to(w, &self.as_swept(row), window);
        let leaves = self.catalog.leaves(row.table).into_iter().flatten();
        for earlier in leaves.filter(|leaf| leaf.id < self.table().id) {
            w.push(" OR ");
            in_leaf(w, row, &earlier);
        }
        w.push(")");
    }

    /// The same row, known as one of the swept table.
    pub(super) fn as_swept(&self, row: &Row<'_>) -> Row<'_> {
        Row {
            alias: row.alias.clone(),
            table: self.table(),
        }
    }

    /// What this plan does to rows of a table.
    fn touch(&self, table: &Table) -> Touch<'_> {
        let swept = self.sweeps_of(&table.id);
        let hangs = |path: &Path| {
            let child = path.child();
            child.is_some_and(|child| self.catalog.holds(child, &table.id))
        };
        let updates = matches!(self.request().action, Action::Update(_));
        let mut touch = Touch {
            swept: swept && !updates,
            updated: swept && updates,
            taken: Vec::new(),
            blanked: Vec::new(),
        };
        for tied in self.authorized.dependents() {
            match (hangs(&tied.path), tied.fate) {
                (true, Fate::Delete) => touch.taken.push(&tied.path),
                (true, Fate::Unlink) => {
                    let columns = tied.path.0.last().map_or(&[][..], |link| &link.columns);
                    touch.blanked.push((&tied.path, columns));
                }
                (false, _) => {}
            }
        }
        for consequence in self.authorized.consequences() {
            let path = &consequence.path;
            match (hangs(path), path.key()) {
                (true, Some(key)) if key.on_delete == OnDelete::Cascade => touch.taken.push(path),
                (true, Some(key)) => touch.blanked.push((path, &key.set_columns)),
                _ => {}
            }
        }
        touch
    }

    /// `EXISTS (…)`: the swept row at the root of the path is one that this plan deletes.
    fn root_goes(&self, w: &mut Writer, child: &Row<'_>, path: &Path) -> Result<(), Fault> {
        w.push("EXISTS (SELECT 1 FROM ");
        let root = w.row(self.table());
        self.source(w, &root)?;
        let mut above = root.clone();
        let (last, middle) = path
            .0
            .split_last()
            .ok_or_else(|| Fault::invalid("empty-path", "a path without a link"))?;
        let tables = self.tables_of(middle)?;
        for (link, table) in middle.iter().zip(&tables) {
            let next = w.row(table);
            w.push(" JOIN ");
            self.source(w, &next)?;
            w.push(" ON ");
            self.tied_by(w, link, &next, &above)?;
            above = next;
        }
        w.push(" WHERE ");
        self.tied_by(w, last, child, &above)?;
        w.push(" AND ");
        self.eligible(w, &root)?;
        w.push(")");
        Ok(())
    }

    pub(crate) fn tables_of(
        &self,
        links: &[Link],
    ) -> Result<Vec<std::sync::Arc<crate::catalog::Table>>, Fault> {
        links
            .iter()
            .map(|link| {
                self.catalog.by_id(&link.child).cloned().ok_or_else(|| {
                    Fault::invalid(
                        "unknown-table",
                        format!("`{}` is not there any more", link.child),
                    )
                })
            })
            .collect()
    }
}

/// The name of what a blanked column was.
fn was(column: &str) -> String {
    format!("besom was {column}")
}

/// A row of a partitioned table is one of this leaf's.
fn in_leaf(w: &mut Writer, row: &Row<'_>, leaf: &Table) {
    w.push(&format!("{}.tableoid = to_regclass(", row.alias))
        .bind_as(leaf.sql_name(), "text")
        .push(")");
}

/// The parent stands on the left, because SQLite's own foreign keys compare under the left side's
/// collation and have the parent there: a child that this join misses would go unseen.
pub(super) fn join(link: &Link, child: &Row<'_>, parent: &Row<'_>) -> String {
    let pairs = link.columns.iter().zip(&link.parent_columns).enumerate();
    pairs
        .map(|(place, (to, from))| {
            let by = link.key.as_ref().and_then(|key| by_key(key, place));
            equal(parent, from, child, to, by)
        })
        .collect::<Vec<_>>()
        .join(" AND ")
}
