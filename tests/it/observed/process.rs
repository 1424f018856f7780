//! The program as a process of its own before a small shop, and everything that it writes.

use crate::client::{send, start};
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A shop that answers every question with a name, and knows one customer; what is called Broken or Quoting it answers badly.
#[derive(Default)]
pub(super) struct Shop {
    /// Headers and documents of what was asked.
    pub(super) asked: Mutex<Vec<(HeaderMap, String)>>,
}

/// The token of the one customer.
pub(super) const TOKEN: &str = "secret-customer-token";

async fn answer(State(shop): State<Arc<Shop>>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let text = String::from_utf8_lossy(&body).into_owned();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let document = asked["query"].as_str().unwrap_or_default().to_owned();
    shop.asked.lock().unwrap().push((headers, document.clone()));
    if document.contains("query Never") {
        std::future::pending::<()>().await;
    }
    if document.contains("query Broken") {
        let page = "<html>secret@shop.test, secret-7, xmarkedxpagexend</html>";
        return (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/html")], page);
    }
    if document.contains("query Quoting") {
        let quoting =
            r#"{"errors":[{"message":"secret@shop.test xmarkedxquotedxend is no customer","path":["secret-7"]}]}"#;
        return (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], quoting);
    }
    let answer = if document.contains("customer(") && text.contains(TOKEN) {
        r#"{"data":{"customer":{"id":"gid://shopify/Customer/secret-7","email":"secret@shop.test"}}}"#
    } else {
        r#"{"data":{"shop":{"name":"Hats"}},"extensions":{"cost":7}}"#
    };
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], answer)
}

/// A running `outfitter serve`.
pub(super) struct Process {
    child: Child,
    /// The gateway's address, without a path.
    pub(super) gateway: String,
    pub(super) shop: Arc<Shop>,
    written: Vec<JoinHandle<String>>,
    _folder: tempfile::TempDir,
}

impl Process {
    /// Starts it with these settings beside the shop's own.
    pub(super) async fn start(settings: &str) -> Self {
        Self::logging(settings, "outfitter=trace,info").await
    }

    /// As [`Process::start`], with this filter of the log.
    pub(super) async fn logging(settings: &str, log: &'static str) -> Self {
        let shop = Arc::new(Shop::default());
        let url = start(Router::new().fallback(answer).with_state(shop.clone())).await;
        let folder = tempfile::tempdir().unwrap();
        let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/shopify.graphql");
        let file = folder.path().join("outfitter.toml");
        let own = format!("[upstream]\nurl = \"{url}/graphql\"\n[platform]\nschema = \"{schema}\"\n{settings}");
        std::fs::write(&file, own).unwrap();
        let started = tokio::task::spawn_blocking(move || {
            let mut child = Command::new(env!("CARGO_BIN_EXE_outfitter"))
                .args(["serve", "--listen", "127.0.0.1:0", "--config"])
                .arg(&file)
                .env("OUTFITTER_LOG", log)
                .env("COLLECTOR_KEY", "secret-collector-key")
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let (mut out, mut err) = (BufReader::new(child.stdout.take().unwrap()), child.stderr.take().unwrap());
            let errors = std::thread::spawn(move || {
                let mut text = String::new();
                err.read_to_string(&mut text).unwrap();
                text
            });
            let mut line = String::new();
            while !line.contains("http://") {
                line.clear();
                assert_ne!(out.read_line(&mut line).unwrap(), 0, "it ended before it listened");
            }
            let gateway = line[line.find("http://").unwrap()..].trim().to_owned();
            let rest = std::thread::spawn(move || {
                let mut text = String::new();
                out.read_to_string(&mut text).unwrap();
                text
            });
            (child, gateway, vec![errors, rest])
        });
        let (child, gateway, written) = started.await.unwrap();
        let ready = format!("{gateway}/health/ready");
        while send(Method::GET, &ready, &[], "").await.0 != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Self { child, gateway, shop, written, _folder: folder }
    }

    pub(super) fn url(&self) -> String {
        format!("{}/graphql", self.gateway)
    }

    /// Stops it as an orchestrator does; gives everything that it wrote.
    pub(super) async fn stop(mut self) -> String {
        tokio::task::spawn_blocking(move || {
            let told = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
            assert!(told.success() && self.child.wait().unwrap().success());
            self.written.drain(..).map(|reader| reader.join().unwrap()).collect()
        })
        .await
        .unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A test that failed leaves no process behind; one that was stopped is gone already.
        self.child.kill().ok();
    }
}
