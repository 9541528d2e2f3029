//! The HTTP API: every route with the right token, a wrong one and none, and clients that misbehave.

use std::time::{Duration, Instant};

use besom_tests::{postgres, sqlite};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::cli::Desk;
use super::client::{Client, TOKEN, address, with_token};
use super::{FILE, JOB, Server, finished, gone, revoked, until};

const ROUTES: [(&str, &str, bool); 15] = [
    ("GET", "/healthz", true),
    ("GET", "/readyz", true),
    ("GET", "/metrics", false),
    ("GET", "/v1/openapi.json", false),
    ("GET", "/v1/hosts", false),
    ("GET", "/v1/plugins", false),
    ("GET", "/v1/jobs", false),
    ("GET", "/v1/runs", false),
    (
        "GET",
        "/v1/runs/01900000-0000-7000-8000-000000000000",
        false,
    ),
    ("POST", "/v1/jobs/tokens/revoked-access/run", false),
    ("POST", "/v1/pause", false),
    ("POST", "/v1/resume", false),
    ("POST", "/v1/plugins/tokens/install", false),
    ("POST", "/v1/plugins/tokens/rollback", false),
    ("POST", "/v1/plugins/tokens/promote", false),
];

#[tokio::test]
async fn every_route_wants_the_token_but_the_two_that_a_supervisor_asks() {
    let desk = Desk::filled(postgres().await, 2_000, &with_token()).await;
    let server = Server::start(&desk, "only");
    server.says("the ledger answers").await;
    let mut right = Client::to(&server, Some(TOKEN)).await;
    let document = right.get("/v1/openapi.json").await.json();
    let documented = document["paths"].as_object().unwrap();
    assert_eq!(
        documented.len(),
        ROUTES.len(),
        "a route that is not tested here"
    );

    for (method, path, open) in ROUTES {
        for token in [None, Some("0123456789abcdef0123456789abcdeX"), Some("x")] {
            let mut client = Client::to(&server, token).await;
            let kind = "Content-Type: application/json\r\n";
            let body = if method == "POST" { "{}" } else { "" };
            let answer = client.ask(method, path, kind, body).await;
            let wanted = if open { 200 } else { 401 };
            assert_eq!(
                answer.status, wanted,
                "{path} with {token:?}: {}",
                answer.body
            );
            assert!(
                open || answer
                    .head
                    .to_lowercase()
                    .contains("www-authenticate: bearer")
            );
        }
        let answer = match method {
            "GET" => right.get(path).await,
            _ => right.post(path, &json!({})).await,
        };
        let wanted = match path {
            _ if path.contains("01900000") => 404,
            _ if path.ends_with("/run") => 202,
            // An object of JSON is no component, and nothing is installed to go back to.
            _ if path.ends_with("/install") => 415,
            _ if path.starts_with("/v1/plugins/") => 409,
            _ => 200,
        };
        assert_eq!(answer.status, wanted, "{path}: {}", answer.body);
    }
    assert_eq!(
        desk.count("SELECT count(*) FROM besom_queue").await,
        1,
        "one was asked for"
    );
    assert!(!server.log().contains(TOKEN), "the token is in the log");
}

#[tokio::test]
async fn what_the_service_says_of_itself_is_so() {
    for database in [postgres().await, sqlite()] {
        let desk = Desk::filled(database, 2_000, &with_token()).await;
        revoked(&desk).await;
        let server = Server::start(&desk, "only");
        server.says("the ledger answers").await;
        let mut client = Client::to(&server, Some(TOKEN)).await;

        assert_eq!(client.get("/readyz").await.json()["ready"], true);
        let hosts = client.get("/v1/hosts").await.json();
        assert_eq!(hosts[0]["name"], "only");
        assert_eq!(hosts[0]["alive"], true);
        let plugins = client.get("/v1/plugins").await.json();
        assert_eq!(plugins[0]["name"], "tokens");
        let jobs = client.get("/v1/jobs").await.json();
        assert_eq!(jobs, json!([]), "none runs by itself here");

        let path = format!("/v1/jobs/{JOB}/run");
        let dry = client.post(&path, &json!({ "dry_run": true })).await.json();
        assert_eq!(dry["mode"], "dry-run");
        let run = client.post(&path, &json!({})).await.json();
        finished(&desk).await;
        // A connection that asks for nothing for a while is closed.
        let mut client = Client::to(&server, Some(TOKEN)).await;
        let id = run["run"].as_str().unwrap();
        let shown = client.get(&format!("/v1/runs/{id}")).await.json();
        let by_command = desk.json(&["runs", "show", id, "--json"]);
        assert_eq!(shown, by_command);
        assert_eq!(shown["outcome"], "drained");
        let listed = client
            .get(&format!("/v1/runs?job={JOB}&limit=5"))
            .await
            .json();
        assert_eq!(listed, desk.json(&["runs", "list", "--json"]));

        until("the run to be counted", async || {
            let mut client = Client::to(&server, Some(TOKEN)).await;
            let metrics = client.get("/metrics").await.body;
            metrics.contains(
                "besom_runs_total{plugin=\"tokens\",job=\"revoked-access\",mode=\"apply\",outcome=\"drained\"} 1",
            )
        })
        .await;
        let metrics = client.get("/metrics").await.body;
        let batches = shown["batches"].as_u64().unwrap();
        for line in [
            "besom_rows_total{plugin=\"tokens\",job=\"revoked-access\",kind=\"affected\"} 5000",
            "besom_backlog_rows{plugin=\"tokens\",job=\"revoked-access\"} 0",
            "besom_ledger_up 1",
            "besom_last_success_timestamp_seconds{plugin=\"tokens\",job=\"revoked-access\"} 1",
        ] {
            assert!(metrics.contains(line), "{line} is not in\n{metrics}");
        }
        let counted = metrics
            .lines()
            .find(|line| line.starts_with("besom_batch_rows_count"))
            .unwrap();
        let counted: u64 = counted.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(counted >= batches, "{counted} of {batches} batches");
        assert!(!metrics.contains(id), "a run's id is a label");
        assert!(metrics.ends_with("# EOF\n"));
    }
}

#[tokio::test]
async fn a_pause_over_http_holds_on_every_host() {
    let desk = Desk::filled(postgres().await, 2_000, &with_token()).await;
    revoked(&desk).await;
    let hosts = ["first", "second"].map(|name| Server::start(&desk, name));
    hosts[1].says("the ledger answers").await;
    let mut client = Client::to(&hosts[0], Some(TOKEN)).await;

    let paused = client
        .post("/v1/pause", &json!({ "what": "tokens", "why": "an audit" }))
        .await;
    assert_eq!(paused.json()["paused"][0]["what"], "tokens");
    desk.says(&["trigger", JOB]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(gone(&desk).await, 0);

    let mut client = Client::to(&hosts[0], Some(TOKEN)).await;
    let wrong = client
        .post("/v1/resume", &json!({ "what": "sessions" }))
        .await;
    assert_eq!(wrong.status, 409);
    let resumed = client
        .post("/v1/resume", &json!({ "what": "tokens" }))
        .await;
    assert_eq!(resumed.json()["paused"], json!([]));
    finished(&desk).await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_way_out() {
    let desk = Desk::filled(sqlite(), 2_000, &with_token()).await;
    let server = Server::start(&desk, "only");
    server.says("the ledger answers").await;
    let run = format!("/v1/jobs/{JOB}/run");
    let kind = "Content-Type: application/json\r\n";
    let many: String = (0..100).map(|n| format!("X-{n}: x\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "x".repeat(20_000));
    let large = format!("{{\"why\": \"{}\"}}", "x".repeat(100_000));
    let cases: [(&str, &str, &str, &str, u16, &str); 16] = [
        ("POST", &run, kind, "{", 400, "body"),
        ("POST", &run, kind, "7", 422, "body"),
        (
            "POST",
            &run,
            kind,
            "{\"dryrun\": true}",
            422,
            "unknown field `dryrun`",
        ),
        ("POST", &run, kind, "{\"dry_run\": \"yes\"}", 422, "boolean"),
        ("POST", &run, "", "{}", 415, "application/json"),
        ("POST", "/v1/pause", kind, &large, 413, "body"),
        (
            "POST",
            "/v1/pause",
            kind,
            "{\"what\": \"nothing\"}",
            404,
            "there are: tokens",
        ),
        (
            "POST",
            "/v1/pause",
            kind,
            "{\"what\": \"tokens/none\"}",
            404,
            "it has: ",
        ),
        (
            "POST",
            "/v1/jobs/tokens/none/run",
            kind,
            "{}",
            404,
            "revoked-access",
        ),
        ("POST", "/v1/runs", kind, "{}", 405, "openapi.json"),
        ("GET", &run, "", "", 405, "openapi.json"),
        ("GET", "/nothing", "", "", 404, "openapi.json"),
        ("GET", "/v1/runs?limit=0", "", "", 400, "1 to 1000"),
        ("GET", "/v1/runs?jobs=x", "", "", 400, "jobs"),
        ("GET", "/v1/runs?job=x", "", "", 400, "plugin/job"),
        ("GET", "/v1/runs/x", "", "", 404, "no run's id"),
    ];
    for (method, path, headers, body, status, words) in cases {
        let mut client = Client::to(&server, Some(TOKEN)).await;
        let answer = client.ask(method, path, headers, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        let problem = answer.json();
        assert_eq!(problem["status"], status);
        assert!(problem.to_string().contains(words), "{words}: {problem}");
        assert!(
            answer.head.contains("application/problem+json"),
            "{}",
            answer.head
        );
    }
    for headers in [&many, &long] {
        let mut client = Client::to(&server, Some(TOKEN)).await;
        assert_eq!(client.ask("GET", "/healthz", headers, "").await.status, 431);
    }
    // A page of another site, in the browser of one who may.
    for from in [
        "Origin: https://evil.example\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
    ] {
        let mut client = Client::to(&server, Some(TOKEN)).await;
        let answer = client
            .ask("POST", "/v1/pause", &format!("{kind}{from}"), "{}")
            .await;
        assert_eq!(answer.status, 403, "{}", answer.body);
    }
    assert_eq!(desk.count("SELECT count(*) FROM besom_queue").await, 0);
    assert_eq!(desk.count("SELECT count(*) FROM besom_pause").await, 0);
}

#[tokio::test]
async fn without_a_token_it_answers_to_this_machines_own_names_alone() {
    let file = format!("{FILE}[http]\nlisten = \"127.0.0.1:0\"\n");
    let desk = Desk::filled(sqlite(), 2_000, &file).await;
    let server = Server::start(&desk, "only");
    let mut client = Client::to(&server, None).await;
    for (host, status) in [
        ("localhost:7878", 200),
        ("127.0.0.1", 200),
        ("[::1]:7878", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
    ] {
        let headers = format!("Host: {host}\r\n");
        let answer = client.ask("GET", "/v1/plugins", &headers, "").await;
        assert_eq!(answer.status, status, "{host}: {}", answer.body);
    }
    let public = format!("{FILE}[http]\nlisten = \"0.0.0.0:7878\"\n");
    let refused = Desk::with_file(sqlite(), &public).run(&["serve"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("http.listen"), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("set a `token`"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn a_client_that_never_finishes_its_headers_is_cut_off_and_keeps_nobody_out() {
    let desk = Desk::filled(sqlite(), 2_000, &with_token()).await;
    let server = Server::start(&desk, "only");
    let address = address(&server).await;
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
            .await
            .unwrap();
        slow.push(stream);
    }
    let began = Instant::now();
    assert_eq!(
        Client::to(&server, None).await.get("/healthz").await.status,
        200
    );
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "it waited behind them"
    );
    for mut stream in slow {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut rest));
        ended.await.expect("cut off").ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_beside_a_run_do_it_no_harm() {
    let desk = Desk::filled(postgres().await, 2_000, &with_token()).await;
    revoked(&desk).await;
    let server = Server::start(&desk, "only");
    server.says("the ledger answers").await;
    Client::to(&server, Some(TOKEN)).await.get("/v1/runs").await;
    let before = server.memory();
    desk.says(&["trigger", JOB]);
    let paths = [
        "/healthz",
        "/metrics",
        "/v1/plugins",
        "/v1/runs?limit=1",
        "/readyz",
    ];
    let mut clients = Vec::new();
    for client in 0..10 {
        let mut connection = Client::to(&server, Some(TOKEN)).await;
        clients.push(tokio::spawn(async move {
            for n in 0..1000 {
                let path = paths[(client + n) % paths.len()];
                assert_eq!(connection.get(path).await.status, 200, "{path}");
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    let after = server.memory();
    finished(&desk).await;
    let runs = desk.json(&["runs", "list", "--json"]);
    assert_eq!(runs[0]["outcome"], "drained");
    assert!(
        after < before + 64 * 1024,
        "memory went from {before} to {after} KiB"
    );
}
