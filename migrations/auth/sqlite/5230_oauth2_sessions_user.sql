CREATE INDEX oauth2_sessions_user ON oauth2_sessions (user_id);
