CREATE INDEX user_recovery_tickets_ticket_idx ON user_recovery_tickets (ticket);
