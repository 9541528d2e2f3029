//! Spans on their way to a collector, by OTLP over HTTP.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

use crate::config::Collector;

/// Collects the spans of this process and sends them every few seconds.
#[derive(Debug)]
pub(super) struct Traces(SdkTracerProvider);

/// A collector is near; one that takes longer than this is not well, and the spans are dropped.
const ANSWER: Duration = Duration::from_secs(5);

/// What it answers is a few bytes, or what is wrong in some words.
const ANSWER_BYTES: usize = 64 << 10;

impl Traces {
    /// Spans of the host of this name, for a collector. To be called in a runtime, which sends them.
    pub(super) fn to(collector: &Collector, host: &str) -> Result<Self, ExporterBuildError> {
        let client = Client {
            runtime: Handle::current(),
            fails: AtomicBool::new(false),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(collector.traces())
            .with_timeout(ANSWER)
            .build()?;
        let resource = Resource::builder()
            .with_service_name("besom")
            .with_attribute(opentelemetry::KeyValue::new(
                "service.version",
                env!("CARGO_PKG_VERSION"),
            ))
            .with_attribute(opentelemetry::KeyValue::new(
                "service.instance.id",
                host.to_owned(),
            ))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(exporter)
            .build();
        Ok(Self(provider))
    }

    /// Takes spans from where they are made.
    pub(super) fn layer<S>(&self) -> OpenTelemetryLayer<S, SdkTracer>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        // A place in the source and a thread say nothing to who looks at a run.
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("besom"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
    }

    /// Sends what is left.
    pub(super) async fn finish(self) {
        let sending = move || self.0.shutdown_with_timeout(ANSWER);
        // It waits for the client, which needs this thread.
        match tokio::task::spawn_blocking(sending).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the last spans were not sent"),
            Err(error) => tracing::debug!(%error, "the last spans were not sent"),
        }
    }
}

/// Sends one request a connection: there is one every few seconds.
#[derive(Debug)]
struct Client {
    runtime: Handle,
    /// The last attempt failed, and it was said.
    fails: AtomicBool,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // The exporter waits on a thread of its own, which cannot wait for a socket.
        let sending = async move { tokio::time::timeout(ANSWER, send(request)).await };
        let sending = self.runtime.spawn(sending);
        let answer: Result<_, HttpError> = match sending.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(late)) => Err(late.into()),
            Err(stopped) => Err(stopped.into()),
        };
        let problem = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        match (problem, self.fails.load(Ordering::Relaxed)) {
            (Some(problem), false) => {
                tracing::warn!(
                    problem,
                    "the collector of [log] otlp takes no spans; they are dropped"
                );
                self.fails.store(true, Ordering::Relaxed);
            }
            (None, true) => {
                tracing::info!("the collector of [log] otlp takes spans again");
                self.fails.store(false, Ordering::Relaxed);
            }
            _ => {}
        }
        answer
    }
}

async fn send(mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let to = request.uri().clone();
    let authority = to.authority().ok_or("a URL without a host")?;
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    *request.uri_mut() = Uri::builder()
        .path_and_query(to.path_and_query().map_or("/", |path| path.as_str()))
        .build()?;
    let name = HeaderValue::from_str(authority.as_str())?;
    request.headers_mut().insert(HOST, name);
    let answer = sender.send_request(request.map(Full::new)).await?;
    let (parts, body) = answer.into_parts();
    let body = Limited::new(body, ANSWER_BYTES).collect().await?.to_bytes();
    connection.abort();
    Ok(Response::from_parts(parts, body))
}
