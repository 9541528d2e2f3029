CREATE INDEX compat_sessions_active_user_idx ON compat_sessions (user_id) WHERE finished_at IS NULL;
