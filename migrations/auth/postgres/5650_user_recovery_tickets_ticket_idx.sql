-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_recovery_tickets_ticket_idx;
CREATE INDEX CONCURRENTLY user_recovery_tickets_ticket_idx ON user_recovery_tickets (ticket);
