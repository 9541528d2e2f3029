//! Hierarchies against an in-memory model: random tables and foreign keys, random dependents and
//! unlinks, updates, chains.

mod cases;
mod chains;
mod oracle;
mod oracle_cases;
mod random;
mod requests;
mod tables;
mod truth;
mod world;
