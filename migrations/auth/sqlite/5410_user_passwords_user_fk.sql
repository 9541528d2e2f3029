CREATE INDEX user_passwords_user_fk ON user_passwords (user_id);
