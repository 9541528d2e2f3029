//! A client of the HTTP API that sends what it is told to, also what no client should.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{FILE, Server};

pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The file of a service that answers over HTTP.
pub fn with_token() -> String {
    format!("{FILE}[http]\nlisten = \"127.0.0.1:0\"\ntoken = \"{TOKEN}\"\n")
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e} in {}", self.body))
    }
}

/// A connection that is kept.
pub struct Client {
    pub stream: TcpStream,
    token: Option<String>,
}

impl Client {
    pub async fn to(server: &Server, token: Option<&str>) -> Self {
        Self {
            stream: TcpStream::connect(address(server).await).await.unwrap(),
            token: token.map(str::to_owned),
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, "", "").await
    }

    pub async fn post(&mut self, path: &str, body: &Value) -> Answer {
        let kind = "Content-Type: application/json\r\n";
        self.ask("POST", path, kind, &body.to_string()).await
    }

    /// A component.
    pub async fn send(&mut self, path: &str, component: &[u8]) -> Answer {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/wasm\r\nContent-Length: {}\r\n\r\n",
            component.len()
        );
        self.stream.write_all(head.as_bytes()).await.unwrap();
        self.stream.write_all(component).await.unwrap();
        self.answer().await
    }

    pub async fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let token = self.token.as_ref();
        let token = token.map_or_else(String::new, |token| {
            format!("Authorization: Bearer {token}\r\n")
        });
        let host = if headers.contains("Host:") {
            ""
        } else {
            "Host: localhost\r\n"
        };
        let length = match body.is_empty() {
            true => String::new(),
            false => format!("Content-Length: {}\r\n", body.len()),
        };
        let request =
            format!("{method} {path} HTTP/1.1\r\n{host}{token}{headers}{length}\r\n{body}");
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.answer().await
    }

    pub async fn answer(&mut self) -> Answer {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(b"\r\n\r\n") {
            let read = self.stream.read(&mut byte).await.unwrap();
            assert_eq!(read, 1, "cut off after {}", String::from_utf8_lossy(&bytes));
            bytes.push(byte[0]);
        }
        let head = String::from_utf8(bytes).unwrap();
        let lower = head.to_lowercase();
        let length = lower
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.trim().parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        Answer {
            status: head[9..12].parse().unwrap(),
            head,
            body: String::from_utf8(body).unwrap(),
        }
    }
}

pub async fn address(server: &Server) -> String {
    const SAYS: &str = "HTTP API on http://";
    server.says(SAYS).await;
    let log = server.log();
    let (_, rest) = log.split_once(SAYS).unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}
