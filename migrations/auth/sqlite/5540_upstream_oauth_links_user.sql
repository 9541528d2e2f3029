CREATE INDEX upstream_oauth_links_user ON upstream_oauth_links (user_id);
