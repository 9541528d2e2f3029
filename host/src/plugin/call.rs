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
use super::manifest::{Finding, Job, Manifest, TableAccess};
use super::settings::Settings;
use super::usage::Usage;
use super::v1;

/// A loaded plugin: compiled, checked and described. A clone is another handle to the same one.
///
/// Every call gets an instance of its own, so calls may overlap and none sees another's memory.
/// A call's future may be dropped: the guest is gone with it, and work that it had begun in the
/// database is the sweep's to finish.
#[derive(Clone)]
pub struct Plugin {
    loaded: Arc<Loaded>,
    /// The component's, with the jobs that the operator's file has of it.
    manifest: Arc<Manifest>,
}

struct Loaded {
    engine: Engine,
    component: v1::Component,
    described: Arc<Manifest>,
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
        let manifest = Arc::new(manifest);
        let loaded = Arc::new(Loaded {
            engine,
            component,
            described: Arc::clone(&manifest),
            digest,
            contract,
            imports,
        });
        Self { loaded, manifest }
    }

    /// What the plugin says about itself, with the jobs that the operator's file has of it, if that has
    /// been asked.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What the component says about itself, whatever any file has of it.
    pub fn described(&self) -> &Manifest {
        &self.loaded.described
    }

    /// The same component with these jobs instead of its own. What the host calls a job is the name given
    /// here; the component is asked for [`Job::known_as`].
    #[must_use]
    pub fn with_jobs(&self, jobs: Vec<Job>) -> Self {
        let manifest = Manifest {
            jobs,
            ..self.described().clone()
        };
        Self {
            loaded: Arc::clone(&self.loaded),
            manifest: Arc::new(manifest),
        }
    }

    /// The same component as it describes itself.
    #[must_use]
    pub fn as_described(&self) -> Self {
        Self {
            loaded: Arc::clone(&self.loaded),
            manifest: Arc::clone(&self.loaded.described),
        }
    }

    /// The digest of its component.
    pub fn digest(&self) -> &Digest {
        &self.loaded.digest
    }

    /// The version of the contract that it was built against, such as `1.0.0`.
    pub fn contract(&self) -> &str {
        &self.loaded.contract
    }

    /// Every interface that it imports, in the component's order.
    pub fn imports(&self) -> &[String] {
        &self.loaded.imports
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
        let (mut store, known_as) = self.store("access", job, settings, phase)?;
        let wall = self.loaded.engine.limits().probe_wall;
        let call = v1::access(&self.loaded.component, &mut store, known_as);
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
        let phase = Phase::Look(context);
        let (mut store, known_as) = self.store("preflight", job, settings, phase)?;
        let wall = self.loaded.engine.limits().probe_wall;
        let call = v1::preflight(&self.loaded.component, &mut store, known_as);
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
        let (mut store, known_as) = match self.store("run", job, settings, Phase::Run(context)) {
            Ok(ready) => ready,
            Err(error) => return (Err(error), Usage::default()),
        };
        let meter = store.data().meter();
        let call = meter.guest(v1::run(&self.loaded.component, &mut store, known_as));
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
        let wall = self.loaded.engine.limits().probe_wall;
        self.run(job, settings, context, wall).await
    }

    /// A store for one call, and what the component calls the job.
    fn store(
        &self,
        export: &'static str,
        job: &str,
        settings: &Settings,
        phase: Phase,
    ) -> Result<(Store<State>, &str), CallError> {
        let manifest = self.manifest();
        let site = Site {
            plugin: manifest.name.clone(),
            version: manifest.version.to_string(),
            job: Some(job.to_owned()),
            export,
        };
        let Some(known) = manifest.job(job) else {
            let jobs = manifest.jobs.iter().map(|job| job.name.clone()).collect();
            let cause = Cause::UnknownJob {
                name: job.to_owned(),
                jobs,
            };
            return Err(CallError::new(cause, site, None));
        };
        let store = guest::store(&self.loaded.engine, site, settings.clone(), phase);
        Ok((store, known.known_as()))
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.manifest.name)
            .field("version", &self.manifest.version)
            .field("digest", &self.loaded.digest)
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
