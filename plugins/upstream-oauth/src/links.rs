//! Links: an account at the provider, and the user here that it belongs to. Their keys are ULIDs.

use besom_plugin::prelude::*;

use crate::authorizations::{forgotten, led_to_a_session};

/// Links made before `cutoff` that no user was ever given, with the authorization sessions of those
/// logins. One that led to a browser session keeps its link, and stays with it.
pub(crate) fn orphaned(cutoff: Timestamp) -> Result<Sweep> {
    let id: String = setting("links-id-column")?;
    let user: String = setting("links-user-column")?;
    let sessions: String = setting("authorization-sessions-table")?;
    let link: String = setting("authorization-sessions-link-column")?;

    let of_the_link = || join(&link).to(&id);
    let orphaned = all([
        column(user).is_null(),
        column(&id).id_older_than(cutoff),
        not_exists(&sessions, of_the_link().matching(led_to_a_session()?)),
    ]);
    forgotten(
        delete(setting::<String>("links-table")?)
            .matching(orphaned)
            .delete_first(&sessions, of_the_link()),
    )
}
