CREATE INDEX personal_sessions_actor_user ON personal_sessions (actor_user_id);
