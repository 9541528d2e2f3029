-- Every version of the data that policies are evaluated with; only the newest is in force.

CREATE TABLE policy_data (
    policy_data_id uuid NOT NULL PRIMARY KEY,
    created_at timestamptz NOT NULL,
    data jsonb NOT NULL
);
