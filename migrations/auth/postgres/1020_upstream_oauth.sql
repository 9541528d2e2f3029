-- Logging in through somebody else's identity provider.

CREATE TABLE upstream_oauth_providers (
    upstream_oauth_provider_id uuid NOT NULL PRIMARY KEY,
    issuer text,
    human_name text,
    client_id text NOT NULL,
    encrypted_client_secret text,
    scope text NOT NULL,
    claims_imports jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    disabled_at timestamptz
);

-- A link without a user was made during a login that has not become an account.
CREATE TABLE upstream_oauth_links (
    upstream_oauth_link_id uuid NOT NULL PRIMARY KEY,
    upstream_oauth_provider_id uuid NOT NULL REFERENCES upstream_oauth_providers (upstream_oauth_provider_id) ON DELETE CASCADE,
    user_id uuid REFERENCES users (user_id) ON DELETE CASCADE,
    subject text NOT NULL,
    human_account_name text,
    created_at timestamptz NOT NULL,
    UNIQUE (upstream_oauth_provider_id, subject)
);

CREATE TABLE upstream_oauth_authorization_sessions (
    upstream_oauth_authorization_session_id uuid NOT NULL PRIMARY KEY,
    upstream_oauth_provider_id uuid NOT NULL REFERENCES upstream_oauth_providers (upstream_oauth_provider_id) ON DELETE CASCADE,
    upstream_oauth_link_id uuid REFERENCES upstream_oauth_links (upstream_oauth_link_id),
    state text NOT NULL UNIQUE,
    code_challenge_verifier text,
    nonce text,
    id_token text,
    userinfo jsonb,
    created_at timestamptz NOT NULL,
    completed_at timestamptz,
    consumed_at timestamptz
);
