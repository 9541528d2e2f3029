CREATE INDEX personal_sessions_owner_user_id_idx ON personal_sessions (owner_user_id) WHERE owner_user_id IS NOT NULL;
