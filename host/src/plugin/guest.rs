//! One guest: a fresh store with everything that one call may use, and what became of it.
//!
//! A store serves one call and is dropped after it. A cancelled one must not be entered again,
//! and nothing that a plugin leaves behind reaches its next call.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{ResourceTable, ResourceTableError};
use wasmtime::{Store, Trap, UpdateDeadline, WasmBacktrace};
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxView, WasiView};

use crate::request::Timestamp;
use crate::sweep::RunContext;

use super::engine::Engine;
use super::error::{CallError, Cause, Site};
use super::guest_log::GuestLog;
use super::limits::{Allocations, Limits};
use super::output::Printed;
use super::settings::{SettingValue, Settings};
use super::usage::{Meter, Usage};
use super::wasi;

/// What a guest may do at the time of a call.
pub(super) enum Phase {
    /// `describe`: nothing.
    Describe,
    /// `access`: ask for its settings and log.
    Probe(Timestamp),
    /// `preflight`: look at rows, too.
    Look(Arc<RunContext>),
    /// `run`: everything.
    Run(Arc<RunContext>),
}

impl Phase {
    /// The instant that the guest takes for the present; `describe` and `access` depend on none.
    pub(super) fn now(&self) -> Timestamp {
        match self {
            Self::Describe => Timestamp(0),
            Self::Probe(now) => *now,
            Self::Look(context) | Self::Run(context) => context.now(),
        }
    }
}

/// What the host knows while a guest runs.
pub(super) struct State {
    pub(super) table: ResourceTable,
    pub(super) settings: Settings,
    pub(super) log: GuestLog,
    pub(super) limits: Arc<Limits>,
    pub(super) phase: Phase,
    pub(super) site: Arc<Site>,
    wasi: WasiCtx,
    printed: Printed,
    allocations: Allocations,
    meter: Meter,
    calls: u64,
    ticks: u64,
}

impl State {
    /// Every call of a function of the contract begins here: it is counted, and the guest has
    /// shown that it does not merely spin.
    pub(super) fn enter(&mut self, import: &'static str) -> Result<(), Cause> {
        self.ticks = 0;
        self.calls += 1;
        if matches!(self.phase, Phase::Describe) {
            return Err(Cause::NotHere {
                import,
                export: self.site.export,
            });
        }
        if self.calls > self.limits.host_calls {
            return Err(Cause::HostCalls {
                limit: self.limits.host_calls,
            });
        }
        Ok(())
    }

    /// The host's own work for a call of the guest's, which is none of the guest's time.
    pub(super) fn for_guest<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        self.meter.beside(work)
    }

    /// What the guest has taken so far.
    pub(super) fn usage(&self) -> Usage {
        Usage {
            memory_peak: self.allocations.memory_peak(),
            cpu: self.meter.cpu(),
        }
    }

    /// What counts the guest's time.
    pub(super) fn meter(&self) -> Meter {
        self.meter.clone()
    }

    /// The value of a setting that the manifest declares; `None`: nobody gives it one.
    pub(super) fn declared_setting(&self, name: String) -> Result<Option<&SettingValue>, Cause> {
        if self.settings.declares(&name) {
            return Ok(self.settings.get(&name));
        }
        let declared = self
            .settings
            .iter()
            .map(|(name, _)| name.to_owned())
            .collect();
        Err(Cause::UndeclaredSetting { name, declared })
    }

    /// The guest had a turn of the clock without calling the host.
    fn tick(&mut self) -> Result<(), Cause> {
        self.ticks += 1;
        if self.ticks > self.limits.spin_ticks() {
            return Err(Cause::Spin {
                budget: self.limits.spin,
            });
        }
        Ok(())
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// A store for one call.
pub(super) fn store(engine: &Engine, site: Site, settings: Settings, phase: Phase) -> Store<State> {
    let limits = engine.shared_limits();
    let site = Arc::new(site);
    let run = match &phase {
        Phase::Run(context) => context.run().to_string(),
        Phase::Describe | Phase::Probe(_) | Phase::Look(_) => String::new(),
    };
    let rehearsal = matches!(&phase, Phase::Run(context) if context.is_rehearsal());
    let log = || {
        let log = GuestLog::new(Arc::clone(&site), run.clone(), Arc::clone(&limits));
        if rehearsal { log.muted() } else { log }
    };
    let printed = Printed::new(log());
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits.handles);
    let state = State {
        table,
        settings,
        log: log(),
        wasi: wasi::context(phase.now(), &printed),
        printed,
        allocations: Allocations::from(&*limits),
        meter: Meter::default(),
        calls: 0,
        ticks: 0,
        limits: Arc::clone(&limits),
        phase,
        site,
    };
    let mut store = Store::new(engine.wasmtime(), state);
    store.limiter(|state| &mut state.allocations);
    store.set_hostcall_fuel(limits.bytes_per_call);
    // Set before anything is instantiated: a start function can spin as well as `run`.
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut context| {
        context.data_mut().tick()?;
        // A plain `Yield` would put the guest in front of everybody who waits.
        Ok(UpdateDeadline::YieldCustom(
            1,
            Box::pin(tokio::task::yield_now()),
        ))
    });
    store
}

/// Waits for a call into the guest, no longer than `wall`, and tells what became of it.
pub(super) async fn within<T>(
    wall: Duration,
    call: impl Future<Output = wasmtime::Result<T>> + Send,
) -> wasmtime::Result<T> {
    match tokio::time::timeout(wall, call).await {
        Ok(result) => result,
        Err(_) => Err(wasmtime::Error::new(Cause::Wall { limit: wall })),
    }
}

/// Ends a call: the guest's last words go to the log, and an error is told in the host's terms.
pub(super) fn settle<T>(store: Store<State>, result: wasmtime::Result<T>) -> Result<T, CallError> {
    let state = store.data();
    let said = state.printed.finish();
    let error = match result {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(readable);
    let site = Site::clone(&state.site);
    let error = CallError::new(cause(&error, said, &state.limits), site, backtrace);
    if let Some(frames) = error.backtrace() {
        tracing::debug!(target: "besom::guest", plugin = error.site().plugin, %error, "{frames}");
    }
    Err(error)
}

fn cause(error: &wasmtime::Error, said: Option<String>, limits: &Limits) -> Cause {
    if let Some(cause) = error.downcast_ref::<Cause>() {
        return cause.clone();
    }
    if matches!(
        error.downcast_ref::<ResourceTableError>(),
        Some(ResourceTableError::Full)
    ) {
        return Cause::Handles {
            limit: limits.handles,
        };
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return Cause::Trap { trap: *trap, said };
    }
    if error.downcast_ref::<I32Exit>().is_some() {
        return Cause::Exited { said };
    }
    let root = error.root_cause();
    // The type is private to wasmtime, so its name has to do; a test of ours passes a string that
    // is too large.
    if format!("{root:?}").contains("HostcallFuelExhausted") {
        return Cause::TooLarge {
            limit: limits.bytes_per_call,
        };
    }
    Cause::Broken(root.to_string())
}

/// The frames alone, one a line: wasmtime's own text begins with a heading and pads.
fn readable(backtrace: &WasmBacktrace) -> String {
    let text = backtrace.to_string();
    let frames: Vec<&str> = text.lines().skip(1).map(str::trim).collect();
    frames.join("\n")
}
