//! OAuth 2.0 grants: the short-lived records of a login under way. Their keys are ULIDs, which hold
//! the time of creation.

use besom_plugin::prelude::*;

/// Authorization grants created before `cutoff`.
pub(crate) fn authorization_grants(cutoff: Timestamp) -> Result<Vec<Sweep>> {
    let id: String = setting("authorization-grants-id-column")?;
    Ok(vec![
        delete(setting::<String>("authorization-grants-table")?)
            .matching(column(id).id_older_than(cutoff)),
    ])
}

/// Device code grants created before `cutoff`.
pub(crate) fn device_code_grants(cutoff: Timestamp) -> Result<Vec<Sweep>> {
    let id: String = setting("device-code-grants-id-column")?;
    Ok(vec![
        delete(setting::<String>("device-code-grants-table")?)
            .matching(column(id).id_older_than(cutoff)),
    ])
}
