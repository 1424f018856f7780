//! What the gateway costs beside a bare proxy, end to end: `cargo bench --bench end_to_end`.
//!
//! Four processes on loopback: a shop that answers from memory, the bare proxy, the release gateway (`outfitter serve`),
//! and this one, which asks. In each round the same number of requests goes through the proxy and through the gateway,
//! and the time that each spent on processors is read from `/proc`; the medians of the rounds are compared. The proxy
//! passes on exactly the requests that the gateway sends to the shop for one request of a client: one, or two where
//! products are looked up.
//!
//! Numbers after `--` choose cases, counted from 1. `ROUNDS`, `REQUESTS` and `CONNECTIONS` change the load, `GATEWAY`
//! names another binary, `SHOW=1` lets the gateway's log through, `HOLD=1` waits before each case, for a profiler.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // A bench prints, and stops where its world does not build.

mod cases;
mod history;
mod load;
mod process;
mod proxy;
mod shop;

use cases::{CASES, Case};
use load::{Connection, Script, load, post};
use process::Server;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const KIB: f64 = 1024.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    match arguments.first().map(String::as_str) {
        Some("shop") => runtime().block_on(shop::serve()),
        Some("proxy") => runtime().block_on(proxy::serve(arguments[1].parse().unwrap())),
        _ => measure(&arguments),
    }
}

/// How much is asked.
struct Amount {
    rounds: usize,
    requests: usize,
    connections: usize,
}

/// The processes.
struct World {
    shop: Server,
    proxy: Server,
    gateway: Server,
    /// Handles of products.
    products: Vec<String>,
}

/// A case ready to be sent.
struct Scripts {
    gateway: Vec<Script>,
    proxy: Vec<Script>,
    /// Bytes of the gateway's answer.
    answer: usize,
    /// Requests to the shop for one of a client.
    upstream: usize,
}

fn measure(arguments: &[String]) {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let amount = Amount {
        rounds: number("ROUNDS", 7),
        requests: number("REQUESTS", 1500),
        connections: number("CONNECTIONS", 16).max(1),
    };
    let chosen: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let world = World::start();
    let (resident, _) = world.gateway.memory();
    println!("after the crawl of {} products: {:.0} MB resident", world.products.len(), megabytes(resident));
    let told = history::tell(world.gateway.address);
    let (resident, _) = world.gateway.memory();
    println!("after {told} events of the demo store's shoppers: {:.0} MB resident\n", megabytes(resident));
    println!(
        "| {:64} | requests | KB | proxy µs | gateway µs | ratio | target | added p50 µs | added p99 µs | requests/s |",
        "case"
    );
    println!("|{}|---|---|---|---|---|---|---|---|---|", "-".repeat(66));
    for (index, case) in CASES.iter().enumerate() {
        if chosen.is_empty() || chosen.contains(&(index + 1)) {
            one(&world, case, &amount);
        }
    }
    let (resident, highest) = world.gateway.memory();
    println!("\nunder this load: {:.0} MB resident, {:.0} MB at its highest", megabytes(resident), megabytes(highest));
    println!("{} connections, {} rounds of {} requests", amount.connections, amount.rounds, amount.requests);
    drop(world);
    start_up();
}

fn one(world: &World, case: &Case, amount: &Amount) {
    let scripts = world.scripts(case, amount.connections);
    load(world.gateway.address, &scripts.gateway, amount.requests / 2);
    load(world.proxy.address, &scripts.proxy, amount.requests / 2);
    if std::env::var_os("HOLD").is_some() {
        println!("the gateway is process {}; press return", world.gateway.id());
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
    let (mut proxies, mut gateways, mut ratios, mut rates) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..amount.rounds {
        // Who goes first alternates, so that a machine that slows down wrongs neither.
        let mut sides = [(&world.proxy, &scripts.proxy, true), (&world.gateway, &scripts.gateway, false)];
        sides.rotate_left(round % 2);
        let (mut proxy, mut gateway) = (0.0, 0.0);
        for (server, script, is_proxy) in sides {
            let (before, began) = (server.cpu(), Instant::now());
            let times = load(server.address, script, amount.requests).len();
            let took = began.elapsed();
            // What is left to do after the last answer belongs to it.
            std::thread::sleep(Duration::from_millis(50));
            let each = (server.cpu() - before).as_secs_f64() * 1e6 / times as f64;
            if is_proxy {
                proxy = each;
            } else {
                gateway = each;
                rates.push(times as f64 / took.as_secs_f64());
            }
        }
        proxies.push(proxy);
        gateways.push(gateway);
        ratios.push(gateway / proxy);
    }
    let (p50, p99) = added(world, &scripts, amount.requests);
    println!(
        "| {:64} | {} | {:.1} | {:.0} | {:.0} | {:.2} | {} | {p50:.0} | {p99:.0} | {:.0} |",
        case.name,
        scripts.upstream,
        scripts.answer as f64 / KIB,
        median(&mut proxies),
        median(&mut gateways),
        median(&mut ratios),
        case.target.map_or("–".to_owned(), |target| format!("{target}")),
        median(&mut rates),
    );
}

/// Latency that the gateway adds to what the shop takes, one request at a time: median and 99th percentile, µs.
fn added(world: &World, scripts: &Scripts, requests: usize) -> (f64, f64) {
    let (mut direct, mut through) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        direct.extend(load(world.shop.address, &scripts.proxy[..1], requests / 5));
        through.extend(load(world.gateway.address, &scripts.gateway[..1], requests / 5));
    }
    direct.sort_unstable();
    through.sort_unstable();
    let at = |sorted: &[Duration], share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    (at(&through, 0.5) - at(&direct, 0.5), at(&through, 0.99) - at(&direct, 0.99))
}

/// From `exec` to the line that says where the gateway listens, with the full Shopify schema from a file.
fn start_up() {
    let shop = Server::start(&itself(), &["shop"], &[]);
    let mut took: Vec<f64> =
        (0..9).map(|_| gateway(&format!("http://{}/graphql", shop.address)).began_in.as_secs_f64() * 1000.0).collect();
    println!("start-up with the full Shopify schema, from exec to listening: {:.0} ms (target 300)", median(&mut took));
}

fn itself() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// The gateway before a shop, everything by default but: who says nothing has agreed, and old events are taken.
fn gateway(upstream: &str) -> Server {
    let named = std::env::var_os("GATEWAY").map(PathBuf::from);
    let binary = named.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_outfitter")));
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/shopify.graphql");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--upstream", upstream, "--schema", schema.to_str().unwrap()];
    let environment = [
        ("OUTFITTER_INGEST__DEFAULT_CONSENT", "all"),
        ("OUTFITTER_INGEST__EVENTS__MAX_AGE", "400days"),
        ("OUTFITTER_INGEST__EVENTS__BURST", "100000"),
        ("OUTFITTER_INGEST__EVENTS__PER_MINUTE", "100000"),
        ("OUTFITTER_CATALOGUE__DELAY", "0s"),
        // On a busy machine a slate can be late; then a cheaper one would be measured.
        ("OUTFITTER_ENGINE__DEADLINE", "2s"),
    ];
    Server::start(&binary, &arguments, &environment)
}

impl World {
    fn start() -> Self {
        let shop = Server::start(&itself(), &["shop"], &[]);
        let url = format!("http://{}/graphql", shop.address);
        let proxy = Server::start(&itself(), &["proxy", &url], &[]);
        let gateway = gateway(&url);
        let mut world = Self { shop, proxy, gateway, products: Vec::new() };
        let list = r#"{"query":"{ products(first: 250) { nodes { handle } } }"}"#;
        let answer = world.ask(&world.shop, &post("/graphql", &[], list));
        let nodes = answer.pointer("/data/products/nodes").and_then(Value::as_array).cloned().unwrap_or_default();
        world.products = nodes.iter().filter_map(|node| Some(node.get("handle")?.as_str()?.to_owned())).collect();
        world.wait_for_the_catalogue();
        world
    }

    /// The gateway tells every few seconds how many products it knows.
    fn wait_for_the_catalogue(&self) {
        const METRICS: &[u8] = b"GET /metrics HTTP/1.1\r\nhost: shop.example\r\n\r\n";
        for _ in 0..600 {
            let answered = Connection::open(self.gateway.address).unwrap().ask(METRICS, true).unwrap();
            let text = String::from_utf8_lossy(&answered.body).into_owned();
            let known = text.lines().find_map(|line| line.strip_prefix("outfitter_catalogue_products "));
            if known.is_some_and(|known| known.trim() != "0") {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the catalogue was not read within a minute");
    }

    fn ask(&self, server: &Server, request: &[u8]) -> Value {
        let answered = Connection::open(server.address).unwrap().ask(request, true).unwrap();
        serde_json::from_slice(&answered.body).unwrap_or_default()
    }

    /// What is sent to the gateway, and what the gateway sends on for it.
    fn scripts(&self, case: &Case, connections: usize) -> Scripts {
        let mut scripts = Scripts { gateway: Vec::new(), proxy: Vec::new(), answer: 0, upstream: 0 };
        for nth in 0..connections {
            let session = format!("shopper-{}", nth + 1);
            let headers = if case.shopper { vec![("outfitter-session", session.as_str())] } else { Vec::new() };
            let request = post("/graphql", &headers, &case.body(nth, &self.products));
            let mut connection = Connection::open(self.gateway.address).unwrap();
            connection.ask(&request, false).unwrap();
            self.ask(&self.shop, &post("/record", &[], "{}"));
            let answered = connection.ask(&request, true).unwrap();
            let seen: Vec<String> = serde_json::from_value(self.ask(&self.shop, &post("/seen", &[], "{}"))).unwrap();
            let text = String::from_utf8_lossy(&answered.body);
            let wrong = case.holds.iter().find(|held| !text.contains(**held));
            assert!(wrong.is_none() && !text.contains("\"errors\""), "{}: no {wrong:?} in {text}", case.name);
            scripts.answer += answered.body.len() / connections;
            scripts.upstream = scripts.upstream.max(seen.len());
            scripts.proxy.push(seen.iter().map(|body| post("/graphql", &[], body)).collect());
            scripts.gateway.push(vec![request]);
        }
        scripts
    }
}

fn megabytes(kibibytes: u64) -> f64 {
    kibibytes as f64 * KIB / 1e6
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
