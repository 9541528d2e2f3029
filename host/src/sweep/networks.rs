//! The addresses of a window and their networks, for updates that keep only those.

use std::collections::BTreeMap;

use super::network;
use super::transaction::Failed;
use crate::database::Session;
use crate::sql::{Networks, Plan, Window};

/// Reads the distinct addresses of the rows in question (of the window, or of the whole table) and
/// answers the networks of those that are none yet, by column; `None`: the plan assigns none.
pub(super) async fn read(
    session: &mut Session,
    plan: &Plan,
    window: Option<&Window>,
) -> Result<Option<BTreeMap<String, Networks>>, Failed> {
    let mut found = BTreeMap::new();
    for (column, ipv4_prefix, ipv6_prefix) in plan.network_columns() {
        let mut known = Networks::new();
        for row in session.fetch(&plan.addresses(column, window)?).await? {
            let Some(address) = row.get(0).as_text() else {
                continue;
            };
            if let Some(coarse) = network::coarse(address, ipv4_prefix, ipv6_prefix) {
                known.insert(address.to_owned(), coarse);
            }
        }
        found.insert(column.to_owned(), known);
    }
    Ok((!found.is_empty()).then_some(found))
}
