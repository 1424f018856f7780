//! A shop that can be told to change, and a gateway process before it.

use crate::client::{post_with, send};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use outfitter::demo::{Config, Store};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tower::ServiceExt;

pub(super) const TOKEN: &str = "shopify-storefront-private-token";

/// The demo store behind a counter.
pub(super) struct Shop {
    store: Router,
    /// Tokens in the order in which they came.
    pub(super) tokens: Mutex<Vec<String>>,
    /// What is replaced in answers to introspection.
    pub(super) forged: Mutex<Option<(&'static str, &'static str)>>,
    /// Told when an operation named `Slow` has come; it is answered once `go_on` is told.
    pub(super) came: Notify,
    pub(super) go_on: Notify,
}

async fn pass(State(shop): State<Arc<Shop>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(token) = parts.headers.get(TOKEN) {
        shop.tokens.lock().unwrap().push(token.to_str().unwrap().to_owned());
    }
    let body = body.collect().await.unwrap().to_bytes();
    let document = String::from_utf8_lossy(&body);
    if document.contains("query Slow") {
        shop.came.notify_one();
        shop.go_on.notified().await;
    }
    let asks = document.contains("__schema");
    let mut parts = parts;
    if asks {
        parts.headers.remove("accept-encoding");
    }
    let response = shop.store.clone().oneshot(Request::from_parts(parts, Body::from(body))).await.unwrap();
    let forged = *shop.forged.lock().unwrap();
    let Some((from, to)) = forged.filter(|_| asks) else { return response };
    let told = response.into_body().collect().await.unwrap().to_bytes();
    let told = String::from_utf8(told.to_vec()).unwrap();
    assert!(told.contains(from), "nothing to forge");
    Response::new(Body::from(told.replace(from, to)))
}

impl Shop {
    pub(super) fn new() -> Arc<Self> {
        let store = Arc::new(Store::generate(&Config { events: 100, shoppers: 10, ..Config::default() }));
        let (came, go_on) = (Notify::new(), Notify::new());
        Arc::new(Self { store: store.router(), tokens: Mutex::default(), forged: Mutex::default(), came, go_on })
    }

    /// Serves it at an address; gives its endpoint.
    pub(super) async fn open(self: &Arc<Self>, address: &str) -> String {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(pass).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        format!("http://{address}/graphql")
    }
}

/// A gateway process with its settings file.
pub(super) struct Gateway {
    child: Child,
    pub(super) origin: String,
    pub(super) folder: tempfile::TempDir,
    log: PathBuf,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Gateway {
    /// Starts with these settings; `DIR` in them is a folder of its own, with a secret of ingest in `hash`.
    pub(super) async fn start(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hash"), "a secret of sixteen bytes").unwrap();
        Self::start_in(folder, settings).await
    }

    pub(super) async fn start_in(folder: tempfile::TempDir, settings: &str) -> Self {
        Self::run(folder, settings, &["serve", "--listen", "127.0.0.1:0"], "Outfitter listens on ").await
    }

    /// `outfitter demo` with these settings.
    pub(super) async fn demo(settings: &str) -> Self {
        let arguments = ["demo", "--port", "0", "--store-port", "0"];
        Self::run(tempfile::tempdir().unwrap(), settings, &arguments, "GraphiQL ").await
    }

    /// Runs it until it says a line that begins so, with its address behind.
    async fn run(folder: tempfile::TempDir, settings: &str, arguments: &[&str], says: &'static str) -> Self {
        let (file, log) = (folder.path().join("outfitter.toml"), folder.path().join("log"));
        write(folder.path(), &file, settings);
        let mut command = Command::new(env!("CARGO_BIN_EXE_outfitter"));
        command.args(arguments).arg("--config").arg(&file).env("OUTFITTER_LOG", "debug");
        command.stdout(Stdio::piped()).stderr(std::fs::File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let said = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(out).lines().map_while(Result::ok);
            lines.find(|line| line.starts_with(says)).unwrap_or_default()
        });
        let said = said.await.unwrap();
        let origin = said.trim().rsplit(' ').next().unwrap().trim_end_matches('/').to_owned();
        assert!(origin.starts_with("http://"), "{said}{}", std::fs::read_to_string(&log).unwrap());
        Self { child, origin, folder, log }
    }

    /// Ends it as a power cut would; gives its folder.
    pub(super) fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    pub(super) fn write(&self, settings: &str) {
        write(self.folder.path(), &self.folder.path().join("outfitter.toml"), settings);
    }

    pub(super) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub(super) async fn ask(&self, query: &str) -> (StatusCode, HeaderMap, Value) {
        self.ask_as("nobody-known", query).await
    }

    pub(super) async fn ask_as(&self, session: &str, query: &str) -> (StatusCode, HeaderMap, Value) {
        let url = format!("{}/graphql", self.origin);
        let headers = [("outfitter-session", session), ("outfitter-consent", "all")];
        post_with(&url, &json!({ "query": query }), &headers).await
    }

    pub(super) async fn get(&self, path: &str) -> (StatusCode, String) {
        let (status, _, body) = send(Method::GET, &format!("{}{path}", self.origin), &[], Bytes::new()).await;
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// Lines of the log so far that hold all these words.
    pub(super) fn logged(&self, words: &[&str]) -> usize {
        let log = std::fs::read_to_string(&self.log).unwrap();
        log.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }

    /// Waits until the log holds more than `before` such lines; the test runner's own patience is the limit.
    pub(super) async fn until_logged(&self, words: &[&str], before: usize) {
        while self.logged(words) <= before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) async fn until_ready(&self) {
        while self.get("/health/ready").await.0 != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Writes beside and moves into place, as one who changes a file that is read should.
fn write(folder: &Path, file: &Path, settings: &str) {
    let beside = file.with_extension("new");
    std::fs::write(&beside, settings.replace("DIR", folder.to_str().unwrap())).unwrap();
    std::fs::rename(beside, file).unwrap();
}
