//! HTTP/1.1 as a client should not speak it.

use super::process::Gateway;
use crate::http::client::{exchange, read};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const QUERY: &str = r#"{"query":"{ a }"}"#;

/// A POST of [`QUERY`] with these lines in its head, each ended by its writer.
fn raw(line: &str, head: &str, body: &str) -> Vec<u8> {
    format!("{line}\r\nhost: g\r\ncontent-type: application/json\r\n{head}\r\n{body}").into_bytes()
}

fn post(head: &str, body: &str) -> Vec<u8> {
    raw("POST /graphql HTTP/1.1", head, body)
}

#[tokio::test]
async fn a_request_whose_end_two_readers_may_see_at_two_places_is_refused_and_its_connection_closed() {
    let mut gateway = Gateway::start("").await;
    let length = QUERY.len();
    let hidden = "0\r\n\r\nGET /graphql?query=%7Bsmuggled%7D HTTP/1.1\r\nhost: g\r\n\r\n";
    for (what, bytes) in [
        (
            "length and chunks",
            post(&format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", hidden.len()), hidden),
        ),
        ("chunks and length", post("transfer-encoding: chunked\r\ncontent-length: 5\r\n", hidden)),
        ("two lengths", post(&format!("content-length: {length}\r\ncontent-length: 5\r\n"), QUERY)),
        ("a list of lengths", post(&format!("content-length: {length}, 5\r\n"), QUERY)),
        ("a length with a sign", post(&format!("content-length: +{length}\r\n"), QUERY)),
        ("a negative length", post("content-length: -1\r\n", QUERY)),
        ("a length beyond numbers", post("content-length: 99999999999999999999999\r\n", QUERY)),
        ("an unknown coding", post("transfer-encoding: xchunked\r\n", hidden)),
        ("chunks that are not last", post("transfer-encoding: chunked, identity\r\n", hidden)),
        (
            "a folded line",
            post(&format!("x-a: b\r\n transfer-encoding: chunked\r\ncontent-length: {length}\r\n"), QUERY),
        ),
        ("a space before the colon", post(&format!("content-length : {length}\r\n"), QUERY)),
        ("a NUL in a header", post(&format!("x-a: b\0c\r\ncontent-length: {length}\r\n"), QUERY)),
        ("a chunk beyond numbers", post("transfer-encoding: chunked\r\n", "fffffffffffffffff\r\nx")),
        ("an extension without end", post("transfer-encoding: chunked\r\n", &format!("1;{}", "a".repeat(200_000)))),
        (
            "5,000 trailers",
            post("transfer-encoding: chunked\r\n", &format!("1\r\n{{\r\n0\r\n{}\r\n", "a: b\r\n".repeat(5000))),
        ),
        ("no version", b"GET /graphql\r\n\r\n".to_vec()),
    ] {
        let answer = gateway.withstands(what, exchange(gateway.address, &bytes)).await;
        // Read to the end of the connection: there is one answer, and nothing after it.
        let answer = answer.unwrap_or_else(|| panic!("{what}: no answer"));
        assert_eq!(answer.status, 400, "{what}");
        assert!(!answer.text().contains("HTTP/1.1"), "{what}: one answer");
        assert!(gateway.reached().is_empty(), "{what}");
    }
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused_and_just_below_served() {
    let mut gateway = Gateway::start("").await;
    let head = |extra: &str| post(&format!("{extra}content-length: {}\r\nconnection: close\r\n", QUERY.len()), QUERY);
    let lines = |count: usize| (0..count).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
    let long = |length: usize| format!("x-a: {}\r\n", "y".repeat(length));
    for (what, extra, status) in [
        ("90 headers", lines(90), 200),
        ("300 headers", lines(300), 431),
        ("a header of 60 KB", long(60_000), 200),
        ("a header of 70 KB", long(70_000), 431),
    ] {
        let answer = gateway.withstands(what, exchange(gateway.address, &head(&extra))).await.unwrap();
        assert_eq!(answer.status, status, "{what}");
    }
    let url = raw(&format!("POST /graphql?{} HTTP/1.1", "a".repeat(1_000_000)), "", "");
    let answer = gateway.withstands("a URL of 1 MB", exchange(gateway.address, &url)).await;
    assert!(answer.is_none_or(|answer| matches!(answer.status, 414 | 431)));
}

#[tokio::test]
async fn old_and_odd_requests_are_served_as_what_they_are() {
    let mut gateway = Gateway::start("").await;
    let length = format!("content-length: {}\r\n", QUERY.len());
    for (what, line, head) in [
        ("HTTP/1.0", "POST /graphql HTTP/1.0", length.clone()),
        (
            "another host in the URL",
            "POST http://evil.example/graphql HTTP/1.1",
            format!("{length}connection: close\r\n"),
        ),
        (
            "an upgrade",
            "POST /graphql HTTP/1.1",
            format!("{length}connection: upgrade, close\r\nupgrade: websocket\r\n"),
        ),
        ("one length twice", "POST /graphql HTTP/1.1", format!("{length}{length}connection: close\r\n")),
    ] {
        let answer = gateway.withstands(what, exchange(gateway.address, &raw(line, &head, QUERY))).await.unwrap();
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        let seen = gateway.reached().pop().unwrap();
        assert!(
            !seen.headers["host"].to_str().unwrap().contains("evil") && !seen.headers.contains_key("upgrade"),
            "{what}"
        );
    }
    let close = raw("POST /graphql HTTP/1.1", &format!("{length}connection: close\r\n"), QUERY);
    let many = [raw("POST /graphql HTTP/1.1", &length, QUERY).repeat(50), close].concat();
    let answers = gateway.withstands("51 requests at once", exchange(gateway.address, &many)).await.unwrap();
    assert_eq!(1 + answers.text().matches("HTTP/1.1 200").count(), 51);
}

#[tokio::test]
async fn twenty_megabytes_are_refused_without_being_read() {
    let mut gateway = Gateway::start("").await;
    let announced = post("content-length: 20000000\r\nconnection: close\r\n", "");
    let answer = gateway.withstands("20 MB announced", exchange(gateway.address, &announced)).await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (413, "OUTFITTER_BODY_TOO_LARGE"));
    let asked = post("content-length: 20000000\r\nexpect: 100-continue\r\nconnection: close\r\n", "");
    let answer = gateway.withstands("20 MB after a question", exchange(gateway.address, &asked)).await.unwrap();
    assert_eq!(answer.status, 413, "and no 100 Continue before");
    let address = gateway.address;
    let chunked = async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&post("transfer-encoding: chunked\r\nconnection: close\r\n", "")).await.unwrap();
        let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
        for _ in 0..320 {
            // The gateway answers and closes long before the last one.
            if stream.write_all(&chunk).await.is_err() {
                break;
            }
        }
        read(&mut stream).await
    };
    let answer = gateway.withstands("20 MB in chunks", chunked).await;
    // A client that goes on sending may see its connection reset before it has read the answer.
    assert!(answer.is_none_or(|answer| answer.status == 413));
    assert!(gateway.reached().is_empty());
}

#[tokio::test]
async fn connections_that_say_nothing_are_closed_and_make_room() {
    let mut gateway =
        Gateway::start("[server]\nconnections = 4\nheader_timeout = \"500ms\"\nbody_timeout = \"500ms\"").await;
    let address = gateway.address;
    // As many as there may be, each slow in its own way; the plain request beside them waits for the first to be closed.
    let flood = async move {
        let beginnings = ["", "P", "POST /graphql HTTP/1.1\r\nx: ", "PRI * HTTP/2.0\r\n"];
        let mut streams = Vec::new();
        for begun in beginnings {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            streams.push(stream);
        }
        for mut stream in streams {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.ok();
        }
    };
    gateway.withstands("four silent connections", flood).await;
    let slow = post("content-length: 100\r\n", "{");
    let answer = gateway.withstands("a slow body", exchange(address, &slow)).await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (408, "OUTFITTER_BODY_TIMEOUT"));
}
