CREATE INDEX queue_jobs_schedule_name_fk ON queue_jobs (schedule_name);
