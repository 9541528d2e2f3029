CREATE INDEX upstream_oauth_links_user_fk ON upstream_oauth_links (user_id);
