//! How many events a second are taken over HTTP, and how soon another replica knows of them: `cargo bench --bench ingest`.
//!
//! On loopback: a shop that answers from memory, a `redis-server` where one is needed, the release gateway (`outfitter
//! serve`), and this process, which sends. What is sent is made before the clock runs: beacons of 20 events of one shopper,
//! each event with an id of its own, and orders by webhook, each signed; everything is read, checked against the
//! catalogue, stored, counted by the statistics. Every answer is checked.
//!
//! Words after `--` choose: `memory`, `redis`, `visible`; none is all of them. `EVENTS`, `SHOPPERS` and `CONNECTIONS` change
//! the load, `SAMPLES` how often it is looked whether an event is visible, `GATEWAY` names another binary, `SHOW=1` lets the
//! gateway's log through, `HOLD=1` waits before the load, for a profiler.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // A bench prints, and stops where its world does not build.

#[allow(dead_code)] // The other bench uses more of it.
#[path = "../end_to_end/load.rs"]
mod load;
#[allow(dead_code)]
#[path = "../end_to_end/process.rs"]
mod process;
mod sent;
#[path = "../../src/store/redis/servers.rs"]
mod servers;
#[path = "../end_to_end/shop.rs"]
mod shop;
mod throughput;
mod visible;

use load::{Connection, post};
use process::Server;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if arguments.first().is_some_and(|first| first == "shop") {
        return tokio::runtime::Runtime::new().unwrap().block_on(shop::serve());
    }
    let wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == part);
    if wanted("memory") || wanted("redis") {
        throughput::heading();
    }
    if wanted("memory") {
        throughput::measure("memory", 20_000.0, None);
    }
    if wanted("redis") {
        let redis = servers::Server::start();
        throughput::measure("Redis", 10_000.0, Some(&redis.url()));
    }
    if wanted("visible") {
        let redis = servers::Server::start();
        visible::measure(&redis.url());
    }
}

/// A number of the environment.
fn amount(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// The client secret under which webhooks are signed.
const APP: &str = "the client secret of an app";

/// Gateways before one shop.
struct World {
    _shop: Server,
    gateways: Vec<Server>,
    /// Ids of products that the gateways know.
    products: Vec<String>,
    _secret: tempfile::TempDir,
}

impl World {
    /// So many gateways, with this Redis where there is one. Everything by default but: who says nothing has agreed, one shopper
    /// may send a lot, and a busy machine is given time.
    fn start(gateways: usize, redis: Option<&str>) -> Self {
        let shop = Server::start(&std::env::current_exe().unwrap(), &["shop"], &[]);
        let url = format!("http://{}/graphql", shop.address);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "the same in every replica of this shop").unwrap();
        let (secrets, app) = (format!("[{{ file = {file:?} }}]"), "[{ env = \"BENCH_APP_SECRET\" }]");
        let mut environment = vec![
            ("OUTFITTER_INGEST__DEFAULT_CONSENT", "all"),
            ("OUTFITTER_INGEST__EVENTS__BURST", "100000"),
            ("OUTFITTER_INGEST__EVENTS__PER_MINUTE", "100000"),
            ("OUTFITTER_INGEST__SECRETS", secrets.as_str()),
            ("OUTFITTER_INGEST__WEBHOOKS__SHOPIFY__SECRETS", app),
            ("BENCH_APP_SECRET", APP),
            ("OUTFITTER_CATALOGUE__DELAY", "0s"),
            ("OUTFITTER_STORE__REDIS__WRITE_TIMEOUT", "5s"),
        ];
        environment.extend(redis.map(|url| ("OUTFITTER_STORE__URL", url)));
        let named = std::env::var_os("GATEWAY").map(PathBuf::from);
        let binary = named.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_outfitter")));
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/shopify.graphql");
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--upstream", &url, "--schema", schema.to_str().unwrap()];
        let gateways: Vec<Server> = (0..gateways).map(|_| Server::start(&binary, &arguments, &environment)).collect();
        gateways.iter().for_each(wait_for_the_catalogue);
        let list = r#"{"query":"{ products(first: 250) { nodes { id availableForSale } } }"}"#;
        let answered = Connection::open(shop.address).unwrap().ask(&post("/graphql", &[], list), true).unwrap();
        let answer: Value = serde_json::from_slice(&answered.body).unwrap();
        let nodes = answer.pointer("/data/products/nodes").and_then(Value::as_array).expect("the shop has products");
        let sold = nodes.iter().filter(|node| node["availableForSale"] == true);
        let products = sold.map(|node| node["id"].as_str().expect("an id").to_owned()).collect();
        Self { _shop: shop, gateways, products, _secret: folder }
    }
}

/// The gateway tells every few seconds how many products it knows.
fn wait_for_the_catalogue(gateway: &Server) {
    const METRICS: &[u8] = b"GET /metrics HTTP/1.1\r\nhost: shop.example\r\n\r\n";
    for _ in 0..600 {
        let answered = Connection::open(gateway.address).unwrap().ask(METRICS, true).unwrap();
        let text = String::from_utf8_lossy(&answered.body).into_owned();
        let known = text.lines().find_map(|line| line.strip_prefix("outfitter_catalogue_products "));
        if known.is_some_and(|known| known.trim() != "0") {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the catalogue was not read within a minute");
}
