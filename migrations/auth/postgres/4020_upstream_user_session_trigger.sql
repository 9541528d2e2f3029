-- Servers that do not know the pointer yet still record the authentication: fill it from there.
--
-- Rows from before are filled by the job upstream-oauth/backfill-user-session, in batches: one UPDATE of
-- them all would hold every row that it has written until it ends.

SET LOCAL lock_timeout = '200ms';

CREATE FUNCTION fill_upstream_user_session() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE upstream_oauth_authorization_sessions
    SET user_session_id = NEW.user_session_id
    WHERE upstream_oauth_authorization_session_id = NEW.upstream_oauth_authorization_session_id
      AND user_session_id IS NULL;
    RETURN NULL;
END;
$$;

CREATE TRIGGER fill_upstream_user_session
    AFTER INSERT ON user_session_authentications
    FOR EACH ROW
    WHEN (NEW.upstream_oauth_authorization_session_id IS NOT NULL)
    EXECUTE FUNCTION fill_upstream_user_session();
