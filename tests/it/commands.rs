//! The program itself: what it prints and with which code it ends.

use crate::client::post_with;
use crate::upstream::serve;
use axum::Router;
use axum::routing::post;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

async fn outfitter(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outfitter"));
    command.args(arguments).env_remove("RUST_LOG");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn wrong_settings_end_with_one_plain_line_and_code_1() {
    let output = outfitter(&["serve", "--config", "no-such.toml"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).starts_with("outfitter: the settings file no-such.toml cannot be read"), "{}", said(&output));
    let output = outfitter(&["schema", "pull"]).await;
    assert!(said(&output).contains("set upstream.url or pass --upstream"), "{}", said(&output));
    assert_eq!(outfitter(&["--no-such-argument"]).await.status.code(), Some(2));
    assert_eq!(outfitter(&["--version"]).await.status.code(), Some(0));
}

#[tokio::test]
async fn a_shop_that_tells_no_schema_is_named_with_the_way_around() {
    let refuse = || async { r#"{"errors":[{"message":"GraphQL introspection is not allowed"}]}"# };
    let url = serve(Router::new().route("/graphql", post(refuse))).await;
    let output = outfitter(&["schema", "pull", "--upstream", &url]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(said.contains("GraphQL introspection is not allowed") && said.contains("--schema"), "{said}");
}

#[tokio::test]
async fn a_catalogue_is_imported_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (from, file) = (path("products.jsonl"), path("catalogue.jsonl"));
    std::fs::write(&from, r#"{"key":"1","handle":"hat","title":"Hat","category":"Hats"}"#).unwrap();
    let output = outfitter(&["catalogue", "import", &from, "--file", &file]).await;
    assert!(output.status.success(), "{}", said(&output));
    let output = outfitter(&["catalogue", "show", "--file", &file]).await;
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "1 products, 1 of them available\n1 categories:\n       1  Hats\n"
    );

    std::fs::write(&from, "{\"key\":\"1\"}\n").unwrap();
    let output = outfitter(&["catalogue", "import", &from, "--file", &file]).await;
    assert!(said(&output).contains("line 1: missing field `handle`"), "{}", said(&output));
    assert!(outfitter(&["catalogue", "show", "--file", &file]).await.status.success(), "the old file stands");
}

/// What `scripts/demo --replicas 2` prints to be tried: the address and the document of a line pair.
fn to_try(said: &str, nth: usize) -> (String, serde_json::Value) {
    let asked = said.split("  curl -s ").nth(nth).unwrap();
    let url = asked.split(' ').next().unwrap().to_owned();
    let body = asked.split("-d '").nth(1).unwrap().split("'\n").next().unwrap();
    (url, serde_json::from_str(body).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_of_two_replicas_shows_what_it_says_and_leaves_nothing_running() {
    let mut command = Command::new("scripts/demo");
    command.args(["--replicas", "2"]).env("OUTFITTER_BIN", env!("CARGO_BIN_EXE_outfitter"));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let said = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        while !said.contains("Ctrl-C") && out.read_line(&mut said).unwrap() > 0 {}
        said
    });
    let said = said.await.unwrap();
    let headers = [("outfitter-session", "me")];
    let (one, look) = to_try(&said, 1);
    let (other, ask) = to_try(&said, 2);
    assert_ne!(one, other);
    let (_, _, looked) = post_with(&one, &look, &headers).await;
    assert_eq!(looked["data"]["personalizedTrack"]["accepted"], 1, "{said}{looked}");
    let (_, _, known) = post_with(&other, &ask, &headers).await;
    let shown = &known["data"]["personalized"]["recommendations"]["items"][0]["product"]["id"];
    assert!(look["query"].as_str().unwrap().contains(shown.as_str().unwrap()), "{known}");

    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    assert!(ended.await.unwrap().success());
    let redis = said.split("redis-cli -p ").nth(1).unwrap().split(' ').next().unwrap();
    for address in [one.as_str(), other.as_str(), &format!("//127.0.0.1:{redis}/")] {
        let host = address.split('/').nth(2).unwrap();
        assert!(std::net::TcpStream::connect(host).is_err(), "{address} still listens");
    }
}
