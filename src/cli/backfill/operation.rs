//! One bulk operation at the shop: begun, and looked at until it ended.
//!
//! Source: Shopify, "Perform bulk operations with the GraphQL Admin API" and `BulkOperation`, version 2026-04.

use super::super::say;
use super::admin::{Admin, Denied, WAITS, refused};
use super::bar;
use anyhow::bail;
use serde_json::{Value, json};

// Since 2026-01 lines no longer stand behind the order that they are of, unless this is asked for.
const START: &str = "mutation ($query: String!) { bulkOperationRunQuery(query: $query, groupObjects: true) { \
    bulkOperation { id status } userErrors { code message } } }";
const LOOK: &str = "query ($id: ID!) { node(id: $id) { ... on BulkOperation { status errorCode objectCount rootObjectCount \
    fileSize url } } }";

/// How an operation ended.
pub(super) enum Ended {
    /// With a file.
    Written(Written),
    /// Without one, and it is not to be waited for again.
    Lost(anyhow::Error),
}

/// What an operation wrote.
pub(super) struct Written {
    /// Where; `None` where there was nothing to write.
    pub(super) url: Option<String>,
    /// How many objects, each a line.
    pub(super) objects: Option<u64>,
    /// How many bytes.
    pub(super) bytes: Option<u64>,
}

/// Begins one, once the shop runs no other one of the same app that is in its way. Its id. Errors: the shop refuses.
pub(super) async fn begin(admin: &Admin, query: &str, name: &str) -> anyhow::Result<String> {
    let mut wait = WAITS.0;
    loop {
        let data = admin.ask(START, json!({ "query": query })).await?;
        let told = &data["bulkOperationRunQuery"];
        if let Some(id) = told["bulkOperation"]["id"].as_str() {
            say(&format!("the shop exports its {name}"));
            return Ok(id.to_owned());
        }
        match told["userErrors"].get(0) {
            Some(error) if is_busy(error) => {
                if wait == WAITS.0 {
                    say(&format!("the shop runs another export of this app; its {name} are exported after that"));
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(WAITS.1);
            }
            Some(error) => return Err(refused(error).context("the shop did not begin the export")),
            None => bail!("the shop did not begin the export and did not say why"),
        }
    }
}

/// Whether the shop runs as many operations as it does at a time.
fn is_busy(error: &Value) -> bool {
    let message = error["message"].as_str().unwrap_or_default();
    ["OPERATION_IN_PROGRESS", "LIMIT_REACHED"].iter().any(|code| error["code"] == **code)
        || message.contains("already in progress")
}

/// Waits for the end of one. Errors: the shop cannot be asked; the operation goes on, and is to be asked for again.
pub(super) async fn ended(admin: &Admin, operation: &str, name: &str) -> anyhow::Result<Ended> {
    let bar = bar::waiting();
    let mut wait = WAITS.0;
    loop {
        let data = admin.ask(LOOK, json!({ "id": operation })).await?;
        let told = &data["node"];
        let objects = number(&told["objectCount"]);
        let code = told["errorCode"].as_str();
        match told["status"].as_str() {
            Some("COMPLETED") => {
                let url = told["url"].as_str().map(str::to_owned);
                if url.is_none() && objects.is_some_and(|objects| objects > 0) {
                    return Ok(lost("the shop keeps an export for seven days, and this one is gone"));
                }
                return Ok(Ended::Written(Written { url, objects, bytes: number(&told["fileSize"]) }));
            }
            Some("CREATED" | "RUNNING" | "CANCELING") => {}
            Some("FAILED") if code == Some("ACCESS_DENIED") => {
                return Ok(Ended::Lost(Denied("the export failed as ACCESS_DENIED".to_owned()).into()));
            }
            Some(status @ ("FAILED" | "CANCELED" | "EXPIRED")) => {
                let code = code.unwrap_or("no reason was given");
                return Ok(lost(&format!("the export ended as {status} ({code})")));
            }
            Some(status) => bail!("the shop says that the export is {status}, which is not known here"),
            None => return Ok(lost("the shop does not know the export any more")),
        }
        let (all, root) = (objects.unwrap_or(0), number(&told["rootObjectCount"]).unwrap_or(0));
        bar.set_message(format!("the shop exports its {name}: {root} so far, {all} objects with what is in them"));
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAITS.1);
    }
}

fn lost(why: &str) -> Ended {
    Ended::Lost(anyhow::anyhow!("{why}; call the same again to begin another"))
}

/// A whole number, which the platform writes as text.
fn number(told: &Value) -> Option<u64> {
    told.as_u64().or_else(|| told.as_str()?.parse().ok())
}
