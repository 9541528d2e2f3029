CREATE INDEX user_emails_user_fk ON user_emails (user_id);
