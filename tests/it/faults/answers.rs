//! Each fault, for an operation that passes through and for one that is planned, with others served meanwhile.

use super::gateway::{Answer, Gateway};
use super::shop::{GOOD, INSIDE, Shop};
use futures::future::join_all;
use serde_json::{Value, json};

/// Times long enough for a busy machine and short enough for a test; the breaker is another test's.
const SETTINGS: &str = r#"
timeout = "2s"
read_timeout = "1500ms"
max_answer = "4 MiB"
[upstream.breaker]
enabled = false
"#;

/// What a client gets.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Gets {
    /// An error of the gateway's own: status and code.
    Masked(u16, &'static str),
    /// A transfer that is broken off, so that a part is never taken for the whole.
    Torn,
    /// The platform's bytes under this status.
    Bytes(u16),
    /// The platform's error under this status.
    Error(u16),
    /// Data, with the platform's value in place.
    Data(&'static str),
    /// No claim but that of every answer.
    Shaped,
}
use Gets::{Bytes, Data, Error, Masked, Shaped, Torn};

const INVALID: Gets = Masked(502, "OUTFITTER_UPSTREAM_INVALID");
const AWAY: Gets = Masked(502, "OUTFITTER_UPSTREAM_UNAVAILABLE");
const BUSY: Gets = Masked(429, "OUTFITTER_UPSTREAM_UNAVAILABLE");
const LATE: Gets = Masked(504, "OUTFITTER_UPSTREAM_TIMEOUT");

/// The fault, what a client of a forwarded operation gets, what one of a planned operation gets.
const FAULTS: &[(&str, Gets, Gets)] = &[
    ("client_error", Error(400), Error(400)),
    ("server_error", Error(500), Error(500)),
    ("json_503", Error(503), Error(503)),
    ("page_200", INVALID, INVALID),
    ("page_502", INVALID, INVALID),
    ("page_404", Masked(404, "OUTFITTER_UPSTREAM_INVALID"), Masked(404, "OUTFITTER_UPSTREAM_INVALID")),
    ("page_429", BUSY, BUSY),
    ("page_503", Masked(503, "OUTFITTER_UPSTREAM_UNAVAILABLE"), Masked(503, "OUTFITTER_UPSTREAM_UNAVAILABLE")),
    ("redirect", INVALID, INVALID),
    ("no_type", INVALID, Data("good")),
    ("truncated", Bytes(200), INVALID),
    ("empty", Bytes(200), INVALID),
    ("short", Torn, INVALID),
    ("short_small", INVALID, INVALID),
    ("bomb", Bytes(200), INVALID),
    ("foreign_encoding", Bytes(200), INVALID),
    ("reset", AWAY, AWAY),
    ("reset_within", Torn, INVALID),
    ("mute", LATE, LATE),
    ("silent", Torn, LATE),
    ("drip", Data("good"), LATE),
    ("duplicate_keys", Bytes(200), Shaped),
    ("not_utf8", Bytes(200), INVALID),
    ("deep", Bytes(200), Bytes(200)),
    ("deep_errors", Bytes(200), Shaped),
    ("text_errors", Bytes(200), Shaped),
    ("neither", Bytes(200), INVALID),
    ("many_headers", INVALID, INVALID),
    ("long_header", INVALID, INVALID),
    ("two_lengths", INVALID, INVALID),
    ("no_http", INVALID, INVALID),
    ("continue", Data("good"), Data("good")),
    ("http_1_0", Data("good"), Data("good")),
];

fn check(what: &str, answer: Option<&Answer>, wanted: Gets) {
    let Some(answer) = answer else {
        assert_eq!(wanted, Torn, "{what} was torn");
        return;
    };
    let seen = || format!("{what}: {} {}", answer.status, answer.text().chars().take(300).collect::<String>());
    assert!(!answer.headers.contains_key("location"), "{}", seen());
    match wanted {
        Torn => panic!("not torn: {}", seen()),
        // The platform's own bytes are not looked into.
        Bytes(status) => {
            assert_eq!(answer.status, status, "{}", seen());
            return;
        }
        Masked(status, code) => {
            assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", seen());
            assert!(answer.json().get("data").is_none(), "{}", seen());
            assert_eq!(answer.headers["cache-control"], "private, no-store", "{what}");
            assert!(!answer.headers.contains_key("content-encoding"), "{what}");
        }
        Error(status) => {
            assert_eq!(answer.status, status, "{}", seen());
            assert_eq!(answer.json()["errors"][0]["message"], "no such thing", "{}", seen());
        }
        Data(name) => assert_eq!(answer.json()["data"]["ok"]["name"], name, "{}", seen()),
        Shaped => {
            let json = answer.json();
            let errors = json["errors"].as_array();
            assert!(json.get("data").is_some_and(|data| !data.is_null()) || errors.is_some(), "{}", seen());
            assert!(errors.into_iter().flatten().all(|error| error["message"].is_string()), "{}", seen());
        }
    }
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("application/json"), "{}", seen());
    assert!(!answer.text().contains(INSIDE) && !answer.text().contains("127.0.0.1"), "{}", seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_shop_answers_the_client_gets_an_answer_and_others_are_served() {
    let shop = Shop::start().await;
    let gateway = Gateway::start(&shop.url, SETTINGS).await;
    let both = FAULTS
        .iter()
        .flat_map(|(fault, through, planned)| [(*fault, "", *through), (*fault, " personalized { id }", *planned)]);
    let faulty = join_all(both.map(|(fault, ours, wanted)| {
        let (gateway, document) = (&gateway, format!("{{ {fault}: shop {{ name }}{ours} }}"));
        async move {
            let answer = gateway.ask(&document).await;
            check(&document, answer.as_ref(), wanted);
        }
    }));
    let meanwhile = async {
        for _ in 0..20 {
            let answer = gateway.ask("{ ok: shop { name } }").await.unwrap();
            assert_eq!((answer.status, answer.text().as_str()), (200, GOOD));
            let answer = gateway.ask("{ ok: shop { name } personalized { id } }").await.unwrap();
            assert_eq!(answer.json()["data"]["ok"], json!({ "name": "good" }), "{}", answer.text());
        }
    };
    tokio::join!(faulty, meanwhile);
    // A shop that asks to wait is heard through an error of ours.
    for ours in ["", " personalized { id }"] {
        let busy = gateway.ask(&format!("{{ page_429: shop {{ name }}{ours} }}")).await.unwrap();
        assert_eq!(busy.headers["retry-after"], "60", "{ours}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_that_hang_hold_up_nobody() {
    let shop = Shop::start().await;
    let gateway = Gateway::start(&shop.url, SETTINGS).await;
    let hanging = join_all((0..100).map(|n| {
        let ours = if n % 2 == 0 { "" } else { " personalized { id }" };
        let (gateway, document) = (&gateway, format!("{{ mute: shop {{ name }}{ours} }}"));
        async move { gateway.ask(&document).await.unwrap().status }
    }));
    let meanwhile = async {
        // All of them are with the shop; none is answered, since the shop says nothing.
        while shop.count("mute") < 100 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let answer = gateway.ask("{ ok: shop { name } personalized { id } }").await.unwrap();
        assert_eq!(answer.json()["errors"], Value::Null, "{}", answer.text());
    };
    let (hung, ()) = tokio::join!(hanging, meanwhile);
    assert!(hung.iter().all(|status| *status == 504), "{hung:?}");
}

#[test]
fn the_documentation_names_every_fault_and_no_other() {
    let document = include_str!("../../../docs/security.md");
    let table = document.split("## A hostile or broken shop").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: std::collections::BTreeSet<&str> = rows.collect();
    assert_eq!(documented, FAULTS.iter().map(|(fault, ..)| *fault).collect());
}
