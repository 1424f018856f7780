//! TLS on the gateway's own port: TLS 1.2 and 1.3 by rustls, HTTP/2 and HTTP/1.1 by ALPN.
//!
//! A handshake runs in the task of its connection and has as long as the head of a request; what does not finish one is
//! closed. Somebody who speaks plain HTTP to this port is told so.

use super::certificate::{Files, Kept, TlsError};
use super::config::TlsConfig;
use super::live::Reloaded;
use super::stalled::Stalled;
use crate::telemetry::connection::HandshakeFailed;
use rustls::ServerConfig;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The first byte of every TLS connection: a record with a handshake.
const HANDSHAKE: u8 = 0x16;

/// The most bytes of a plain request that are read before it is answered.
const PLAIN: usize = 8 * 1024;

/// What somebody is told who speaks plain HTTP, in the form that clients parse.
const NOT_PLAIN: &str = r#"{"errors":[{"message":"this port speaks TLS; write https:// in the address"}]}"#;

/// A connection behind its handshake.
pub(super) type Shaken = TlsStream<Stalled<TcpStream>>;

/// Ends TLS. Clones share the certificate.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    kept: Arc<Kept>,
    announced: Option<watch::Receiver<u64>>,
}

impl Tls {
    /// Reads the certificate of the settings; `None` where they name none. Errors: see [`TlsError`].
    pub fn open(config: &TlsConfig) -> Result<Option<Self>, TlsError> {
        Files::of(config)?.map(|files| Self::with(Kept::open(files)?)).transpose()
    }

    /// A certificate for this run alone, for `localhost`, the loopback addresses and `host`; kept nowhere.
    /// Errors: none can be made.
    pub fn self_signed(host: IpAddr) -> Result<Self, TlsError> {
        Self::with(Kept::self_signed(host)?)
    }

    fn with(kept: Kept) -> Result<Self, TlsError> {
        let kept = Arc::new(kept);
        let made = |error: rustls::Error| TlsError::Made(error.to_string());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = versions.map_err(made)?.with_no_client_auth().with_cert_resolver(kept.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Tickets instead of a table: a shopper's next connection costs no key exchange, and nothing is kept here.
        config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(made)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), kept, announced: None })
    }

    /// SHA-256 of the certificate as `AB:CD:…`, and when it ends.
    pub fn describe(&self) -> (String, Option<jiff::Timestamp>) {
        self.kept.describe()
    }

    /// Reads the files again: `true` where a new certificate is served from now on.
    /// Errors: see [`TlsError`]; the old certificate stays.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        self.kept.refresh()
    }

    /// Looks at the files also when they are announced to have changed.
    #[must_use]
    pub fn follow(self, reloaded: &Reloaded) -> Self {
        Self { announced: Some(reloaded.subscribe()), ..self }
    }

    /// Looks for a new certificate every few seconds and at each announcement, for as long as it is polled.
    pub(super) async fn watch(mut self) {
        loop {
            // No announcement, or nobody left to make one: the clock alone.
            let heard = match &mut self.announced {
                Some(announced) => tokio::time::timeout(LOOK, announced.changed()).await.unwrap_or(Ok(())).is_ok(),
                None => false,
            };
            if !heard {
                self.announced = None;
                tokio::time::sleep(LOOK).await;
            }
            let tls = self.clone();
            match tokio::task::spawn_blocking(move || tls.refresh()).await {
                Ok(Ok(true)) => tracing::info!(sha256 = self.describe().0, "a new certificate is served"),
                Ok(Ok(false)) | Err(_) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the new certificate is refused, the old one stays"),
            }
        }
    }

    /// Takes a connection through its handshake. `None`: it did not finish one within `limit`; it is closed, and counted.
    /// `reader`: how long the client may then take nothing of what is written.
    pub(super) async fn accept(&self, stream: TcpStream, limit: Duration, reader: Duration) -> Option<Shaken> {
        let shaken = tokio::time::timeout(limit, self.shake(stream, reader)).await;
        shaken.unwrap_or(Err("late")).map_err(|reason| HandshakeFailed { reason }.emit()).ok()
    }

    /// Errors: why there was no handshake, as the metric has it.
    async fn shake(&self, mut stream: TcpStream, reader: Duration) -> Result<Shaken, &'static str> {
        let mut first = [0];
        if stream.peek(&mut first).await.unwrap_or(0) == 0 {
            return Err("closed");
        }
        if first[0].is_ascii_uppercase() {
            tell(&mut stream).await;
            return Err("plain");
        }
        if first[0] != HANDSHAKE {
            return Err("foreign");
        }
        self.acceptor.accept(Stalled::new(stream, reader)).await.map_err(|error| reason(&error))
    }
}

/// Why a handshake that had begun did not come to its end.
fn reason(error: &std::io::Error) -> &'static str {
    match error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::AlertReceived(_)) => "alert",
        Some(_) => "invalid",
        None => "closed",
    }
}

/// Answers a plain request. What came of it is read first: closing over unread bytes would take the answer away.
async fn tell(stream: &mut TcpStream) {
    let mut read = vec![0; PLAIN];
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{NOT_PLAIN}",
        NOT_PLAIN.len()
    );
    if stream.read(&mut read).await.is_ok() && stream.write_all(answer.as_bytes()).await.is_ok() {
        stream.shutdown().await.ok();
    }
}
