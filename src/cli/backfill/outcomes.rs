//! What came of decisions, from the platform's analytics: a table with a row an order's line, or a click, and the decision that
//! showed the product.
//!
//! The decision says whose it was, and is only there while its shopper allows analytics: what names another is passed over.
//! A row that is taken again counts once.

use super::super::{complain, decisions};
use super::file::{LONGEST, TOLD};
use crate::cli::target::Target;
use crate::domain::event::{Event, EventType, Line};
use crate::domain::ids::{DecisionId, EventId, OrderKey, ProductKey};
use crate::domain::money::{Currency, Money};
use crate::platform::shopify::history::fields;
use crate::platform::{Noun, Platform, loose};
use crate::store::DecisionLog;
use anyhow::Context;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Rows after which is waited for the log: its queue is bounded, and nothing may be dropped here.
const FLUSHED: u64 = 200;

/// What became of a file of outcomes.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    kept: u64,
    unknown: u64,
    unreadable: u64,
}

impl Outcomes {
    /// In words.
    pub(super) fn told(&self) -> String {
        let Self { kept, unknown, unreadable } = self;
        format!(
            "{kept} outcomes given to the decision log, {unknown} of decisions that it does not have, {unreadable} rows could not be read"
        )
    }
}

/// Whether a file is a table of outcomes: its first row names `decision_id`. Errors: it cannot be read.
pub(super) fn is_one(path: &Path) -> anyhow::Result<bool> {
    if path.extension().is_none_or(|kind| !kind.eq_ignore_ascii_case("csv")) {
        return Ok(false);
    }
    let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    let mut header = String::new();
    // What is no text is told by whoever reads it.
    BufReader::new(file).take(LONGEST).read_line(&mut header).ok();
    Ok(columns(&header).is_some_and(|columns| columns.iter().any(|name| name == "decision_id")))
}

fn columns(header: &str) -> Option<Vec<String>> {
    let names = fields(header.trim_start_matches('\u{feff}'))?;
    Some(names.iter().map(|name| name.trim().to_ascii_lowercase()).collect())
}

/// Takes a table. Errors: there is no decision log, it does not answer, or the file cannot be read.
pub(super) async fn take(target: &Target, platform: &dyn Platform, path: &Path) -> anyhow::Result<Outcomes> {
    let log = decisions::open(target).context("outcomes go to the decision log")?;
    let mut lines = BufReader::new(File::open(path)?);
    let mut line = String::new();
    (&mut lines).take(LONGEST).read_line(&mut line)?;
    let columns = columns(&line).context("the first row is no row of a table")?;
    for needed in ["decision_id", "product_id", "at"] {
        anyhow::ensure!(columns.iter().any(|name| name == needed), "the first row names no column {needed}");
    }
    let mut found = Outcomes::default();
    for number in 2_u64.. {
        line.clear();
        if (&mut lines).take(LONGEST).read_line(&mut line)? == 0 {
            break;
        }
        match row(&columns, &line, platform) {
            _ if line.trim().is_empty() => {}
            Some((decision, event)) => note(&log, &decision, event, &mut found).await?,
            None => {
                found.unreadable += 1;
                if found.unreadable <= TOLD {
                    complain(&format!("{}: line {number} is left out: it is no outcome", path.display()));
                }
            }
        }
        if number.is_multiple_of(FLUSHED) {
            log.flush().await;
        }
    }
    log.flush().await;
    Ok(found)
}

async fn note(log: &DecisionLog, decision: &DecisionId, event: Event, found: &mut Outcomes) -> anyhow::Result<()> {
    match log.find(decision).await? {
        Some(record) => {
            log.outcomes(&record.shopper, &[event]);
            found.kept += 1;
        }
        None => found.unknown += 1,
    }
    Ok(())
}

/// The event that a row tells of; `None` where it tells of none.
fn row(columns: &[String], line: &str, platform: &dyn Platform) -> Option<(DecisionId, Event)> {
    let fields = fields(line).filter(|fields| fields.len() == columns.len())?;
    let text = |column: &str| {
        let at = columns.iter().position(|name| name == column)?;
        fields.get(at).map(|field| field.trim()).filter(|field| !field.is_empty())
    };
    let kind = match text("type").unwrap_or("order").to_ascii_lowercase().as_str() {
        "order" | "purchase" | "checkout_completed" => EventType::CheckoutCompleted,
        "cart" | "product_added_to_cart" => EventType::ProductAddedToCart,
        "click" | "recommendation_clicked" => EventType::RecommendationClicked,
        "view" | "recommendation_viewed" => EventType::RecommendationViewed,
        _ => return None,
    };
    let decision = DecisionId::new(text("decision_id")?);
    let at = loose::moment_of(text("at")?)?;
    let product = ProductKey::new(platform.global(Noun::Product, text("product_id")?));
    let order = text("order_id").map(|id| platform.global(Noun::Order, id));
    // The same order and product of one decision count once, whatever file tells of them.
    let name =
        format!("outcome:{kind:?}:{product}:{}", order.clone().unwrap_or_else(|| at.as_millisecond().to_string()));
    let mut event = Event::of_product(EventId::new(name), kind, at, product.clone());
    event.decision = Some(decision.clone());
    event.position = text("position").and_then(|position| position.parse().ok()).filter(|position| *position > 0);
    if kind == EventType::CheckoutCompleted {
        let price =
            text("currency").and_then(Currency::parse).and_then(|currency| Money::parse(text("price")?, currency));
        let quantity = text("quantity").and_then(|quantity| quantity.parse().ok()).unwrap_or(1);
        event.lines = vec![Line { product, variant: None, quantity, price: price.filter(|price| price.minor >= 0) }];
        event.order = order.map(OrderKey::new);
    }
    Some((decision, event))
}
