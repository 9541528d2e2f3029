//! What the database does by itself when a row goes: found before anything is deleted.

use crate::catalog::{Catalog, ForeignKey, OnDelete, Table, TableId};
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
        match key.on_delete {
            OnDelete::NoAction | OnDelete::Restrict => found.push(Effect::Restricts(path)),
            OnDelete::SetNull | OnDelete::SetDefault => {
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
                let Some(child) = catalog.by_id(&key.child) else {
                    return Err(Fault::invalid(
                        "unknown-table",
                        format!(
                            "`{}` cascades to `{}`, which this role cannot see: GRANT USAGE on its schema",
                            key.parent, key.child
                        ),
                    ));
                };
                let steps = path.0.clone();
                found.push(Effect::Deletes(path));
                follow(child, catalog, &steps, found)?;
            }
        }
    }
    Ok(())
}
