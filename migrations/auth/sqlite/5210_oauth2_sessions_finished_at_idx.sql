CREATE INDEX oauth2_sessions_finished_at_idx ON oauth2_sessions (finished_at) WHERE finished_at IS NOT NULL;
