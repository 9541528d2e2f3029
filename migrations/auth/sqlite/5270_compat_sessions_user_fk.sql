CREATE INDEX compat_sessions_user_fk ON compat_sessions (user_id);
