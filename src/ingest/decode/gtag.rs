//! Google Analytics 4 as browsers send it to `/g/collect`: parameters in the URL, and one event a line in the body, each
//! adding to or overriding those. Items are `pr1`, `pr2`, …: fields of two letters and their value, joined by `~`.

use super::ga4::{self, Hit};
use super::{Heard, Reader, Said};
use crate::domain::consent::Purpose;
use crate::domain::ids::SessionId;
use crate::platform::loose;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The most parameters of a hit.
const MOST: usize = 512;

/// Whether URL or body hold a hit of protocol version 2.
pub(super) fn is_hit(query: &str, body: &[u8]) -> bool {
    let is = |text: &str| text.split('&').any(|pair| pair == "v=2");
    is(query) || std::str::from_utf8(body).is_ok_and(|body| is(body.lines().next().unwrap_or_default()))
}

pub(super) fn read(query: &str, body: &str, reader: &Reader<'_>) -> Vec<Heard> {
    let shared = parameters(query);
    let lines: Vec<&str> = body.lines().filter(|line| !line.trim().is_empty()).collect();
    let lines = if lines.is_empty() { vec![""] } else { lines };
    lines
        .into_iter()
        .enumerate()
        .flat_map(|(at, line)| {
            let mut told = shared.clone();
            told.extend(parameters(line));
            hit(&told, at, reader)
        })
        .collect()
}

fn parameters(text: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes())
        .take(MOST)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

fn hit(told: &BTreeMap<String, String>, at: usize, reader: &Reader<'_>) -> Vec<Heard> {
    let get = |name: &str| told.get(name).map(String::as_str);
    let mut params = Map::new();
    for (name, value) in told {
        // Of the event: text and number.
        if let Some(name) = name.strip_prefix("ep.").or_else(|| name.strip_prefix("epn.")) {
            params.insert(name.to_owned(), Value::String(value.clone()));
        }
    }
    params.extend(get("cu").map(|currency| ("currency".to_owned(), Value::from(currency))));
    let items = (1..=200).map_while(|at| get(&format!("pr{at}"))).map(item);
    params.insert("items".to_owned(), items.collect());
    let params = Value::Object(params);
    // A page's hits are counted, so that one sent again is the same.
    let own = match (get("cid"), get("_p"), get("_s")) {
        (Some(client), Some(page), Some(count)) => Some(format!(
            "gtag:{:032x}",
            super::hash(&[client, page, count, &at.to_string(), get("en").unwrap_or_default()])
        )),
        _ => loose::first_id(&params, &["event_id"]),
    };
    let id = get("cid").and_then(SessionId::parse);
    let whole = Value::from_iter(told.iter().map(|(name, value)| (name.clone(), value.clone())));
    let hit = Hit { word: get("en").unwrap_or_default(), own, moment: None, params: &params, whole: &whole };
    ga4::one(hit, reader, &id, consent(get("gcs").unwrap_or_default()))
}

/// `G1` and a digit each for advertising and analytics; `-` where nothing is said.
fn consent(text: &str) -> Said {
    let mut letters = text.strip_prefix("G1").unwrap_or_default().chars();
    let mut next = || match letters.next() {
        Some('1') => Some(true),
        Some('0') => Some(false),
        _ => None,
    };
    Said::default().put(Purpose::Marketing, next()).put(Purpose::Analytics, next())
}

/// `id12345~nmHat~pr19.99~qt2`, with custom fields as `k0name~v0value`.
fn item(text: &str) -> Value {
    let mut item = Map::new();
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for field in text.split('~').take(64) {
        let Some((code, value)) = field.split_at_checked(2) else { continue };
        match code {
            "id" => item.insert("item_id".to_owned(), value.into()),
            "pr" => item.insert("price".to_owned(), value.into()),
            "qt" => item.insert("quantity".to_owned(), value.into()),
            "va" => item.insert("item_variant".to_owned(), value.into()),
            "li" => item.insert("item_list_id".to_owned(), value.into()),
            code => match code.split_at_checked(1) {
                Some(("k", at)) => {
                    names.insert(at, value);
                    None
                }
                Some(("v", at)) => names.get(at).and_then(|name| item.insert((*name).to_owned(), value.into())),
                _ => None,
            },
        };
    }
    Value::Object(item)
}
