CREATE INDEX queue_workers_shutdown_at ON queue_workers (shutdown_at) WHERE shutdown_at IS NOT NULL;
