CREATE INDEX user_sessions_user_fk ON user_sessions (user_id);
