//! Accepting connections, and ending them without losing a request.
//!
//! After the signal no connection is accepted, idle ones are closed, and each busy one ends with the answer to what it
//! has in flight. Only what the grace does not suffice for is cut off, and counted.

use super::config::Config;
use super::live::Live;
use super::patience::Patience;
use super::tls::Tls;
use crate::telemetry::events::{ConnectionOpen, ServerStarted, ServerStopped};
use axum::http::{HeaderName, HeaderValue, Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// The largest head of a request, in bytes.
const HEAD: usize = 64 * 1024;

/// How long to wait where the system has no more file descriptors.
const BREATH: Duration = Duration::from_millis(50);

/// The other end of the connection, among a request's extensions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Serves what `live` holds at each request, or the same routes for good, until `shutdown` resolves, then lets requests in
/// flight end within `config.grace`. With `tls` every connection begins with a handshake.
///
/// Errors: the listener's address cannot be told. A failing connection ends that connection only.
pub async fn run(
    listener: TcpListener,
    live: impl Into<Live>,
    config: &Config,
    tls: Option<Tls>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    ServerStarted { address: listener.local_addr()? }.emit();
    let places = Arc::new(Semaphore::new(config.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let graceful = GracefulShutdown::new();
    // The certificate is looked after for as long as connections are accepted.
    let watched = tls.clone().map(|tls| AbortOnDropHandle(tokio::spawn(tls.watch())));
    let serving =
        Arc::new(Serving { builder: builder(config), live: live.into(), header_timeout: config.header_timeout, tls });
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        // Ended connections are forgotten as others come, so the set holds what is open.
        while connections.try_join_next().is_some() {}
        let (stream, peer, place) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let (serving, watcher) = (serving.clone(), graceful.watcher());
        connections.spawn(async move {
            let _held = (place, ConnectionOpen::begin());
            serving.connection(stream, peer, watcher).await;
        });
    }
    drop(watched);
    // Dropped before the wait: who comes now is refused at once and goes to another replica.
    drop(listener);
    let ended = tokio::time::timeout(config.grace, graceful.shutdown()).await;
    while connections.try_join_next().is_some() {}
    let cut_off = if ended.is_err() { connections.len() } else { 0 };
    ServerStopped { cut_off }.emit();
    Ok(())
}

/// Ends a task with the function that began it.
struct AbortOnDropHandle(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDropHandle {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What every connection is served with.
struct Serving {
    builder: Builder<TokioExecutor>,
    live: Live,
    header_timeout: Duration,
    tls: Option<Tls>,
}

impl Serving {
    /// Serves a connection to its end; a handshake comes first where there is TLS.
    async fn connection(&self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        match &self.tls {
            None => self.speak(stream, peer, watcher).await,
            Some(tls) => {
                if let Some(stream) = tls.accept(stream, self.header_timeout).await {
                    self.speak(stream, peer, watcher).await;
                }
            }
        }
    }

    async fn speak<S>(&self, stream: S, peer: SocketAddr, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let secure = self.tls.is_some();
        let service = hyper::service::service_fn(|mut request: Request<Incoming>| {
            if secure {
                // What a proxy before the gateway would say; here it is known, whatever the client wrote.
                request.headers_mut().insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
            }
            let routes = self.live.routes();
            async move { Ok::<_, Infallible>(routes.answer(request, Some(Peer(peer))).await) }
        });
        let stream = TokioIo::new(Patience::new(stream, self.header_timeout));
        // A connection that breaks has nobody left to tell.
        watcher.watch(self.builder.serve_connection(stream, service)).await.ok();
    }
}

/// The header by which the rest of the gateway knows that the shopper came over TLS.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The next connection with a place for it. Errors of accepting are those of one connection or pass by themselves.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            // The semaphore is never closed; were it, nobody could be served.
            std::future::pending::<()>().await;
            continue;
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are written whole; waiting to join small packets only delays them.
                stream.set_nodelay(true).ok();
                return (stream, peer, place);
            }
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
}

/// HTTP/1.1 and HTTP/2 with limits against slow and greedy clients.
fn builder(config: &Config) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(config.header_timeout).max_buf_size(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(256)
        .max_header_list_size(HEAD as u32)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

/// Resolves at SIGTERM, as orchestrators send it, or at Ctrl-C.
pub async fn termination() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<Option<()>>();
    tokio::select! {
        _ = interrupt => {}
        _ = terminate => {}
    }
}
