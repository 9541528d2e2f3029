//! A loaded plugin, and the calls into it.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::Store;

use crate::request::Timestamp;
use crate::sweep::RunContext;

use super::describe::Described;
use super::digest::Digest;
use super::engine::Engine;
use super::error::{CallError, Cause, Site};
use super::guest::{self, Phase, State};
use super::guest_log::escape;
use super::manifest::{Finding, Manifest, TableAccess};
use super::settings::Settings;
use super::usage::Usage;
use super::v1;

/// A loaded plugin: compiled, checked and described. A clone is another handle to the same one.
///
/// Every call gets an instance of its own, so calls may overlap and none sees another's memory.
/// A call's future may be dropped: the guest is gone with it, and work that it had begun in the
/// database is the sweep's to finish.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

struct Loaded {
    engine: Engine,
    component: v1::Component,
    manifest: Manifest,
    digest: Digest,
    contract: String,
    imports: Vec<String>,
}

impl Plugin {
    pub(super) fn new(
        engine: Engine,
        component: v1::Component,
        manifest: Manifest,
        digest: Digest,
        contract: String,
        imports: Vec<String>,
    ) -> Self {
        Self(Arc::new(Loaded {
            engine,
            component,
            manifest,
            digest,
            contract,
            imports,
        }))
    }

    /// What the plugin says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// The digest of its component.
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }

    /// The version of the contract that it was built against, such as `1.0.0`.
    pub fn contract(&self) -> &str {
        &self.0.contract
    }

    /// Every interface that it imports, in the component's order.
    pub fn imports(&self) -> &[String] {
        &self.0.imports
    }

    /// What the job touches under these settings.
    ///
    /// # Errors
    ///
    /// [`Cause::Failed`] with the plugin's own words about its settings, or a misbehaviour.
    pub async fn access(
        &self,
        job: &str,
        settings: &Settings,
    ) -> Result<Vec<TableAccess>, CallError> {
        let phase = Phase::Probe(Timestamp(0));
        let mut store = self.store("access", job, settings, phase)?;
        let wall = self.0.engine.limits().probe_wall;
        let call = v1::access(&self.0.component, &mut store, job);
        let answer = guest::within(wall, call).await;
        said(store, answer)
    }

    /// Lets the plugin look for what would make the job fail or do harm, in a
    /// [`RunContext::looking`]: it may count and read rows, and change none.
    ///
    /// # Errors
    ///
    /// As [`Plugin::access`].
    pub async fn preflight(
        &self,
        job: &str,
        settings: &Settings,
        context: Arc<RunContext>,
    ) -> Result<Vec<Finding>, CallError> {
        let mut store = self.store("preflight", job, settings, Phase::Look(context))?;
        let wall = self.0.engine.limits().probe_wall;
        let call = v1::preflight(&self.0.component, &mut store, job);
        let answer = guest::within(wall, call).await;
        said(store, answer)
    }

    /// Runs the job until it is drained or suspended, or `wall` has passed.
    ///
    /// A batch that the guest had begun when the call ended may still commit: wait for the
    /// context's work before the run's outcome is recorded.
    ///
    /// # Errors
    ///
    /// As [`Plugin::access`]; [`Cause::Wall`] after `wall`.
    pub async fn run(
        &self,
        job: &str,
        settings: &Settings,
        context: Arc<RunContext>,
        wall: Duration,
    ) -> Result<(), CallError> {
        self.run_metered(job, settings, context, wall).await.0
    }

    /// The same with what the guest took, however the call ended.
    pub async fn run_metered(
        &self,
        job: &str,
        settings: &Settings,
        context: Arc<RunContext>,
        wall: Duration,
    ) -> (Result<(), CallError>, Usage) {
        let mut store = match self.store("run", job, settings, Phase::Run(context)) {
            Ok(store) => store,
            Err(error) => return (Err(error), Usage::default()),
        };
        let meter = store.data().meter();
        let call = meter.guest(v1::run(&self.0.component, &mut store, job));
        let answer = guest::within(wall, call).await;
        let usage = store.data().usage();
        (said(store, answer), usage)
    }

    /// Runs the job in a [`RunContext::rehearsal`], where every sweep is opened and none goes on. It
    /// has the time of a probe, and what it logs is dropped: the run itself will say it.
    ///
    /// # Errors
    ///
    /// As [`Plugin::run`].
    pub async fn rehearse(
        &self,
        job: &str,
        settings: &Settings,
        context: Arc<RunContext>,
    ) -> Result<(), CallError> {
        let wall = self.0.engine.limits().probe_wall;
        self.run(job, settings, context, wall).await
    }

    fn store(
        &self,
        export: &'static str,
        job: &str,
        settings: &Settings,
        phase: Phase,
    ) -> Result<Store<State>, CallError> {
        let manifest = self.manifest();
        let site = Site {
            plugin: manifest.name.clone(),
            version: manifest.version.to_string(),
            job: Some(job.to_owned()),
            export,
        };
        if manifest.job(job).is_none() {
            let jobs = manifest.jobs.iter().map(|job| job.name.clone()).collect();
            let cause = Cause::UnknownJob {
                name: job.to_owned(),
                jobs,
            };
            return Err(CallError::new(cause, site, None));
        }
        Ok(guest::store(&self.0.engine, site, settings.clone(), phase))
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.0.manifest.name)
            .field("version", &self.0.manifest.version)
            .field("digest", &self.0.digest)
            .finish_non_exhaustive()
    }
}

/// Asks a component that is being loaded what it is.
pub(super) async fn describe(
    engine: &Engine,
    component: &v1::Component,
) -> Result<Described, CallError> {
    let site = Site {
        plugin: String::new(),
        version: String::new(),
        job: None,
        export: "describe",
    };
    let mut store = guest::store(engine, site, Settings::default(), Phase::Describe);
    let call = v1::describe(component, &mut store);
    let answer = guest::within(engine.limits().probe_wall, call).await;
    guest::settle(store, answer)
}

/// Ends a call whose answer may be the plugin's own error. What it says is for a terminal and a
/// log, so it is escaped as its log lines are.
fn said<T>(
    store: Store<State>,
    answer: wasmtime::Result<Result<T, Cause>>,
) -> Result<T, CallError> {
    let room = store.data().limits.log_line_bytes;
    let answer = answer.and_then(|answer| {
        answer.map_err(|cause| {
            wasmtime::Error::new(match cause {
                Cause::Failed(text) => Cause::Failed(escape(&text, room)),
                other => other,
            })
        })
    });
    guest::settle(store, answer)
}
