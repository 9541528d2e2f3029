//! The HTTP API of a service.
//!
//! Every route stands in one table ([`routes`]), from which the router and the OpenAPI document are
//! both made. A connection has little room and little time: who asks slowly, or for much, is cut off,
//! and runs go on as if nobody had asked.

mod answer;
mod guard;
mod jobs;
mod openapi;
mod plugins;
mod routes;
mod runs;
mod state;

pub use openapi::document;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Shared;

/// Clients at once; more wait.
const CONNECTIONS: usize = 64;

/// From the first byte of a request to the end of its headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(5);

/// A client that sends more of them is no client of this API.
const HEADERS: usize = 64;

/// All headers together.
const HEADER_BYTES: usize = 16 * 1024;

/// The largest body is a few words.
const BODY_BYTES: usize = 64 * 1024;

/// One answer, from the end of its headers.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A large component takes a while to compile.
const INSTALL_WITHIN: Duration = Duration::from_secs(240);

/// No connection is kept for longer, so that an idle one does not keep others out.
const CONNECTION_WITHIN: Duration = Duration::from_secs(300);

/// A default port that was taken is asked for again after this: whoever had it may be gone.
const PORT_AGAIN: Duration = Duration::from_secs(5);

/// Where the API of a service is.
pub enum Port {
    /// Here.
    Open(TcpListener),
    /// Here as soon as the address can be had.
    Taken(SocketAddr),
    /// Nowhere.
    Off,
}

/// Opens the port that the configuration names. Where nothing is named and the default is taken, another
/// service of this machine has it: there is no API here until that one ends, and the log says so.
///
/// # Errors
/// When a port that is named cannot be had.
pub async fn listen(shared: &Shared) -> std::io::Result<Port> {
    let host = shared.host();
    let http = &host.config().http;
    let Some(address) = http.listen else {
        return Ok(Port::Off);
    };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Port::Open(listener)),
        Err(error) if !http.named => {
            tracing::warn!(
                "no HTTP API here while {address} cannot be had ({error}); [http] listen names another \
                 address, or \"off\""
            );
            Ok(Port::Taken(address))
        }
        Err(error) => Err(std::io::Error::new(
            error.kind(),
            format!("[http] listen: {address} cannot be had: {error}"),
        )),
    }
}

/// Answers until the service stops.
pub(super) async fn serve(shared: Arc<Shared>, port: Port, stop: CancellationToken) {
    let listener = tokio::select! {
        listener = opened(port) => listener,
        () = stop.cancelled() => return,
    };
    let Some(listener) = listener else { return };
    if let Ok(address) = listener.local_addr() {
        tracing::info!("HTTP API on http://{address}");
    }
    accept(shared, listener, stop).await;
}

async fn opened(port: Port) -> Option<TcpListener> {
    match port {
        Port::Open(listener) => Some(listener),
        Port::Off => None,
        Port::Taken(address) => loop {
            tokio::time::sleep(PORT_AGAIN).await;
            if let Ok(listener) = TcpListener::bind(address).await {
                return Some(listener);
            }
        },
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener, stop: CancellationToken) {
    let reach = guard::Reach::of(listener.local_addr());
    let router = router(Arc::clone(&shared), reach);
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    let tasks = TaskTracker::new();
    loop {
        let free = Arc::clone(&connections).acquire_owned();
        let permit = tokio::select! {
            permit = free => permit,
            () = stop.cancelled() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, from)) => {
                let (router, stop) = (router.clone(), stop.clone());
                tasks.spawn(async move {
                    talk(router, stream, from, stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a connection was not accepted");
                // Such as too many open files: at once it would be the same again.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    tasks.close();
    tasks.wait().await;
}

async fn talk(router: Router, stream: TcpStream, from: SocketAddr, stop: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        patience = async {
            tokio::select! {
                () = tokio::time::sleep(CONNECTION_WITHIN) => INSTALL_WITHIN,
                () = stop.cancelled() => ANSWER_WITHIN,
            }
        } => {
            connection.as_mut().graceful_shutdown();
            // Who does not read what he asked for is not waited for.
            match tokio::time::timeout(patience, connection).await {
                Ok(ended) => ended,
                Err(_) => return tracing::debug!(%from, "a connection was cut off"),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%from, %error, "a connection ended");
    }
}

fn router(shared: Arc<Shared>, reach: guard::Reach) -> Router {
    let mut router = Router::new();
    for route in routes::all() {
        router = router.route(route.path, route.method_router());
    }
    router
        .fallback(answer::nothing_here)
        .method_not_allowed_fallback(answer::not_this_way)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn_with_state(
            (Arc::clone(&shared), reach),
            guard::admit,
        ))
        .layer(middleware::from_fn(guard::within))
        .with_state(shared)
}
