-- OAuth 2.0: clients, the grants that they ask for, sessions and their tokens.

-- Static: from the server's configuration, not registered by itself.
CREATE TABLE oauth2_clients (
    oauth2_client_id BLOB NOT NULL PRIMARY KEY CHECK (length(oauth2_client_id) = 16),
    encrypted_client_secret TEXT,
    grant_type_authorization_code INTEGER NOT NULL CHECK (grant_type_authorization_code IN (0, 1)),
    grant_type_refresh_token INTEGER NOT NULL CHECK (grant_type_refresh_token IN (0, 1)),
    client_name TEXT,
    logo_uri TEXT,
    client_uri TEXT,
    policy_uri TEXT,
    tos_uri TEXT,
    jwks_uri TEXT,
    jwks TEXT CHECK (json_valid(jwks)),
    id_token_signed_response_alg TEXT,
    token_endpoint_auth_method TEXT,
    token_endpoint_auth_signing_alg TEXT,
    initiate_login_uri TEXT,
    userinfo_signed_response_alg TEXT,
    created_at INTEGER,
    is_static INTEGER NOT NULL DEFAULT FALSE CHECK (is_static IN (0, 1)),
    redirect_uris TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(redirect_uris)),
    application_type TEXT,
    contacts TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(contacts)),
    grant_type_client_credentials INTEGER NOT NULL DEFAULT FALSE CHECK (grant_type_client_credentials IN (0, 1)),
    grant_type_device_code INTEGER NOT NULL DEFAULT FALSE CHECK (grant_type_device_code IN (0, 1)),
    metadata_digest TEXT UNIQUE
) STRICT;

-- Without a user: a client that acts for itself.
CREATE TABLE oauth2_sessions (
    oauth2_session_id BLOB NOT NULL PRIMARY KEY CHECK (length(oauth2_session_id) = 16),
    user_session_id BLOB CHECK (length(user_session_id) = 16) REFERENCES user_sessions (user_session_id),
    oauth2_client_id BLOB NOT NULL CHECK (length(oauth2_client_id) = 16) REFERENCES oauth2_clients (oauth2_client_id),
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (user_id) ON DELETE CASCADE,
    scope_list TEXT NOT NULL CHECK (json_valid(scope_list)),
    last_active_at INTEGER,
    last_active_ip TEXT,
    user_agent TEXT,
    human_name TEXT
) STRICT;

-- Without expires_at: valid until revoked.
CREATE TABLE oauth2_access_tokens (
    oauth2_access_token_id BLOB NOT NULL PRIMARY KEY CHECK (length(oauth2_access_token_id) = 16),
    oauth2_session_id BLOB NOT NULL CHECK (length(oauth2_session_id) = 16) REFERENCES oauth2_sessions (oauth2_session_id),
    access_token TEXT NOT NULL CONSTRAINT oauth2_access_tokens_unique UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    first_used_at INTEGER
) STRICT;

-- Consumed when it has been exchanged for next_oauth2_refresh_token_id. The key to the session bears the
-- other table's name: a slip that has stayed.
CREATE TABLE oauth2_refresh_tokens (
    oauth2_refresh_token_id BLOB NOT NULL PRIMARY KEY CHECK (length(oauth2_refresh_token_id) = 16),
    oauth2_session_id BLOB NOT NULL CHECK (length(oauth2_session_id) = 16)
        CONSTRAINT oauth2_access_tokens_oauth2_session_id_fkey REFERENCES oauth2_sessions (oauth2_session_id),
    oauth2_access_token_id BLOB CHECK (length(oauth2_access_token_id) = 16) REFERENCES oauth2_access_tokens (oauth2_access_token_id) ON DELETE SET NULL,
    refresh_token TEXT NOT NULL CONSTRAINT oauth2_refresh_tokens_unique UNIQUE,
    created_at INTEGER NOT NULL,
    consumed_at INTEGER,
    revoked_at INTEGER,
    next_oauth2_refresh_token_id BLOB CHECK (length(next_oauth2_refresh_token_id) = 16) REFERENCES oauth2_refresh_tokens (oauth2_refresh_token_id) ON DELETE SET NULL
) STRICT;

CREATE TABLE oauth2_authorization_grants (
    oauth2_authorization_grant_id BLOB NOT NULL PRIMARY KEY CHECK (length(oauth2_authorization_grant_id) = 16),
    oauth2_client_id BLOB NOT NULL CHECK (length(oauth2_client_id) = 16) CONSTRAINT tbl_oauth2_client_fkey REFERENCES oauth2_clients (oauth2_client_id),
    oauth2_session_id BLOB CHECK (length(oauth2_session_id) = 16) CONSTRAINT tbl_oauth2_session_fkey REFERENCES oauth2_sessions (oauth2_session_id),
    authorization_code TEXT CONSTRAINT oauth2_authorization_grants_authorization_code_unique UNIQUE,
    redirect_uri TEXT NOT NULL,
    scope TEXT NOT NULL,
    state TEXT,
    nonce TEXT,
    response_mode TEXT NOT NULL,
    code_challenge_method TEXT,
    code_challenge TEXT,
    response_type_code INTEGER NOT NULL CHECK (response_type_code IN (0, 1)),
    response_type_id_token INTEGER NOT NULL CHECK (response_type_id_token IN (0, 1)),
    created_at INTEGER NOT NULL,
    fulfilled_at INTEGER,
    cancelled_at INTEGER,
    exchanged_at INTEGER,
    login_hint TEXT,
    locale TEXT,
    user_session_id BLOB CHECK (length(user_session_id) = 16) REFERENCES user_sessions (user_session_id) ON DELETE SET NULL,
    raw_parameters TEXT CHECK (json_valid(raw_parameters))
) STRICT;

CREATE TABLE oauth2_device_code_grant (
    oauth2_device_code_grant_id BLOB NOT NULL PRIMARY KEY CHECK (length(oauth2_device_code_grant_id) = 16),
    oauth2_client_id BLOB NOT NULL CHECK (length(oauth2_client_id) = 16) REFERENCES oauth2_clients (oauth2_client_id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    user_code TEXT NOT NULL UNIQUE,
    device_code TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    fulfilled_at INTEGER,
    rejected_at INTEGER,
    exchanged_at INTEGER,
    oauth2_session_id BLOB CHECK (length(oauth2_session_id) = 16) REFERENCES oauth2_sessions (oauth2_session_id) ON DELETE CASCADE,
    user_session_id BLOB CHECK (length(user_session_id) = 16) REFERENCES user_sessions (user_session_id),
    ip_address TEXT,
    user_agent TEXT,
    locale TEXT
) STRICT;
