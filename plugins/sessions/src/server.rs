//! The server-sessions schema: opaque sessions of several tenants, and the keys that signed them.

use besom_plugin::prelude::*;

/// Sessions begun before `cutoff` that never became a login.
pub(crate) fn pre_login(cutoff: Timestamp) -> Result<Sweep> {
    let is_pre_login: String = setting("sessions-pre-login-column")?;
    let created_at: String = setting("sessions-created-at-column")?;

    let abandoned = all([
        column(is_pre_login).equals(true),
        column(&created_at).older_than(cutoff),
    ]);
    Ok(delete_sessions(abandoned)?.order_by(created_at))
}

/// Sessions past their absolute end, before `cutoff`.
pub(crate) fn expired(cutoff: Timestamp) -> Result<Sweep> {
    past(cutoff, "sessions-absolute-expires-at-column")
}

/// Sessions past their idle end, before `cutoff`.
pub(crate) fn idle(cutoff: Timestamp) -> Result<Sweep> {
    past(cutoff, "sessions-idle-expires-at-column")
}

/// Sessions revoked before `cutoff`.
pub(crate) fn revoked(cutoff: Timestamp) -> Result<Sweep> {
    older_than(cutoff, "sessions-revoked-at-column")
}

/// Keys of every tenant retired before `cutoff` that no session refers to, live or over. Where the
/// schema says when a key was activated, one that was activated again after it had been retired is
/// active.
pub(crate) fn signing_keys(cutoff: Timestamp) -> Result<Sweep> {
    let retired_at: String = setting("signing-keys-retired-at-column")?;
    let activated_at: Option<String> = setting("signing-keys-activated-at-column")?;

    let mut unused = vec![column(&retired_at).older_than(cutoff)];
    unused.extend(activated_at.map(|activated_at| {
        any([
            column(&activated_at).is_null(),
            column(&activated_at).compares_to_column(Comparison::LessOrEqual, &retired_at),
        ])
    }));
    unused.push(not_exists(
        setting::<String>("sessions-table")?,
        signed_with_it()?,
    ));
    Ok(delete(setting::<String>("signing-keys-table")?)
        .matching(all(unused))
        .order_by(retired_at))
}

/// By the key's id, and by the tenant too where ids are unique within a tenant only.
fn signed_with_it() -> Result<Join> {
    let key: String = setting("sessions-signing-key-column")?;
    let id: String = setting("signing-keys-id-column")?;
    let tenant: Option<String> = setting("signing-keys-tenant-column")?;

    let by_id = join(key).to(id);
    Ok(match tenant {
        Some(tenant) => by_id
            .and(setting::<String>("sessions-tenant-column")?)
            .to(tenant),
        None => by_id,
    })
}

/// By an expiry, which every session has from its beginning.
fn past(cutoff: Timestamp, expiry: &str) -> Result<Sweep> {
    let sessions = table(setting::<String>("sessions-table")?);
    let by = sessions.expiry(setting::<String>(expiry)?);
    Ok(older_than(cutoff, expiry)?.also_touches(by))
}

fn older_than(cutoff: Timestamp, time: &str) -> Result<Sweep> {
    let time: String = setting(time)?;
    let over = column(&time).older_than(cutoff);
    Ok(delete_sessions(over)?.order_by(time))
}

fn delete_sessions(eligible: Condition) -> Result<Sweep> {
    Ok(delete(setting::<String>("sessions-table")?).matching(eligible))
}
