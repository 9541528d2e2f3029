//! A ledger that woke up in another place than it was written in.

use crate::database::Database;
use crate::ledger::{self, Awoken, LedgerError, Scope};

/// Pauses everything where the database is a restored or copied one: its schedules and the runs that
/// were under way are another database's.
pub(super) async fn look(database: &Database, host: &str) -> Result<(), LedgerError> {
    match ledger::awoken(database).await? {
        Awoken::Here => Ok(()),
        Awoken::Unknown(why) => {
            tracing::info!(
                "whether this database was restored from a backup cannot be told: {why}; GRANT EXECUTE \
                 ON FUNCTION pg_control_system() lets besom look"
            );
            Ok(())
        }
        Awoken::Elsewhere(why) => {
            // First the pause: whoever dies in between pauses again.
            ledger::pause(database, &Scope::Everything, &why, host).await?;
            ledger::settle_here(database).await?;
            tracing::warn!("everything is paused: {why}. `besom resume` lets jobs run here");
            Ok(())
        }
    }
}
