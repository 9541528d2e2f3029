//! Recovery sessions: somebody asked to get back into an account. Their keys are ULIDs, which hold the
//! time of creation.

use besom_plugin::prelude::*;

/// Recovery sessions begun before `cutoff`; their tickets go by the database's own rule.
pub(crate) fn sessions(cutoff: Timestamp) -> Result<Sweep> {
    let id: String = setting("recovery-sessions-id-column")?;
    Ok(delete(setting::<String>("recovery-sessions-table")?)
        .matching(column(id).id_older_than(cutoff))
        .cascades_to(
            setting::<String>("recovery-tickets-table")?,
            setting::<String>("recovery-tickets-session-column")?,
        ))
}
