//! Which jobs a host runs without being asked.

use super::{Host, fits};
use crate::plugin::Job;
use crate::request::JobName;
use crate::schedule::Timetable;

/// A job that runs by its schedule, or when it is asked for.
#[derive(Debug, Clone)]
pub struct ByItself {
    /// Its name.
    pub name: JobName,
    /// What its plugin says of it.
    pub job: Job,
}

/// A job that runs by its schedule.
#[derive(Debug, Clone)]
pub struct Scheduled {
    /// Its name.
    pub name: JobName,
    /// What its plugin says of it.
    pub job: Job,
    /// Its schedule, with window and jitter.
    pub timetable: Timetable,
}

impl Host {
    /// Every job that the file does not switch off. Opt-in jobs are among them only where the file names
    /// them.
    pub fn by_themselves(&self) -> Vec<ByItself> {
        let manifests = self.plugins().values().map(|plugin| plugin.manifest());
        let jobs = manifests.flat_map(|manifest| {
            let names = fits::jobs(&self.config, manifest).into_iter();
            names.filter_map(|name| {
                let job = manifest.job(&name.job)?.clone();
                Some(ByItself { name, job })
            })
        });
        jobs.collect()
    }

    /// Those of them that have a schedule, the file's or their plugin's.
    pub fn scheduled(&self) -> Vec<Scheduled> {
        let with_times = |ByItself { name, job }: ByItself| {
            let timetable = Timetable::of(&self.config, &name, job.schedule.as_deref())?;
            timetable.expression()?;
            Some(Scheduled {
                name,
                job,
                timetable,
            })
        };
        let all = self.by_themselves().into_iter();
        all.filter_map(with_times).collect()
    }

    /// Whether the job is one of [`Host::by_themselves`].
    pub fn runs_by_itself(&self, job: &JobName) -> bool {
        let plugin = self.plugins().get(&job.plugin);
        let known = plugin.and_then(|plugin| plugin.manifest().job(&job.job));
        known.is_some_and(|known| self.config.runs_by_itself(job, known.opt_in))
    }

    /// Whether the job's plugin runs here, and the file has no such job of it (any more).
    pub fn leaves_out(&self, job: &JobName) -> bool {
        let plugin = self.plugins().get(&job.plugin);
        plugin.is_some_and(|plugin| plugin.manifest().job(&job.job).is_none())
    }
}
