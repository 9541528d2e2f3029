//! Spans over OTLP, as a collector gets them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use besom_tests::fixtures::version_of;
use besom_tests::sqlite;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use super::{BATCHES, JOB, desk};

/// A collector on loopback.
struct Collector {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
}

struct Got {
    head: String,
    body: Vec<u8>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&got);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let one = answer(stream.unwrap());
                kept.lock().unwrap().push(one);
            }
        });
        Self { url, got }
    }

    fn spans(&self) -> Vec<Span> {
        let got = self.got.lock().unwrap();
        let requests = got
            .iter()
            .map(|got| ExportTraceServiceRequest::decode(got.body.as_slice()).unwrap());
        let resources = requests.flat_map(|request| request.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }
}

/// Takes one request and says that it is well.
fn answer(mut stream: TcpStream) -> Got {
    let mut all = Vec::new();
    let end = loop {
        let mut some = [0; 4096];
        let read = stream.read(&mut some).unwrap();
        assert!(read > 0, "the request ends in its head");
        all.extend_from_slice(&some[..read]);
        if let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8(all[..end].to_vec())
        .unwrap()
        .to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    let mut body = all.split_off(end);
    let missing = length.parse::<usize>().unwrap() - body.len();
    let begun = body.len();
    body.resize(begun + missing, 0);
    stream.read_exact(&mut body[begun..]).unwrap();
    stream
        .write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n",
        )
        .unwrap();
    Got { head, body }
}

fn attributes(of: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |one: &KeyValue| match one.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    of.iter().map(|one| (one.key.clone(), text(one))).collect()
}

#[tokio::test]
async fn a_collector_gets_one_span_a_run_and_a_child_a_batch() {
    let collector = Collector::start();
    let file = format!("[log]\notlp = \"{}\"", collector.url);
    let desk = desk(sqlite(), &file).await;

    desk.says(&["run", JOB]);

    let spans = collector.spans();
    let (runs, batches): (Vec<_>, Vec<_>) = spans.iter().partition(|span| span.name == "run");
    let [run] = runs[..] else {
        panic!("one run: {spans:#?}");
    };
    let of = attributes(&run.attributes);
    assert_eq!(of["plugin"], "tokens");
    assert_eq!(of["job"], "revoked-access");
    assert_eq!(of["version"], version_of("tokens"));
    assert_eq!(of["outcome"], "drained");
    assert_eq!(of["affected"], "50");
    let listed = desk.json(&["runs", "list", "--json"]);
    assert_eq!(listed[0]["run"], of["run"].as_str());
    assert!(run.parent_span_id.is_empty());
    assert!(batches.len() >= BATCHES, "{}", batches.len());
    let mut affected = 0;
    for batch in batches {
        assert_eq!(batch.name, "batch");
        assert_eq!(batch.parent_span_id, run.span_id);
        assert_eq!(batch.trace_id, run.trace_id);
        assert!(batch.start_time_unix_nano >= run.start_time_unix_nano);
        assert!(batch.end_time_unix_nano <= run.end_time_unix_nano);
        let of = attributes(&batch.attributes);
        assert!(of["table"].contains("oauth2_access_tokens"), "{of:?}");
        affected += of["affected"].parse::<u64>().unwrap();
    }
    assert_eq!(affected, 50);
    let said: Vec<_> = run.events.iter().map(|event| event.name.as_str()).collect();
    assert!(
        said.contains(&"run begins") && said.contains(&"run ended"),
        "{said:?}"
    );

    let got = collector.got.lock().unwrap();
    assert!(
        got[0].head.starts_with("post /v1/traces http/1.1\r\n"),
        "{}",
        got[0].head
    );
    assert!(got[0].head.contains("content-type: application/x-protobuf"));
    let request = ExportTraceServiceRequest::decode(got[0].body.as_slice()).unwrap();
    let resource = request.resource_spans[0].resource.clone().unwrap();
    assert_eq!(attributes(&resource.attributes)["service.name"], "besom");
}

#[tokio::test]
async fn a_collector_that_is_away_is_told_once_and_keeps_nobody_from_work() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let desk = desk(sqlite(), &format!("[log]\notlp = \"http://{address}\"")).await;

    let said = desk.run(&["run", JOB]);

    assert_eq!(said.code, 0, "{}", said.stderr);
    let told = said.stderr.matches("takes no spans").count();
    assert_eq!(told, 1, "{}", said.stderr);
}
