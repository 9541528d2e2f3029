CREATE INDEX users_lower_username_idx ON users (lower(username));
