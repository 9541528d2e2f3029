CREATE INDEX personal_sessions_owner_user ON personal_sessions (owner_user_id);
