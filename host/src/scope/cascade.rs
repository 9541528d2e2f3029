//! What the database does by itself when a row goes: found before anything is deleted.

use super::path::{Link, Path, Tied};
use crate::catalog::{Catalog, ForeignKey, OnDelete, Table, TableId, TableKind};
use crate::request::{Fate, Fault, Problem};

/// A foreign key's effect at the end of a path, before the grant has been asked.
pub(super) enum Effect {
    /// The delete fails while such a row is there.
    Restricts(Path),
    /// Rows of the swept table that refer to rows of it: they hold those, or CASCADE takes them along.
    Chains(Box<ForeignKey>),
    /// Rows are deleted too.
    Deletes(Path),
    /// Columns are set to NULL or to their default.
    Changes(Path, Vec<String>),
}

/// Follows every foreign key that points at a row that goes: the swept one, the dependents that
/// are deleted, and what cascades take.
pub(super) fn effects(
    table: &Table,
    dependents: &[Tied],
    catalog: &Catalog,
) -> Result<Vec<Effect>, Fault> {
    let mut search = Search {
        root: &table.id,
        dependents,
        catalog,
        found: Vec::new(),
    };
    search.follow(table, &Path::default())?;
    for tied in dependents {
        if let (Fate::Delete, Some(table)) = (
            tied.fate,
            tied.path.child().and_then(|id| catalog.by_id(id)),
        ) {
            search.partitions_have_no_keys(table, "deletes rows of")?;
            search.follow(table, &tied.path)?;
        }
    }
    Ok(search.found)
}

struct Search<'a> {
    root: &'a TableId,
    dependents: &'a [Tied],
    catalog: &'a Catalog,
    found: Vec<Effect>,
}

impl Search<'_> {
    fn follow(&mut self, table: &Table, above: &Path) -> Result<(), Fault> {
        for key in &table.referenced_by {
            if self.ahead(above, key) {
                continue;
            }
            let link = Link::by_key(key);
            let path = above.and(link);
            let Some(child) = self.catalog.by_id(&key.child) else {
                return Err(Fault::invalid(
                    "unknown-table",
                    format!(
                        "`{}` of `{}` refers to `{}`, and this role cannot see that table: GRANT USAGE on its \
                         schema",
                        key.name, key.child, key.parent
                    ),
                ));
            };
            // A rule that cannot act fails while the rows go one by one, also where all of them do.
            let chain = above.0.is_empty() && key.child == *self.root && key.stuck.is_empty();
            match key.rule() {
                OnDelete::NoAction | OnDelete::Restrict | OnDelete::Cascade if chain => {
                    self.found.push(Effect::Chains(Box::new(key.clone())));
                }
                OnDelete::NoAction | OnDelete::Restrict => {
                    self.found.push(Effect::Restricts(path));
                }
                OnDelete::SetNull | OnDelete::SetDefault => {
                    self.nothing_hangs_on(child, key)?;
                    self.found
                        .push(Effect::Changes(path, key.set_columns.clone()));
                }
                // What hangs below a row that goes with another is not looked for: it holds that other,
                // unless it goes with it, too.
                OnDelete::Cascade if key.child == key.parent && key.child != *self.root => {
                    self.found.push(Effect::Restricts(path));
                }
                OnDelete::Cascade => {
                    self.comes_to_an_end(key, above)?;
                    self.partitions_have_no_keys(child, "cascades to")?;
                    self.found.push(Effect::Deletes(path.clone()));
                    self.follow(child, &path)?;
                }
            }
        }
        Ok(())
    }

    /// Every row that refers by this key is deleted or unlinked ahead of the row it refers to.
    fn ahead(&self, above: &Path, key: &ForeignKey) -> bool {
        self.dependents.iter().any(|tied| {
            tied.path
                .0
                .split_last()
                .is_some_and(|(last, to_parent)| to_parent == above.0 && last.covers(key))
        })
    }

    /// An ON UPDATE rule would act on the columns that the key sets.
    fn nothing_hangs_on(&self, child: &Table, key: &ForeignKey) -> Result<(), Fault> {
        match referred_to(child, &key.set_columns, self.catalog) {
            None => Ok(()),
            Some(other) => Err(Fault::unsupported(&format!(
                "deleting from `{}`, where `{}` changes a column of `{}` that `{}` of `{}` refers \
                 to: what its ON UPDATE rule does then is not known,",
                self.root, key.name, key.child, other.name, other.child,
            ))),
        }
    }

    fn comes_to_an_end(&self, key: &ForeignKey, above: &Path) -> Result<(), Fault> {
        let from = match key.child == *self.root {
            true => 0,
            false => {
                let mut above = above.0.iter();
                match above.position(|step| step.child == key.child) {
                    Some(before) => before + 1,
                    None => return Ok(()),
                }
            }
        };
        let by = |key: &ForeignKey| {
            format!(
                "`{}` of `{}` ({}) takes rows with those of `{}`",
                key.name,
                key.child,
                key.columns.join(", "),
                key.parent
            )
        };
        let around = above.0.iter().skip(from).map(|step| match &step.key {
            Some(key) => by(key),
            None => format!("the job deletes rows of `{}` first", step.child),
        });
        let around: Vec<_> = around.chain([by(key)]).collect();
        Err(Fault::Other(Problem::new(
            "unsupported",
            format!(
                "deleting from `{}` goes round in a circle of ON DELETE CASCADE: {}. One row could take any number of \
                 others with it, due or not, round after round, and besom follows no such circle over several tables. \
                 Break it at one key: make that ON DELETE SET NULL, or NO ACTION, by which the rows that it ties keep \
                 those that they refer to; or let the job unlink its rows first (`unlink-first`), where its plugin can",
                self.root,
                around.join(", "),
            ),
        )))
    }

    fn partitions_have_no_keys(&self, child: &Table, how: &str) -> Result<(), Fault> {
        match key_on_a_partition(child, child, self.catalog) {
            None => Ok(()),
            Some(other) => Err(Fault::unsupported(&format!(
                "deleting from `{}`, which {how} `{}`: its partition `{}` has rows of its own \
                 that go with it or change, by `{}` of `{}`,",
                self.root, child.id, other.parent, other.name, other.child,
            ))),
        }
    }
}

/// A foreign key that points at one of these columns of `table` or of a partition below it, or at a
/// column that is computed there: from which others is not known.
pub(super) fn referred_to<'a>(
    table: &'a Table,
    columns: &[String],
    catalog: &'a Catalog,
) -> Option<&'a ForeignKey> {
    let changes = |name: &String| {
        let computed = table.column(name).is_some_and(|column| column.computed);
        computed || columns.contains(name)
    };
    let refers = |key: &&ForeignKey| key.parent_columns.iter().any(changes);
    table.referenced_by.iter().find(refers).or_else(|| {
        let partitioned = table.kind == TableKind::Partitioned;
        let parts = table.partitions.iter().filter(|_| partitioned);
        let mut parts = parts.filter_map(|id| catalog.by_id(id));
        parts.find_map(|part| referred_to(part, columns, catalog))
    })
}

/// A foreign key with a rule of its own that points at a partition below `table` and not at `root`.
fn key_on_a_partition<'a>(
    root: &Table,
    table: &Table,
    catalog: &'a Catalog,
) -> Option<&'a ForeignKey> {
    if table.kind != TableKind::Partitioned {
        return None;
    }
    let of_root = |key: &ForeignKey| {
        let mut own = root.referenced_by.iter();
        own.any(|own| own.child == key.child && own.columns == key.columns)
    };
    let partitions = table.partitions.iter().filter_map(|id| catalog.by_id(id));
    partitions
        .filter_map(|leaf| {
            let own = leaf.referenced_by.iter().find(|key| {
                !matches!(key.on_delete, OnDelete::NoAction | OnDelete::Restrict) && !of_root(key)
            });
            own.or_else(|| key_on_a_partition(root, leaf, catalog))
        })
        .next()
}
