-- A browser session that compatibility sessions came from must stay as long as they do.
--
-- NOT VALID, so that the tables are locked for a moment only: rows that are written from now on are
-- checked, those that are there in 2020.

SET LOCAL lock_timeout = '200ms';

ALTER TABLE compat_sessions
    DROP CONSTRAINT compat_sessions_user_session_id_fkey,
    ADD CONSTRAINT compat_sessions_user_session_id_fkey
        FOREIGN KEY (user_session_id) REFERENCES user_sessions (user_session_id) NOT VALID;
