//! `Cart` and its lines, discounts and costs.

use super::customer::customer;
use super::scene::{Scene, money};
use super::value::{Object, Value};
use crate::demo::cart::{Attributes, Cart, CartLine, WELCOME, WELCOME_PERCENT, applies, line_id};

/// A cart as it is at this moment.
pub(super) fn cart<'s>(scene: &'s Scene<'s>, cart: &Cart) -> Value<'s> {
    let catalogue = &scene.store.catalogue;
    let price = |minor: i64| money(cart.market(), minor);
    let (subtotal, discount) = cart.cost(catalogue);
    let totals = [
        ("subtotalAmount", subtotal),
        ("totalAmount", subtotal - discount),
        ("checkoutChargeAmount", subtotal - discount),
    ];
    let estimated: Vec<_> = totals.map(|(name, minor)| (name, price(minor))).to_vec();
    let mut cost = estimated.clone();
    cost.extend(
        ["subtotalAmountEstimated", "totalAmountEstimated", "totalDutyAmountEstimated", "totalTaxAmountEstimated"]
            .map(|name| (name, Value::leaf(true))),
    );
    let code = |code: &String| {
        let fields = vec![("code", Value::leaf(code.as_str())), ("applicable", Value::leaf(applies(code)))];
        Value::record("CartDiscountCode", fields)
    };
    let lines = cart.lines.iter().map(|it| (it.number, line(scene, cart, it)));
    let token = cart.id.strip_prefix("gid://shopify/Cart/").unwrap_or_default();
    let fields = vec![
        ("id", Value::leaf(cart.id.as_str())),
        ("checkoutUrl", Value::leaf(scene.address(&format!("/cart/c/{token}")))),
        ("createdAt", Value::leaf(cart.created.to_string())),
        ("updatedAt", Value::leaf(cart.updated.to_string())),
        ("note", Value::maybe(cart.note.as_deref())),
        ("attributes", attributes(&cart.attributes)),
        ("buyerIdentity", buyer(scene, cart)),
        ("totalQuantity", Value::leaf(cart.pieces())),
        ("lines", Value::paged("BaseCartLine", lines)),
        ("discountCodes", Value::list(cart.codes.iter().map(code))),
        ("discountAllocations", if discount > 0 { Value::list([allocation(cart, discount)]) } else { Value::none() }),
        ("appliedGiftCards", Value::none()),
        ("cost", Value::record("CartCost", cost)),
        ("estimatedCost", Value::record("CartEstimatedCost", estimated)),
    ];
    Value::record("Cart", fields)
}

fn attributes<'s>(attributes: &Attributes) -> Value<'s> {
    let one = |(key, value): &(String, String)| {
        Value::record("Attribute", vec![("key", Value::leaf(key.as_str())), ("value", Value::leaf(value.as_str()))])
    };
    Value::list(attributes.iter().map(one))
}

fn buyer<'s>(scene: &'s Scene<'s>, cart: &Cart) -> Value<'s> {
    let fields = vec![
        ("countryCode", Value::maybe(cart.buyer.country.as_deref())),
        ("email", Value::maybe(cart.buyer.email.as_deref())),
        ("phone", Value::maybe(cart.buyer.phone.as_deref())),
        ("customer", cart.buyer.customer.map_or(Value::NULL, |at| customer(scene, at))),
    ];
    Value::record("CartBuyerIdentity", fields)
}

/// The discount of the whole cart.
fn allocation<'s>(cart: &Cart, discount: i64) -> Value<'s> {
    let percent = Value::record("PricingPercentageValue", vec![("percentage", Value::float(WELCOME_PERCENT as f64))]);
    let application = vec![
        ("allocationMethod", Value::leaf("ACROSS")),
        ("targetSelection", Value::leaf("ALL")),
        ("targetType", Value::leaf("LINE_ITEM")),
        ("value", percent),
    ];
    let fields = vec![
        ("code", Value::leaf(WELCOME)),
        ("discountedAmount", money(cart.market(), discount)),
        ("discountApplication", Value::record("CartDiscountApplication", application)),
        ("targetType", Value::leaf("LINE_ITEM")),
    ];
    Value::record("CartCodeDiscountAllocation", fields)
}

fn line<'s>(scene: &'s Scene<'s>, cart: &Cart, line: &CartLine) -> Value<'s> {
    let catalogue = &scene.store.catalogue;
    let (one, was) = cart.price(catalogue, line);
    let price = |minor: i64| money(cart.market(), minor);
    let before = was.map_or(Value::NULL, price);
    let total = price(one * line.quantity);
    let cost = vec![
        ("amountPerQuantity", price(one)),
        ("compareAtAmountPerQuantity", before.clone()),
        ("subtotalAmount", total.clone()),
        ("totalAmount", total.clone()),
    ];
    let estimated = vec![
        ("amount", price(one)),
        ("compareAtAmount", before),
        ("subtotalAmount", total.clone()),
        ("totalAmount", total),
    ];
    let variant = catalogue.variant(line.variant).map(|(product, variant)| Object::Variant(product, variant));
    let fields = vec![
        ("id", Value::leaf(line_id(&cart.id, line.number))),
        ("quantity", Value::leaf(line.quantity)),
        ("attributes", attributes(&line.attributes)),
        ("merchandise", Value::object(variant)),
        ("cost", Value::record("CartLineCost", cost)),
        ("estimatedCost", Value::record("CartLineEstimatedCost", estimated)),
        ("discountAllocations", Value::none()),
    ];
    Value::record("CartLine", fields)
}
