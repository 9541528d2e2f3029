//! End-to-end tests against real PostgreSQL and SQLite, in one binary because linking takes long.

mod auth_schema;
mod catalog;
mod cli;
mod demo_data;
mod docs;
mod fence;
mod harness;
mod hostile;
mod locking;
mod model;
mod windows;
