-- The server-sessions profile: opaque sessions of several tenants, each signed with one of its
-- tenant's keys. A key cannot go while a session refers to it; there is no index that would tell it which.

CREATE TABLE tenants (
    id TEXT NOT NULL PRIMARY KEY
) STRICT;

CREATE TABLE session_signing_keys (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL DEFAULT 't-default' REFERENCES tenants (id) ON DELETE CASCADE,
    key_material_encrypted BLOB NOT NULL,
    created_at INTEGER NOT NULL DEFAULT (CAST(1000000 * unixepoch('subsec') AS INTEGER)),
    retired_at INTEGER,
    CONSTRAINT session_signing_keys_retired_after_created CHECK (retired_at IS NULL OR retired_at >= created_at)
) STRICT;

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL DEFAULT 't-default' REFERENCES tenants (id) ON DELETE CASCADE,
    actor_id TEXT NOT NULL,
    actor_type TEXT NOT NULL,
    signing_key_id TEXT NOT NULL REFERENCES session_signing_keys (id) ON DELETE RESTRICT,
    is_pre_login INTEGER NOT NULL DEFAULT FALSE CHECK (is_pre_login IN (0, 1)),
    csrf_token_hash TEXT NOT NULL DEFAULT '',
    idle_expires_at INTEGER NOT NULL,
    absolute_expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL DEFAULT (CAST(1000000 * unixepoch('subsec') AS INTEGER)),
    last_seen_at INTEGER NOT NULL DEFAULT (CAST(1000000 * unixepoch('subsec') AS INTEGER)),
    ip_address TEXT NOT NULL DEFAULT '',
    user_agent TEXT NOT NULL DEFAULT '',
    revoked_at INTEGER,
    CONSTRAINT sessions_absolute_after_idle CHECK (absolute_expires_at > idle_expires_at),
    CONSTRAINT sessions_idle_after_created CHECK (idle_expires_at > created_at)
) STRICT;

CREATE INDEX idx_session_signing_keys_active ON session_signing_keys (tenant_id, created_at DESC) WHERE retired_at IS NULL;
CREATE INDEX idx_sessions_active ON sessions (id) WHERE revoked_at IS NULL;
CREATE INDEX idx_sessions_absolute_expires_at ON sessions (absolute_expires_at);
