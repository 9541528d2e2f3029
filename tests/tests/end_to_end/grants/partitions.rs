//! A narrowing of a partitioned table, or of one of its partitions, keeps the rows that it is written for.

use besom_tests::postgres;

use crate::cli::Desk;

const AGE: &str = "min-age = { column = \"created_at\", age = \"300d\" }\n";

/// `refresh_tokens` in two partitions: in each ten rows expired, made a hundred days ago.
async fn in_partitions(file: &str) -> Desk {
    let desk = Desk::with_file(postgres().await, file);
    desk.script(
        "CREATE TABLE refresh_tokens (id uuid NOT NULL, revoked boolean NOT NULL, expires_at timestamptz NOT NULL,
             created_at timestamptz NOT NULL, PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at);
         CREATE TABLE rt_old PARTITION OF refresh_tokens FOR VALUES FROM (MINVALUE) TO ('2020-01-01Z');
         CREATE TABLE rt_new PARTITION OF refresh_tokens FOR VALUES FROM ('2020-01-01Z') TO (MAXVALUE);
         CREATE INDEX ON refresh_tokens (expires_at);
         INSERT INTO refresh_tokens SELECT gen_random_uuid(), false, now() - interval '90 days', at
         FROM generate_series(1, 10), unnest(ARRAY['2019-01-01Z'::timestamptz, now() - interval '100 days']) AS at",
    )
    .await;
    desk.says(&["migrate"]);
    desk
}

async fn young(desk: &Desk) -> i64 {
    desk.count("SELECT count(*) FROM rt_new").await
}

#[tokio::test]
async fn where_only_a_partition_is_narrowed_and_the_whole_is_swept_the_job_is_refused() {
    let file = format!("[plugins.tokens]\n[plugins.tokens.grant.rt_new]\n{AGE}");
    let desk = in_partitions(&file).await;

    let said = desk.run(&["run", "tokens/refresh-tokens"]);

    assert_ne!(said.code, 0);
    let words = "which is a partition of `public.refresh_tokens`";
    assert!(said.stderr.contains(words), "{}", said.stderr);
    assert_eq!(young(&desk).await, 10);
    // The way out, by half and as a whole.
    let way_out =
        "write `min-age` and `where` for `public.refresh_tokens`, and none for `public.rt_new`";
    assert!(said.stderr.contains(way_out), "{}", said.stderr);
    let toml = desk.folder.path().join("besom.toml");
    let text = std::fs::read_to_string(&toml).unwrap();
    let both = format!("{text}[plugins.tokens.grant.refresh_tokens]\n{AGE}");
    std::fs::write(&toml, both).unwrap();
    assert_ne!(desk.run(&["run", "tokens/refresh-tokens"]).code, 0);
    std::fs::write(&toml, text.replace("grant.rt_new", "grant.refresh_tokens")).unwrap();
    desk.says(&["run", "tokens/refresh-tokens"]);
    assert_eq!(young(&desk).await, 10);
    assert_eq!(desk.count("SELECT count(*) FROM rt_old").await, 0);
}

#[tokio::test]
async fn a_narrowing_of_the_whole_holds_where_a_partition_is_swept_by_its_own_name() {
    let file = format!(
        "[plugins.tokens.jobs.part]\nlike = \"refresh-tokens\"\nsettings = {{ refresh-tokens-table = \"rt_new\" }}\n\
         [plugins.tokens.grant.refresh_tokens]\n{AGE}"
    );
    let desk = in_partitions(&file).await;

    desk.says(&["run", "tokens/part"]);
    assert_eq!(young(&desk).await, 10);

    // And by the name of the whole, of which the old partition goes.
    desk.says(&["run", "tokens/refresh-tokens"]);
    assert_eq!(young(&desk).await, 10);
    assert_eq!(desk.count("SELECT count(*) FROM rt_old").await, 0);
}

#[tokio::test]
async fn where_only_a_partition_is_narrowed_and_a_cascade_reaches_the_whole_the_job_is_refused() {
    let desk = Desk::with_schema(
        postgres().await,
        "[plugins.tokens]\n\
         [plugins.tokens.grant.ev]\ndelete = true\n\
         [plugins.tokens.grant.ev_new]\nmin-age = { column = \"at\", age = \"1d\" }\n",
    )
    .await;
    desk.script(
        "CREATE TABLE ev (token uuid REFERENCES refresh_tokens ON DELETE CASCADE, at timestamptz NOT NULL)
             PARTITION BY RANGE (at);
         CREATE TABLE ev_new PARTITION OF ev FOR VALUES FROM ('2020-01-01Z') TO (MAXVALUE);
         CREATE INDEX ON ev (token);
         INSERT INTO refresh_tokens (id, user_id, token_hash, family_id, expires_at, created_at)
         SELECT gen_random_uuid(), gen_random_uuid(), n::text, gen_random_uuid(), now() - interval '1 day', now()
         FROM generate_series(1, 5) AS n;
         INSERT INTO ev SELECT id, now() FROM refresh_tokens",
    )
    .await;

    let said = desk.run(&["run", "tokens/refresh-tokens"]);

    assert_ne!(said.code, 0);
    let words = "which is a partition of `public.ev`";
    assert!(said.stderr.contains(words), "{}", said.stderr);
    assert_eq!(desk.count("SELECT count(*) FROM ev").await, 5);
}

#[tokio::test]
async fn a_job_on_a_partition_and_one_on_the_whole_want_the_same_table() {
    let file = "[plugins.tokens.jobs.part]\nlike = \"refresh-tokens\"\n\
                settings = { refresh-tokens-table = \"rt_new\" }\n";
    let desk = in_partitions(file).await;
    let host = crate::auth::host_of(&desk).await;
    let catalog = host.catalog().await.unwrap();
    let mut wanted = Vec::new();
    for job in ["tokens/refresh-tokens", "tokens/part"] {
        let prepared = host
            .prepare(&job.parse().unwrap(), &[], &catalog)
            .await
            .unwrap();
        wanted.push(prepared.relations());
    }
    assert_eq!(wanted[0], ["public.refresh_tokens"]);
    assert_eq!(wanted[1], ["public.refresh_tokens", "public.rt_new"]);
}
