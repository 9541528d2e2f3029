CREATE INDEX oauth2_sessions_user_fk ON oauth2_sessions (user_id);
