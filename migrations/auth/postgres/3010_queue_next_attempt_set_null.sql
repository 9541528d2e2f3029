-- A job that was tried again points at its next attempt. It forgets an attempt that is cleared, so that
-- chains are cleared link by link. In two steps, as the one before.

SET LOCAL lock_timeout = '200ms';

ALTER TABLE queue_jobs
    DROP CONSTRAINT queue_jobs_next_attempt_id_fkey,
    ADD CONSTRAINT queue_jobs_next_attempt_id_fkey
        FOREIGN KEY (next_attempt_id) REFERENCES queue_jobs (queue_job_id) ON DELETE SET NULL NOT VALID;
