-- Logging in through somebody else's identity provider.

CREATE TABLE upstream_oauth_providers (
    upstream_oauth_provider_id uuid NOT NULL PRIMARY KEY,
    issuer text,
    scope text NOT NULL,
    client_id text NOT NULL,
    encrypted_client_secret text,
    token_endpoint_signing_alg text,
    token_endpoint_auth_method text NOT NULL,
    created_at timestamptz NOT NULL,
    claims_imports jsonb NOT NULL DEFAULT '{}',
    jwks_uri_override text,
    authorization_endpoint_override text,
    token_endpoint_override text,
    discovery_mode text NOT NULL DEFAULT 'oidc',
    pkce_mode text NOT NULL DEFAULT 'auto',
    human_name text,
    brand_name text,
    additional_parameters jsonb,
    disabled_at timestamptz,
    response_mode text DEFAULT 'query',
    fetch_userinfo boolean NOT NULL DEFAULT FALSE,
    userinfo_endpoint_override text,
    id_token_signed_response_alg text NOT NULL DEFAULT 'RS256',
    userinfo_signed_response_alg text,
    ui_order integer NOT NULL DEFAULT 0,
    forward_login_hint boolean NOT NULL DEFAULT FALSE,
    on_backchannel_logout text NOT NULL DEFAULT 'do_nothing',
    registration_token_required boolean NOT NULL DEFAULT FALSE
);

-- A link without a user was made during a login that has not become an account.
CREATE TABLE upstream_oauth_links (
    upstream_oauth_link_id uuid NOT NULL PRIMARY KEY,
    upstream_oauth_provider_id uuid NOT NULL
        CONSTRAINT upstream_oauth_links_provider_fkey REFERENCES upstream_oauth_providers (upstream_oauth_provider_id),
    user_id uuid CONSTRAINT upstream_oauth_link_user_fkey REFERENCES users (user_id),
    subject text NOT NULL,
    created_at timestamptz NOT NULL,
    human_account_name text,
    CONSTRAINT upstream_oauth_links_subject_unique UNIQUE (upstream_oauth_provider_id, subject)
);

CREATE TABLE upstream_oauth_authorization_sessions (
    upstream_oauth_authorization_session_id uuid NOT NULL PRIMARY KEY,
    upstream_oauth_provider_id uuid NOT NULL
        CONSTRAINT upstream_oauth_authorization_sessions_provider_fkey REFERENCES upstream_oauth_providers (upstream_oauth_provider_id),
    upstream_oauth_link_id uuid
        CONSTRAINT upstream_oauth_authorization_sessions_link_fkey REFERENCES upstream_oauth_links (upstream_oauth_link_id),
    id_token text,
    state text NOT NULL CONSTRAINT upstream_oauth_authorization_sessions_state_unique UNIQUE,
    code_challenge_verifier text,
    nonce text,
    created_at timestamptz NOT NULL,
    completed_at timestamptz,
    consumed_at timestamptz,
    extra_callback_parameters jsonb,
    userinfo jsonb,
    unlinked_at timestamptz,
    id_token_claims jsonb
);
