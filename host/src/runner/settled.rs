//! Whether the settings of the file fit the plugins, told without the database.

use super::{Host, RunnerError, fits};

impl Host {
    /// What is wrong with the settings of the jobs that run by themselves, a job each.
    pub fn settings_at_fault(&self) -> Vec<RunnerError> {
        let mut faults = Vec::new();
        for plugin in self.plugins().values() {
            let manifest = plugin.manifest();
            for job in fits::jobs(&self.config, manifest) {
                let Some(limits) = self.config.job(&job) else {
                    continue;
                };
                if let Err(source) = fits::settings(manifest, &job, &limits, &[]) {
                    faults.push(RunnerError::Settings {
                        place: self.place_of(&job, &source, &[]),
                        source: Box::new(source),
                        job,
                    });
                }
            }
        }
        faults
    }
}
