CREATE INDEX user_sessions_user ON user_sessions (user_id);
