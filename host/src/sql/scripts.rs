//! Statements without values, for a session in the hands of a batch.

/// PostgreSQL: runs what waits for the commit, constraints and triggers alike, and has what comes run at once.
pub(crate) const RUN_DEFERRED: &str = "SET CONSTRAINTS ALL IMMEDIATE";

/// SQLite: has the connection learn what others have changed in the schema.
pub(crate) const KNOW_THE_SCHEMA: &str = "SELECT 1 FROM sqlite_schema LIMIT 1";
