//! The load: connections that each ask again once they are answered, and how long each answer took.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A kept-alive connection and what it reads into.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A whole answer: where its body lies is not told, its bytes are.
pub(crate) struct Answered {
    /// The status.
    pub(crate) status: u16,
    /// The body, out of its chunks.
    pub(crate) body: Vec<u8>,
}

/// The bytes of a POST, as a storefront's server sends it.
pub(crate) fn post(path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: shop.example\r\ncontent-type: application/json\r\naccept: application/json\r\n\
         user-agent: storefront/1.0\r\nx-shopify-storefront-access-token: 0123456789abcdef0123456789abcdef\r\n\
         content-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{request}\r\n{body}").into_bytes()
}

impl Connection {
    /// Connects.
    pub(crate) fn open(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream, buffer: Vec::with_capacity(1 << 17) })
    }

    /// Sends a request and reads its answer whole.
    pub(crate) fn ask(&mut self, request: &[u8], keep: bool) -> io::Result<Answered> {
        self.stream.write_all(request)?;
        self.buffer.clear();
        let head = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.more()?;
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
        let status = text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        let mut body = Vec::new();
        if let Some(length) = length {
            while self.buffer.len() < head + length {
                self.more()?;
            }
            if keep {
                body.extend_from_slice(&self.buffer[head..head + length]);
            }
            return Ok(Answered { status, body });
        }
        let mut at = head;
        loop {
            let line = loop {
                if let Some(end) = find(&self.buffer[at..], b"\r\n") {
                    break at + end;
                }
                self.more()?;
            };
            let size = std::str::from_utf8(&self.buffer[at..line]).unwrap_or_default();
            let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)
                .map_err(|_| io::Error::other("a chunk without a size"))?;
            while self.buffer.len() < line + 2 + size + 2 {
                self.more()?;
            }
            if keep {
                body.extend_from_slice(&self.buffer[line + 2..line + 2 + size]);
            }
            at = line + 2 + size + 2;
            if size == 0 {
                return Ok(Answered { status, body });
            }
        }
    }

    fn more(&mut self) -> io::Result<()> {
        let filled = self.buffer.len();
        self.buffer.resize(filled + 65_536, 0);
        let read = self.stream.read(&mut self.buffer[filled..])?;
        self.buffer.truncate(filled + read);
        if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// What one connection sends in turn; the whole list counts as one time.
pub(crate) type Script = Vec<Vec<u8>>;

/// Sends the scripts, one a connection and all at once, `times` times over all. How long each time took.
pub(crate) fn load(to: SocketAddr, scripts: &[Script], times: usize) -> Vec<Duration> {
    let each = times.div_ceil(scripts.len());
    std::thread::scope(|scope| {
        let running: Vec<_> = scripts
            .iter()
            .map(|requests| {
                scope.spawn(move || {
                    let mut connection = Connection::open(to).expect("the server takes connections");
                    let mut took = Vec::with_capacity(each);
                    for _ in 0..each {
                        let began = Instant::now();
                        for request in requests {
                            let answered = connection.ask(request, false).expect("every request is answered");
                            assert_eq!(answered.status, 200, "the server refuses");
                        }
                        took.push(began.elapsed());
                    }
                    took
                })
            })
            .collect();
        running.into_iter().flat_map(|thread| thread.join().expect("a client ended early")).collect()
    })
}
