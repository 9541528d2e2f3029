CREATE INDEX user_sessions_finished_at_idx ON user_sessions (finished_at) WHERE finished_at IS NOT NULL;
