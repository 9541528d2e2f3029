//! What a job may touch: for a bundled plugin what its embedded component says, for any other
//! what the operator's file says.

use std::collections::{BTreeMap, BTreeSet};

use super::RunnerError;
use crate::catalog::{Catalog, TableId};
use crate::config::{Origin, PluginConfig};
use crate::plugin::TableAccess;
use crate::scope::{Grants, TableGrant};

/// The grants in force for one job. Names are compared by the table that they mean, not by their
/// spelling: `audit_log` and `public.audit_log` may be one table, and a narrowing that missed it
/// would protect nothing.
///
/// # Errors
/// When the file grants a table that is not there, or one table twice.
pub(super) fn in_force(
    plugin: &str,
    config: &PluginConfig,
    access: &[TableAccess],
    catalog: &Catalog,
) -> Result<Grants, RunnerError> {
    let mut given: BTreeMap<TableId, (&String, &TableGrant)> = BTreeMap::new();
    for (name, grant) in &config.grants.tables {
        let table = catalog.table(name).map_err(|unknown| RunnerError::Grant {
            plugin: plugin.to_owned(),
            table: name.clone(),
            why: unknown.to_string(),
        })?;
        if let Some((other, _)) = given.insert(table.id.clone(), (name, grant)) {
            return Err(RunnerError::Grant {
                plugin: plugin.to_owned(),
                table: name.clone(),
                why: format!("it is the same table as `{other}`: write one grant for it"),
            });
        }
    }
    let mut grants = match config.origin {
        Origin::File(_) | Origin::Store => Grants::default(),
        Origin::Bundled => asked_for(access),
    };
    for (name, grant) in given.values() {
        match config.origin {
            Origin::File(_) | Origin::Store => {
                let asked = access.iter().find(|of| same(catalog, &of.table, name));
                let name = asked.map_or_else(|| (*name).clone(), |of| of.table.clone());
                grants.tables.insert(name, (*grant).clone());
            }
            Origin::Bundled => {
                for (asked, wider) in &mut grants.tables {
                    if same(catalog, asked, name) {
                        wider.min_age.clone_from(&grant.min_age);
                        wider.filter.clone_from(&grant.filter);
                    }
                }
            }
        }
    }
    Ok(grants)
}

/// An access list as the grant that covers it.
pub(super) fn asked_for(access: &[TableAccess]) -> Grants {
    let mut grants = Grants::default();
    for table in access {
        let grant = grants
            .tables
            .entry(table.table.clone())
            .or_insert_with(TableGrant::default);
        grant.read.extend(table.read.iter().cloned());
        grant.update.extend(table.update.iter().cloned());
        grant.delete |= table.delete;
        grant.all_rows |= table.all_rows;
    }
    grants
}

/// The tables of the file's grants that a job touches under these settings.
pub(super) fn used(
    config: &PluginConfig,
    access: &[TableAccess],
    catalog: &Catalog,
) -> BTreeSet<String> {
    let names = config.grants.tables.keys();
    names
        .filter(|name| access.iter().any(|of| same(catalog, &of.table, name)))
        .cloned()
        .collect()
}

fn same(catalog: &Catalog, one: &str, other: &str) -> bool {
    match (catalog.table(one), catalog.table(other)) {
        (Ok(one), Ok(other)) => one.id == other.id,
        _ => one == other,
    }
}
