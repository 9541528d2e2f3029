-- The recovery jobs go by the time inside the primary key; these are for the foreign keys.

CREATE INDEX user_recovery_tickets_session ON user_recovery_tickets (user_recovery_session_id);
CREATE INDEX user_recovery_tickets_email ON user_recovery_tickets (user_email_id);
CREATE INDEX user_email_authentications_session ON user_email_authentications (user_session_id);
CREATE INDEX user_email_authentications_registration ON user_email_authentications (user_registration_id);
CREATE INDEX user_registrations_email_authentication ON user_registrations (email_authentication_id);
