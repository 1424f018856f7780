//! The process under attack, and the shop behind it.

use crate::http::client::{Answer, exchange, post, request};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{AppendHeaders, IntoResponse, Response};
use http::HeaderMap;
use http_body_util::BodyExt;
use std::future::Future;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Memory that an attack may cost beyond what the process had before, in KiB.
const GROWTH: u64 = 64 << 10;

/// What reached the shop.
#[derive(Default)]
pub(super) struct Shop {
    seen: Mutex<Vec<Seen>>,
}

/// One request as the shop saw it.
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// Answers everything alike: with data, and with headers of which only some are for clients.
async fn answer(State(shop): State<Arc<Shop>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()).into_owned();
    // Products that are asked for their keys: more than are personalized at once.
    let many = body.contains("many").then(|| {
        let product = |n: usize| format!(r#"{{"__typename":"Product","personalized":"gid://shopify/Product/{n}"}}"#);
        (0..501).map(product).collect::<Vec<_>>().join(",")
    });
    let data = match many {
        Some(nodes) => format!(r#"{{"data":{{"many":{{"nodes":[{nodes}]}}}}}}"#),
        None => r#"{"data":{"shop":{"name":"x"}}}"#.to_owned(),
    };
    shop.seen.lock().unwrap().push(Seen { path: parts.uri.to_string(), headers: parts.headers, body });
    let headers = AppendHeaders([
        ("content-type", "application/json"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("server", "shop-backend/1.2"),
        ("x-powered-by", "secret"),
        ("x-internal", "10.0.0.7"),
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
        ("server-timing", "db;dur=1"),
    ]);
    // A body without a type of its own, so that the one above is the only one.
    (headers, axum::body::Body::from(data)).into_response()
}

/// `outfitter serve` before the shop. Ends with the test.
pub(super) struct Gateway {
    child: Child,
    pub(super) address: SocketAddr,
    shop: Arc<Shop>,
    _folder: tempfile::TempDir,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Gateway {
    /// Starts it with these settings beside the shop's address and schema.
    pub(super) async fn start(settings: &str) -> Self {
        let shop = Arc::new(Shop::default());
        let url = crate::client::start(Router::new().fallback(answer).with_state(Arc::clone(&shop))).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("outfitter.toml");
        std::fs::write(&file, settings).unwrap();
        let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/demo.graphql");
        let mut child = Command::new(env!("CARGO_BIN_EXE_outfitter"))
            .args(["serve", "--listen", "127.0.0.1:0", "--schema", schema, "--config"])
            .arg(&file)
            .args(["--upstream", &format!("{url}/graphql")])
            .env("RUST_LOG", "off")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = tokio::task::spawn_blocking(move || {
            let said = lines.find_map(|line| Some(line.ok()?.split_once("http://")?.1.trim().to_owned()));
            // Read on, so that the process never waits for somebody to read.
            std::thread::spawn(move || lines.for_each(drop));
            said.unwrap().parse().unwrap()
        });
        Self { address: address.await.unwrap(), child, shop, _folder: folder }
    }

    /// Lets an attack happen: another client is answered meanwhile, the same process is there afterwards, and it holds
    /// no more than a bounded amount of memory beyond what it held before.
    pub(super) async fn withstands<T>(&mut self, what: &str, attack: impl Future<Output = T>) -> T {
        let before = self.resident();
        let (outcome, other) = tokio::join!(attack, self.plain());
        assert_eq!(other.status, 200, "{what}: others are answered meanwhile");
        assert_eq!(self.child.try_wait().unwrap(), None, "{what}: the process is there");
        assert_eq!(self.plain().await.status, 200, "{what}: and serves");
        // The allocator gives back what was freed a second later, and on occasion of another request.
        let mut grown = self.resident().saturating_sub(before);
        for _ in 0..40 {
            if grown < GROWTH {
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
            assert_eq!(self.plain().await.status, 200, "{what}: and serves");
            grown = self.resident().saturating_sub(before);
        }
        assert!(grown < GROWTH, "{what}: the process grew by {grown} KiB");
        outcome
    }

    /// A harmless request.
    async fn plain(&self) -> Answer {
        post(self.address, &[], r#"{"query":"{ shop { name } }"}"#).await
    }

    /// Posts JSON.
    pub(super) async fn post(&self, headers: &[&str], body: &str) -> Answer {
        post(self.address, headers, body).await
    }

    /// Any request with a body of any kind.
    pub(super) async fn send(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Option<Answer> {
        exchange(self.address, &request(method, path, headers, body)).await
    }

    /// What has reached the shop since the last time, but for the gateway's own questions and the harmless requests.
    pub(super) fn reached(&self) -> Vec<Seen> {
        let seen = std::mem::take(&mut *self.shop.seen.lock().unwrap());
        let harmless = |seen: &Seen| seen.body == r#"{"query":"{ shop { name } }"}"#;
        let own = |seen: &Seen| seen.body.contains("OutfitterCatalogue") || seen.body.contains("pageInfo");
        seen.into_iter().filter(|seen| !harmless(seen) && !own(seen)).collect()
    }

    /// KiB of memory that the process holds.
    fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// A JSON body with this document.
pub(super) fn document(text: &str) -> String {
    serde_json::json!({ "query": text }).to_string()
}
