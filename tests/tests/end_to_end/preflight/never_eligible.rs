//! `never-eligible`: rows that no rule of a job can ever match.

use besom::plugin::TableAccess;
use besom::sql::Plan;
use besom::sweep::{Lacking, MOST_LACKING, lacking};
use besom_tests::lab::both as labs;
use serde_json::Value;

use super::*;
use crate::cli::{Desk, both};

const CODE: &str = "never-eligible";
const TOKENS: &str = "[plugins.tokens]\n";

/// What `check` says of a job under that code.
fn told(desk: &Desk, job: &str) -> Vec<Value> {
    let checked = desk.json(&["check", "--json"]);
    let jobs = checked["jobs"].as_array().unwrap();
    let job = jobs.iter().find(|of| of["job"] == job).unwrap();
    let findings = job["findings"].as_array().unwrap().iter();
    findings.filter(|of| of["code"] == CODE).cloned().collect()
}

/// The record of a run has it.
fn is_told(run: &Value) -> bool {
    let findings = run["findings"].as_array().unwrap();
    findings.iter().any(|of| of["code"] == CODE)
}

/// Tokens that have lost their expiry.
async fn without_expiry(database: besom_tests::TestDatabase, rows: u32, more: &str) -> Desk {
    let desk = Desk::filled(database, 8_000, &format!("{TOKENS}{more}")).await;
    desk.script(&format!(
        "UPDATE oauth2_access_tokens SET expires_at = NULL WHERE oauth2_access_token_id IN
         (SELECT oauth2_access_token_id FROM oauth2_access_tokens WHERE expires_at IS NOT NULL LIMIT {rows})"
    ))
    .await;
    desk
}

async fn lacking_now(desk: &Desk) -> i64 {
    desk.count("SELECT count(*) FROM oauth2_access_tokens WHERE expires_at IS NULL")
        .await
}

#[tokio::test]
async fn tokens_without_an_expiry_are_counted_and_their_job_runs() {
    for database in both().await {
        let desk = without_expiry(database, 12, "").await;
        let rows = lacking_now(&desk).await;

        let found = told(&desk, "tokens/expired-access");

        assert_eq!(found.len(), 1);
        assert_eq!(found[0]["severity"], "info");
        let message = found[0]["message"].as_str().unwrap();
        let words = format!("{rows} rows have no `expires_at` in `oauth2_access_tokens`");
        assert!(message.starts_with(&words), "{message}");
        // A revoked token gets its time when it is revoked: no row lacks it for ever.
        assert_eq!(told(&desk, "tokens/revoked-access"), [] as [Value; 0]);
        let done = desk.json(&["run", "tokens/expired-access", "--json"]);
        assert_eq!(done[0]["outcome"], "drained");
        assert!(is_told(&done[0]));
        assert_eq!(lacking_now(&desk).await, rows);
    }
}

#[tokio::test]
async fn many_are_told_as_more_than_a_thousand() {
    for database in both().await {
        let desk = without_expiry(database, 1_500, "").await;
        let rows = lacking_now(&desk).await;
        assert!(rows > 1_000, "{rows}");

        let found = told(&desk, "tokens/expired-access");

        let message = found[0]["message"].as_str().unwrap();
        assert!(
            message.starts_with("more than 1000 rows have no "),
            "{message}"
        );
    }
}

#[tokio::test]
async fn who_tolerates_it_hears_no_more_of_it() {
    for database in both().await {
        let more = "[plugins.tokens.jobs.expired-access]\ntolerate = [\"never-eligible\"]\n";
        let desk = without_expiry(database, 12, more).await;

        assert_eq!(told(&desk, "tokens/expired-access"), [] as [Value; 0]);
        let done = desk.json(&["run", "tokens/expired-access", "--json"]);
        assert!(!is_told(&done[0]));
    }
}

#[tokio::test]
async fn it_is_tolerated_for_one_run_by_the_command_too() {
    let desk = without_expiry(besom_tests::sqlite(), 12, "").await;

    let arguments = ["run", "tokens/expired-access", "--tolerate", CODE, "--json"];
    let done = desk.json(&arguments);

    assert!(!is_told(&done[0]));
}

#[tokio::test]
async fn where_every_row_has_an_expiry_nothing_is_told() {
    for database in both().await {
        let desk = Desk::filled(database, 2_000, &format!("{TOKENS}[plugins.sessions]\n")).await;
        desk.script(
            "UPDATE oauth2_access_tokens SET expires_at = created_at WHERE expires_at IS NULL",
        )
        .await;
        desk.script("UPDATE compat_access_tokens SET expires_at = NULL WHERE expires_at = NULL")
            .await;

        assert_eq!(told(&desk, "tokens/expired-access"), [] as [Value; 0]);
        // NOT NULL in the schema.
        assert_eq!(told(&desk, "sessions/expired"), [] as [Value; 0]);
        // A live session has no `finished_at` yet.
        assert_eq!(told(&desk, "sessions/finished-oauth2"), [] as [Value; 0]);
    }
}

const LETTERS: &str =
    "CREATE TABLE letter (id BIGINT NOT NULL PRIMARY KEY, kind BIGINT NOT NULL, due BIGINT);
    INSERT INTO letter VALUES (1, 1, NULL), (2, 2, NULL), (3, 1, 5);";

/// How requests go through their tables.
async fn plans(lab: &Lab, requests: &[Request]) -> Vec<Arc<Plan>> {
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
    for request in requests {
        Sweep::open(&context, request.clone()).await.unwrap();
    }
    context.settle().await.drained
}

async fn lacking_of(lab: &Lab, plans: &[Arc<Plan>]) -> Option<Lacking> {
    let plans: Vec<_> = plans.iter().map(AsRef::as_ref).collect();
    lacking(&lab.database, &plans, "due").await.unwrap()
}

/// How many rows of a request's table lack `due`.
async fn lacking_due(lab: &Lab, request: Request) -> Option<Lacking> {
    let plans = plans(lab, &[request]).await;
    lacking_of(lab, &plans).await
}

fn due_of_kind(kind: i64) -> Request {
    let compare = |column: &str, operator, value| Condition::Compare {
        column: column.to_owned(),
        operator,
        to: besom::request::Value::Integer(value),
    };
    use besom::request::Comparison::{Equal, Less};
    Request::delete(
        "letter",
        Condition::All(vec![compare("due", Less, 9), compare("kind", Equal, kind)]),
    )
}

#[tokio::test]
async fn rows_that_the_job_does_not_mean_are_not_counted() {
    for lab in labs(LETTERS, LETTERS).await {
        assert_eq!(
            lacking_due(&lab, due_of_kind(1)).await,
            Some(Lacking::Exactly(1))
        );
        assert_eq!(
            lacking_due(&lab, due_of_kind(3)).await,
            Some(Lacking::Exactly(0))
        );
    }
}

#[tokio::test]
async fn a_large_table_without_an_index_is_told_by_the_statistics_and_not_read() {
    let lab = Lab::postgres(LETTERS).await;
    lab.script("ANALYZE letter").await;
    // As if there were two million: what is looked at is the estimate alone.
    lab.script(
        "UPDATE pg_class SET reltuples = 2000000, relpages = 20000 WHERE relname = 'letter'",
    )
    .await;

    let Some(Lacking::About(rows)) = lacking_due(&lab, due_of_kind(1)).await else {
        panic!("read, or not told");
    };

    assert!((1_300_000..1_400_000).contains(&rows), "{rows}");
    lab.script("CREATE INDEX letter_due ON letter (due)").await;
    // CREATE INDEX counts the rows anew.
    lab.script(
        "UPDATE pg_class SET reltuples = 2000000, relpages = 20000 WHERE relname = 'letter'",
    )
    .await;
    assert_eq!(
        lacking_due(&lab, due_of_kind(1)).await,
        Some(Lacking::Exactly(1))
    );
    assert_eq!(MOST_LACKING, 1_000, "docs/preflight.md says so");
}

#[tokio::test]
async fn a_look_that_takes_too_long_is_given_up_and_tells_nothing() {
    let lab = Lab::postgres(LETTERS).await;
    let plans = plans(&lab, &[due_of_kind(1)]).await;
    let mut holder = lab.session().await;
    holder.begin("BEGIN").await.unwrap();
    holder
        .run_script("LOCK TABLE letter IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let began = std::time::Instant::now();

    let told = lacking_of(&lab, &plans).await;

    assert_eq!(told, None);
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    holder.rollback().await.unwrap();
    assert_eq!(lacking_of(&lab, &plans).await, Some(Lacking::Exactly(1)));
}

#[tokio::test]
async fn a_row_that_another_rule_of_the_job_can_take_is_not_lost() {
    let access = |expiry: &[&str]| TableAccess {
        table: "letter".to_owned(),
        read: Vec::new(),
        update: Vec::new(),
        delete: true,
        all_rows: false,
        expiry: expiry.iter().map(|name| (*name).to_owned()).collect(),
        indexes: Vec::new(),
        if_there: false,
    };
    for lab in labs(LETTERS, LETTERS).await {
        let catalog = lab.catalog().await;
        let by_kind = Request::delete(
            "letter",
            Condition::Any(vec![
                Condition::IsNotNull {
                    column: "due".to_owned(),
                },
                Condition::IsNotNull {
                    column: "kind".to_owned(),
                },
            ]),
        );
        let looked_at = async |requests: &[Request], columns: &[&str]| {
            let rehearsed = Rehearsed {
                plans: plans(&lab, requests).await,
                refused: Vec::new(),
                looked: Vec::new(),
                given: Default::default(),
            };
            let found = preflight::expiries(&catalog, &[access(columns)], &rehearsed);
            let columns: Vec<_> = found.into_iter().map(|of| of.column).collect();
            columns
        };

        let by_due = [due_of_kind(1), due_of_kind(2)];
        assert_eq!(looked_at(&by_due, &["due"]).await, ["due"]);
        let both_rules = [due_of_kind(1), by_kind];
        assert!(looked_at(&both_rules, &["due"]).await.is_empty());
        assert!(looked_at(&by_due, &[]).await.is_empty(), "not named");
        assert!(looked_at(&by_due, &["kind"]).await.is_empty(), "NOT NULL");
        assert!(looked_at(&[], &["due"]).await.is_empty(), "no sweep");
    }
}
