//! What a job may do: what the operator's file says, and for a bundled plugin what its embedded
//! component asks for, too.

use std::collections::BTreeMap;

use super::RunnerError;
use crate::catalog::{Catalog, TableId};
use crate::config::PluginConfig;
use crate::plugin::TableAccess;
use crate::scope::{Granted, Grants, TableGrant};

/// The grant in force for one job that says that it touches `access`. `embedded` is what the component
/// in the binary asks for, which a bundled plugin may do without a word in the file. Names are compared
/// by the table that they mean, not by their spelling: `audit_log` and `public.audit_log` may be one
/// table, and a narrowing that missed it would protect nothing.
///
/// # Errors
/// When the file grants a table that is not there, or one table twice.
pub(super) fn in_force(
    plugin: &str,
    config: &PluginConfig,
    embedded: Option<&[TableAccess]>,
    access: &[TableAccess],
    catalog: &Catalog,
) -> Result<Granted, RunnerError> {
    let file = each_once(plugin, &config.grants, catalog)?;
    let mut whole = spelled(&asked_for(embedded.unwrap_or_default()), catalog)?;
    for (table, grant) in file {
        let one = whole.tables.entry(catalog.spelling(&table)).or_default();
        one.add_rights(grant);
        one.min_age.clone_from(&grant.min_age);
        one.filter.clone_from(&grant.filter);
    }
    Ok(Granted {
        whole,
        access: spelled(&asked_for(access), catalog)?,
        file: config.grants.clone(),
    })
}

/// The file's grants by the tables that they mean.
fn each_once<'a>(
    plugin: &str,
    grants: &'a Grants,
    catalog: &Catalog,
) -> Result<BTreeMap<TableId, &'a TableGrant>, RunnerError> {
    let mut given: BTreeMap<TableId, (&String, &TableGrant)> = BTreeMap::new();
    for (name, grant) in &grants.tables {
        let at_fault = |why| RunnerError::Grant {
            plugin: plugin.to_owned(),
            table: name.clone(),
            why,
        };
        let table = catalog.table(name).map_err(|e| at_fault(e.to_string()))?;
        if let Some((other, _)) = given.insert(table.id.clone(), (name, grant)) {
            return Err(at_fault(format!(
                "it is the same table as `{other}`: write one grant for it"
            )));
        }
    }
    let given = given.into_iter();
    Ok(given.map(|(table, (_, grant))| (table, grant)).collect())
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

fn spelled(grants: &Grants, catalog: &Catalog) -> Result<Grants, RunnerError> {
    grants.spelled(catalog).map_err(RunnerError::AtFault)
}
