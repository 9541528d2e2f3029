-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS compat_sso_logins_session;
CREATE INDEX CONCURRENTLY compat_sso_logins_session ON compat_sso_logins (compat_session_id);
