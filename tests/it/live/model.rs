//! Versions of the model: activated and taken back by the command while a gateway runs, without a failed request.

use super::process::{Gateway, Shop};
use http::StatusCode;
use outfitter::features::{Attributes, Vocabulary};
use outfitter::model::versions::Versions;
use outfitter::model::{ModelConfig, Transformer, Weights, checkpoint};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SHELF: &str = r#"{ personalized { recommendations(placement: "home", first: 4) {
    items { product { id } } decision { servedBy model } } } }"#;

/// A version of fresh weights over the demo store's first products.
fn write(folder: &Path, seed: u64) {
    let vocabulary = Vocabulary::new((1001..1200).map(|number| format!("gid://shopify/Product/{number}"))).unwrap();
    let config = ModelConfig { width: 16, ..ModelConfig::small(vocabulary.rows()) };
    let mut weights = Weights::fresh(seed);
    Transformer::new(&config, &Arc::default(), &mut weights).unwrap();
    let tensors = weights.variables().iter().map(|(name, weight)| (name.clone(), weight.as_tensor().clone())).collect();
    let attributes = Attributes::default();
    let facts = BTreeMap::from([("seed".to_owned(), seed.to_string())]);
    let content = checkpoint::Content {
        config: &config,
        vocabulary: &vocabulary,
        attributes: &attributes,
        tensors: &tensors,
        facts,
    };
    checkpoint::write(folder, content).unwrap();
}

fn models(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outfitter"));
    command.arg("models").args(arguments).arg("--dir").arg(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn shelf(gateway: &Gateway) -> Value {
    let (status, _, answer) = gateway.ask_as("keeps", SHELF).await;
    assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null), "{answer}");
    answer["data"]["personalized"]["recommendations"].clone()
}

/// Waits until shelves name this model.
async fn until_by(gateway: &Gateway, model: Value) {
    while shelf(gateway).await["decision"]["model"] != model {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_change_under_a_running_gateway_and_a_bad_one_leaves_the_old_in_use() {
    let url = Shop::new().open("127.0.0.1:0").await;
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().join("shop");
    (1..=3).for_each(|seed| write(&shop.join(seed.to_string()), seed));
    assert!(models(&["activate", "1"], &shop).status.success());
    let settings = format!(
        "[upstream]\nurl = \"{url}\"\n[ingest]\nsecrets = [{{ file = \"DIR/hash\" }}]\n[catalogue]\ndelay = \"0s\"\n\
         [engine]\ndeadline = \"60s\"\n[model]\ndir = \"{}\"\n",
        shop.display()
    );
    let gateway = Arc::new(Gateway::start(&settings).await);
    gateway.until_ready().await;
    let track = "mutation { personalizedTrack(events: [{ id: \"1\", type: PRODUCT_VIEWED,
        productId: \"gid://shopify/Product/1001\" }]) { accepted } }";
    let (_, _, answer) = gateway.ask_as("keeps", track).await;
    assert_eq!(answer["data"]["personalizedTrack"]["accepted"], 1, "{answer}");
    until_by(&gateway, json!("shop/1")).await;
    assert_eq!(shelf(&gateway).await["decision"]["servedBy"], "MODEL");

    let stop = Arc::new(AtomicBool::new(false));
    let client = tokio::spawn({
        let (gateway, stop) = (gateway.clone(), stop.clone());
        async move {
            let mut asked = 0;
            while !stop.load(Ordering::SeqCst) {
                assert_eq!(shelf(&gateway).await["items"].as_array().map(Vec::len), Some(4));
                asked += 1;
            }
            asked
        }
    });
    let activated = models(&["activate", "2"], &shop);
    assert!(activated.status.success(), "{}", text(&activated.stderr));
    until_by(&gateway, json!("shop/2")).await;

    // One that changed after it was written: the command refuses it, and so does the gateway where it is named by hand.
    std::fs::write(shop.join("3").join("weights.safetensors"), b"cut off").unwrap();
    let refused = models(&["activate", "3"], &shop);
    assert!(!refused.status.success() && text(&refused.stderr).contains("cut off or changed"), "{refused:?}");
    assert_eq!(Versions::new(&shop).active().unwrap().as_deref(), Some("2"));
    std::fs::write(Versions::new(&shop).pointer(), "3\n2\n").unwrap();
    gateway.until_logged(&[r#""kind":"model""#, r#""outcome":"refused""#], 0).await;
    assert_eq!(shelf(&gateway).await["decision"]["model"], "shop/2");
    std::fs::write(Versions::new(&shop).pointer(), "2\n1\n").unwrap();

    let listed = text(&models(&["list"], &shop).stdout);
    assert!(listed.contains("* 2  199 items, width 16") && listed.contains("seed: 2"), "{listed}");
    let listed: Value = serde_json::from_slice(&models(&["list", "--json"], &shop).stdout).unwrap();
    assert_eq!((&listed[0]["active"], &listed[1]["active"]), (&json!(false), &json!(true)));

    assert!(models(&["rollback"], &shop).status.success());
    until_by(&gateway, json!("shop/1")).await;
    stop.store(true, Ordering::SeqCst);
    assert!(client.await.unwrap() > 0);
    let (_, metrics) = gateway.get("/metrics").await;
    for line in ["outfitter_model_info{version=\"shop/1\"} 1", "outfitter_model_info{version=\"shop/2\"} 0"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    assert!(metrics.contains("outfitter_encode_duration_seconds_count{outcome=\"ok\"}"), "{metrics}");
}
