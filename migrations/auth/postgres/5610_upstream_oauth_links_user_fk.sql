-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS upstream_oauth_links_user_fk;
CREATE INDEX CONCURRENTLY upstream_oauth_links_user_fk ON upstream_oauth_links (user_id);
