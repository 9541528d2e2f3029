CREATE INDEX oauth2_sessions_open_last_active_at ON oauth2_sessions (last_active_at) WHERE finished_at IS NULL;
