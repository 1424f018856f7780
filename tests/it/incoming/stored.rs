//! What becomes of it: counted once by all replicas, at its own time, kept while the store is away.

use super::{Gateway, order, settings, until};
use crate::servers::Server;
use http::StatusCode;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_counts_once_whichever_replica_it_reaches_and_an_order_whatever_tells_it() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    let replica = async |name: &str| Gateway::start(settings(&folder.path().join(name), Some(&redis.url()))).await;
    let (one, other) = (replica("one").await, replica("other").await);
    let first = order(1, 7, 1, "2024-11-27T10:00:00Z");
    assert_eq!(one.shopify("orders/create", "w1", &first).await.counts(), [1, 0, 0]);
    // The same delivery at the other: known before anything is asked of the order.
    assert_eq!(other.shopify("orders/create", "w1", &first).await.counts(), [0, 1, 0]);
    let product = json!({ "id": 9, "handle": "nine", "title": "Nine", "status": "active", "variants": [] });
    assert_eq!(one.shopify("products/update", "w2", &product).await.counts(), [1, 0, 0]);
    assert_eq!(other.shopify("products/update", "w2", &product).await.counts(), [0, 1, 0]);
    // Another delivery of the same order, by another topic, at the other.
    assert_eq!(other.shopify("orders/paid", "w3", &first).await.counts(), [0, 1, 0]);
    let (orders, bought) = one.customer(7).await;
    assert_eq!((orders, bought.len(), bought[0].times), (1, 1, 1));
    // It is remembered for its time, and not for good.
    let keys: Vec<String> = redis.ask(&["KEYS", "outfitter:delivery:*"]).await;
    assert_eq!(keys.len(), 3, "{keys:?}");
    for key in keys {
        let seconds = redis.ask::<i64>(&["PTTL", &key]).await / 1000;
        assert!((40 * 3600..=48 * 3600).contains(&seconds), "{key} {seconds}");
    }
    // A beacon that is sent to both, and again much later.
    assert_eq!(one.viewed("s", "1", 0).await.json["accepted"], 1);
    assert_eq!(other.viewed("s", "1", 0).await.json["outcomes"][0]["code"], "DUPLICATE");
    assert_eq!(other.session("s").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_late_and_out_of_order_stands_at_its_own_time() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    let gateway = Gateway::start(settings(folder.path(), Some(&redis.url()))).await;
    for (id, product, created) in
        [(3, 3, "2024-11-28T12:00:00Z"), (1, 1, "2024-11-27T10:00:00Z"), (2, 2, "2024-11-27T10:00:01Z")]
    {
        assert_eq!(
            gateway.shopify("orders/create", &format!("w{id}"), &order(id, 7, product, created)).await.counts(),
            [1, 0, 0]
        );
    }
    // Taken back before it comes itself.
    let mut cancelled = order(4, 7, 4, "2024-11-28T13:00:00Z");
    cancelled["cancelled_at"] = json!("2024-11-28T14:00:00Z");
    gateway.shopify("orders/cancelled", "w5", &cancelled).await;
    gateway.shopify("orders/create", "w4", &order(4, 7, 4, "2024-11-28T13:00:00Z")).await;
    let (orders, bought) = gateway.customer(7).await;
    let told: Vec<(&str, String)> = bought.iter().map(|it| (it.product.as_str(), it.last.to_string())).collect();
    let expected = [(1, "2024-11-27T10:00:00Z"), (2, "2024-11-27T10:00:01Z"), (3, "2024-11-28T12:00:00Z")];
    assert_eq!(
        told,
        expected.map(|(n, at)| (
            ["", "gid://shopify/Product/1", "gid://shopify/Product/2", "gid://shopify/Product/3"][n],
            at.to_owned()
        ))
    );
    assert_eq!(orders, 3);
    for (id, second) in [("c", 86_400), ("a", 0), ("b", 1)] {
        assert_eq!(gateway.viewed("s", id, second).await.json["accepted"], 1);
    }
    assert_eq!(gateway.session("s").await, ["a", "b", "c"].map(|id| format!("gid://shopify/Product/{id}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_is_gone_everything_is_acknowledged_and_stored_in_order_when_it_is_back() {
    let (folder, mut redis) = (tempfile::tempdir().unwrap(), Server::start());
    let gateway = Gateway::start(settings(folder.path(), Some(&redis.url()))).await;
    redis.kill();
    for n in 0..20_u64 {
        assert_eq!(gateway.viewed("s", &format!("{n:02}"), 0).await.json["accepted"], 1, "{n}");
        let told = order(n, 7, n, "2024-11-27T10:00:00Z");
        let answer = gateway.shopify("orders/create", &format!("w{n}"), &told).await;
        assert_eq!((answer.status, answer.counts()), (StatusCode::OK, [1, 0, 0]), "{n}");
        // The platform heard nothing of the answer and sends it again.
        assert_eq!(gateway.shopify("orders/create", &format!("w{n}"), &told).await.counts(), [0, 1, 0], "{n}");
    }
    redis.restart();
    until(|| async { gateway.session("s").await.len() == 20 && gateway.customer(7).await.0 == 20 }).await;
    // All of one moment: in the order in which they came.
    let expected: Vec<String> = (0..20).map(|n| format!("gid://shopify/Product/{n:02}")).collect();
    assert_eq!(gateway.session("s").await, expected);
    until(|| async { std::fs::read_dir(folder.path().join("spool")).unwrap().count() == 0 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_hangs_is_waited_for_no_longer_than_the_patience_and_without_a_spool_the_sender_comes_again() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Server::start());
    let hasty = |name: &str, spools: bool| {
        let mut settings = settings(&folder.path().join(name), Some(&redis.url()));
        let patience = std::time::Duration::from_millis(200);
        (settings.ingest.webhooks.patience, settings.ingest.beacons.patience) = (patience, patience);
        settings.ingest.spool.dir = settings.ingest.spool.dir.filter(|_| spools);
        settings
    };
    let (kept, bare) = (Gateway::start(hasty("kept", true)).await, Gateway::start(hasty("bare", false)).await);
    assert_eq!(kept.viewed("s", "before", 0).await.json["accepted"], 1);
    redis.signal("-STOP");
    // Answered while it still hangs: nothing here lets it go on.
    let told = order(1, 7, 1, "2024-11-27T10:00:00Z");
    assert_eq!(kept.shopify("orders/create", "w1", &told).await.counts(), [1, 0, 0]);
    assert_eq!(kept.viewed("s", "while", 1).await.json["accepted"], 1);
    for answer in [
        bare.shopify("orders/create", "w2", &order(2, 7, 2, "2024-11-27T10:00:00Z")).await,
        bare.viewed("s", "lost", 2).await,
    ] {
        assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "OUTFITTER_TRY_LATER"));
        assert_eq!(answer.headers["retry-after"], "10");
    }
    redis.signal("-CONT");
    until(|| async { kept.customer(7).await.0 >= 1 && kept.session("s").await.len() >= 2 }).await;
    // What was refused was not taken for known.
    until(|| async {
        let answer = bare.shopify("orders/create", "w2", &order(2, 7, 2, "2024-11-27T10:00:00Z")).await;
        answer.status == StatusCode::OK
    })
    .await;
    until(|| async { kept.customer(7).await.0 == 2 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_that_is_full_takes_nothing_more_and_what_it_took_is_stored() {
    let (folder, mut redis) = (tempfile::tempdir().unwrap(), Server::start());
    let mut settings = settings(folder.path(), Some(&redis.url()));
    settings.ingest.spool.size = bytesize::ByteSize::kib(2);
    let gateway = Gateway::start(settings).await;
    redis.kill();
    let (mut kept, mut refused) = (Vec::new(), 0);
    for n in 0..20 {
        let answer = gateway.viewed("s", &format!("{n:02}"), n).await;
        match answer.status {
            StatusCode::OK => kept.push(format!("gid://shopify/Product/{n:02}")),
            _ => {
                assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "OUTFITTER_TRY_LATER"));
                assert!(answer.headers.contains_key("retry-after"));
                refused += 1;
            }
        }
    }
    assert!(!kept.is_empty() && refused > 0, "{} {refused}", kept.len());
    redis.restart();
    until(|| async { gateway.session("s").await == kept }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_replica_of_redis_does_not_have_yet_waits_in_the_spool_and_outlives_the_master() {
    let (folder, mut master) = (tempfile::tempdir().unwrap(), Server::start());
    let replica = Server::replica_of(&master).await;
    let with = |name: &str, spools: bool| {
        let mut settings = settings(&folder.path().join(name), Some(&master.url()));
        // One Redis, as `redis://` names it, of which somebody keeps a copy.
        settings.store.redis.replicas = Some(1);
        settings.ingest.spool.dir = settings.ingest.spool.dir.filter(|_| spools);
        settings
    };
    let (kept, bare) = (Gateway::start(with("kept", true)).await, Gateway::start(with("bare", false)).await);
    // Lines of its files: what is done goes with the last of them.
    let waiting = || {
        let files = std::fs::read_dir(folder.path().join("kept/spool")).unwrap();
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).map_or(0, |text| text.lines().count())).sum()
    };
    let scripts = async || {
        let told: String = master.ask(&["INFO", "commandstats"]).await;
        let line = told.lines().find_map(|line| line.strip_prefix("cmdstat_eval:calls="));
        line.and_then(|line| line.split(',').next()?.parse::<u32>().ok()).unwrap_or_default()
    };
    let created = "2024-11-27T10:00:00Z";
    // A busy replica may be late for one, which then waits: until none does.
    for n in 1.. {
        assert_eq!(kept.shopify("orders/create", &format!("w{n}"), &order(n, 6, n, created)).await.counts(), [1, 0, 0]);
        let many: usize = waiting();
        if many == 0 {
            break;
        }
        until(|| async { waiting() == 0 }).await;
    }

    replica.signal("-STOP");
    assert_eq!(kept.shopify("orders/create", "k1", &order(71, 7, 1, created)).await.counts(), [1, 0, 0]);
    assert_eq!(kept.viewed("s", "1", 0).await.json["accepted"], 1);
    assert_eq!(waiting(), 2, "taken, and written where it survives");
    // However often it is tried: that it is known by then does not make it safe.
    let tried = scripts().await;
    until(|| async { scripts().await > tried + 4 }).await;
    assert_eq!(waiting(), 2, "still");
    // The master has it, which is not what was asked for.
    assert_eq!((kept.customer(7).await.0, kept.session("s").await.len()), (1, 1));
    let answer = bare.shopify("orders/create", "b1", &order(72, 8, 1, created)).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "OUTFITTER_TRY_LATER"));

    replica.signal("-CONT");
    until(|| async { waiting() == 0 }).await;
    master.kill();
    let _: () = replica.ask(&["REPLICAOF", "NO", "ONE"]).await;
    let after = Gateway::start(settings(&folder.path().join("after"), Some(&replica.url()))).await;
    assert_eq!((after.customer(7).await.0, after.session("s").await.len()), (1, 1), "once, on the replica");
}
