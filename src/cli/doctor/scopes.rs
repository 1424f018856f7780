//! What the token may read: every scope that the platform names is tried with a query that changes nothing.

use super::super::assemble::Shop;
use crate::platform::examine::{Access, Finding, Need};
use crate::platform::upstream::Repeat;
use http::HeaderMap;

pub(super) async fn examine(shop: &Shop) -> Vec<Finding> {
    let (mut found, mut beyond) = (Vec::new(), Vec::new());
    for scope in shop.platform.scopes(&shop.wanted) {
        let body = serde_json::json!({ "query": scope.probe }).to_string();
        let what = format!("access scope {}", scope.name);
        let access = match shop.upstream.ask(HeaderMap::new(), body.into(), Repeat::Once).await {
            Ok(answer) => shop.platform.access(&answer),
            Err(error) => Access::Unknown(error.to_string()),
        };
        let grant = format!("grant {} to the token's app, if that is wanted", scope.name);
        match (access, scope.need) {
            (Access::Refused(said), _) => {
                let next = "check that the token belongs to this shop, was copied whole and was not revoked";
                found.push(Finding::fail("token", format!("the shop refuses it: {said}"), next));
                return found;
            }
            (Access::Granted, Need::Storefront) => beyond.push(scope.name),
            (Access::Granted, _) => found.push(Finding::pass(what, "granted")),
            (Access::Denied, Need::Vital(lost)) => {
                found.push(Finding::fail(what, format!("missing: {lost}"), format!("grant {}", scope.name)));
            }
            (Access::Denied, Need::Feature(lost)) => {
                found.push(Finding::warn(what, format!("missing: {lost}"), grant));
            }
            (Access::Denied, Need::Storefront) => {}
            (Access::Unknown(said), _) => {
                found.push(Finding::warn(what, format!("cannot be told: {said}"), "ask again in a moment"));
            }
        }
    }
    if !beyond.is_empty() {
        let said = format!(
            "{}: granted, and the gateway does not use them; take away what the storefront does not, either",
            beyond.join(", ")
        );
        found.push(Finding::pass("least privilege", said));
    }
    found
}
