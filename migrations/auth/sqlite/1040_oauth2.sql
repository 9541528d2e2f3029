-- OAuth 2.0: clients, the grants that they ask for, sessions and their tokens.

CREATE TABLE oauth2_clients (
    oauth2_client_id BLOB NOT NULL PRIMARY KEY CHECK (length(oauth2_client_id) = 16),
    client_name TEXT,
    client_uri TEXT,
    redirect_uris TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(redirect_uris)),
    encrypted_client_secret TEXT,
    token_endpoint_auth_method TEXT,
    grant_type_authorization_code INTEGER NOT NULL DEFAULT TRUE CHECK (grant_type_authorization_code IN (0, 1)),
    grant_type_refresh_token INTEGER NOT NULL DEFAULT TRUE CHECK (grant_type_refresh_token IN (0, 1)),
    grant_type_client_credentials INTEGER NOT NULL DEFAULT FALSE CHECK (grant_type_client_credentials IN (0, 1)),
    grant_type_device_code INTEGER NOT NULL DEFAULT FALSE CHECK (grant_type_device_code IN (0, 1)),
    metadata_digest BLOB UNIQUE,
    is_static INTEGER NOT NULL DEFAULT FALSE CHECK (is_static IN (0, 1))
) STRICT;

-- Without a user: a client that acts for itself.
CREATE TABLE oauth2_sessions (
    oauth2_session_id BLOB NOT NULL PRIMARY KEY CHECK (length(oauth2_session_id) = 16),
    user_session_id BLOB CHECK (length(user_session_id) = 16) REFERENCES user_sessions (user_session_id),
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (user_id) ON DELETE CASCADE,
    oauth2_client_id BLOB NOT NULL CHECK (length(oauth2_client_id) = 16) REFERENCES oauth2_clients (oauth2_client_id),
    scope TEXT NOT NULL,
    human_name TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    user_agent TEXT,
    last_active_at INTEGER,
    last_active_ip TEXT
) STRICT;

-- Without expires_at: valid until revoked.
CREATE TABLE oauth2_access_tokens (
    oauth2_access_token_id BLOB NOT NULL PRIMARY KEY CHECK (length(oauth2_access_token_id) = 16),
    oauth2_session_id BLOB NOT NULL CHECK (length(oauth2_session_id) = 16) REFERENCES oauth2_sessions (oauth2_session_id),
    access_token TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    first_used_at INTEGER
) STRICT;

-- Consumed when it has been exchanged for next_oauth2_refresh_token_id.
CREATE TABLE oauth2_refresh_tokens (
    oauth2_refresh_token_id BLOB NOT NULL PRIMARY KEY CHECK (length(oauth2_refresh_token_id) = 16),
    oauth2_session_id BLOB NOT NULL CHECK (length(oauth2_session_id) = 16) REFERENCES oauth2_sessions (oauth2_session_id),
    oauth2_access_token_id BLOB CHECK (length(oauth2_access_token_id) = 16) REFERENCES oauth2_access_tokens (oauth2_access_token_id) ON DELETE SET NULL,
    refresh_token TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    consumed_at INTEGER,
    revoked_at INTEGER,
    next_oauth2_refresh_token_id BLOB CHECK (length(next_oauth2_refresh_token_id) = 16) REFERENCES oauth2_refresh_tokens (oauth2_refresh_token_id) ON DELETE SET NULL
) STRICT;

CREATE TABLE oauth2_authorization_grants (
    oauth2_authorization_grant_id BLOB NOT NULL PRIMARY KEY CHECK (length(oauth2_authorization_grant_id) = 16),
    oauth2_client_id BLOB NOT NULL CHECK (length(oauth2_client_id) = 16) REFERENCES oauth2_clients (oauth2_client_id),
    oauth2_session_id BLOB CHECK (length(oauth2_session_id) = 16) REFERENCES oauth2_sessions (oauth2_session_id),
    authorization_code TEXT UNIQUE,
    redirect_uri TEXT NOT NULL,
    scope TEXT NOT NULL,
    state TEXT,
    nonce TEXT,
    response_mode TEXT NOT NULL,
    code_challenge TEXT,
    code_challenge_method TEXT,
    login_hint TEXT,
    locale TEXT,
    created_at INTEGER NOT NULL,
    fulfilled_at INTEGER,
    cancelled_at INTEGER,
    exchanged_at INTEGER
) STRICT;

CREATE TABLE oauth2_device_code_grant (
    oauth2_device_code_grant_id BLOB NOT NULL PRIMARY KEY CHECK (length(oauth2_device_code_grant_id) = 16),
    oauth2_client_id BLOB NOT NULL CHECK (length(oauth2_client_id) = 16) REFERENCES oauth2_clients (oauth2_client_id),
    oauth2_session_id BLOB CHECK (length(oauth2_session_id) = 16) REFERENCES oauth2_sessions (oauth2_session_id),
    user_session_id BLOB CHECK (length(user_session_id) = 16) REFERENCES user_sessions (user_session_id),
    device_code TEXT NOT NULL UNIQUE,
    user_code TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    ip_address TEXT,
    user_agent TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    fulfilled_at INTEGER,
    rejected_at INTEGER,
    exchanged_at INTEGER
) STRICT;
