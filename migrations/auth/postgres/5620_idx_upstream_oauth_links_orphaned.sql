-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS idx_upstream_oauth_links_orphaned;
CREATE INDEX CONCURRENTLY idx_upstream_oauth_links_orphaned ON upstream_oauth_links (upstream_oauth_link_id) WHERE user_id IS NULL;
