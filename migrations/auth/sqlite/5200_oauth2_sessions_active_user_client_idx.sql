CREATE INDEX oauth2_sessions_active_user_client_idx ON oauth2_sessions (user_id, oauth2_client_id) WHERE finished_at IS NULL;
