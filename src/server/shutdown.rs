//! Accepting connections, and ending them without losing a request.
//!
//! After the signal no connection is accepted, idle ones are closed, and each busy one ends with the answer to what it
//! has in flight. Only what the grace does not suffice for is cut off, and counted.

use super::config::Config;
use super::live::Live;
use super::patience::Patience;
use crate::telemetry::events::{ConnectionOpen, ServerStarted, ServerStopped};
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower::ServiceExt;

/// The largest head of a request, in bytes.
const HEAD: usize = 64 * 1024;

/// How long to wait where the system has no more file descriptors.
const BREATH: Duration = Duration::from_millis(50);

/// The other end of the connection, among a request's extensions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Serves what `live` holds at each request, or a router for good, until `shutdown` resolves, then lets requests in flight end within `config.grace`.
///
/// Errors: the listener's address cannot be told. A failing connection ends that connection only.
pub async fn run(
    listener: TcpListener,
    live: impl Into<Live>,
    config: &Config,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    ServerStarted { address: listener.local_addr()? }.emit();
    let places = Arc::new(Semaphore::new(config.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let graceful = GracefulShutdown::new();
    let builder = builder(config);
    let mut connections = JoinSet::new();
    let live = live.into();
    tokio::pin!(shutdown);
    loop {
        // Ended connections are forgotten as others come, so the set holds what is open.
        while connections.try_join_next().is_some() {}
        let (stream, peer, place) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let service = hyper::service::service_fn({
            let live = live.clone();
            move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer));
                live.router().oneshot(request.map(Body::new))
            }
        });
        let stream = TokioIo::new(Patience::new(stream, config.header_timeout));
        let connection = graceful.watch(builder.serve_connection(stream, service).into_owned());
        connections.spawn(async move {
            let _held = (place, ConnectionOpen::begin());
            // A connection that breaks has nobody left to tell.
            connection.await.ok();
        });
    }
    // Dropped before the wait: who comes now is refused at once and goes to another replica.
    drop(listener);
    let ended = tokio::time::timeout(config.grace, graceful.shutdown()).await;
    while connections.try_join_next().is_some() {}
    let cut_off = if ended.is_err() { connections.len() } else { 0 };
    ServerStopped { cut_off }.emit();
    Ok(())
}

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
