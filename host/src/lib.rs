//! besom: a host runtime for database cleanup.
//!
//! Sandboxed WebAssembly plugins say which rows have outlived their purpose; the host decides
//! whether they may, writes the SQL, commits it in small batches and accounts for every row.
//!
//! The rooms, in the order in which a batch passes them:
//!
//! | room | what it knows |
//! |---|---|
//! | [`config`] | `besom.toml` as validated types |
//! | [`schedule`] | when jobs are due |
//! | [`service`] | jobs by their schedules: scheduler, worker, reload, shutdown |
//! | [`runner`] | one run from claim to outcome |
//! | [`store`] | versions of plugins in the ledger, and which of them runs |
//! | [`plugin`] | components: engine, limits, contract bindings, settings |
//! | [`preflight`] | what stands in a job's way, found before it runs |
//! | [`sweep`] | windows, budgets, checkpoints: which batch comes next |
//! | [`scope`] | grants; the only door to SQL |
//! | [`sql`] | an authorised request and a window, as statements |
//! | [`ledger`] | runs, batches, checkpoints, leases |
//! | [`database`] | pools, the clock, work that finishes whatever is dropped |
//! | [`catalog`] | what the database looks like |
//! | [`request`] | the words that the rooms share |

pub mod catalog;
pub mod cli;
pub mod config;
pub mod database;
pub mod ledger;
pub mod plugin;
pub mod preflight;
pub mod request;
pub mod runner;
pub mod schedule;
pub mod scope;
pub mod service;
pub mod sql;
pub mod store;
pub mod sweep;
