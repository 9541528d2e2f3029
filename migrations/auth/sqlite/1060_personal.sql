-- Long-lived sessions that a user or a client makes for a script, each with one valid token at most.

CREATE TABLE personal_sessions (
    personal_session_id BLOB NOT NULL PRIMARY KEY CHECK (length(personal_session_id) = 16),
    owner_user_id BLOB CHECK (length(owner_user_id) = 16) REFERENCES users (user_id),
    owner_oauth2_client_id BLOB CHECK (length(owner_oauth2_client_id) = 16) REFERENCES oauth2_clients (oauth2_client_id),
    actor_user_id BLOB NOT NULL CHECK (length(actor_user_id) = 16) REFERENCES users (user_id),
    human_name TEXT NOT NULL,
    scope_list TEXT NOT NULL CHECK (json_valid(scope_list)),
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    last_active_at INTEGER,
    last_active_ip TEXT,
    CONSTRAINT personal_sessions_exactly_one_owner CHECK ((owner_user_id IS NULL) <> (owner_oauth2_client_id IS NULL))
) STRICT;

CREATE TABLE personal_access_tokens (
    personal_access_token_id BLOB NOT NULL PRIMARY KEY CHECK (length(personal_access_token_id) = 16),
    personal_session_id BLOB NOT NULL CHECK (length(personal_session_id) = 16) REFERENCES personal_sessions (personal_session_id),
    access_token_sha256 BLOB NOT NULL UNIQUE CHECK (length(access_token_sha256) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
