//! How many events a second are taken: beacons alone, signed orders alone, and both as a shop has them.

use super::load::Connection;
use super::process::Server;
use super::sent::{BATCH, Sent, beacon, order};
use super::{World, amount};
use std::time::{Duration, Instant};

/// Beacons to one order: a shop has some hundred events an order.
const BEACONS_AN_ORDER: usize = 5;

/// The head of the table.
pub(crate) fn heading() {
    println!(
        "| into | what | requests/s | events/s | target | gateway, µs of CPU an event | slowest 1 % answered after |"
    );
    println!("|---|---|---|---|---|---|---|");
}

/// Measures all three with a gateway of their own.
pub(crate) fn measure(into: &str, target: f64, redis: Option<&str>) {
    let (events, shoppers) = (amount("EVENTS", 200_000), amount("SHOPPERS", 2_000));
    let world = World::start(1, redis);
    let gateway = &world.gateways[0];
    if std::env::var_os("HOLD").is_some() {
        println!("the gateway is process {}; press return", gateway.id());
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
    let beacons = events / BATCH;
    let both = |nth: usize| match nth % (BEACONS_AN_ORDER + 1) {
        0 => order(nth, shoppers, &world.products),
        _ => beacon(nth, shoppers, &world.products),
    };
    // Each kind has numbers of its own, so that nothing comes twice.
    let orders = (0..beacons).map(|nth| order(10_000_000 + nth, shoppers, &world.products)).collect();
    let only = (0..beacons).map(|nth| beacon(20_000_000 + nth, shoppers, &world.products)).collect();
    tell(into, "beacons of 20 and signed orders, 5 to 1", Some(target), gateway, (0..beacons).map(both).collect());
    tell(into, "beacons of 20", None, gateway, only);
    tell(into, "signed orders of 3 lines, one a delivery", None, gateway, orders);
}

fn tell(into: &str, what: &str, target: Option<f64>, gateway: &Server, all: Vec<Sent>) {
    let (requests, events) = (all.len(), all.iter().map(|sent| sent.events).sum::<usize>());
    let (cpu, began) = (gateway.cpu(), Instant::now());
    let mut took = send(gateway, all);
    let seconds = began.elapsed().as_secs_f64();
    // What is left to do after the last answer belongs to it.
    std::thread::sleep(Duration::from_millis(100));
    let each = (gateway.cpu() - cpu).as_secs_f64() * 1e6 / events as f64;
    took.sort_unstable();
    let slow = took[took.len() * 99 / 100].as_secs_f64() * 1e3;
    println!(
        "| {into} | {what} | {:.0} | {:.0} | {} | {each:.1} | {slow:.1} ms |",
        requests as f64 / seconds,
        events as f64 / seconds,
        target.map_or("–".to_owned(), |target| format!("{target}")),
    );
}

/// Sends each request once, over connections that each wait for their answer. How long each took.
fn send(gateway: &Server, all: Vec<Sent>) -> Vec<Duration> {
    let connections = amount("CONNECTIONS", 16);
    let mut shares: Vec<Vec<Sent>> = (0..connections).map(|_| Vec::new()).collect();
    all.into_iter().enumerate().for_each(|(nth, sent)| shares[nth % connections].push(sent));
    std::thread::scope(|scope| {
        let share = |share: Vec<Sent>| {
            scope.spawn(move || {
                let mut connection = Connection::open(gateway.address).expect("the gateway takes connections");
                let one = |sent: &Sent| {
                    let began = Instant::now();
                    let answered = connection.ask(&sent.request, true).expect("every request is answered");
                    let taken = answered.status == 200 && answered.body.starts_with(sent.answered.as_bytes());
                    assert!(taken, "{}: {}", answered.status, String::from_utf8_lossy(&answered.body));
                    began.elapsed()
                };
                share.iter().map(one).collect::<Vec<_>>()
            })
        };
        let running: Vec<_> = shares.into_iter().map(share).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("a sender ended early")).collect()
    })
}
