//! Registrations, and the proofs that an address belongs to somebody. The two refer to each other: a
//! registration takes the proofs made for it along, a proof is forgotten by the registration that it was
//! for. Their keys are ULIDs.

use besom_plugin::prelude::*;

/// Registrations begun before `cutoff`, completed or not: a completed one has become a user. The proofs
/// made for it go along, and their codes.
pub(crate) fn registrations(cutoff: Timestamp) -> Result<Sweep> {
    let id: String = setting("registrations-id-column")?;
    forgotten(
        delete(setting::<String>("registrations-table")?)
            .matching(column(id).id_older_than(cutoff))
            .cascades_to(
                setting::<String>("email-authentications-table")?,
                setting::<String>("email-authentications-registration-column")?,
            )
            .cascades_to(
                setting::<String>("email-authentication-codes-table")?,
                setting::<String>("email-authentication-codes-authentication-column")?,
            ),
    )
}

/// E-mail authentications begun before `cutoff`, with the codes that were sent.
pub(crate) fn authentications(cutoff: Timestamp) -> Result<Sweep> {
    let id: String = setting("email-authentications-id-column")?;
    let code_of: String = setting("email-authentication-codes-authentication-column")?;
    forgotten(
        delete(setting::<String>("email-authentications-table")?)
            .matching(column(&id).id_older_than(cutoff))
            .delete_first(
                setting::<String>("email-authentication-codes-table")?,
                join(code_of).to(id),
            ),
    )
}

/// A registration forgets the proof of its address when that goes.
fn forgotten(sweep: Sweep) -> Result<Sweep> {
    Ok(sweep.sets_null(
        setting::<String>("registrations-table")?,
        setting::<String>("registrations-email-authentication-column")?,
    ))
}
