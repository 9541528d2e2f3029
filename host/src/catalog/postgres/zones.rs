//! In which zones sessions begin: what `now()` leaves in a `timestamp` without a zone.
//!
//! besom's own sessions are in UTC, whatever the server says, so the server's own setting has to be looked up where it
//! was made: in its file, or among the words that it was started with. A role of few rights may do neither.

use chrono_tz::Tz;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::super::{CatalogError, Shows};

/// Where sessions begin in another zone than UTC, or may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionZone {
    /// For whom, in words.
    pub whom: String,
    /// What it is set to; `None`: the setting is not shown to the role.
    pub zone: Option<String>,
    /// The zone, where the tz database has a name for it.
    pub known: Option<Tz>,
}

impl SessionZone {
    /// Nothing where that is UTC.
    fn told((whom, zone): (String, String)) -> Option<Self> {
        let shows = Shows::set(&zone);
        (shows != Shows::Utc).then(|| Self {
            whom,
            known: shows.zone(),
            zone: Some(zone),
        })
    }
}

const TOLD: &str = "
SELECT concat_ws(' in ', 'role `' || r.rolname || '`', 'database `' || d.datname || '`'),
       substring(told FROM '=(.*)$')
FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
CROSS JOIN LATERAL unnest(s.setconfig) AS told
WHERE (s.setdatabase = 0 OR d.datname = current_database()) AND told ILIKE 'timezone=%'
ORDER BY 1";

/// An expression: what databases and roles tell the sessions of this database about their zone; NULL: nothing. Short of
/// the server's file, which takes a restart or a reload of everybody, that is how a zone changes.
pub(in crate::catalog) const TOLD_NOW: &str = "(
    SELECT string_agg(concat_ws(' ', 'zone', s.setdatabase, s.setrole, told), E'\\n' ORDER BY s.setdatabase, s.setrole)
    FROM pg_catalog.pg_db_role_setting s
    CROSS JOIN LATERAL unnest(s.setconfig) AS told
    WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database()))
      AND told ILIKE 'timezone=%')";

/// [`TOLD_NOW`], as it is now.
pub(super) async fn told(connection: &mut PgConnection) -> Result<String, CatalogError> {
    let told: Option<String> = sqlx::query_scalar(AssertSqlSafe(format!("SELECT {TOLD_NOW}")))
        .persistent(false)
        .fetch_one(connection)
        .await
        .map_err(CatalogError::reading("zones of databases and roles"))?;
    Ok(told.unwrap_or_default())
}

const MAY_LOOK: &str = "
SELECT has_table_privilege('pg_catalog.pg_file_settings', 'SELECT')
   AND has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE')
   AND has_function_privilege('pg_catalog.pg_read_file(text)', 'EXECUTE')";

/// What the server was started with counts more than what its file says.
const OF_SERVER: &str = "
SELECT coalesce(
    substring(pg_catalog.pg_read_file('postmaster.opts') FROM '(?i)[\" -]timezone=([^\"'' ]+)'),
    (SELECT setting FROM pg_catalog.pg_file_settings WHERE lower(name) = 'timezone' AND applied))";

/// The zones other than UTC, and what is not shown.
pub(super) async fn load(connection: &mut PgConnection) -> Result<Vec<SessionZone>, CatalogError> {
    let told: Vec<(String, String)> = sqlx::query_as(TOLD)
        .persistent(false)
        .fetch_all(&mut *connection)
        .await
        .map_err(CatalogError::reading("zones of databases and roles"))?;
    let mut zones: Vec<_> = told.into_iter().filter_map(SessionZone::told).collect();
    let may: bool = sqlx::query_scalar(MAY_LOOK)
        .persistent(false)
        .fetch_one(&mut *connection)
        .await
        .map_err(CatalogError::reading("rights on the server's settings"))?;
    let whom = "the server".to_owned();
    if may {
        let zone: Option<String> = sqlx::query_scalar(OF_SERVER)
            .persistent(false)
            .fetch_one(connection)
            .await
            .map_err(CatalogError::reading("zone of the server"))?;
        // Without a word PostgreSQL is in GMT.
        zones.extend(zone.and_then(|zone| SessionZone::told((whom, zone))));
    } else {
        zones.push(SessionZone {
            whom,
            zone: None,
            known: None,
        });
    }
    Ok(zones)
}
