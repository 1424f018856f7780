//! Accepting connections, and ending them without losing a request.
//!
//! After the signal no connection is accepted, idle ones are closed, and each busy one ends with the answer to what it
//! has in flight. Only what the grace does not suffice for is cut off, and counted.

use super::config::Config;
use super::live::Live;
use super::pace::{Pace, Paced, Verdict};
use super::patience::Patience;
use super::stalled::Stalled;
use super::tls::Tls;
use crate::telemetry::connection::ConnectionCut;
use crate::telemetry::events::{ConnectionOpen, ServerStarted, ServerStopped};
use axum::http::{HeaderName, HeaderValue, Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

/// The largest head of a request, in bytes.
const HEAD: usize = 64 * 1024;

/// How often a connection is looked at at least and at most; in between by its limits.
const LONGEST_LOOK: Duration = Duration::from_secs(5);
const SHORTEST_LOOK: Duration = Duration::from_millis(20);

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
    let (stop, stopping) = watch::channel(false);
    // The certificate is looked after for as long as connections are accepted.
    let watched = tls.clone().map(|tls| AbortOnDropHandle(tokio::spawn(tls.watch())));
    let (header, reader, idle) = (config.header_timeout, config.reader_timeout, config.idle_timeout);
    let serving = Arc::new(Serving { builder: builder(config), live: live.into(), header, reader, idle, tls });
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        // Ended connections are forgotten as others come, so the set holds what is open.
        while connections.try_join_next().is_some() {}
        let (stream, peer, place) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let (serving, stopping) = (serving.clone(), stopping.clone());
        connections.spawn(async move {
            let _held = (place, ConnectionOpen::begin());
            serving.connection(stream, peer, stopping).await;
        });
    }
    drop(watched);
    // Dropped before the wait: who comes now is refused at once and goes to another replica.
    drop(listener);
    stop.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    tokio::time::timeout(config.grace, all).await.ok();
    ServerStopped { cut_off: connections.len() }.emit();
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
    /// For the head of a request, and a handshake.
    header: Duration,
    /// For a client to take something of an answer.
    reader: Duration,
    /// For a connection without a request.
    idle: Duration,
    tls: Option<Tls>,
}

impl Serving {
    /// Serves a connection to its end; a handshake comes first where there is TLS.
    async fn connection(&self, stream: TcpStream, peer: SocketAddr, stopping: watch::Receiver<bool>) {
        match &self.tls {
            None => self.speak(Stalled::new(stream, self.reader), peer, stopping).await,
            Some(tls) => {
                if let Some(stream) = tls.accept(stream, self.header, self.reader).await {
                    self.speak(stream, peer, stopping).await;
                }
            }
        }
    }

    async fn speak<S>(&self, stream: S, peer: SocketAddr, mut stopping: watch::Receiver<bool>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let secure = self.tls.is_some();
        let pace = Pace::new();
        let service = hyper::service::service_fn(|mut request: Request<Incoming>| {
            if secure {
                // What a proxy before the gateway would say; here it is known, whatever the client wrote.
                request.headers_mut().insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
            }
            let (routes, asked) = (self.live.routes(), pace.asked(request.version()));
            async move {
                let answer = routes.answer(request, Some(Peer(peer))).await;
                Ok::<_, Infallible>(answer.map(|body| Paced::new(body, asked)))
            }
        });
        let stream = TokioIo::new(Patience::new(stream, self.header));
        let mut connection = pin!(self.builder.serve_connection(stream, service));
        let mut look = tokio::time::interval((self.reader.min(self.idle) / 4).clamp(SHORTEST_LOOK, LONGEST_LOOK));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut told, mut until) = (false, None);
        loop {
            tokio::select! {
                biased;
                // A connection that breaks has nobody left to tell.
                _ = connection.as_mut() => return,
                _ = stopping.wait_for(|stopping| *stopping), if !told => {
                    connection.as_mut().graceful_shutdown();
                    told = true;
                }
                _ = look.tick() => match pace.verdict(Instant::now(), self.reader, self.idle) {
                    Verdict::Fine => {}
                    Verdict::Stalled => return ConnectionCut { reason: "reader" }.emit(),
                    // What the client asks for in this moment is still answered; one that does not even close is cut.
                    Verdict::Idle => match until {
                        None => {
                            ConnectionCut { reason: "idle" }.emit();
                            connection.as_mut().graceful_shutdown();
                            told = true;
                            until = Some(Instant::now() + self.reader);
                        }
                        Some(until) if Instant::now() < until => {}
                        Some(_) => return,
                    },
                },
            }
        }
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
