//! Which form a body is in: as the sender named it, or by the members that only that form has.

use serde_json::Value;

/// A form of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The gateway's own: the input of `personalizedTrack`.
    Own,
    /// Shopify's web pixels.
    Pixel,
    /// Google Analytics 4.
    Ga4,
    /// Segment, and what speaks its specification.
    Segment,
    /// Snowplow trackers.
    Snowplow,
    /// Adobe Experience Platform and Commerce storefront events.
    Adobe,
}

impl Form {
    /// The form of this name, or of the collector whose path this is.
    pub fn named(name: &str) -> Option<Self> {
        match name.trim_matches('/') {
            "outfitter" => Some(Self::Own),
            "shopify" => Some(Self::Pixel),
            "ga4" | "g/collect" | "mp/collect" | "debug/mp/collect" => Some(Self::Ga4),
            "segment" | "v1/batch" | "v1/b" | "v1/track" | "v1/t" | "v1/page" | "v1/p" | "v1/import" => {
                Some(Self::Segment)
            }
            "snowplow" | "com.snowplowanalytics.snowplow/tp2" => Some(Self::Snowplow),
            "adobe" | "ee/v1/interact" | "ee/v2/interact" | "ee/v1/collect" | "ee/v2/collect" => Some(Self::Adobe),
            _ => None,
        }
    }

    /// The form that a body shows.
    pub(super) fn of(told: &Value) -> Option<Self> {
        let has = |name: &str| told.get(name).is_some();
        let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default();
        if let Some(first) = told.as_array() {
            return Self::of(first.first()?);
        }
        if text("schema").contains("/payload_data/") {
            return Some(Self::Snowplow);
        }
        if has("xdm") || has("xdmEntity") || told.pointer("/body/xdmEntity").is_some() {
            return Some(Self::Adobe);
        }
        if has("client_id") || has("app_instance_id") {
            return Some(Self::Ga4);
        }
        if has("batch") {
            return Some(Self::Segment);
        }
        let call = ["track", "page", "screen", "identify", "group", "alias"].contains(&text("type"));
        if call && ["messageId", "anonymousId", "userId", "properties", "event"].iter().any(|name| has(name)) {
            return Some(Self::Segment);
        }
        if has("name") && (has("clientId") || has("data") || has("customData")) {
            return Some(Self::Pixel);
        }
        if has("event") && (has("eventInfo") || has("context")) {
            return Some(Self::Adobe);
        }
        match told.get("events") {
            Some(events) => Self::of(events).or(Some(Self::Own)),
            None => (!text("type").is_empty()).then_some(Self::Own),
        }
    }
}
