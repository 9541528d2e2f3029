CREATE INDEX oauth2_sessions_client ON oauth2_sessions (oauth2_client_id);
