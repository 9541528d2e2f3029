CREATE INDEX compat_sessions_open_last_active_at ON compat_sessions (last_active_at) WHERE finished_at IS NULL;
