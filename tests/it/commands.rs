//! The program itself: what it prints and with which code it ends.

use crate::upstream::serve;
use axum::Router;
use axum::routing::post;
use std::process::{Command, Output};

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
