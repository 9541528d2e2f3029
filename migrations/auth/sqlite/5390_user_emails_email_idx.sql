CREATE INDEX user_emails_email_idx ON user_emails (email);
