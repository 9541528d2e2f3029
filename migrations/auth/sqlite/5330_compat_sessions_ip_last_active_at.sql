CREATE INDEX compat_sessions_ip_last_active_at ON compat_sessions (last_active_at) WHERE last_active_ip IS NOT NULL;
