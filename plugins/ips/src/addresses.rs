//! The address that a session was last used from: erased, or cut down to its network.

use besom_plugin::prelude::*;

/// Sessions last active before `cutoff` whose address can be NULL.
pub(crate) fn nullable(kind: &str, cutoff: Timestamp) -> Result<Sweep> {
    let ip: String = setting(&format!("{kind}-ip-column"))?;
    let known = column(&ip).is_not_null();
    forget(kind, ip, known, Value::Null, cutoff)
}

/// Sessions last active before `cutoff` whose address is a text that cannot be NULL.
pub(crate) fn not_null(kind: &str, cutoff: Timestamp) -> Result<Sweep> {
    let ip: String = setting(&format!("{kind}-ip-column"))?;
    let known = column(&ip).not_equals("");
    forget(kind, ip, known, "".into(), cutoff)
}

fn forget(
    kind: &str,
    ip: String,
    known: Condition,
    nothing: Value,
    cutoff: Timestamp,
) -> Result<Sweep> {
    let last_active_at: String = setting(&format!("{kind}-last-active-at-column"))?;
    let inactive = all([known, column(&last_active_at).older_than(cutoff)]);

    let sessions = update(setting::<String>(&format!("{kind}-table"))?);
    let forgetful = if setting("coarse")? {
        let (ipv4, ipv6) = (prefix("ipv4-prefix", 32)?, prefix("ipv6-prefix", 128)?);
        sessions.set_network(ip, ipv4, ipv6)
    } else {
        sessions.set(ip, nothing)
    };
    Ok(forgetful.matching(inactive).order_by(last_active_at))
}

/// How many bits of an address stay.
fn prefix(name: &str, bits: u8) -> Result<u8> {
    let prefix: i64 = setting(name)?;
    match u8::try_from(prefix) {
        Ok(prefix) if prefix <= bits => Ok(prefix),
        _ => Err(Error::invalid(
            "bad-prefix",
            format!(
                "setting `{name}` is {prefix}: such an address has {bits} bits, so give it 0 to {bits}"
            ),
        )),
    }
}
