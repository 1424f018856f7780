//! Clients that take nothing of their answer, or keep a connection for nothing: what they hold is taken from them.

use super::backend::{Server, config, start, start_with};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use outfitter::server::{Config, Tls};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// Answers that no buffers of two systems hold together.
const ANSWERS: usize = 400;

fn impatient() -> Config {
    let soon = Duration::from_millis(400);
    Config { reader_timeout: soon, idle_timeout: soon, ..config() }
}

fn ask(server: &Server, query: &str) -> Request<Full<Bytes>> {
    Request::post(format!("http://{}/graphql", server.address))
        .header("content-type", "application/json")
        .body(Full::from(format!(r#"{{"query":"{query}"}}"#)))
        .unwrap()
}

/// A client with small windows, and the task that ends with its connection.
async fn http2(server: &Server) -> (SendRequest<Full<Bytes>>, JoinHandle<hyper::Result<()>>) {
    let stream = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(1024);
    let (asking, connection) = builder.handshake(stream).await.unwrap();
    (asking, tokio::spawn(connection))
}

/// Asks for far more than it reads, until the server no longer listens.
async fn takes_nothing(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let body = r#"{"query":"{ large }"}"#;
    let one = format!(
        "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(one.repeat(ANSWERS).as_bytes()).await.unwrap();
    while stream.write_all(b"\r\n").await.is_ok() && stream.flush().await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A connection whose client's system buffers little.
async fn narrow(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(server.address).await.unwrap()
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answers_is_cut_off() {
    let server = start(impatient()).await;
    takes_nothing(narrow(&server).await).await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answers_over_tls_is_cut_off() {
    let server = start_with(impatient(), Some(Tls::self_signed([127, 0, 0, 1].into()).unwrap())).await;
    let (connector, _) = super::tls::anyone();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    takes_nothing(connector.connect(name, narrow(&server).await).await.unwrap()).await;
}

#[tokio::test]
async fn an_answer_over_http_2_that_is_not_taken_ends_its_connection_though_others_are() {
    let server = start(impatient()).await;
    let (mut asking, ended) = http2(&server).await;
    let held = asking.send_request(ask(&server, "{ large }")).await.unwrap();
    assert_eq!(held.status(), 200);
    // The connection is as lively as can be.
    while let Ok(answer) = asking.send_request(ask(&server, "{ a }")).await {
        answer.into_body().collect().await.ok();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ended.await.unwrap().ok();
    assert!(held.into_body().collect().await.is_err(), "it was given back");
}

#[tokio::test]
async fn a_large_answer_that_is_taken_slowly_comes_whole() {
    let server = start(impatient()).await;
    let (mut asking, _ended) = http2(&server).await;
    let mut body = asking.send_request(ask(&server, "{ large }")).await.unwrap().into_body();
    let (mut read, mut frames) = (0, 0_u64);
    while let Some(frame) = body.frame().await {
        read += frame.unwrap().into_data().unwrap().len();
        frames += 1;
        // Slower in all than the time for taking something.
        tokio::time::sleep(Duration::from_millis(if frames.is_multiple_of(8) { 60 } else { 0 })).await;
    }
    assert_eq!(read, r#"{"data":{"answer":""}}"#.len() + 100_000);
}

#[tokio::test]
async fn an_http_2_connection_without_requests_is_closed_and_one_with_a_request_is_not() {
    let server = start(impatient()).await;
    let (mut asking, ended) = http2(&server).await;
    let mut waiting = asking.clone();
    let slow = ask(&server, "{ wait }");
    let slow = tokio::spawn(async move { waiting.send_request(slow).await.unwrap() });
    while server.backend.waiting.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(Duration::from_millis(1200)).await;
    server.backend.gate.add_permits(1);
    let answer = slow.await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(answer, r#"{"data":{"answer":"waited"}}"#);
    let again = asking.send_request(ask(&server, "{ a }")).await.unwrap();
    assert_eq!(again.into_body().collect().await.unwrap().to_bytes(), r#"{"data":{"answer":"ok"}}"#);
    ended.await.unwrap().unwrap();
    // One that never asked is closed as well.
    let stream = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
    let (_asking, connection) = handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), stream).await.unwrap();
    connection.await.unwrap();
}
