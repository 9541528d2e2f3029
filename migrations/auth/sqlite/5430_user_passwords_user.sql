CREATE INDEX user_passwords_user ON user_passwords (user_id);
