//! Adobe's two forms. Experience Platform: XDM events (`xdm`, `xdmEntity`, `body.xdmEntity`), one, as `events` of the Edge
//! Network, or as a list, with products in `productListItems`. Commerce storefront events: `{"event": "product-page-view",
//! "context": {"productContext": …}}`.
//!
//! The session is the ECID of the identity map, else the form's own visitor id. Consent is the collect purposes of
//! `consents`, and general for what they do not name.

use super::{Heard, Names, Reader, Said, at, echoed, heard, name, session, with_lines, words};
use crate::domain::consent::Purpose;
use crate::domain::event::EventType;
use crate::domain::ids::SessionId;
use crate::platform::loose;
use serde_json::Value;

const XDM: Names = Names {
    product: &["SKU", "_id", "product", "productId"],
    variant: &["variantId"],
    quantity: &["quantity"],
    price: &["price"],
};
const COMMERCE: Names = Names {
    product: &["product.productId", "product.sku", "productId", "topLevelSku", "sku"],
    variant: &["variantId"],
    quantity: &["quantity"],
    price: &["prices.price.value", "price"],
};

pub(super) fn read(told: &Value, reader: &Reader<'_>) -> Vec<Heard> {
    let events = told.get("events").unwrap_or(told);
    let events = events.as_array().map_or(std::slice::from_ref(events), Vec::as_slice);
    let outer = consent(told);
    let shared = ecid(told);
    events
        .iter()
        .flat_map(|event| {
            let entity = event.get("xdm").or_else(|| event.get("xdmEntity")).or_else(|| at(event, "body.xdmEntity"));
            let said = |told: &Value| consent(told).or(outer).unwrap_or_default();
            match entity {
                Some(xdm) => one_xdm(xdm, reader, ecid(xdm).or_else(|| shared.clone()), said(xdm)),
                None => one_commerce(event, reader, shared.clone(), said(event)),
            }
        })
        .collect()
}

fn one_xdm(xdm: &Value, reader: &Reader<'_>, id: Option<SessionId>, said: Said) -> Vec<Heard> {
    let (own, moment) = (loose::first_id(xdm, &["_id"]), xdm.get("timestamp").and_then(loose::moment));
    let word = loose::first_text(xdm, &["eventType"]).unwrap_or_default();
    let Some(kind) = xdm_kind(word, xdm) else {
        return vec![Heard { id: reader.id(own, moment, xdm), session: id, consent: said, event: Err(name(word)) }];
    };
    let mut event = reader.event(kind, own, moment, xdm);
    event.query = words(xdm, &["siteSearch.phrase", "search.keywords"]);
    let order = at(xdm, "commerce.order");
    if kind == EventType::CheckoutCompleted {
        event.order =
            reader.order(order.and_then(|order| loose::first_id(order, &["purchaseID", "purchaseOrderNumber"])));
    }
    if let Some(listing) = at(xdm, "commerce.productListViews.id").or_else(|| at(xdm, "categoryContext.id")) {
        event.collection = reader.collection(loose::id(listing).filter(|_| kind == EventType::CollectionViewed));
    }
    echoed(&mut event, xdm);
    let currency = order.and_then(|order| loose::currency(order, &["currencyCode"]));
    let lines = reader.lines(xdm.get("productListItems"), &XDM, currency);
    heard(with_lines(event, lines), &id, said).collect()
}

fn xdm_kind(word: &str, xdm: &Value) -> Option<EventType> {
    let named = match word {
        "web.webpagedetails.pageViews" | "web.webPageDetails.pageViews" => EventType::PageViewed,
        "commerce.productViews" => EventType::ProductViewed,
        "commerce.productListViews" => EventType::CartViewed,
        "commerce.categoryViews" => EventType::CollectionViewed,
        "commerce.productListAdds" => EventType::ProductAddedToCart,
        "commerce.productListRemovals" => EventType::ProductRemovedFromCart,
        "commerce.checkouts" => EventType::CheckoutStarted,
        "commerce.purchases" => EventType::CheckoutCompleted,
        "searchRequest" | "siteSearch" | "web.search" => EventType::SearchSubmitted,
        // Events without a type say it by what they count.
        "" => {
            let counts =
                |measure: &str| at(xdm, &format!("commerce.{measure}.value")).and_then(Value::as_f64) > Some(0.0);
            let measures = ["purchases", "checkouts", "productListAdds", "productListRemovals", "productViews"];
            let found = measures.into_iter().find(|measure| counts(measure))?;
            return xdm_kind(&format!("commerce.{found}"), xdm);
        }
        _ => return super::own::kind_of(word),
    };
    Some(named)
}

fn one_commerce(told: &Value, reader: &Reader<'_>, id: Option<SessionId>, said: Said) -> Vec<Heard> {
    let empty = Value::Null;
    let context = told.get("context").or_else(|| told.get("eventInfo")).unwrap_or(&empty);
    let id = id.or_else(|| session(told, &["sessionId", "context.shopperContext.shopperId"]));
    let own = loose::first_id(told, &["eventId", "id"]);
    let moment = told.get("timestamp").and_then(loose::moment);
    let word = loose::first_text(told, &["event", "name"]).unwrap_or_default();
    let kind = match word {
        "page-view" => EventType::PageViewed,
        "product-page-view" | "product-view" => EventType::ProductViewed,
        "category-results-view" | "category-view" => EventType::CollectionViewed,
        "search-request-sent" | "search-results-view" => EventType::SearchSubmitted,
        "add-to-cart" => EventType::ProductAddedToCart,
        "remove-from-cart" => EventType::ProductRemovedFromCart,
        "shopping-cart-view" | "view-cart" => EventType::CartViewed,
        "initiate-checkout" => EventType::CheckoutStarted,
        "place-order" | "complete-checkout" => EventType::CheckoutCompleted,
        word => {
            return vec![Heard {
                id: reader.id(own, moment, told),
                session: id,
                consent: said,
                event: Err(name(word)),
            }];
        }
    };
    let mut event = reader.event(kind, own, moment, told);
    event.query = words(context, &["searchInputContext.units.phrase", "searchInput.phrase"])
        .or_else(|| words(at(context, "searchInputContext.units").and_then(|units| units.get(0))?, &["phrase"]));
    if kind == EventType::CheckoutCompleted {
        event.order = reader.order(at(context, "orderContext.orderId").and_then(loose::id));
    }
    let category = at(context, "categoryContext.urlKey").or_else(|| at(context, "categoryContext.id"));
    event.collection = reader.collection(category.and_then(loose::id).filter(|_| kind == EventType::CollectionViewed));
    echoed(&mut event, context);
    let currency =
        loose::currency(at(context, "storefrontInstanceContext").unwrap_or(&empty), &["storeViewCurrencyCode"]);
    let mut lines = match kind {
        EventType::CartViewed | EventType::CheckoutStarted | EventType::CheckoutCompleted => {
            reader.lines(at(context, "shoppingCartContext.items"), &COMMERCE, currency)
        }
        EventType::ProductAddedToCart | EventType::ProductRemovedFromCart => {
            reader.lines(at(context, "changedProductsContext.items"), &COMMERCE, currency)
        }
        _ => Vec::new(),
    };
    if lines.is_empty() {
        lines.extend(at(context, "productContext").and_then(|product| reader.line(product, &COMMERCE, currency)));
    }
    heard(with_lines(event, lines), &id, said).collect()
}

/// The primary ECID of an identity map.
fn ecid(told: &Value) -> Option<SessionId> {
    let map = told.get("identityMap").or_else(|| at(told, "xdm.identityMap"))?;
    let first = map.get("ECID")?.as_array()?.first()?;
    loose::first_id(first, &["id"]).and_then(|id| SessionId::parse(&id))
}

/// `{"consents": {"collect": {"val": "y"}, "personalize": {"content": {"val": "y"}}, "marketing": {"any": {"val": "n"}}}}`.
fn consent(told: &Value) -> Option<Said> {
    let consents = told.get("consents").or_else(|| at(told, "meta.consents"))?;
    let val = |path: &str| match at(consents, path).and_then(Value::as_str) {
        Some("y" | "vi") => Some(true),
        Some("n" | "vo") => Some(false),
        _ => None,
    };
    Some(
        Said::default()
            .put(Purpose::Analytics, val("collect.val"))
            .put(Purpose::Preferences, val("personalize.content.val"))
            .put(Purpose::Marketing, val("marketing.any.val"))
            .put(Purpose::SaleOfData, val("share.val")),
    )
}
