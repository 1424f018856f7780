//! What answers tell developers: to who asks, where it is allowed, beside what the platform said.

use super::process::Process;
use crate::client::post_with;
use serde_json::{Value, json};

const PERSONAL: &str = "{ shop { name } personalized { recommendations(placement: \"home\") { items { score } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_tells_how_it_came_about_where_that_is_allowed_and_asked_for() {
    let process = Process::start("[debug]\nextensions = true\n").await;
    let ask = |query: &str, asked: &'static str| {
        let (url, body) = (process.url(), json!({ "query": query }));
        async move { post_with(&url, &body, &[("outfitter-debug", asked), ("outfitter-session", "secret")]).await }
    };
    let (_, _, answer) = ask(PERSONAL, "all").await;
    assert_eq!(answer["extensions"]["cost"], 7, "the platform's own stays: {answer}");
    let told = &answer["extensions"]["outfitter"];
    assert!(told["plan"]["steps"][0]["platform"].as_str().unwrap().contains("shop"), "{told}");
    assert_eq!(told["plan"]["sites"][0]["on"], "Query");
    assert_eq!(told["upstreamRequests"]["count"], 1);
    assert_eq!(told["upstreamRequests"]["requests"][0]["status"], 200);
    assert_eq!(
        (&told["decisions"][0]["placement"], &told["decisions"][0]["servedBy"]),
        (&json!("home"), &json!("FALLBACK"))
    );
    for stage in ["classify", "plan", "who", "upstream", "decide", "personalize", "splice", "total"] {
        assert!(told["timings"][stage].is_u64(), "{stage}: {told}");
    }
    let (_, _, some) = ask(PERSONAL, "timings").await;
    assert_eq!(some["extensions"]["outfitter"].as_object().unwrap().keys().collect::<Vec<_>>(), ["timings"]);
    let (_, _, none) = post_with(&process.url(), &json!({ "query": PERSONAL }), &[]).await;
    assert_eq!(none["extensions"]["outfitter"], Value::Null);

    let (_, headers, passed) = ask("{ shop { name } }", "timings").await;
    assert_eq!(passed["extensions"], json!({ "cost": 7 }), "what passes is the platform's own");
    assert_eq!(headers["outfitter-plan"], "pass-through");
    assert!(headers["server-timing"].to_str().unwrap().contains("outfitter-upstream;dur="), "{headers:?}");
    process.stop().await;

    let process = Process::start("").await;
    for query in [PERSONAL, "{ shop { name } }"] {
        let asked = [("outfitter-debug", "all")];
        let (_, headers, answer) = post_with(&process.url(), &json!({ "query": query }), &asked).await;
        assert_eq!((&answer["extensions"]["outfitter"], headers.get("outfitter-plan")), (&Value::Null, None));
    }
}
