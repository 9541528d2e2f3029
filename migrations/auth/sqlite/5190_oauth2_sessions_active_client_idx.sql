CREATE INDEX oauth2_sessions_active_client_idx ON oauth2_sessions (oauth2_client_id) WHERE finished_at IS NULL;
