CREATE INDEX personal_sessions_ip_last_active_at ON personal_sessions (last_active_at) WHERE last_active_ip IS NOT NULL;
