//! The platform's own export of its orders: a bulk operation of Shopify's Admin API, waited for and fetched into a file.
//!
//! Each step is noted in the working folder, so that a call that was cut off goes on: an operation that runs is waited for
//! and not begun again, a file that is whole is not fetched again. Source: Shopify, "Perform bulk operations with the
//! GraphQL Admin API", version 2026-04.

use super::super::say;
use crate::platform::upstream::{Asked, Repeat, Upstream};
use crate::settings::Settings;
use anyhow::{Context, bail};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Between two looks at an operation, at first and at most.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// Requests that the shop throttles or fails in a row before it is given up.
const TRIES: u32 = 8;

const START: &str = "mutation ($query: String!) { bulkOperationRunQuery(query: $query) { bulkOperation { id status } \
    userErrors { message } } }";
const LOOK: &str = "query ($id: ID!) { node(id: $id) { ... on BulkOperation { status errorCode objectCount url } } }";

/// An export.
pub(super) struct Export {
    pub(super) admin: String,
    pub(super) token_env: String,
    pub(super) since: Date,
    pub(super) work: PathBuf,
}

/// What is noted of an export.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    since: Date,
    operation: String,
    whole: bool,
}

/// The Admin API of a Storefront API's address: the same version of the same shop.
pub(super) fn admin(storefront: &str) -> Option<String> {
    let url = url::Url::parse(storefront).ok()?;
    let path = url.path().strip_prefix("/api/")?.to_owned();
    let mut admin = url;
    admin.set_path(&format!("/admin/api/{path}"));
    admin.set_query(None);
    Some(admin.to_string())
}

fn orders(since: Date) -> String {
    format!(
        "{{ orders(query: \"created_at:>={since}\") {{ edges {{ node {{ id createdAt processedAt cancelledAt test currencyCode \
         currentTotalPriceSet {{ shopMoney {{ amount }} }} \
         customer {{ id }} customAttributes {{ key value }} lineItems {{ edges {{ node {{ id quantity product {{ id }} \
         variant {{ id }} originalUnitPriceSet {{ shopMoney {{ amount currencyCode }} }} }} }} }} }} }} }} }}"
    )
}

impl Export {
    /// The file with the orders, fetched where it is not there yet. Errors: the platform refuses or fails; the message says
    /// what to do.
    pub(super) async fn file(&self, settings: &Settings, again: bool) -> anyhow::Result<PathBuf> {
        std::fs::create_dir_all(&self.work).with_context(|| format!("{} cannot be made", self.work.display()))?;
        let (file, noted) = (self.work.join("orders.jsonl"), self.work.join("export.json"));
        let before = std::fs::read(&noted).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
        let before = before.filter(|note| !again && note.since == self.since);
        if before.as_ref().is_some_and(|note| note.whole) && file.exists() {
            return Ok(file);
        }
        let shop = self.shop(settings)?;
        let operation = match before {
            Some(note) => note.operation,
            None => self.start(&shop).await?,
        };
        let note = |whole| Note { since: self.since, operation: operation.clone(), whole };
        write(&noted, &note(false))?;
        match self.finished(&shop, &operation).await {
            Ok(url) => fetch(settings, url.as_deref(), &file).await?,
            Err(error) => {
                // A failed operation is not waited for again.
                std::fs::remove_file(&noted).ok();
                return Err(error);
            }
        }
        write(&noted, &note(true))?;
        Ok(file)
    }

    fn shop(&self, settings: &Settings) -> anyhow::Result<Upstream> {
        let token = std::env::var(&self.token_env).ok().filter(|token| !token.is_empty());
        let token = token.with_context(|| {
            format!("the environment variable {} is not set; it holds the Admin API's token", self.token_env)
        })?;
        let mut token =
            HeaderValue::from_str(token.trim()).context("the Admin API's token cannot stand in a header")?;
        token.set_sensitive(true);
        let mut fixed = HeaderMap::new();
        fixed.insert("x-shopify-access-token", token);
        let mut config = settings.upstream.clone();
        config.url = Some(self.admin.clone());
        Ok(Upstream::new(config, fixed)?)
    }

    async fn start(&self, shop: &Upstream) -> anyhow::Result<String> {
        let data = ask(shop, START, json!({ "query": orders(self.since) })).await?;
        let told = &data["bulkOperationRunQuery"];
        if let Some(error) = told["userErrors"].get(0).and_then(|error| error["message"].as_str()) {
            bail!("the shop did not begin the export: {}", quoted(error));
        }
        let id =
            told["bulkOperation"]["id"].as_str().context("the shop did not begin the export and did not say why")?;
        say(&format!("the shop exports its orders since {}", self.since));
        Ok(id.to_owned())
    }

    /// Waits for the operation. The address of what it wrote; `None` where there was nothing to write.
    async fn finished(&self, shop: &Upstream, operation: &str) -> anyhow::Result<Option<String>> {
        let mut wait = WAITS.0;
        loop {
            let data = ask(shop, LOOK, json!({ "id": operation })).await?;
            let told = &data["node"];
            match told["status"].as_str() {
                Some("COMPLETED") => return Ok(told["url"].as_str().map(str::to_owned)),
                Some("CREATED" | "RUNNING" | "CANCELING") => {}
                Some(status) => bail!(
                    "the export ended as {status} ({}); check the token's scopes (read_orders, read_all_orders) and call again",
                    told["errorCode"].as_str().unwrap_or("no reason was given")
                ),
                None => bail!("the shop does not know the export any more; call again to begin another"),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(WAITS.1);
        }
    }
}

/// Asks the Admin API, again where it throttles or fails. Errors: it refuses, or goes on failing.
async fn ask(shop: &Upstream, query: &str, variables: Value) -> anyhow::Result<Value> {
    let body = Bytes::from(json!({ "query": query, "variables": variables }).to_string());
    let mut wait = WAITS.0;
    let mut reason = String::new();
    for _ in 0..TRIES {
        match shop.ask(HeaderMap::new(), body.clone(), Repeat::Never).await {
            Ok(answer) if answer.status.is_success() => {
                let told: Value = serde_json::from_slice(&answer.body).context("the Admin API's answer is no JSON")?;
                match told["errors"].get(0) {
                    Some(error) if error["extensions"]["code"] == "THROTTLED" => reason = "it throttles".to_owned(),
                    Some(error) => {
                        bail!("the Admin API refuses: {}", quoted(error["message"].as_str().unwrap_or("no reason")))
                    }
                    None => return Ok(told["data"].clone()),
                }
            }
            Ok(answer) if answer.status.as_u16() == 429 || answer.status.is_server_error() => {
                reason = format!("HTTP status {}", answer.status.as_u16());
            }
            Ok(answer) => bail!(
                "the Admin API refuses with HTTP status {}; check --admin and the token in --token-env",
                answer.status.as_u16()
            ),
            Err(error) => reason = error.to_string(),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAITS.1);
    }
    bail!("the Admin API cannot be asked: {reason}; call the same again to go on")
}

/// Fetches what was written into the file, whole or not at all.
async fn fetch(settings: &Settings, url: Option<&str>, file: &Path) -> anyhow::Result<()> {
    let part = file.with_extension("part");
    let mut into = File::create(&part).with_context(|| format!("{} cannot be written", part.display()))?;
    if let Some(url) = url {
        let mut config = settings.upstream.clone();
        config.url = Some(url.to_owned());
        // Its address is its credential: no token goes there.
        let from = Upstream::new(config, HeaderMap::new())?;
        let asked = Asked {
            method: Method::GET,
            query: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            repeat: Repeat::Once,
        };
        let answer = from.send(asked).await.context("the export cannot be fetched; call the same again")?;
        anyhow::ensure!(
            answer.status().is_success(),
            "the export cannot be fetched: HTTP status {}; it is kept for seven days, call with --again after that",
            answer.status().as_u16()
        );
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| anyhow::anyhow!("the export broke off: {error}; call the same again"))?;
            if let Ok(data) = frame.into_data() {
                into.write_all(&data)?;
            }
        }
    }
    into.sync_all()?;
    Ok(std::fs::rename(&part, file)?)
}

/// A message of the platform, not without end.
fn quoted(text: &str) -> String {
    text.chars().take(200).collect()
}

fn write(path: &Path, note: &Note) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    std::fs::write(&part, serde_json::to_vec(note)?)
        .with_context(|| format!("{} cannot be written", part.display()))?;
    Ok(std::fs::rename(&part, path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_admin_api_is_that_of_the_storefronts_shop_and_version() {
        let found = admin("https://shop.myshopify.com/api/2026-04/graphql.json");
        assert_eq!(found.as_deref(), Some("https://shop.myshopify.com/admin/api/2026-04/graphql.json"));
        assert_eq!(admin("https://shop.test/graphql"), None);
        assert_eq!(admin("no address"), None);
    }
}
