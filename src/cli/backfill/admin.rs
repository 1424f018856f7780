//! Asking a shop's Admin API: its address, its token, and again where it throttles or fails.

use crate::platform::upstream::{Repeat, Upstream};
use crate::settings::Settings;
use anyhow::{Context, bail};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use std::time::Duration;

/// Between two questions, at first and at most.
pub(super) const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// Requests that the shop throttles or fails in a row before it is given up.
const TRIES: u32 = 8;

/// The Admin API of one shop.
pub(super) struct Admin {
    /// Its address: what is asked of one shop is not another's.
    pub(super) address: String,
    shop: Upstream,
}

/// The token may not read that.
#[derive(Debug, thiserror::Error)]
#[error("the shop does not let this token read it: {0}")]
pub(super) struct Denied(pub(super) String);

/// The Admin API of a Storefront API's address: the same version of the same shop.
pub(super) fn address(storefront: &str) -> Option<String> {
    let url = url::Url::parse(storefront).ok()?;
    let path = url.path().strip_prefix("/api/")?.to_owned();
    let mut admin = url;
    admin.set_path(&format!("/admin/api/{path}"));
    admin.set_query(None);
    Some(admin.to_string())
}

impl Admin {
    /// With the token of an environment variable. Errors: it is not set, or the address is none.
    pub(super) fn open(settings: &Settings, address: String, token_env: &str) -> anyhow::Result<Self> {
        let token = std::env::var(token_env).ok().filter(|token| !token.is_empty());
        let token = token.with_context(|| {
            format!("the environment variable {token_env} is not set; it holds the Admin API's token")
        })?;
        let mut token =
            HeaderValue::from_str(token.trim()).context("the Admin API's token cannot stand in a header")?;
        token.set_sensitive(true);
        let mut fixed = HeaderMap::new();
        fixed.insert("x-shopify-access-token", token);
        let mut config = settings.upstream.clone();
        config.url = Some(address.clone());
        Ok(Self { address, shop: Upstream::new(config, fixed)? })
    }

    /// Asks, again where the shop throttles or fails. Errors: it refuses ([`Denied`] among them), or goes on failing.
    pub(super) async fn ask(&self, query: &str, variables: Value) -> anyhow::Result<Value> {
        let body = Bytes::from(json!({ "query": query, "variables": variables }).to_string());
        let mut wait = WAITS.0;
        let mut reason = String::new();
        for _ in 0..TRIES {
            match self.shop.ask(HeaderMap::new(), body.clone(), Repeat::Never).await {
                Ok(answer) if answer.status.is_success() => match serde_json::from_slice::<Value>(&answer.body) {
                    Ok(told) => match told["errors"].get(0) {
                        Some(error) if error["extensions"]["code"] == "THROTTLED" => reason = "it throttles".to_owned(),
                        Some(error) => return Err(refused(error)),
                        None => return Ok(told["data"].clone()),
                    },
                    // What stands before the shop answers for it.
                    Err(_) => reason = "its answer is no JSON".to_owned(),
                },
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
}

/// An error of GraphQL, or one that a mutation tells of its input.
pub(super) fn refused(error: &Value) -> anyhow::Error {
    let message = quoted(error["message"].as_str().unwrap_or("no reason was given"));
    let is_denied = error["extensions"]["code"] == "ACCESS_DENIED"
        || message.get(..13).is_some_and(|start| start.eq_ignore_ascii_case("access denied"));
    if is_denied { Denied(message).into() } else { anyhow::anyhow!("the Admin API refuses: {message}") }
}

/// A message of the platform, not without end.
fn quoted(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_admin_api_is_that_of_the_storefronts_shop_and_version() {
        let found = address("https://shop.myshopify.com/api/2026-04/graphql.json");
        assert_eq!(found.as_deref(), Some("https://shop.myshopify.com/admin/api/2026-04/graphql.json"));
        assert_eq!(address("https://shop.test/graphql"), None);
        assert_eq!(address("no address"), None);
    }

    #[test]
    fn what_a_token_may_not_read_is_told_from_what_is_wrong() {
        let coded = json!({ "message": "No.", "extensions": { "code": "ACCESS_DENIED" } });
        let said = json!({ "message": "Access denied for customers field. Required access: `read_customers`." });
        assert!(refused(&coded).is::<Denied>() && refused(&said).is::<Denied>());
        assert!(!refused(&json!({ "message": "Field 'x' doesn't exist" })).is::<Denied>());
        assert!(!refused(&json!({})).is::<Denied>());
    }
}
