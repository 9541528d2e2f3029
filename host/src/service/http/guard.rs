//! Who may ask: the token, and no web page in the operator's own browser.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::super::Shared;
use super::answer::Problem;
use super::{ANSWER_WITHIN, INSTALL_WITHIN, routes};
use crate::config::{HttpConfig, Token};

/// Who can reach the port that is open. A file that is read again may say otherwise, and does not move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// This machine alone.
    ThisMachine,
    /// Others, too.
    Others,
}

impl Reach {
    pub(super) fn of(address: std::io::Result<SocketAddr>) -> Self {
        match address {
            Ok(address) if address.ip().is_loopback() => Self::ThisMachine,
            _ => Self::Others,
        }
    }
}

/// Lets a request through, or says why not.
pub(super) async fn admit(
    State((shared, reach)): State<(Arc<Shared>, Reach)>,
    request: Request,
    next: Next,
) -> Response {
    let host = shared.host();
    match check(&host.config().http, reach, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Cuts an answer off that takes too long.
pub(super) async fn within(request: Request, next: Next) -> Response {
    let patience = match request.uri().path().ends_with("/install") {
        true => INSTALL_WITHIN,
        false => ANSWER_WITHIN,
    };
    match tokio::time::timeout(patience, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "the answer took too long; try again later",
        )
        .into_response(),
    }
}

fn check(http: &HttpConfig, reach: Reach, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    if request.method() != Method::GET {
        refuse_web_pages(headers)?;
    }
    match &http.token {
        _ if routes::is_open(request.uri().path()) => Ok(()),
        Some(token) if shown(headers).is_some_and(|shown| same(shown, token)) => Ok(()),
        Some(_) => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "token",
            "send `Authorization: Bearer TOKEN` with the token of [http]",
        )),
        None if reach == Reach::Others => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "token",
            "other machines reach this port, and the file has no [http] token any more: set one, or restart \
             besom on the address that the file names now",
        )),
        None => refuse_other_names(headers),
    }
}

fn shown(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// In a time that says nothing about the token: what is compared are hashes, which nobody can steer.
fn same(shown: &str, token: &Token) -> bool {
    let hash = |text: &str| Sha256::digest(text.as_bytes());
    let (one, other) = (hash(shown), hash(token.expose()));
    let differences = one.iter().zip(other.iter()).map(|(a, b)| a ^ b);
    differences.fold(0, |all, difference| all | difference) == 0
}

/// A browser says where a request comes from; a page elsewhere has no business here.
fn refuse_web_pages(headers: &HeaderMap) -> Result<(), Problem> {
    let site = headers
        .get("sec-fetch-site")
        .and_then(|site| site.to_str().ok());
    let own = site.is_none_or(|site| matches!(site, "same-origin" | "none"));
    if own && headers.get(header::ORIGIN).is_none() {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "origin",
        "web pages may not change anything here",
    ))
}

/// Without a token only this machine asks, and knows it by one of these names: a page whose name was
/// made to lead here knows it by its own.
fn refuse_other_names(headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let name = host.map(|host| match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    });
    let ours = name.is_some_and(|name| {
        let address = name.trim_start_matches('[').trim_end_matches(']');
        let loopback = address.parse::<std::net::IpAddr>();
        name.eq_ignore_ascii_case("localhost") || loopback.is_ok_and(|ip| ip.is_loopback())
    });
    match ours {
        true => Ok(()),
        false => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "host",
            "without a token besom answers to localhost alone: ask http://127.0.0.1, or set [http] token",
        )),
    }
}
