//! People who go on logging in, refreshing and working off queues while somebody migrates.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// No statement may wait for a lock for longer.
const PATIENCE: &str = "500ms";

/// One person's round, with `{n}` for a number that nobody else has: reads and writes of every table that a
/// migration touches.
const ROUND: [&str; 12] = [
    "SELECT count(*) FROM compat_sessions WHERE compat_session_id = key({n} % 10000)",
    "INSERT INTO user_sessions (user_session_id, user_id, created_at) VALUES (key({n}), key(1), now())",
    "INSERT INTO compat_sessions (compat_session_id, user_id, user_session_id, created_at) VALUES (key({n}), key(1), key({n}), now())",
    "UPDATE compat_sessions SET last_active_at = now() WHERE compat_session_id = key({n})",
    "INSERT INTO oauth2_access_tokens (oauth2_access_token_id, oauth2_session_id, access_token, created_at) VALUES (key({n}), key(1), 'people{n}', now())",
    "UPDATE oauth2_access_tokens SET revoked_at = now() WHERE oauth2_access_token_id = key({n})",
    "INSERT INTO queue_jobs (queue_job_id, queue_name, created_at) VALUES (key({n}), 'q', now())",
    "UPDATE queue_jobs SET status = 'completed', completed_at = now() WHERE queue_job_id = key({n})",
    "INSERT INTO upstream_oauth_authorization_sessions (upstream_oauth_authorization_session_id, upstream_oauth_provider_id, state, created_at) VALUES (key({n}), key(1), 'people{n}', now())",
    "INSERT INTO user_session_authentications (user_session_authentication_id, user_session_id, upstream_oauth_authorization_session_id, created_at) VALUES (key({n}), key({n}), key({n}), now())",
    "SELECT count(*) FROM upstream_oauth_authorization_sessions WHERE upstream_oauth_authorization_session_id = key({n})",
    "DELETE FROM compat_sessions WHERE compat_session_id = key({n})",
];

/// What people have noticed.
#[derive(Debug, Default)]
pub struct Noticed {
    pub statements: u64,
    /// Statements that gave up waiting for a lock.
    pub waited_too_long: Vec<String>,
    /// The longest statement, with all that a busy machine adds to it.
    pub longest: Duration,
}

pub struct Foreground {
    stop: Arc<AtomicBool>,
    people: Vec<JoinHandle<()>>,
    noticed: Arc<Mutex<Noticed>>,
}

impl Foreground {
    pub async fn begin(url: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let noticed = Arc::new(Mutex::new(Noticed::default()));
        // Above every key of the rows that are there.
        let next = Arc::new(AtomicU64::new(10_000_000));
        let mut people = Vec::new();
        for _ in 0..3 {
            let mut connection = PgConnection::connect(url).await.unwrap();
            let patience = format!("SET lock_timeout = '{PATIENCE}'");
            sqlx::raw_sql(AssertSqlSafe(patience))
                .execute(&mut connection)
                .await
                .unwrap();
            let (stop, noticed, next) =
                (Arc::clone(&stop), Arc::clone(&noticed), Arc::clone(&next));
            people.push(tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    for statement in ROUND {
                        let statement = statement.replace("{n}", &n.to_string());
                        let began = Instant::now();
                        let done = sqlx::raw_sql(AssertSqlSafe(statement.clone()))
                            .execute(&mut connection)
                            .await;
                        let mut noticed = noticed.lock().await;
                        noticed.statements += 1;
                        noticed.longest = noticed.longest.max(began.elapsed());
                        if let Err(error) = done {
                            let code = error.as_database_error().and_then(|error| error.code());
                            let why = match code.as_deref() {
                                Some("55P03") => "waited for a lock".to_owned(),
                                // The row before it was given up on.
                                Some("23503") if !noticed.waited_too_long.is_empty() => continue,
                                _ => error.to_string(),
                            };
                            noticed.waited_too_long.push(format!("{why}: {statement}"));
                        }
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }));
        }
        Self {
            stop,
            people,
            noticed,
        }
    }

    pub async fn end(self) -> Noticed {
        self.stop.store(true, Ordering::Relaxed);
        for person in self.people {
            person.await.unwrap();
        }
        std::mem::take(&mut *self.noticed.lock().await)
    }
}
