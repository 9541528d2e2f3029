CREATE INDEX user_emails_lower_email_idx ON user_emails (lower(email));
