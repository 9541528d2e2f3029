CREATE INDEX user_sessions_open_last_active_at ON user_sessions (last_active_at) WHERE finished_at IS NULL;
