-- Logging in through somebody else's identity provider.

CREATE TABLE upstream_oauth_providers (
    upstream_oauth_provider_id BLOB NOT NULL PRIMARY KEY CHECK (length(upstream_oauth_provider_id) = 16),
    issuer TEXT,
    scope TEXT NOT NULL,
    client_id TEXT NOT NULL,
    encrypted_client_secret TEXT,
    token_endpoint_signing_alg TEXT,
    token_endpoint_auth_method TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    claims_imports TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(claims_imports)),
    jwks_uri_override TEXT,
    authorization_endpoint_override TEXT,
    token_endpoint_override TEXT,
    discovery_mode TEXT NOT NULL DEFAULT 'oidc',
    pkce_mode TEXT NOT NULL DEFAULT 'auto',
    human_name TEXT,
    brand_name TEXT,
    additional_parameters TEXT CHECK (json_valid(additional_parameters)),
    disabled_at INTEGER,
    response_mode TEXT DEFAULT 'query',
    fetch_userinfo INTEGER NOT NULL DEFAULT FALSE CHECK (fetch_userinfo IN (0, 1)),
    userinfo_endpoint_override TEXT,
    id_token_signed_response_alg TEXT NOT NULL DEFAULT 'RS256',
    userinfo_signed_response_alg TEXT,
    ui_order INTEGER NOT NULL DEFAULT 0,
    forward_login_hint INTEGER NOT NULL DEFAULT FALSE CHECK (forward_login_hint IN (0, 1)),
    on_backchannel_logout TEXT NOT NULL DEFAULT 'do_nothing',
    registration_token_required INTEGER NOT NULL DEFAULT FALSE CHECK (registration_token_required IN (0, 1))
) STRICT;

-- A link without a user was made during a login that has not become an account.
CREATE TABLE upstream_oauth_links (
    upstream_oauth_link_id BLOB NOT NULL PRIMARY KEY CHECK (length(upstream_oauth_link_id) = 16),
    upstream_oauth_provider_id BLOB NOT NULL CHECK (length(upstream_oauth_provider_id) = 16)
        CONSTRAINT upstream_oauth_links_provider_fkey REFERENCES upstream_oauth_providers (upstream_oauth_provider_id),
    user_id BLOB CHECK (length(user_id) = 16) CONSTRAINT upstream_oauth_link_user_fkey REFERENCES users (user_id),
    subject TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    human_account_name TEXT,
    CONSTRAINT upstream_oauth_links_subject_unique UNIQUE (upstream_oauth_provider_id, subject)
) STRICT;

CREATE TABLE upstream_oauth_authorization_sessions (
    upstream_oauth_authorization_session_id BLOB NOT NULL PRIMARY KEY CHECK (length(upstream_oauth_authorization_session_id) = 16),
    upstream_oauth_provider_id BLOB NOT NULL CHECK (length(upstream_oauth_provider_id) = 16)
        CONSTRAINT upstream_oauth_authorization_sessions_provider_fkey REFERENCES upstream_oauth_providers (upstream_oauth_provider_id),
    upstream_oauth_link_id BLOB CHECK (length(upstream_oauth_link_id) = 16)
        CONSTRAINT upstream_oauth_authorization_sessions_link_fkey REFERENCES upstream_oauth_links (upstream_oauth_link_id),
    id_token TEXT,
    state TEXT NOT NULL CONSTRAINT upstream_oauth_authorization_sessions_state_unique UNIQUE,
    code_challenge_verifier TEXT,
    nonce TEXT,
    created_at INTEGER NOT NULL,
    completed_at INTEGER,
    consumed_at INTEGER,
    extra_callback_parameters TEXT CHECK (json_valid(extra_callback_parameters)),
    userinfo TEXT CHECK (json_valid(userinfo)),
    unlinked_at INTEGER,
    id_token_claims TEXT CHECK (json_valid(id_token_claims))
) STRICT;
