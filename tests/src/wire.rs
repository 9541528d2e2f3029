//! A way to PostgreSQL on which the answer to a COMMIT may get lost.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// The statement as a client sends it.
const COMMIT: &[u8] = b"COMMIT\0";

/// A way to PostgreSQL. It is there as long as the test's runtime.
pub struct Wire {
    /// The way, as a URL.
    pub url: String,
    loses: Arc<AtomicBool>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Wire {
    /// A way to the database of a URL.
    pub async fn to(url: &str) -> Self {
        let server = PgConnectOptions::from_str(url).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let way = format!(
            "postgres://{}@{}/{}?sslmode=disable",
            server.get_username(),
            listener.local_addr().unwrap(),
            server.get_database().unwrap_or("postgres")
        );
        let loses = Arc::new(AtomicBool::new(false));
        let armed = Arc::clone(&loses);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), Arc::clone(&armed)));
            }
        });
        Self { url: way, loses }
    }

    /// The next COMMIT is carried out and nobody hears of it: the connection is gone.
    pub fn lose_the_next_answer(&self) {
        self.loses.store(true, Ordering::SeqCst);
    }

    /// The answer has been lost.
    pub fn has_lost_it(&self) -> bool {
        !self.loses.load(Ordering::SeqCst)
    }
}

async fn carry(mut client: TcpStream, to: PgConnectOptions, loses: Arc<AtomicBool>) {
    let mut server: Box<dyn Stream> = match to.get_socket() {
        Some(folder) => {
            let socket = folder.join(format!(".s.PGSQL.{}", to.get_port()));
            Box::new(UnixStream::connect(socket).await.unwrap())
        }
        None => Box::new(
            TcpStream::connect((to.get_host(), to.get_port()))
                .await
                .unwrap(),
        ),
    };
    let (mut asked, mut answered) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut lost = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(count @ 1..) = read else { return };
                let words = &asked[..count];
                let commits = words.windows(COMMIT.len()).any(|part| part == COMMIT);
                lost |= commits && loses.swap(false, Ordering::SeqCst);
                if server.write_all(words).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(count @ 1..) = read else { return };
                if lost || client.write_all(&answered[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
