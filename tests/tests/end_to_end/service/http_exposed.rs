//! Who may ask once the file has changed, and clients that do not let go.

use std::time::Duration;

use besom_tests::{postgres, sqlite};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::super::cli::Desk;
use super::client::{Client, address};
use super::reload::rewrite;
use super::{FILE, Server};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn a_port_that_other_machines_reach_asks_for_a_token_also_when_the_file_has_lost_it() {
    let exposed = format!("[http]\nlisten = \"0.0.0.0:0\"\ntoken = \"{TOKEN}\"\n");
    let desk = Desk::filled(sqlite(), 2_000, &format!("{FILE}{exposed}")).await;
    let host = Server::start(&desk, "only");
    let pause = json!({ "what": "tokens" });
    let mut stranger = Client::to(&host, None).await;
    assert_eq!(stranger.post("/v1/pause", &pause).await.status, 401);

    // Right by itself: this machine alone needs no token.
    rewrite(&desk, |text| {
        text.replace(&exposed, "[http]\nlisten = \"127.0.0.1:0\"\n")
    });
    host.says("the configuration was read again and is in force")
        .await;

    let mut stranger = Client::to(&host, None).await;
    assert_eq!(stranger.post("/v1/pause", &pause).await.status, 401);
    let mut friend = Client::to(&host, Some(TOKEN)).await;
    assert_eq!(friend.post("/v1/pause", &pause).await.status, 401);
    assert_eq!(
        desk.count("SELECT count(*) FROM besom_pause").await,
        0,
        "{}",
        host.log()
    );
    host.says("the address of [http] is in use as it was").await;
}

#[tokio::test]
async fn clients_that_ask_and_never_read_do_not_keep_the_service_from_stopping() {
    let file = format!("{FILE}[http]\nlisten = \"127.0.0.1:0\"\n");
    let desk = Desk::filled(sqlite(), 2_000, &file).await;
    let mut host = Server::start(&desk, "only");
    let mut stream = TcpStream::connect(address(&host).await).await.unwrap();
    let request = "GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1_000);
    // Until neither side takes any more.
    let asking = async {
        loop {
            stream.write_all(request.as_bytes()).await.unwrap();
        }
    };
    let asked = tokio::time::timeout(Duration::from_secs(5), asking).await;
    assert!(asked.is_err(), "it takes in whatever is sent");

    host.signal("TERM");

    assert_eq!(host.ended().await, Some(0), "{}", host.log());
}

#[tokio::test]
async fn a_text_that_no_column_holds_is_the_callers_mistake() {
    let file = format!("{FILE}[http]\nlisten = \"127.0.0.1:0\"\n");
    let desk = Desk::filled(postgres().await, 2_000, &file).await;
    let host = Server::start(&desk, "only");
    let mut client = Client::to(&host, None).await;

    let pause = json!({ "what": "tokens", "why": "a\u{0}b" });
    let refused = client.post("/v1/pause", &pause).await;

    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.contains("NUL"), "{}", refused.body);
}

#[tokio::test]
async fn a_default_port_that_another_service_had_is_taken_over_once_it_is_free() {
    let held = tokio::net::TcpListener::bind("127.0.0.1:7878").await;
    let held = held.expect("nobody on this machine serves besom's default port");
    let desk = Desk::filled(sqlite(), 2_000, &format!("{FILE}[http]\n")).await;
    let host = Server::start(&desk, "only");
    host.says("no HTTP API here while 127.0.0.1:7878").await;
    host.says("serving").await;

    drop(held);

    let mut client = Client::to(&host, None).await;
    assert_eq!(client.get("/healthz").await.status, 200);
}
