CREATE INDEX personal_sessions_actor_user_id_idx ON personal_sessions (actor_user_id);
