CREATE INDEX oauth2_sessions_ip_last_active_at ON oauth2_sessions (last_active_at) WHERE last_active_ip IS NOT NULL;
