//! HTTP/2 frames as no client would send them: resets in a row, headers without an end, settings without a pause.

use super::process::Gateway;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// `GET http://g/graphql`, uncompressed but for the static table (RFC 7541 appendix A).
fn get() -> Vec<u8> {
    [&[0x82, 0x86, 0x01, 1, b'g', 0x04, 8][..], b"/graphql"].concat()
}

/// Sends the preface and frames, and reads what comes until the server closes or has nothing more to say. Returns the
/// kinds of the frames that came.
async fn speak(address: SocketAddr, frames: impl Iterator<Item = Vec<u8>> + Send + 'static) -> Vec<u8> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut input, mut output) = stream.into_split();
    let writing = tokio::spawn(async move {
        output.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.ok();
        output.write_all(&frame(SETTINGS, 0, 0, &[])).await.ok();
        for frame in frames {
            if output.write_all(&frame).await.is_err() {
                break;
            }
        }
        // The end: who is still served is answered, then the server closes.
        output.shutdown().await.ok();
    });
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).await.ok();
    writing.await.unwrap();
    let mut kinds = Vec::new();
    let mut rest = &bytes[..];
    while let [a, b, c, kind, _, _, _, _, _, after @ ..] = rest {
        kinds.push(*kind);
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        rest = after.get(length..).unwrap_or_default();
    }
    kinds
}

#[tokio::test]
async fn streams_opened_and_reset_in_a_row_end_the_connection_and_nothing_else() {
    let mut gateway = Gateway::start("").await;
    let address = gateway.address;
    let frames = (0..20_000_u32).map(|n| {
        let stream = 2 * n + 1;
        [frame(HEADERS, END_HEADERS | END_STREAM, stream, &get()), frame(RESET, 0, stream, &8_u32.to_be_bytes())]
            .concat()
    });
    let came = gateway.withstands("rapid reset", speak(address, frames)).await;
    assert!(came.contains(&GOAWAY) || came.len() < 20_000, "{} frames came", came.len());
}

#[tokio::test]
async fn headers_without_an_end_are_not_collected() {
    let mut gateway = Gateway::start("").await;
    let address = gateway.address;
    // 64 MB of headers in all; none of them is ended.
    let block = [&[0x00, 1, b'x', 0x7f, 0x81, 0x7e][..], &[b'y'; 16_256]].concat();
    let begun = frame(HEADERS, 0, 1, &get());
    let frames = std::iter::once(begun).chain((0..4000).map(move |_| frame(CONTINUATION, 0, 1, &block)));
    let came = gateway.withstands("continuation without end", speak(address, frames)).await;
    assert!(!came.contains(&DATA), "{came:?}");
    let empty =
        std::iter::once(frame(HEADERS, 0, 1, &get())).chain((0..100_000).map(|_| frame(CONTINUATION, 0, 1, &[])));
    gateway.withstands("empty continuations", speak(address, empty)).await;
}

#[tokio::test]
async fn floods_of_small_frames_are_not_queued() {
    let mut gateway = Gateway::start("").await;
    let address = gateway.address;
    let settings = (0..100_000).map(|_| frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]));
    gateway.withstands("settings", speak(address, settings)).await;
    let pings = (0..100_000).map(|_| frame(PING, 0, 0, &[0; 8]));
    gateway.withstands("pings", speak(address, pings)).await;
    let empty =
        std::iter::once(frame(HEADERS, END_HEADERS, 1, &get())).chain((0..100_000).map(|_| frame(DATA, 0, 1, &[])));
    gateway.withstands("empty data", speak(address, empty)).await;
    let nonsense = [frame(HEADERS, END_HEADERS, 2, &get()), frame(99, 0xff, 7, &[1; 100]), vec![0xff; 1000]];
    gateway.withstands("nonsense", speak(address, nonsense.into_iter())).await;
}

#[tokio::test]
async fn the_limits_on_bodies_and_heads_hold_for_http_2_too() {
    let mut gateway = Gateway::start("").await;
    let address = gateway.address;
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let post = |length: usize, header: usize| {
        let request = http::Request::post(format!("http://{address}/graphql"))
            .header("content-type", "application/json")
            .header("x-a", "y".repeat(header));
        client.request(request.body(Full::from(vec![b' '; length])).unwrap())
    };
    // The client may find its stream reset while it is still sending.
    let large = gateway.withstands("20 MB", post(20_000_000, 1)).await;
    if let Ok(answer) = large {
        assert_eq!(answer.status(), 413);
        answer.into_body().collect().await.ok();
    }
    let long = gateway.withstands("a header of 100 KB", post(1, 100_000)).await;
    assert!(long.is_err() || long.is_ok_and(|answer| answer.status() == 431));
}

#[test]
fn the_library_that_reads_frames_is_one_without_the_known_holes() {
    // RUSTSEC-2024-0003 (resets) and RUSTSEC-2024-0332 (continuations) are mended from 0.4.4 on.
    let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
    let version = lock.split("name = \"h2\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let parts: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
    assert!(parts >= vec![0, 4, 4], "{version}");
}
