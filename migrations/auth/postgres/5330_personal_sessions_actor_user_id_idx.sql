-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS personal_sessions_actor_user_id_idx;
CREATE INDEX CONCURRENTLY personal_sessions_actor_user_id_idx ON personal_sessions (actor_user_id);
