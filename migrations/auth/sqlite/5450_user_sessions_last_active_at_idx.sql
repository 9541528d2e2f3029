CREATE INDEX user_sessions_last_active_at_idx ON user_sessions (last_active_at);
