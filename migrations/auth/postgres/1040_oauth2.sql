-- OAuth 2.0: clients, the grants that they ask for, sessions and their tokens.

CREATE TABLE oauth2_clients (
    oauth2_client_id uuid NOT NULL PRIMARY KEY,
    client_name text,
    client_uri text,
    redirect_uris jsonb NOT NULL DEFAULT '[]',
    encrypted_client_secret text,
    token_endpoint_auth_method text,
    grant_type_authorization_code boolean NOT NULL DEFAULT TRUE,
    grant_type_refresh_token boolean NOT NULL DEFAULT TRUE,
    grant_type_client_credentials boolean NOT NULL DEFAULT FALSE,
    grant_type_device_code boolean NOT NULL DEFAULT FALSE,
    metadata_digest bytea UNIQUE,
    is_static boolean NOT NULL DEFAULT FALSE
);

-- Without a user: a client that acts for itself.
CREATE TABLE oauth2_sessions (
    oauth2_session_id uuid NOT NULL PRIMARY KEY,
    user_session_id uuid REFERENCES user_sessions (user_session_id),
    user_id uuid REFERENCES users (user_id) ON DELETE CASCADE,
    oauth2_client_id uuid NOT NULL REFERENCES oauth2_clients (oauth2_client_id),
    scope text NOT NULL,
    human_name text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    user_agent text,
    last_active_at timestamptz,
    last_active_ip inet
);

-- Without expires_at: valid until revoked.
CREATE TABLE oauth2_access_tokens (
    oauth2_access_token_id uuid NOT NULL PRIMARY KEY,
    oauth2_session_id uuid NOT NULL REFERENCES oauth2_sessions (oauth2_session_id),
    access_token text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    first_used_at timestamptz
);

-- Consumed when it has been exchanged for next_oauth2_refresh_token_id.
CREATE TABLE oauth2_refresh_tokens (
    oauth2_refresh_token_id uuid NOT NULL PRIMARY KEY,
    oauth2_session_id uuid NOT NULL REFERENCES oauth2_sessions (oauth2_session_id),
    oauth2_access_token_id uuid REFERENCES oauth2_access_tokens (oauth2_access_token_id) ON DELETE SET NULL,
    refresh_token text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    consumed_at timestamptz,
    revoked_at timestamptz,
    next_oauth2_refresh_token_id uuid REFERENCES oauth2_refresh_tokens (oauth2_refresh_token_id) ON DELETE SET NULL
);

CREATE TABLE oauth2_authorization_grants (
    oauth2_authorization_grant_id uuid NOT NULL PRIMARY KEY,
    oauth2_client_id uuid NOT NULL REFERENCES oauth2_clients (oauth2_client_id),
    oauth2_session_id uuid REFERENCES oauth2_sessions (oauth2_session_id),
    authorization_code text UNIQUE,
    redirect_uri text NOT NULL,
    scope text NOT NULL,
    state text,
    nonce text,
    response_mode text NOT NULL,
    code_challenge text,
    code_challenge_method text,
    login_hint text,
    locale text,
    created_at timestamptz NOT NULL,
    fulfilled_at timestamptz,
    cancelled_at timestamptz,
    exchanged_at timestamptz
);

CREATE TABLE oauth2_device_code_grant (
    oauth2_device_code_grant_id uuid NOT NULL PRIMARY KEY,
    oauth2_client_id uuid NOT NULL REFERENCES oauth2_clients (oauth2_client_id),
    oauth2_session_id uuid REFERENCES oauth2_sessions (oauth2_session_id),
    user_session_id uuid REFERENCES user_sessions (user_session_id),
    device_code text NOT NULL UNIQUE,
    user_code text NOT NULL UNIQUE,
    scope text NOT NULL,
    ip_address inet,
    user_agent text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    fulfilled_at timestamptz,
    rejected_at timestamptz,
    exchanged_at timestamptz
);
