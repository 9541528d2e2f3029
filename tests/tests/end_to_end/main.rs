//! End-to-end tests against real PostgreSQL and SQLite, in one binary because linking takes long.

mod catalog;
mod harness;
mod model;
