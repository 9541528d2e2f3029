//! End-to-end tests against real PostgreSQL and SQLite, in one binary because linking takes long.

mod auth;
mod auth_schema;
mod catalog;
mod cli;
mod demo_data;
mod docs;
mod families;
mod fence;
mod grants;
mod harness;
mod hierarchy;
mod hostile;
mod ips;
mod layouts;
mod locking;
mod min_age;
mod model;
mod once_wrong;
mod preflight;
mod queue;
mod races;
mod readers;
mod scenarios;
mod sessions;
mod tokens;
mod windows;
