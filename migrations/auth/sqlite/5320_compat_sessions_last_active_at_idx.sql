CREATE INDEX compat_sessions_last_active_at_idx ON compat_sessions (last_active_at);
