//! Processes that are killed while what they acknowledged waits in the spool, because the store is away.

use super::process::{Gateway, Shop};
use crate::servers::Server;
use crate::told::{APP, Stored, beacon, order};
use serde_json::json;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

const SECRET: &str = "a secret of sixteen bytes";
/// All events happened at one moment, so that the order in which they are kept is that in which they came.
const AT: &str = "2026-03-01T10:00:00Z";
const SESSIONS: usize = 3;

/// Files of the spool.
fn waiting(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("spool")).map_or(0, Iterator::count)
}

/// Sends so many events to each session in turn and as many orders; all of them have to be acknowledged.
async fn tell(gateway: &Gateway, round: usize, acknowledged: &mut [Vec<String>], orders: &mut u64) {
    for n in 0..8 {
        for (session, acknowledged) in acknowledged.iter_mut().enumerate() {
            let id = format!("{round} {n}");
            let event = json!([{ "id": id, "type": "PAGE_VIEWED", "at": AT }]);
            assert!(beacon(&gateway.origin, &format!("s-{session}"), event).await, "{id} of {session}");
            acknowledged.push(id);
        }
        *orders += 1;
        assert!(order(&gateway.origin, &format!("delivery {orders}"), *orders, 7, AT).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_while_the_store_was_away_outlives_every_process_and_arrives_once_and_in_order() {
    let url = Shop::new().open("127.0.0.1:0").await;
    let mut redis = Server::start();
    redis.kill();
    let settings = format!(
        "[upstream]\nurl = \"{url}\"\n[ingest]\ndefault_consent = \"all\"\nsecrets = [{{ file = \"DIR/hash\" }}]\n\
         [ingest.events]\nmax_age = \"3650days\"\n[ingest.spool]\ndir = \"DIR/spool\"\n\
         [ingest.webhooks.shopify]\nsecrets = [{{ file = \"DIR/app\" }}]\n[store]\nurl = \"{}\"\n\
         [store.redis]\nread_timeout = \"5s\"\nwrite_timeout = \"5s\"\nopen_for = \"50ms\"\n",
        redis.url()
    );
    let mut folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hash"), SECRET).unwrap();
    std::fs::write(folder.path().join("app"), APP).unwrap();
    let (mut acknowledged, mut orders) = (vec![Vec::new(); SESSIONS], 0);

    // Two processes, one after the other, each killed while somebody else is still being answered.
    for round in 0..2 {
        let gateway = Gateway::start_in(folder, &settings).await;
        tell(&gateway, round, &mut acknowledged, &mut orders).await;
        // Nobody hears what becomes of this one: it may be stored or not.
        let mut unheard = TcpStream::connect(gateway.origin.trim_start_matches("http://")).unwrap();
        let late = json!([{ "id": format!("late {round}"), "type": "PAGE_VIEWED", "at": AT }]).to_string();
        let head = "POST /events HTTP/1.1\r\nhost: shop.example\r\noutfitter-session: s-late\r\noutfitter-consent: all";
        write!(unheard, "{head}\r\ncontent-length: {}\r\n\r\n{late}", late.len()).unwrap();
        folder = gateway.kill();
        assert!(waiting(folder.path()) > 0);
    }

    // The store is back. The third is killed as soon as it has begun, wherever it is by then.
    redis.restart();
    let gateway = Gateway::start_in(folder, &settings).await;
    folder = gateway.kill();
    let gateway = Gateway::start_in(folder, &settings).await;
    while waiting(gateway.folder.path()) > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let stored = Stored::at(&redis.url(), SECRET);
    for (session, acknowledged) in acknowledged.iter().enumerate() {
        let state = stored.session(&format!("s-{session}")).await;
        let kept: Vec<&str> = state.session.events.iter().map(|event| event.id.as_str()).collect();
        assert_eq!(kept, *acknowledged, "session {session}");
    }
    let profile = stored.customer(7).await.profile;
    assert_eq!(u64::from(profile.orders), orders);
    assert_eq!(profile.spent[0].total.amount(), format!("{orders}0.00"));
    // And what comes now comes behind it.
    assert!(beacon(&gateway.origin, "s-0", json!([{ "id": "now", "type": "PAGE_VIEWED", "at": AT }])).await);
    assert_eq!(stored.session("s-0").await.session.events.last().unwrap().id.as_str(), "now");
}
