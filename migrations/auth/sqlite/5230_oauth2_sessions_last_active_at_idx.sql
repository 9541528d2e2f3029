CREATE INDEX oauth2_sessions_last_active_at_idx ON oauth2_sessions (last_active_at);
