CREATE INDEX user_sessions_ip_last_active_at ON user_sessions (last_active_at) WHERE last_active_ip IS NOT NULL;
