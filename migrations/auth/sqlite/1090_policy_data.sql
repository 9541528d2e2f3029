-- Every version of the data that policies are evaluated with; only the newest is in force.

CREATE TABLE policy_data (
    policy_data_id BLOB NOT NULL PRIMARY KEY CHECK (length(policy_data_id) = 16),
    created_at INTEGER NOT NULL,
    data TEXT NOT NULL CHECK (json_valid(data))
) STRICT;
