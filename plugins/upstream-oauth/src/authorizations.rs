//! Authorization sessions: each one trip of a browser to the identity provider and back. Their keys are
//! ULIDs, which hold the time of creation.

use besom_plugin::prelude::*;

/// Authorization sessions begun before `cutoff` that no browser session came from, or none that is still
/// there. Back-channel logout walks from them to the browser session, so the others stay.
pub(crate) fn without_a_session(cutoff: Timestamp) -> Result<Sweep> {
    let id: String = setting("authorization-sessions-id-column")?;
    let abandoned = all([column(id).id_older_than(cutoff), not(led_to_a_session()?)]);
    forgotten(delete(setting::<String>("authorization-sessions-table")?).matching(abandoned))
}

/// Authorization sessions made before they had a pointer to the browser session: it is the one that they
/// authenticated. With several it is not known which one is meant, and the row is left.
pub(crate) fn backfill_user_session() -> Result<Sweep> {
    let id: String = setting("authorization-sessions-id-column")?;
    let user_session: String = setting("authorization-sessions-user-session-column")?;
    let authentication: String = setting("authentications-authorization-session-column")?;
    Ok(update(setting::<String>("authorization-sessions-table")?)
        .set_from_related(
            &user_session,
            setting::<String>("authentications-table")?,
            join(authentication).to(id),
            setting::<String>("authentications-user-session-column")?,
        )
        .matching(column(user_session).is_null()))
}

/// The row says so itself, or an authentication does: rows from before the pointer may lack it.
pub(crate) fn led_to_a_session() -> Result<Condition> {
    let user_session: String = setting("authorization-sessions-user-session-column")?;
    Ok(any([
        column(user_session).is_not_null(),
        exists(
            setting::<String>("authentications-table")?,
            of_the_authorization()?,
        ),
    ]))
}

/// Whatever authentication or registration points at a deleted authorization session forgets it.
pub(crate) fn forgotten(sweep: Sweep) -> Result<Sweep> {
    Ok(sweep
        .sets_null(
            setting::<String>("authentications-table")?,
            setting::<String>("authentications-authorization-session-column")?,
        )
        .sets_null(
            setting::<String>("registrations-table")?,
            setting::<String>("registrations-authorization-session-column")?,
        ))
}

fn of_the_authorization() -> Result<Join> {
    let authentication: String = setting("authentications-authorization-session-column")?;
    Ok(join(authentication).to(setting::<String>("authorization-sessions-id-column")?))
}
