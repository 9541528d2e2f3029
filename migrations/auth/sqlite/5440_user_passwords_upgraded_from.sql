CREATE INDEX user_passwords_upgraded_from ON user_passwords (upgraded_from_id);
