//! `[http]`: where a service answers, and to whom.

use std::fmt;
use std::net::SocketAddr;

use super::document::Section;
use super::error::ConfigError;

/// Where a service answers over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// The address; `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// The file names the address, so that it must be had.
    pub named: bool,
    /// What a client must show.
    pub token: Option<Token>,
}

/// A secret: it is compared, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// The keys of `[http]`.
pub(super) const KEYS: [&str; 2] = ["listen", "token"];

/// This machine alone.
const DEFAULT_LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 7878);

/// Shorter ones are guessed.
const SHORTEST_TOKEN: usize = 16;

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: Some(DEFAULT_LISTEN.into()),
            named: false,
            token: None,
        }
    }
}

impl HttpConfig {
    pub(super) fn read(root: &Section<'_>) -> Result<Self, ConfigError> {
        let mut http = Self::default();
        let Some(node) = root.get("http") else {
            return Ok(http);
        };
        let section = node.section()?;
        section.only(&KEYS, &[])?;
        if let Some(node) = section.get("token") {
            let token = node.text("${BESOM_TOKEN}")?;
            let printable = token.bytes().all(|byte| byte.is_ascii_graphic());
            if token.len() < SHORTEST_TOKEN || !printable {
                return Err(node.error(format!(
                    "must be {SHORTEST_TOKEN} or more visible ASCII characters without spaces, such as \
                     `openssl rand -hex 32` makes"
                )));
            }
            http.token = Some(Token(token));
        }
        if let Some(node) = section.get("listen") {
            let text = node.text("127.0.0.1:7878")?;
            http.named = true;
            http.listen = match text.as_str() {
                "off" => None,
                address => Some(address.parse().map_err(|_| {
                    node.error(
                        "must be an address and a port, such as 127.0.0.1:7878 or [::1]:7878, or \"off\"",
                    )
                })?),
            };
            let local = http.listen.is_none_or(|address| address.ip().is_loopback());
            if !local && http.token.is_none() {
                return Err(node.error(
                    "other machines can reach this address: set a `token` beside it, or listen on 127.0.0.1",
                ));
            }
        }
        Ok(http)
    }
}

impl Token {
    /// The secret itself, to be compared.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
