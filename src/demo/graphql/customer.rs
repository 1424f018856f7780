//! `Customer` with orders.

use super::scene::{Scene, money};
use super::value::{Object, Value};
use crate::demo::customer::{CUSTOMERS, Order, email, name};
use crate::demo::market::Market;
use jiff::SignedDuration;

/// A customer, from 0; null where there is none.
pub(super) fn customer<'s>(scene: &'s Scene<'s>, at: usize) -> Value<'s> {
    if at >= CUSTOMERS {
        return Value::NULL;
    }
    let (first, last) = name(at);
    let since = Value::leaf((scene.store.config.now - SignedDuration::from_hours(24 * 400)).to_string());
    let orders = scene.store.customers.orders(at, || scene.store.history_of(at));
    let listed = orders.iter().map(|it| (it.number, order(scene, at, it)));
    let fields = vec![
        ("id", Value::leaf(format!("gid://shopify/Customer/{}", at + 1))),
        ("firstName", Value::leaf(first)),
        ("lastName", Value::leaf(last)),
        ("displayName", Value::leaf(format!("{first} {last}"))),
        ("email", Value::leaf(email(at))),
        ("acceptsMarketing", Value::leaf(at.is_multiple_of(2))),
        ("createdAt", since.clone()),
        ("updatedAt", since),
        ("tags", Value::none()),
        // The scalar is a text, because it may be larger than a JSON number.
        ("numberOfOrders", Value::leaf(orders.len().to_string())),
        ("orders", Value::paged("Order", listed)),
        ("addresses", Value::paged("MailingAddress", [(1, address(at))])),
        ("defaultAddress", address(at)),
    ];
    Value::record("Customer", fields)
}

fn address<'s>(at: usize) -> Value<'s> {
    let (first, last) = name(at);
    let lines = [format!("{} Demo Street", at + 1), "Portland OR 97201".to_owned(), "United States".to_owned()];
    let fields = vec![
        ("id", Value::leaf(format!("gid://shopify/MailingAddress/{}", at + 1))),
        ("firstName", Value::leaf(first)),
        ("lastName", Value::leaf(last)),
        ("name", Value::leaf(format!("{first} {last}"))),
        ("address1", Value::leaf(lines[0].as_str())),
        ("city", Value::leaf("Portland")),
        ("province", Value::leaf("Oregon")),
        ("provinceCode", Value::leaf("OR")),
        ("zip", Value::leaf("97201")),
        ("country", Value::leaf("United States")),
        ("countryCode", Value::leaf("US")),
        ("countryCodeV2", Value::leaf("US")),
        ("formatted", Value::texts(lines)),
        ("formattedArea", Value::leaf("Portland OR, United States")),
    ];
    Value::record("MailingAddress", fields)
}

fn order<'s>(scene: &'s Scene<'s>, customer: usize, order: &Order) -> Value<'s> {
    let euro = order.lines.iter().any(|line| line.price.is_some_and(|price| price.currency.as_str() == "EUR"));
    let market = if euro { Market::De } else { Market::Us };
    let price = |minor: i64| money(market, minor);
    let total: i64 =
        order.lines.iter().map(|line| line.price.map_or(0, |price| price.minor) * i64::from(line.quantity)).sum();
    let mut fields = vec![
        ("id", Value::leaf(format!("gid://shopify/Order/{}", order.number))),
        ("name", Value::leaf(format!("#{}", order.number))),
        ("orderNumber", Value::leaf(i32::try_from(order.number).unwrap_or(i32::MAX))),
        ("processedAt", Value::leaf(order.at.to_string())),
        ("currencyCode", Value::leaf(market.currency())),
        ("email", Value::leaf(email(customer))),
        ("edited", Value::leaf(false)),
        ("financialStatus", Value::leaf("PAID")),
        ("fulfillmentStatus", Value::leaf("FULFILLED")),
        ("statusUrl", Value::leaf(scene.address(&format!("/orders/{}", order.number)))),
        ("shippingAddress", address(customer)),
        ("billingAddress", address(customer)),
        ("customAttributes", Value::none()),
        ("shippingDiscountAllocations", Value::none()),
        ("discountApplications", Value::paged("DiscountApplication", [])),
        ("lineItems", Value::paged("OrderLineItem", lines(scene, order, market))),
    ];
    let whole = ["subtotalPrice", "subtotalPriceV2", "totalPrice", "totalPriceV2", "currentSubtotalPrice"];
    fields.extend(whole.map(|name| (name, price(total))));
    fields.extend(["currentTotalPrice", "originalTotalPrice"].map(|name| (name, price(total))));
    let nothing = ["totalRefunded", "totalRefundedV2", "totalShippingPrice", "totalShippingPriceV2"];
    fields.extend(nothing.map(|name| (name, price(0))));
    fields.extend(
        ["currentTotalShippingPrice", "currentTotalTax", "totalTax", "totalTaxV2"].map(|name| (name, price(0))),
    );
    Value::record("Order", fields)
}

fn lines<'s>(scene: &'s Scene<'s>, order: &Order, market: Market) -> Vec<(u64, Value<'s>)> {
    let number = |key: &str| key.rsplit('/').next().and_then(|number| number.parse().ok());
    let lines = order.lines.iter().filter_map(|line| {
        let found = scene.store.catalogue.variant(number(line.variant.as_ref()?.as_str())?)?;
        let (product, variant) = found;
        let total = money(market, line.price.map_or(0, |price| price.minor) * i64::from(line.quantity));
        let fields = vec![
            ("title", Value::leaf(product.title.as_str())),
            ("quantity", Value::leaf(i64::from(line.quantity))),
            ("currentQuantity", Value::leaf(i64::from(line.quantity))),
            ("originalTotalPrice", total.clone()),
            ("discountedTotalPrice", total),
            ("customAttributes", Value::none()),
            ("discountAllocations", Value::none()),
            ("variant", Value::Object(Object::Variant(product, variant))),
        ];
        Some((variant.number, Value::record("OrderLineItem", fields)))
    });
    lines.collect()
}
