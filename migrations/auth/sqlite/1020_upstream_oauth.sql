-- Logging in through somebody else's identity provider.

CREATE TABLE upstream_oauth_providers (
    upstream_oauth_provider_id BLOB NOT NULL PRIMARY KEY CHECK (length(upstream_oauth_provider_id) = 16),
    issuer TEXT,
    human_name TEXT,
    client_id TEXT NOT NULL,
    encrypted_client_secret TEXT,
    scope TEXT NOT NULL,
    claims_imports TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(claims_imports)),
    created_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

-- A link without a user was made during a login that has not become an account.
CREATE TABLE upstream_oauth_links (
    upstream_oauth_link_id BLOB NOT NULL PRIMARY KEY CHECK (length(upstream_oauth_link_id) = 16),
    upstream_oauth_provider_id BLOB NOT NULL CHECK (length(upstream_oauth_provider_id) = 16) REFERENCES upstream_oauth_providers (upstream_oauth_provider_id) ON DELETE CASCADE,
    user_id BLOB CHECK (length(user_id) = 16) REFERENCES users (user_id) ON DELETE CASCADE,
    subject TEXT NOT NULL,
    human_account_name TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (upstream_oauth_provider_id, subject)
) STRICT;

CREATE TABLE upstream_oauth_authorization_sessions (
    upstream_oauth_authorization_session_id BLOB NOT NULL PRIMARY KEY CHECK (length(upstream_oauth_authorization_session_id) = 16),
    upstream_oauth_provider_id BLOB NOT NULL CHECK (length(upstream_oauth_provider_id) = 16) REFERENCES upstream_oauth_providers (upstream_oauth_provider_id) ON DELETE CASCADE,
    upstream_oauth_link_id BLOB CHECK (length(upstream_oauth_link_id) = 16) REFERENCES upstream_oauth_links (upstream_oauth_link_id),
    state TEXT NOT NULL UNIQUE,
    code_challenge_verifier TEXT,
    nonce TEXT,
    id_token TEXT,
    userinfo TEXT CHECK (json_valid(userinfo)),
    created_at INTEGER NOT NULL,
    completed_at INTEGER,
    consumed_at INTEGER
) STRICT;
