CREATE INDEX user_recovery_tickets_email ON user_recovery_tickets (user_email_id);
