CREATE INDEX queue_workers_last_seen_at ON queue_workers (last_seen_at);
