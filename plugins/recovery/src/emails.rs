//! Registrations, and the proofs that an address belongs to somebody. The two refer to each other, and
//! each forgets the other when it goes. Their keys are ULIDs.

use besom_plugin::prelude::*;

/// Registrations begun before `cutoff`, completed or not: a completed one has become a user.
pub(crate) fn registrations(cutoff: Timestamp) -> Result<Sweep> {
    let id: String = setting("registrations-id-column")?;
    let authentications = table(setting::<String>("email-authentications-table")?);
    let forgets: String = setting("email-authentications-registration-column")?;
    Ok(delete(setting::<String>("registrations-table")?)
        .matching(column(id).id_older_than(cutoff))
        .also_touches(authentications.updates([forgets])))
}

/// E-mail authentications begun before `cutoff`, with the codes that were sent.
pub(crate) fn authentications(cutoff: Timestamp) -> Result<Sweep> {
    let id: String = setting("email-authentications-id-column")?;
    let code_of: String = setting("email-authentication-codes-authentication-column")?;
    let registrations = table(setting::<String>("registrations-table")?);
    let forgets: String = setting("registrations-email-authentication-column")?;
    Ok(delete(setting::<String>("email-authentications-table")?)
        .matching(column(&id).id_older_than(cutoff))
        .delete_first(
            setting::<String>("email-authentication-codes-table")?,
            join(code_of).to(id),
        )
        .also_touches(registrations.updates([forgets])))
}
