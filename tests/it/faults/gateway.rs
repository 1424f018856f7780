//! The program before a hostile shop, and a client that tells a broken transfer from an answer.

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use outfitter::demo;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Longer than any answer takes: a test whose gateway hangs fails, and does not hang too.
const FOREVER: Duration = Duration::from_secs(60);

/// A running `outfitter serve`. Ends with its test.
pub(super) struct Gateway {
    pub(super) url: String,
    process: Child,
    client: Client<HttpConnector, Full<Bytes>>,
    _folder: tempfile::TempDir,
}

/// An answer, whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// `extensions.code` of the first error.
    pub(super) fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Gateway {
    /// Starts the program before a shop, with these lines below `[upstream]`.
    pub(super) async fn start(shop: &str, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("shop.graphql"), demo::SDL).unwrap();
        std::fs::write(path("outfitter.toml"), format!("[upstream]\nurl = \"{shop}\"\n{settings}\n")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_outfitter"));
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command.args(["--config", &path("outfitter.toml"), "--schema", &path("shop.graphql")]);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = loop {
            let line = lines.next_line().await.unwrap().expect("the program ended before it listened");
            if let Some((_, url)) = line.split_once("listens on ") {
                break url.trim().to_owned();
            }
        };
        // The pipe is read on, so that the program never waits for it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { url, process, client, _folder: folder }
    }

    /// The head of the answer to a document.
    pub(super) async fn begin(&self, document: &str) -> http::Response<hyper::body::Incoming> {
        let request = Request::post(format!("{}/graphql", self.url)).header("content-type", "application/json");
        let body = Full::from(json!({ "query": document }).to_string());
        self.client.request(request.body(body).unwrap()).await.unwrap()
    }

    /// The answer to a document; `None` where it broke off.
    pub(super) async fn ask(&self, document: &str) -> Option<Answer> {
        let whole = async {
            let (head, body) = self.begin(document).await.into_parts();
            let body = body.collect().await.ok()?.to_bytes();
            Some(Answer { status: head.status.as_u16(), headers: head.headers, body })
        };
        tokio::time::timeout(FOREVER, whole).await.unwrap_or_else(|_| panic!("no answer to {document}"))
    }

    /// The highest resident memory of the process so far, in bytes.
    pub(super) fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}
