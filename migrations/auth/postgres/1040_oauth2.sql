-- OAuth 2.0: clients, the grants that they ask for, sessions and their tokens.

-- Static: from the server's configuration, not registered by itself.
CREATE TABLE oauth2_clients (
    oauth2_client_id uuid NOT NULL PRIMARY KEY,
    encrypted_client_secret text,
    grant_type_authorization_code boolean NOT NULL,
    grant_type_refresh_token boolean NOT NULL,
    client_name text,
    logo_uri text,
    client_uri text,
    policy_uri text,
    tos_uri text,
    jwks_uri text,
    jwks jsonb,
    id_token_signed_response_alg text,
    token_endpoint_auth_method text,
    token_endpoint_auth_signing_alg text,
    initiate_login_uri text,
    userinfo_signed_response_alg text,
    created_at timestamptz,
    is_static boolean NOT NULL DEFAULT FALSE,
    redirect_uris text[] NOT NULL DEFAULT '{}',
    application_type text,
    contacts text[] NOT NULL DEFAULT '{}',
    grant_type_client_credentials boolean NOT NULL DEFAULT FALSE,
    grant_type_device_code boolean NOT NULL DEFAULT FALSE,
    metadata_digest text UNIQUE
);

-- Without a user: a client that acts for itself.
CREATE TABLE oauth2_sessions (
    oauth2_session_id uuid NOT NULL PRIMARY KEY,
    user_session_id uuid REFERENCES user_sessions (user_session_id),
    oauth2_client_id uuid NOT NULL REFERENCES oauth2_clients (oauth2_client_id),
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    user_id uuid REFERENCES users (user_id) ON DELETE CASCADE,
    scope_list text[] NOT NULL,
    last_active_at timestamptz,
    last_active_ip inet,
    user_agent text,
    human_name text
);

-- Without expires_at: valid until revoked.
CREATE TABLE oauth2_access_tokens (
    oauth2_access_token_id uuid NOT NULL PRIMARY KEY,
    oauth2_session_id uuid NOT NULL REFERENCES oauth2_sessions (oauth2_session_id),
    access_token text NOT NULL CONSTRAINT oauth2_access_tokens_unique UNIQUE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    first_used_at timestamptz
);

-- Consumed when it has been exchanged for next_oauth2_refresh_token_id. The key to the session bears the
-- other table's name: a slip that has stayed.
CREATE TABLE oauth2_refresh_tokens (
    oauth2_refresh_token_id uuid NOT NULL PRIMARY KEY,
    oauth2_session_id uuid NOT NULL
        CONSTRAINT oauth2_access_tokens_oauth2_session_id_fkey REFERENCES oauth2_sessions (oauth2_session_id),
    oauth2_access_token_id uuid REFERENCES oauth2_access_tokens (oauth2_access_token_id) ON DELETE SET NULL,
    refresh_token text NOT NULL CONSTRAINT oauth2_refresh_tokens_unique UNIQUE,
    created_at timestamptz NOT NULL,
    consumed_at timestamptz,
    revoked_at timestamptz,
    next_oauth2_refresh_token_id uuid REFERENCES oauth2_refresh_tokens (oauth2_refresh_token_id) ON DELETE SET NULL
);

CREATE TABLE oauth2_authorization_grants (
    oauth2_authorization_grant_id uuid NOT NULL PRIMARY KEY,
    oauth2_client_id uuid NOT NULL CONSTRAINT tbl_oauth2_client_fkey REFERENCES oauth2_clients (oauth2_client_id),
    oauth2_session_id uuid CONSTRAINT tbl_oauth2_session_fkey REFERENCES oauth2_sessions (oauth2_session_id),
    authorization_code text CONSTRAINT oauth2_authorization_grants_authorization_code_unique UNIQUE,
    redirect_uri text NOT NULL,
    scope text NOT NULL,
    state text,
    nonce text,
    response_mode text NOT NULL,
    code_challenge_method text,
    code_challenge text,
    response_type_code boolean NOT NULL,
    response_type_id_token boolean NOT NULL,
    created_at timestamptz NOT NULL,
    fulfilled_at timestamptz,
    cancelled_at timestamptz,
    exchanged_at timestamptz,
    login_hint text,
    locale text,
    user_session_id uuid REFERENCES user_sessions (user_session_id) ON DELETE SET NULL,
    raw_parameters jsonb
);

CREATE TABLE oauth2_device_code_grant (
    oauth2_device_code_grant_id uuid NOT NULL PRIMARY KEY,
    oauth2_client_id uuid NOT NULL REFERENCES oauth2_clients (oauth2_client_id) ON DELETE CASCADE,
    scope text NOT NULL,
    user_code text NOT NULL UNIQUE,
    device_code text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    fulfilled_at timestamptz,
    rejected_at timestamptz,
    exchanged_at timestamptz,
    oauth2_session_id uuid REFERENCES oauth2_sessions (oauth2_session_id) ON DELETE CASCADE,
    user_session_id uuid REFERENCES user_sessions (user_session_id),
    ip_address inet,
    user_agent text,
    locale text
);
