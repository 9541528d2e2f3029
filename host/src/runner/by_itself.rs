//! Which jobs a host runs by itself.

use crate::plugin::Job;
use crate::request::JobName;
use crate::runner::Host;

/// A job that runs by its schedule, or when it is asked for.
#[derive(Debug, Clone)]
pub(super) struct Eligible {
    pub(super) name: JobName,
    pub(super) job: Job,
}

/// Every job that the file does not switch off. Opt-in jobs are among them only where the file names
/// them.
pub(super) fn jobs(host: &Host) -> Vec<Eligible> {
    let mut all = Vec::new();
    for (plugin, loaded) in host.plugins() {
        for job in &loaded.manifest().jobs {
            let name = JobName::new(plugin, &job.name);
            if host.config().runs_by_itself(&name, job.opt_in) {
                let job = job.clone();
                all.push(Eligible { name, job });
            }
        }
    }
    all
}

/// The job's plugin runs here, and the file has no such job of it (any more).
pub(super) fn is_left_out(host: &Host, job: &JobName) -> bool {
    let plugin = host.plugins().get(&job.plugin);
    plugin.is_some_and(|plugin| plugin.manifest().job(&job.job).is_none())
}

/// Whether the job is one of [`jobs`].
pub(super) fn is(host: &Host, job: &JobName) -> bool {
    let plugin = host.plugins().get(&job.plugin);
    let known = plugin.and_then(|plugin| plugin.manifest().job(&job.job));
    known.is_some_and(|known| host.config().runs_by_itself(job, known.opt_in))
}
