//! What a job may touch: for a bundled plugin what its embedded component says, for any other
//! what the operator's file says.

use std::collections::BTreeSet;

use crate::config::{Origin, PluginConfig};
use crate::plugin::TableAccess;
use crate::scope::{Grants, TableGrant};

/// The grants in force for one job.
pub(super) fn in_force(config: &PluginConfig, access: &[TableAccess]) -> Grants {
    match config.origin {
        Origin::File(_) => config.grants.clone(),
        Origin::Bundled => {
            let mut grants = asked_for(access);
            for (table, narrower) in &config.grants.tables {
                if let Some(grant) = grants.tables.get_mut(table) {
                    grant.min_age.clone_from(&narrower.min_age);
                    grant.filter.clone_from(&narrower.filter);
                }
            }
            grants
        }
    }
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

/// Tables that the file narrows and that the job does not touch under these settings: a name
/// misspelt there would narrow nothing.
pub(super) fn unused<'a>(config: &'a PluginConfig, access: &[TableAccess]) -> BTreeSet<&'a str> {
    let asked: BTreeSet<_> = access.iter().map(|table| table.table.as_str()).collect();
    config
        .grants
        .tables
        .keys()
        .map(String::as_str)
        .filter(|table| !asked.contains(table))
        .collect()
}
