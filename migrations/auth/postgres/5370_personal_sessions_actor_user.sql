-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS personal_sessions_actor_user;
CREATE INDEX CONCURRENTLY personal_sessions_actor_user ON personal_sessions (actor_user_id);
