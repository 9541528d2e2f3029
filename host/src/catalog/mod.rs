//! What the database looks like: tables, columns, keys, foreign keys, indexes, triggers,
//! partitions, privileges.
//!
//! Loaded once a run from the database's own system tables. Identifiers in SQL come from here and
//! from nowhere else: a plugin's spelling is only ever looked up.
//!
//! ```
//! # use besom::catalog::Catalog;
//! # async fn example(connection: &mut sqlx::SqliteConnection) -> Result<(), Box<dyn std::error::Error>> {
//! let catalog = Catalog::load_sqlite(connection).await?;
//! let tokens = catalog.table("oauth2_access_tokens")?;
//! for child in &tokens.referenced_by {
//!     println!("{} refers to {}", child.child, tokens.id);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The system tables are read by several queries outside a transaction (no transaction may be left
//! open by a dropped future), so a table that changes at that moment may be seen half old, half
//! new. That is no worse than a change right after: every statement is checked by the database
//! again.

mod affinity;
mod behind;
mod beside;
mod checks;
mod clocks;
mod error;
mod keys;
mod lone_defaults;
mod lookup;
mod never;
mod not_null;
mod noting;
mod null_passes;
mod operators;
mod partitions;
mod postgres;
mod probe;
mod quote;
mod read;
mod role;
mod serving;
mod sessions;
mod sqlite;
mod time_forms;
mod trigger;
mod types;

pub use affinity::Affinity;
pub use behind::{Behind, Event, Facts, Rule, Unpublishable};
pub(crate) use beside::{Becomes, Meeting, meeting};
pub(crate) use clocks::same_clock;
pub use clocks::{Clock, ClockWriter, Shows};
pub use error::{CatalogError, TimeFormError};
pub use keys::{ForeignKey, Obstacle, OnDelete};
pub(crate) use lone_defaults::Constant;
pub use lookup::UnknownTable;
pub(crate) use lookup::parts as name_parts;
pub use operators::{Equality, Operators};
pub use postgres::SessionZone;
pub use probe::{Classes, EARLIEST_ID, IdForm, IdShape, Presence, ProbeError, TimeProbe};
pub(crate) use probe::{NETWORK, NONE, ZEROS};
pub use quote::quote_ident;
pub(crate) use quote::spell;
pub(crate) use read::{Raw, Reading, Written};
pub use role::{Held, Role};
pub(crate) use serving::is_converted;
pub use serving::{Fixed, Serving, Term};
pub(crate) use sessions::time_zone;
pub use time_forms::{TimeForm, Times};
pub use trigger::{Notes, Trigger, TriggerTiming};
pub use types::{
    Collation, Column, Index, IndexColumn, Kind, Privileges, Table, TableId, TableKind,
};

use std::collections::BTreeMap;
use std::sync::Arc;

/// The two kinds of database besom works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// PostgreSQL 14 or later.
    Postgres,
    /// SQLite 3.40 or later.
    Sqlite,
}

/// Why nothing can be changed in sessions of a PostgreSQL role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadOnly {
    /// The server follows another.
    Standby,
    /// `default_transaction_read_only` is on.
    ByDefault {
        /// The name of the database.
        database: String,
    },
}

/// Everything besom knows about the shape of one database.
#[derive(Debug, Clone)]
pub struct Catalog {
    dialect: Dialect,
    /// Schemas in the order in which an unqualified name is looked up.
    search_path: Vec<String>,
    role: Option<String>,
    replica: bool,
    read_only: Option<ReadOnly>,
    version: Option<i64>,
    vacuumed: bool,
    zones: Vec<SessionZone>,
    told_zones: String,
    /// By the operator's word.
    written_in: Option<chrono_tz::Tz>,
    tables: BTreeMap<TableId, Arc<Table>>,
}

impl Catalog {
    /// Reads the tables, views and foreign tables of every schema that the connected role may use,
    /// except the system's own and the temporary ones.
    ///
    /// # Errors
    ///
    /// A server before PostgreSQL 14, and whatever the connection fails with.
    pub async fn load_postgres(connection: &mut sqlx::PgConnection) -> Result<Self, CatalogError> {
        postgres::load(connection).await
    }

    /// Reads the tables, views and virtual tables of the `main` database, except SQLite's own.
    ///
    /// # Errors
    ///
    /// Whatever the connection fails with.
    pub async fn load_sqlite(
        connection: &mut sqlx::SqliteConnection,
    ) -> Result<Self, CatalogError> {
        sqlite::load(connection).await
    }

    /// A catalog of these tables, taken as they are.
    pub fn from_tables(
        dialect: Dialect,
        search_path: Vec<String>,
        tables: impl IntoIterator<Item = Table>,
    ) -> Self {
        let tables = tables
            .into_iter()
            .map(|table| (table.id.clone(), Arc::new(table)))
            .collect();
        Self {
            dialect,
            search_path,
            role: None,
            replica: false,
            read_only: None,
            version: None,
            vacuumed: false,
            zones: Vec::new(),
            told_zones: String::new(),
            written_in: None,
            tables,
        }
    }

    /// The same catalog, seen by this role.
    #[must_use]
    pub(crate) fn seen_by(mut self, role: String) -> Self {
        self.role = Some(role);
        self
    }

    /// The same catalog, of sessions that act as a replica does.
    #[must_use]
    pub(crate) fn seen_as_replica(mut self, replica: bool) -> Self {
        self.replica = replica;
        self
    }

    /// The same catalog, of sessions that cannot change anything.
    #[must_use]
    pub(crate) fn seen_read_only(mut self, read_only: Option<ReadOnly>) -> Self {
        self.read_only = read_only;
        self
    }

    /// The same catalog, read when the schema had this version.
    #[must_use]
    pub(crate) fn at_version(mut self, version: i64) -> Self {
        self.version = Some(version);
        self
    }

    /// PostgreSQL: `session_replication_role` is `replica`, so that no foreign key acts.
    pub fn is_replica(&self) -> bool {
        self.replica
    }

    /// PostgreSQL: why nothing can be changed in the role's sessions; `None`: it can.
    pub fn read_only(&self) -> Option<&ReadOnly> {
        self.read_only.as_ref()
    }

    /// SQLite: the schema's version, which every change of any part of it raises.
    pub fn version(&self) -> Option<i64> {
        self.version
    }

    /// PostgreSQL: an expression for what [`Facts`] has of the table `known.oid` and the event `known.event`;
    /// `partitioned`: it may be a partitioned table.
    pub(crate) fn facts(partitioned: bool) -> String {
        postgres::facts(partitioned)
    }

    /// PostgreSQL: an expression for what [`Facts`] has of the column `used.name` of the table `used.oid`; where
    /// that is empty, of the table itself.
    pub(crate) fn named() -> String {
        postgres::named()
    }

    /// The same catalog, of a SQLite database in which tables and indexes lie in the order in which VACUUM puts them.
    #[must_use]
    pub(crate) fn vacuumed(mut self, vacuumed: bool) -> Self {
        self.vacuumed = vacuumed;
        self
    }

    /// SQLite: tables and indexes lie in the order in which VACUUM puts them, and hardly anything else does.
    pub(crate) fn is_vacuumed(&self) -> bool {
        self.vacuumed
    }

    /// The same catalog of a database whose sessions are in these zones.
    #[must_use]
    pub(crate) fn in_zones(mut self, zones: Vec<SessionZone>, told: String) -> Self {
        self.zones = zones;
        self.told_zones = told;
        self
    }

    /// PostgreSQL: what databases and roles tell sessions about their zone, in one text.
    pub(crate) fn told_zones(&self) -> &str {
        &self.told_zones
    }

    /// The zones other than UTC that sessions of this PostgreSQL database begin in.
    pub fn zones(&self) -> &[SessionZone] {
        &self.zones
    }

    /// The connected role, whose privileges the tables tell; `None` on SQLite, which has none.
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// Which kind of database this is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The table of exactly that schema and name.
    pub fn by_id(&self, id: &TableId) -> Option<&Arc<Table>> {
        self.tables.get(id)
    }

    /// Every table, by schema and name.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values()
    }
}
