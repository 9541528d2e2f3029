-- The server-sessions profile: opaque sessions of several tenants, each signed with one of its
-- tenant's keys. A key cannot go while a session refers to it.

CREATE TABLE session_signing_keys (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    public_key BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    activated_at INTEGER,
    retired_at INTEGER
) STRICT;

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    user_id TEXT,
    signing_key_id TEXT NOT NULL REFERENCES session_signing_keys (id) ON DELETE RESTRICT,
    is_pre_login INTEGER NOT NULL DEFAULT FALSE CHECK (is_pre_login IN (0, 1)),
    risk_score REAL CHECK (risk_score BETWEEN 0 AND 1),
    ip_address TEXT NOT NULL DEFAULT '',
    user_agent TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    last_active_at INTEGER NOT NULL,
    idle_expires_at INTEGER NOT NULL,
    absolute_expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE INDEX session_signing_keys_tenant ON session_signing_keys (tenant_id);
CREATE INDEX session_signing_keys_retired_at ON session_signing_keys (retired_at) WHERE retired_at IS NOT NULL;
CREATE INDEX sessions_tenant_user ON sessions (tenant_id, user_id);
CREATE INDEX sessions_signing_key ON sessions (signing_key_id);
CREATE INDEX sessions_pre_login_created_at ON sessions (created_at) WHERE is_pre_login = 1;
CREATE INDEX sessions_absolute_expires_at ON sessions (absolute_expires_at);
CREATE INDEX sessions_idle_expires_at ON sessions (idle_expires_at);
CREATE INDEX sessions_revoked_at ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX sessions_ip_last_active_at ON sessions (last_active_at) WHERE ip_address <> '';
