-- Long-lived sessions that a user or a client makes for a script, each with one valid token at most.

CREATE TABLE personal_sessions (
    personal_session_id uuid NOT NULL PRIMARY KEY,
    owner_user_id uuid REFERENCES users (user_id),
    owner_oauth2_client_id uuid REFERENCES oauth2_clients (oauth2_client_id),
    actor_user_id uuid NOT NULL REFERENCES users (user_id),
    human_name text NOT NULL,
    scope_list text[] NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    last_active_at timestamptz,
    last_active_ip inet,
    CONSTRAINT personal_sessions_exactly_one_owner CHECK ((owner_user_id IS NULL) <> (owner_oauth2_client_id IS NULL))
);

CREATE TABLE personal_access_tokens (
    personal_access_token_id uuid NOT NULL PRIMARY KEY,
    personal_session_id uuid NOT NULL REFERENCES personal_sessions (personal_session_id),
    access_token_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(access_token_sha256) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
