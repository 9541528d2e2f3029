//! What the database does by itself when a row goes: found before anything is deleted.

use crate::catalog::{Catalog, ForeignKey, OnDelete, Table, TableId, TableKind};
use crate::request::{Condition, Fault};

/// Foreign keys from the swept table down to a descendant: the first points at the swept table,
/// each next one at the child of the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(pub Vec<ForeignKey>);

impl Path {
    /// The table at the far end.
    pub fn child(&self) -> Option<&TableId> {
        self.0.last().map(|key| &key.child)
    }
}

/// Rows of a child table that ON DELETE CASCADE, SET NULL or SET DEFAULT takes or changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Consequence {
    /// How the child hangs on the swept table.
    pub path: Path,
    /// The child's own `min-age` and `where`: a parent with a child outside them stays.
    pub narrowing: Vec<Condition>,
}

/// A foreign key's effect at the end of a path, before the grant has been asked.
pub(super) enum Effect {
    /// The delete fails while such a row is there.
    Restricts(Path),
    /// Rows are deleted too.
    Deletes(Path),
    /// Columns are set to NULL or to their default.
    Changes(Path, Vec<String>),
}

/// Follows every foreign key that points at `table`, through cascades, to all that it touches.
pub(super) fn effects(table: &Table, catalog: &Catalog) -> Result<Vec<Effect>, Fault> {
    let mut found = Vec::new();
    follow(table, catalog, &[], &mut found)?;
    Ok(found)
}

fn follow(
    table: &Table,
    catalog: &Catalog,
    above: &[ForeignKey],
    found: &mut Vec<Effect>,
) -> Result<(), Fault> {
    for key in &table.referenced_by {
        let mut steps = above.to_vec();
        steps.push(key.clone());
        let path = Path(steps);
        let Some(child) = catalog.by_id(&key.child) else {
            return Err(Fault::invalid(
                "unknown-table",
                format!(
                    "`{}` of `{}` refers to `{}`, and this role cannot see that table: GRANT USAGE on its \
                     schema",
                    key.name, key.child, key.parent
                ),
            ));
        };
        match key.on_delete {
            OnDelete::NoAction | OnDelete::Restrict => found.push(Effect::Restricts(path)),
            OnDelete::SetNull | OnDelete::SetDefault => {
                let refers = |other: &&ForeignKey| {
                    let mut columns = other.parent_columns.iter();
                    columns.any(|column| key.set_columns.contains(column))
                };
                if let Some(other) = child.referenced_by.iter().find(refers) {
                    return Err(Fault::unsupported(&format!(
                        "deleting from `{}`, where `{}` changes a column of `{}` that `{}` of `{}` refers \
                         to: what its ON UPDATE rule does then is not known,",
                        path.0.first().map_or(&key.parent, |first| &first.parent),
                        key.name,
                        key.child,
                        other.name,
                        other.child,
                    )));
                }
                found.push(Effect::Changes(path, key.set_columns.clone()));
            }
            OnDelete::Cascade => {
                let circular = key.child == key.parent
                    || above
                        .iter()
                        .any(|step| step.parent == key.child || step.child == key.child);
                if circular {
                    return Err(Fault::unsupported(&format!(
                        "deleting from `{}`, whose ON DELETE CASCADE comes back to `{}` by `{}`,",
                        path.0.first().map_or(&key.parent, |first| &first.parent),
                        key.child,
                        key.name,
                    )));
                }
                if let Some(other) = key_on_a_partition(child, child, catalog) {
                    return Err(Fault::unsupported(&format!(
                        "deleting from `{}`, which cascades to `{}`: its partition `{}` has rows of its own \
                         that go with it or change, by `{}` of `{}`,",
                        path.0.first().map_or(&key.parent, |first| &first.parent),
                        key.child,
                        other.parent,
                        other.name,
                        other.child,
                    )));
                }
                let steps = path.0.clone();
                found.push(Effect::Deletes(path));
                follow(child, catalog, &steps, found)?;
            }
        }
    }
    Ok(())
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
