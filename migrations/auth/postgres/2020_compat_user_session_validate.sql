-- Looks at every row, and keeps nobody from reading or writing meanwhile.

SET LOCAL lock_timeout = '200ms';

ALTER TABLE compat_sessions VALIDATE CONSTRAINT compat_sessions_user_session_id_fkey;
