//! A missing index is an error where it costs, by the sizes that there are: analysed or not.

use besom_tests::lab::both;

use super::*;

/// Parents, `dead` of them dead, and a child that refers to few of them by a column without an index.
fn family(parents: u64, dead: u64, children: u64, width: usize) -> (String, String) {
    let tables = "CREATE TABLE parent (id bigint PRIMARY KEY, dead_at bigint);
        CREATE TABLE child (id bigint PRIMARY KEY, parent bigint REFERENCES parent (id), note text);";
    let fill = |numbers: &dyn Fn(u64) -> String| {
        format!(
            "{tables}
             INSERT INTO parent SELECT n, CASE WHEN n <= {dead} THEN 1 END FROM {} AS s(n);
             INSERT INTO child SELECT n, CASE WHEN n % 1000 = 0 THEN {parents} END, '{}' FROM {} AS s(n);",
            numbers(parents),
            "x".repeat(width),
            numbers(children),
        )
    };
    let postgres = fill(&|most| format!("generate_series(1, {most})"));
    let sqlite = fill(&|most| {
        format!(
            "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {most}) SELECT n FROM s)"
        )
    })
    .replace(" AS s(n)", " AS s");
    (postgres, sqlite)
}

async fn analysed_or_not(schema: &(String, String)) -> Vec<(Lab, &'static str)> {
    let mut labs = Vec::new();
    for analyse in ["", "ANALYZE"] {
        for lab in both(&schema.0, &schema.1).await {
            lab.script(analyse).await;
            labs.push((lab, analyse));
        }
    }
    labs
}

async fn rehearsed(lab: &Lab, request: &Request) -> (Arc<besom::catalog::Catalog>, Rehearsed) {
    let catalog = lab.catalog().await;
    let context = RunContext::rehearsal(
        lab.database.clone(),
        Arc::clone(&catalog),
        Arc::new(all_granted(&catalog)),
        Subject {
            job: job(),
            bundled: false,
        },
        lab.database.now().await.unwrap(),
        lab.options.clone(),
    );
    drop(Sweep::open(&context, request.clone()).await.unwrap());
    let plans = context.settle().await.drained;
    let rehearsed = Rehearsed {
        plans,
        ..Rehearsed::default()
    };
    (catalog, rehearsed)
}

async fn key(lab: &Lab) -> Finding {
    let request = Request::delete("parent", dead());
    found(lab, &request, "unindexed-foreign-key").await
}

#[tokio::test]
async fn eighteen_parents_against_two_hundred_thousand_children_are_borne() {
    for (lab, analysed) in analysed_or_not(&family(3_000, 18, 200_000, 150)).await {
        let finding = key(&lab).await;

        assert_eq!(
            finding.severity,
            Severity::Warning,
            "{analysed} {finding:?}"
        );
        assert!(
            finding.message.contains("about 18 rows to go x "),
            "{finding:?}"
        );
    }
}

#[tokio::test]
async fn any_number_of_parents_against_a_child_of_one_row_is_borne() {
    for (lab, analysed) in analysed_or_not(&family(200_000, 150_000, 1, 10)).await {
        let finding = key(&lab).await;

        assert_eq!(
            finding.severity,
            Severity::Warning,
            "{analysed} {finding:?}"
        );
        assert!(finding.message.contains(" on 1 page)"), "{finding:?}");
    }
}

#[tokio::test]
async fn a_thousand_parents_against_two_hundred_thousand_children_are_not() {
    for (lab, analysed) in analysed_or_not(&family(2_000, 1_000, 200_000, 60)).await {
        let finding = key(&lab).await;

        assert_eq!(finding.severity, Severity::Error, "{analysed} {finding:?}");
        assert!(
            finding.message.contains("about 1,000 rows to go x "),
            "{finding:?}"
        );
        let seconds = finding.message.rsplit_once("some ").unwrap().1;
        let seconds: f64 = seconds.split_once(' ').unwrap().0.parse().unwrap();
        assert!((4.0..60.0).contains(&seconds), "{finding:?}");
        let began = std::time::Instant::now();
        lab.script("DELETE FROM parent WHERE id <= 50").await;
        // The estimate is of the right order: a slower machine takes longer, and none a tenth.
        let took = began.elapsed().as_secs_f64();
        assert!(took > seconds / 20.0 / 10.0, "{took} s, {finding:?}");
    }
}

#[tokio::test]
async fn few_of_many_parents_are_borne_whatever_else_there_is() {
    let family = family(50_000, 3, 100_000, 60);
    for (lab, analysed) in analysed_or_not(&family).await {
        let finding = key(&lab).await;

        assert_eq!(
            finding.severity,
            Severity::Warning,
            "{analysed} {finding:?}"
        );
        assert!(
            finding.message.contains("about 3 rows to go"),
            "{finding:?}"
        );
    }
}

#[tokio::test]
async fn where_rows_cannot_be_counted_in_time_every_one_may_be_one_that_goes() {
    let family = family(2_000, 3, 200_000, 60);
    for lab in both(&family.0, &family.1).await {
        lab.script("ANALYZE").await;
        let request = Request::delete("parent", dead());
        let (catalog, rehearsed) = rehearsed(&lab, &request).await;
        let deadline = std::time::Duration::from_secs(300);
        let mut weights = weigh(&lab.database, &catalog, &rehearsed, 1_000, deadline).await;
        let severity = |weights: &besom::preflight::Weights| {
            let found = preflight::findings(&catalog, &rehearsed, weights);
            (found[0].severity, found[0].message.clone())
        };
        assert_eq!(severity(&weights).0, Severity::Warning);

        weights.to_go.clear();

        let (severity, message) = severity(&weights);
        assert_eq!(severity, Severity::Error);
        assert!(message.contains("up to 2,000 rows to go"), "{message}");
    }
}

#[tokio::test]
async fn a_partitioned_child_is_weighed_with_all_of_its_partitions() {
    let lab = Lab::postgres(
        "CREATE TABLE parent (id bigint PRIMARY KEY, dead_at bigint);
         INSERT INTO parent SELECT n, 1 FROM generate_series(1, 1000) AS n;
         CREATE TABLE child (id bigint, parent bigint REFERENCES parent (id), note text) PARTITION BY RANGE (id);
         CREATE TABLE child_one PARTITION OF child FOR VALUES FROM (0) TO (100000);
         CREATE TABLE child_two PARTITION OF child FOR VALUES FROM (100000) TO (300000);
         INSERT INTO child SELECT n, NULL, repeat('x', 60) FROM generate_series(1, 200000) AS n;",
    )
    .await;

    let finding = key(&lab).await;

    assert_eq!(finding.severity, Severity::Error);
    let pages = "SELECT (pg_relation_size('child_one') + pg_relation_size('child_two')) / 8192";
    let pages = lab.count(pages).await.to_string();
    let (thousands, rest) = pages.split_at(pages.len() - 3);
    let says = format!("on {thousands},{rest} pages");
    assert!(finding.message.contains(&says), "{says} in {finding:?}");
}

#[tokio::test]
async fn a_table_that_somebody_rewrites_holds_no_check_up() {
    let family = family(10, 5, 2_000, 10);
    let lab = Lab::postgres(&family.0).await;
    let catalog = lab.catalog().await;
    let mut other = lab.session().await;
    other
        .begin("BEGIN; LOCK TABLE child IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let request = Request::delete("parent", dead());
    let began = std::time::Instant::now();

    let finding = found(&lab, &request, "unindexed-foreign-key").await;

    assert_eq!(finding.severity, Severity::Warning, "{finding:?}");
    assert!(began.elapsed() < std::time::Duration::from_secs(30));
    other.rollback().await.unwrap();
    drop(catalog);
}

/// The indexes that the server-sessions schema has beside the key.
const INDEXES: &str = "CREATE INDEX live ON sessions (id) WHERE revoked_at IS NULL;
    CREATE INDEX ends ON sessions (absolute_expires_at);";

/// Opaque sessions as that schema has them.
fn sessions(rows: u64) -> (String, String) {
    let numbers = format!(
        "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) SELECT n FROM s) AS s"
    );
    let postgres = format!(
        "CREATE TABLE sessions (id text PRIMARY KEY, created_at timestamptz NOT NULL,
             absolute_expires_at timestamptz NOT NULL, idle_expires_at timestamptz NOT NULL,
             revoked_at timestamptz, user_agent text);
         INSERT INTO sessions SELECT lpad(n::text, 32, '0'), now(), now(), now(), now(), repeat('x', 100)
             FROM generate_series(1, {rows}) AS n;"
    );
    let sqlite = format!(
        "CREATE TABLE sessions (id TEXT PRIMARY KEY, created_at INTEGER NOT NULL,
             absolute_expires_at INTEGER NOT NULL, idle_expires_at INTEGER NOT NULL,
             revoked_at INTEGER, user_agent TEXT);
         INSERT INTO sessions SELECT printf('%032d', n), 1600000000000000, 1600000000000000, 1600000000000000,
             1600000000000000, printf('%.100c', 'x') FROM {numbers};"
    );
    (postgres, sqlite)
}

#[tokio::test]
async fn sessions_without_an_index_on_their_times_are_swept_with_a_warning_that_says_what_it_takes()
{
    for (lab, analysed) in analysed_or_not(&sessions(200_000)).await {
        lab.script(INDEXES).await;
        for column in ["created_at", "idle_expires_at", "revoked_at"] {
            let old = Condition::OlderThan {
                column: column.to_owned(),
                cutoff: besom::request::Timestamp(1_700_000_000_000_000),
                offset: 0,
            };
            let request = Request::delete("sessions", old).order_by(column);

            let finding = found(&lab, &request, "unindexed-sweep").await;

            assert_eq!(
                finding.severity,
                Severity::Warning,
                "{analysed} {finding:?}"
            );
            assert!(finding.message.contains(" page reads, "), "{finding:?}");
            let known = finding.message.contains("about 200,000 rows")
                || finding.message.contains("at most 200,000 rows");
            // Without statistics PostgreSQL's rows are told by the columns' widths.
            let by_width = analysed.is_empty() && lab.home.url.starts_with("postgres");
            assert!(known || by_width, "{finding:?}");
        }
        let indexed = Request::delete(
            "sessions",
            Condition::IsNotNull {
                column: "absolute_expires_at".to_owned(),
            },
        )
        .order_by("absolute_expires_at");
        assert!(
            !codes(&lab, &indexed)
                .await
                .contains(&"unindexed-sweep".to_owned())
        );
    }
}

#[tokio::test]
async fn two_million_sessions_are_no_error_either_where_a_run_gets_through_them_in_its_time() {
    let sessions = sessions(500_000);
    for lab in both(&sessions.0, &sessions.1).await {
        // In pieces, each within the statement timeout.
        for place in [1, 2] {
            lab.script(&format!(
                "INSERT INTO sessions SELECT substr(id, 1, {place} - 1) || 'x' || substr(id, {place} + 1), \
                 created_at, absolute_expires_at, idle_expires_at, revoked_at, user_agent FROM sessions"
            ))
            .await;
        }
        lab.script("ANALYZE").await;
        let unrevoked = Condition::IsNotNull {
            column: "revoked_at".to_owned(),
        };
        let request = Request::delete("sessions", unrevoked).order_by("revoked_at");

        let finding = found(&lab, &request, "unindexed-sweep").await;

        assert_eq!(finding.severity, Severity::Warning, "{finding:?}");
        assert!(
            finding.message.contains("about 2,000,000 rows")
                || finding.message.contains("about 1,999,"),
            "{finding:?}"
        );
        // Who gives a run less gets an error, because it would begin anew each time.
        let (catalog, rehearsed) = rehearsed(&lab, &request).await;
        let short = std::time::Duration::from_millis(100);
        let weights = weigh(&lab.database, &catalog, &rehearsed, 1_000, short).await;
        let found = preflight::findings(&catalog, &rehearsed, &weights);
        let found = found.iter().find(|found| found.code == "unindexed-sweep");
        assert_eq!(found.unwrap().severity, Severity::Error);
    }
}
