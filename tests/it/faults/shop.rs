//! A hostile shop on a plain socket. What it does to a request stands in the operation's first alias.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What no client may read: it stands in every faulty body and address.
pub(super) const INSIDE: &str = "secret.internal";
/// The answer to an operation with the alias `ok`, planned or not.
pub(super) const GOOD: &str = r#"{"data":{"ok":{"name":"good"},"personalized":"QueryRoot"}}"#;
/// How many bytes the `huge` answer has.
pub(super) const HUGE: u64 = 600 << 20;

/// A running shop.
#[derive(Clone)]
pub(super) struct Shop {
    pub(super) url: String,
    /// Requests by alias.
    seen: Arc<Mutex<HashMap<String, usize>>>,
}

impl Shop {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/graphql", listener.local_addr().unwrap());
        let shop = Self { url, seen: Arc::default() };
        let served = shop.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let shop = served.clone();
                tokio::spawn(async move { shop.serve(socket).await });
            }
        });
        shop
    }

    /// How many requests with this alias arrived, whole.
    pub(super) fn count(&self, alias: &str) -> usize {
        self.seen.lock().unwrap().get(alias).copied().unwrap_or(0)
    }

    async fn serve(self, mut socket: TcpStream) {
        while let Some(request) = read(&mut socket).await {
            let alias = alias(&request);
            let times = {
                let mut seen = self.seen.lock().unwrap();
                let times = seen.entry(alias.clone()).or_default();
                *times += 1;
                *times
            };
            // A client that leaves ends the connection, which is all that is wanted of it.
            if answer(&mut socket, &alias, times).await.is_err() {
                return;
            }
            if CLOSED.contains(&alias.trim_end_matches(PLANNED)) {
                return;
            }
        }
    }
}

/// Aliases after whose answer the connection ends.
const CLOSED: &[&str] = &[
    "short",
    "short_small",
    "reset",
    "reset_once",
    "reset_within",
    "mute",
    "silent",
    "two_lengths",
    "no_http",
    "http_1_0",
];
/// Ends an alias that is counted apart from the one that it ends.
pub(super) const PLANNED: &str = "_planned";

/// The word after the first brace of the document; `ok` where there is none.
fn alias(request: &str) -> String {
    let document = request.split_once("\"query\":\"").map_or("", |(_, rest)| rest);
    let inside = document.split_once('{').map_or("", |(_, rest)| rest).trim_start();
    let word: String = inside.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    word
}

/// A whole request, head and body; `None` where the client closed.
pub(super) async fn read(socket: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length:").nth(1).and_then(|rest| rest.lines().next());
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if body.len() >= length {
                return Some(text);
            }
        }
        let mut piece = [0; 4096];
        match socket.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    }
}

/// An answer with these header lines.
pub(super) fn whole(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn json(body: &[u8]) -> Vec<u8> {
    whole("200 OK", JSON, body)
}

const JSON: &str = "content-type: application/json\r\n";
const HTML: &str = "content-type: text/html\r\n";
/// Begins an answer whose end is the connection's.
const ENDLESS: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";

fn zipped(length: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let zeros = vec![b' '; 1 << 20];
    (0..length >> 20).for_each(|_| encoder.write_all(&zeros).unwrap());
    // Behind all that stands an answer, for whoever unpacks it.
    encoder.write_all(GOOD.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Closes so that the other side reads an error, not an end.
fn reset(socket: &TcpStream) {
    socket.set_zero_linger().unwrap();
}

#[allow(clippy::too_many_lines)] // a list of faults, one arm each
async fn answer(socket: &mut TcpStream, alias: &str, times: usize) -> std::io::Result<()> {
    let alias = alias.trim_end_matches(PLANNED);
    let page = format!("<html><body>{INSIDE}</body></html>");
    let refused = br#"{"errors":[{"message":"no such thing"}]}"#;
    let throttled = br#"{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}]}"#;
    let bytes = match alias {
        "client_error" => whole("400 Bad Request", JSON, refused),
        "server_error" => whole("500 Internal Server Error", JSON, refused),
        "page_200" => whole("200 OK", HTML, page.as_bytes()),
        "page_502" => whole("502 Bad Gateway", HTML, page.as_bytes()),
        "page_404" => whole("404 Not Found", HTML, page.as_bytes()),
        // In a charset of its own.
        "page_503" => whole("503 Service Unavailable", HTML, &[page.as_bytes(), b"\xfc"].concat()),
        "page_429" => whole("429 Too Many Requests", "content-type: text/html\r\nretry-after: 60\r\n", page.as_bytes()),
        "json_503" => whole("503 Service Unavailable", JSON, refused),
        "no_type" => whole("200 OK", "", GOOD.as_bytes()),
        "truncated" => json(&GOOD.as_bytes()[..30]),
        "empty" => json(b""),
        "short" => format!("HTTP/1.1 200 OK\r\n{JSON}content-length: 100000\r\n\r\n{{\"data\":{{\"{INSIDE}").into(),
        "short_small" => format!("HTTP/1.1 200 OK\r\n{JSON}content-length: 100\r\n\r\n{{\"data\":{{\"{INSIDE}").into(),
        "bomb" => whole("200 OK", "content-type: application/json\r\ncontent-encoding: gzip\r\n", &zipped(16 << 20)),
        "foreign_encoding" => {
            whole("200 OK", "content-type: application/json\r\ncontent-encoding: br\r\n", INSIDE.as_bytes())
        }
        "reset" => {
            reset(socket);
            return Ok(());
        }
        "reset_within" => {
            socket.write_all(ENDLESS).await?;
            socket.write_all(b"9\r\n{\"data\":{\r\n").await?;
            // Its bytes are to arrive before the reset throws away what is on its way.
            tokio::time::sleep(Duration::from_millis(200)).await;
            reset(socket);
            return Ok(());
        }
        "mute" => std::future::pending().await,
        "silent" => {
            socket.write_all(ENDLESS).await?;
            socket.write_all(b"9\r\n{\"data\":{\r\n").await?;
            std::future::pending().await
        }
        "drip" => {
            socket
                .write_all(format!("HTTP/1.1 200 OK\r\n{JSON}content-length: {}\r\n\r\n", GOOD.len()).as_bytes())
                .await?;
            for byte in GOOD.as_bytes() {
                socket.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_millis(60)).await;
            }
            return Ok(());
        }
        "redirect" => whole("302 Found", &format!("{HTML}location: http://{INSIDE}/admin\r\n"), page.as_bytes()),
        "duplicate_keys" => {
            json(br#"{"data":{"ok":{"name":"a"},"ok":{"name":"b"},"personalized":"QueryRoot"},"data":{"ok":null}}"#)
        }
        "not_utf8" => json(b"{\"data\":{\"ok\":{\"name\":\"\xff\xfe\"},\"personalized\":\"QueryRoot\"}}"),
        "deep" => {
            let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
            json(format!(r#"{{"data":{{"ok":{open}{close},"personalized":"QueryRoot"}}}}"#).as_bytes())
        }
        "deep_errors" => {
            let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
            json(format!(r#"{{"errors":{open}{close},"data":null}}"#).as_bytes())
        }
        "text_errors" => json(br#"{"errors":"no such shop"}"#),
        "neither" => json(br#"{"errors":[],"message":"secret.internal"}"#),
        "many_headers" => whole("200 OK", &(JSON.to_owned() + &"x-a: b\r\n".repeat(5000)), GOOD.as_bytes()),
        "long_header" => whole("200 OK", &format!("{JSON}x-a: {}\r\n", "b".repeat(1 << 20)), GOOD.as_bytes()),
        "two_lengths" => {
            format!("HTTP/1.1 200 OK\r\n{JSON}content-length: 5\r\ncontent-length: 7\r\n\r\n{INSIDE}").into()
        }
        "no_http" => format!("220 {INSIDE} ready\r\n").into(),
        "continue" => [b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), json(GOOD.as_bytes())].concat(),
        "http_1_0" => format!("HTTP/1.0 200 OK\r\n{JSON}\r\n{GOOD}").into(),
        "huge" => {
            socket.write_all(format!("HTTP/1.1 200 OK\r\n{JSON}content-length: {HUGE}\r\n\r\n").as_bytes()).await?;
            let piece = vec![b' '; 256 * 1024];
            for _ in 0..HUGE / piece.len() as u64 {
                socket.write_all(&piece).await?;
            }
            return Ok(());
        }
        "throttled_once" if times == 1 => json(throttled),
        "throttled" => json(throttled),
        "busy_once" if times == 1 => whole("503 Service Unavailable", "retry-after: 0\r\n", b""),
        "reset_once" if times == 1 => {
            reset(socket);
            return Ok(());
        }
        _ => json(GOOD.as_bytes()),
    };
    socket.write_all(&bytes).await?;
    socket.flush().await
}
