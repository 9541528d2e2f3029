//! What one guest may use up, and why that much.

use std::time::Duration;

use wasmtime::ResourceLimiter;

use super::error::Cause;

/// How often the engine's clock ticks. Fine enough that a spinning guest is stopped close to its
/// budget and that others get their turn; coarse enough that the ticking costs nothing.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// What one call into a plugin may use up. The defaults leave an honest plugin, also one in
/// Python, an order of magnitude of room.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a component file. A JavaScript component has 13 MB, a Python one 18 MB.
    pub component_bytes: usize,
    /// Bytes of linear memory, each memory of the guest. Python needs about 40 MB.
    pub memory_bytes: usize,
    /// Elements a table. A table holds function pointers: Python's has 8 000.
    pub table_elements: usize,
    /// Core instances a call: a component is a handful of modules and adapters.
    pub instances: usize,
    /// Tables a call.
    pub tables: usize,
    /// Memories a call: one a module.
    pub memories: usize,
    /// Conditions, sweeps and WASI handles alive at a time. A condition is used up by the one
    /// around it, so a plugin holds a few at a time, however large what it builds.
    pub handles: usize,
    /// Bytes of strings and lists in one call between guest and host: a page of rows fits, and
    /// the host never copies more than this on a guest's word.
    pub bytes_per_call: usize,
    /// Time that a guest may compute without calling the host. It is counted in turns of the
    /// engine's clock that the guest really had, so a busy machine does not shorten it.
    pub spin: Duration,
    /// Calls of the contract's functions in one call of the plugin. A sweep of a hundred million
    /// rows needs 100 000; more than ten times that is a loop.
    pub host_calls: u64,
    /// Time for `describe`, `access` and `preflight` from start to end.
    pub probe_wall: Duration,
    /// Lines of log a call: enough to follow what went wrong, too few to fill a disk.
    pub log_lines: u32,
    /// Bytes a line of log.
    pub log_line_bytes: usize,
    /// Bytes printed to stdout and stderr together, a call: a panic with its message fits.
    pub output_bytes: usize,
    /// Nesting of a condition: whoever walks the tree may recurse without looking at the stack.
    pub condition_depth: u32,
    /// Terms of a condition, values of `one-of` included: PostgreSQL takes 65 535 binds, and its
    /// planner has long become slow there.
    pub condition_terms: u32,
    /// Bytes of names and values in a condition: ten thousand values of a hundred bytes. A term may
    /// be as large as a call, and the host must hold every condition that has a handle.
    pub condition_bytes: usize,
    /// Dependents of a sweep. Each is a statement, or a part of one, in every batch; the largest
    /// hierarchy that ships has four.
    pub dependents: usize,
    /// Dependents that hang on each other. Each level is one more join, and SQLite joins at most
    /// 64 tables.
    pub dependent_depth: usize,
    /// Columns that a sweep assigns. Each is evaluated and compared for every row looked at.
    pub assignments: usize,
    /// Columns that a reader shows. Each is a list in the guest's memory.
    pub read_columns: usize,
    /// Pairs of columns in the join of a dependent or of a related value: as many as PostgreSQL
    /// lets an index or a key have.
    pub join_pairs: usize,
    /// Bytes of names and values in the dependents and assignments of a sweep. They stay in memory
    /// as long as the sweep and go to the database with each batch.
    pub sweep_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            component_bytes: 32 << 20,
            memory_bytes: 128 << 20,
            table_elements: 20_000,
            instances: 64,
            tables: 16,
            memories: 8,
            handles: 256,
            bytes_per_call: 8 << 20,
            spin: Duration::from_secs(1),
            host_calls: 1_000_000,
            probe_wall: Duration::from_secs(10),
            log_lines: 1_000,
            log_line_bytes: 4 << 10,
            output_bytes: 8 << 10,
            condition_depth: 64,
            condition_terms: 10_000,
            condition_bytes: 1 << 20,
            dependents: 64,
            dependent_depth: 16,
            assignments: 100,
            read_columns: 100,
            join_pairs: 32,
            sweep_bytes: 1 << 20,
        }
    }
}

impl Limits {
    /// The spin budget in ticks of the engine's clock, at least one.
    pub(super) fn spin_ticks(&self) -> u64 {
        let ticks = self.spin.as_millis() / TICK.as_millis();
        u64::try_from(ticks).unwrap_or(u64::MAX).max(1)
    }
}

/// Watches what a guest allocates. It stops the guest at the limit instead of answering that the
/// growth failed, because what a guest makes of that is an abort without a reason.
#[derive(Debug)]
pub(super) struct Allocations {
    /// What the guest's memories have together. None of them shrinks while the store lasts.
    held: usize,
    /// The latest growth, in case that it fails after all.
    growth: usize,
    memory_bytes: usize,
    table_elements: usize,
    instances: usize,
    tables: usize,
    memories: usize,
}

impl From<&Limits> for Allocations {
    fn from(limits: &Limits) -> Self {
        Self {
            held: 0,
            growth: 0,
            memory_bytes: limits.memory_bytes,
            table_elements: limits.table_elements,
            instances: limits.instances,
            tables: limits.tables,
            memories: limits.memories,
        }
    }
}

impl Allocations {
    /// Bytes of linear memory that the guest had at most.
    pub(super) fn memory_peak(&self) -> u64 {
        self.held as u64
    }
}

impl ResourceLimiter for Allocations {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.memory_bytes {
            let cause = Cause::Memory {
                asked: desired,
                limit: self.memory_bytes,
            };
            return Err(wasmtime::Error::new(cause));
        }
        self.growth = desired.saturating_sub(current);
        self.held = self.held.saturating_add(self.growth);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.held -= std::mem::take(&mut self.growth);
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.table_elements {
            let cause = Cause::Table {
                asked: desired,
                limit: self.table_elements,
            };
            return Err(wasmtime::Error::new(cause));
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}
