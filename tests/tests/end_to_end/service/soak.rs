//! Three hosts, a writer that keeps making rows, and everything that can happen to a host, for a while.
//!
//! `just soak` runs it for ten minutes; `cargo test` for as long as [`SECONDS`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use besom::database::{Database, Statement};
use besom::ledger::{Asked, Cause, Scope};
use besom::request::{JobName, Mode};
use besom_tests::TestDatabase;

use super::super::cli::{Desk, connect};
use super::{Server, recorded, servers, until};

/// How long without [`VARIABLE`].
const SECONDS: u64 = 60;
const VARIABLE: &str = "BESOM_SOAK_SECONDS";

/// Nothing runs by itself.
const FILE: &str = "[plugins.tokens]\nenabled = false\nbatch-size = 20\n";

/// What the writer did: the oracle.
#[derive(Default)]
struct Written {
    revoked: AtomicU64,
    live: AtomicU64,
    revived: AtomicU64,
}

/// Numbers that differ from run to run; the first is printed, so that a run can be had again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_that_are_killed_stopped_reloaded_and_paused_lose_nothing_and_take_nothing_live() {
    let seconds = std::env::var(VARIABLE).map_or(SECONDS, |text| text.parse().unwrap());
    let databases = servers().await;
    let each = seconds / databases.len() as u64;
    for database in databases {
        soak(database, each).await;
    }
}

async fn soak(database: TestDatabase, seconds: u64) {
    let desk = Desk::filled(database, 2_000, FILE).await;
    super::super::cli::killed::fill(&desk, 0).await;
    let ten = desk
        .count("SELECT count(*) FROM oauth2_access_tokens")
        .await;
    let pool = connect(&desk.database).await;
    let over = Arc::new(AtomicBool::new(false));
    let written = Arc::new(Written::default());
    let writer = tokio::spawn(write(pool.clone(), Arc::clone(&written), Arc::clone(&over)));

    let seed = u64::from(std::process::id()).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let mut hosts = [0, 1, 2].map(|_| None::<Server>);
    let mut lives = 0;
    let mut done = [0; 6];
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        for host in hosts.iter_mut().filter(|host| host.is_none()) {
            lives += 1;
            *host = Some(Server::start(&desk, &format!("host-{lives}")));
        }
        ask(&pool).await;
        tokio::time::sleep(Duration::from_millis(500 + dice.roll(1500))).await;
        let which = dice.roll(3) as usize;
        let Some(host) = &mut hosts[which] else {
            continue;
        };
        let action = dice.roll(6) as usize;
        done[action] += 1;
        match action {
            0 => {
                host.kill();
                hosts[which] = None;
            }
            1 => {
                // Past its lease of two seconds.
                host.signal("STOP");
                tokio::time::sleep(Duration::from_millis(2_500)).await;
                host.signal("CONT");
            }
            2 => {
                host.signal("TERM");
                assert_eq!(host.ended().await, Some(0), "{}", host.log());
                hosts[which] = None;
            }
            3 => resize(&desk, 10 + dice.roll(90)),
            4 => {
                let everything = Scope::Everything;
                besom::ledger::pause(&pool, &everything, "soak", "soak")
                    .await
                    .unwrap();
                tokio::time::sleep(Duration::from_millis(1_500)).await;
                besom::ledger::resume(&pool, &everything).await.unwrap();
            }
            _ => break_the_file(&desk).await,
        }
    }
    over.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    println!(
        "kill {}, sleep {}, stop {}, resize {}, pause {}, break {}",
        done[0], done[1], done[2], done[3], done[4], done[5]
    );

    // What is left now goes by one more run.
    for host in hosts.iter_mut().filter(|host| host.is_none()) {
        lives += 1;
        *host = Some(Server::start(&desk, &format!("host-{lives}")));
    }
    let waiting = "SELECT count(*) FROM besom_queue WHERE done_at IS NULL";
    until("the queue to be empty", async || {
        desk.count(waiting).await == 0
    })
    .await;
    ask(&pool).await;
    until("the last run", async || desk.count(waiting).await == 0).await;

    let [revoked, live, revived] = [&written.revoked, &written.live, &written.revived]
        .map(|count| count.load(Ordering::Relaxed) as i64);
    println!("revoked {revoked}, live {live}, revived {revived}");
    assert!(revoked > 1000 && revived > 0, "the writer wrote");
    let stays = desk
        .count("SELECT count(*) FROM oauth2_access_tokens WHERE revoked_at IS NULL")
        .await;
    assert_eq!(
        stays,
        ten + live + revived,
        "every live token, and every revived one"
    );
    let left = desk
        .count("SELECT count(*) FROM oauth2_access_tokens WHERE revoked_at IS NOT NULL")
        .await;
    assert_eq!(left, 0, "in the end every revoked one is gone");
    assert_eq!(
        recorded(&desk).await,
        revoked - revived,
        "the ledger equals the rows gone"
    );
    let totals = "SELECT coalesce(sum(affected), 0)::bigint FROM besom_run";
    assert_eq!(
        desk.count(totals).await,
        revoked - revived,
        "so do the runs' own totals"
    );
    let open = "SELECT (SELECT count(*) FROM besom_lease) + (SELECT count(*) FROM besom_slot) + \
                (SELECT count(*) FROM besom_run WHERE state = 'running')";
    assert_eq!(desk.count(open).await, 0, "nothing is held any more");
    let orphans = "SELECT count(*) FROM oauth2_refresh_tokens AS r WHERE r.oauth2_access_token_id IS NOT NULL \
                   AND NOT EXISTS (SELECT 1 FROM oauth2_access_tokens AS a \
                   WHERE a.oauth2_access_token_id = r.oauth2_access_token_id)";
    assert_eq!(desk.count(orphans).await, 0);
    let failed = desk
        .count("SELECT count(*) FROM besom_run WHERE state = 'failed'")
        .await;
    assert_eq!(failed, 0, "none of this is a failure of a job");
}

/// Makes revoked and live tokens, and revives some of the revoked ones that are still there.
async fn write(pool: Database, written: Arc<Written>, over: Arc<AtomicBool>) {
    const INSERT: &str = "INSERT INTO oauth2_access_tokens (oauth2_access_token_id, oauth2_session_id, \
         access_token, created_at, expires_at, revoked_at) SELECT gen_random_uuid(), (SELECT oauth2_session_id \
         FROM oauth2_sessions LIMIT 1), gen_random_uuid()::text, now() - interval '2 days', now() + interval '1 day', ";
    while !over.load(Ordering::Relaxed) {
        let mut session = pool.session().await.unwrap();
        for (revoked, rows, count) in [
            ("now() - interval '1 day'", 200, &written.revoked),
            ("NULL", 10, &written.live),
        ] {
            session
                .run_script(&format!(
                    "{INSERT}{revoked} FROM generate_series(1, {rows})"
                ))
                .await
                .unwrap();
            count.fetch_add(rows, Ordering::Relaxed);
        }
        let mut revive = Statement::new(pool.dialect());
        revive.push(
            "UPDATE oauth2_access_tokens SET revoked_at = NULL WHERE oauth2_access_token_id IN (SELECT \
             oauth2_access_token_id FROM oauth2_access_tokens WHERE revoked_at IS NOT NULL \
             ORDER BY random() LIMIT 3 FOR UPDATE SKIP LOCKED) RETURNING 1",
        );
        let revived = session.fetch(&revive).await.unwrap().len() as u64;
        written.revived.fetch_add(revived, Ordering::Relaxed);
        drop(session);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn ask(pool: &Database) {
    let asked = Asked {
        job: JobName::new("tokens", "revoked-access"),
        mode: Mode::Apply,
        cause: Cause::Request,
        by: "soak".to_owned(),
    };
    asked.enqueue(pool).await.unwrap();
}

fn resize(desk: &Desk, size: u64) {
    let file = desk.folder.path().join("besom.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (head, _) = text.split_once("batch-size").unwrap();
    std::fs::write(file, format!("{head}batch-size = {size}\n")).unwrap();
}

/// For a moment; the hosts keep what they had. One that starts then refuses, as it should.
async fn break_the_file(desk: &Desk) {
    let file = desk.folder.path().join("besom.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\nno such thing = ")).unwrap();
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    std::fs::write(file, text).unwrap();
}
