//! Fields of `Mutation`: carts, and logging in.

use super::ask::Ask;
use super::cart::cart;
use super::node::number;
use super::scene::Scene;
use super::value::{Resolved, Value};
use crate::demo::cart::{Attributes, Buyer, Cart, Change, Fault, Outcome, Warning, Wish};
use jiff::Timestamp;

/// A field of `Mutation`.
pub(super) fn field<'s>(scene: &'s Scene<'s>, ask: Ask<'_>) -> Resolved<'s> {
    scene.charge(100)?;
    let catalogue = &scene.store.catalogue;
    Ok(match ask.field {
        "cartCreate" => create(scene, ask),
        "cartLinesAdd" => change(scene, ask, "CartLinesAddPayload", |cart| cart.add(catalogue, wishes(ask))),
        "cartLinesUpdate" => change(scene, ask, "CartLinesUpdatePayload", |cart| cart.update(catalogue, changes(ask))),
        "cartLinesRemove" => {
            let ids = ask.texts("lineIds").unwrap_or_default();
            let lines: Vec<_> = ids.into_iter().map(|id| (id, number(id, "CartLine"))).collect();
            change(scene, ask, "CartLinesRemovePayload", |cart| cart.remove(&lines))
        }
        "cartDiscountCodesUpdate" => {
            let codes = ask.texts("discountCodes").unwrap_or_default();
            change(scene, ask, "CartDiscountCodesUpdatePayload", |cart| cart.discount(&codes))
        }
        "cartGiftCardCodesUpdate" => change(scene, ask, "CartGiftCardCodesUpdatePayload", |_| gift_cards(ask)),
        "cartBuyerIdentityUpdate" => change(scene, ask, "CartBuyerIdentityUpdatePayload", |cart| {
            let buyer = buyer(scene, ask, &cart.buyer);
            cart.belong(buyer?)
        }),
        "cartNoteUpdate" => {
            change(scene, ask, "CartNoteUpdatePayload", |cart| cart.write(ask.text("note").unwrap_or_default()))
        }
        "cartAttributesUpdate" => {
            change(scene, ask, "CartAttributesUpdatePayload", |cart| cart.describe(attributes(ask)))
        }
        _ => return log_in(scene, ask),
    })
}

fn create<'s>(scene: &'s Scene<'s>, ask: Ask<'_>) -> Value<'s> {
    let input = ask.object("input");
    let made = scene.store.carts.create(scene.country, |new| {
        let Some(input) = input else { return Ok(Vec::new()) };
        // The buyer comes first: the market decides what may be added.
        let given = buyer(scene, input, &new.buyer)?;
        new.belong(given)?;
        let mut warnings = new.add(&scene.store.catalogue, wishes(input))?;
        warnings.extend(new.discount(&input.texts("discountCodes").unwrap_or_default())?);
        if let Some(note) = input.text("note") {
            new.write(note)?;
        }
        new.describe(attributes(input))?;
        Ok(warnings)
    });
    match made {
        Ok((made, warnings)) => payload(scene, "CartCreatePayload", Some(&made), Ok(warnings)),
        Err(faults) => {
            let within = |fault: Fault| Fault { field: [vec!["input".to_owned()], fault.field].concat(), ..fault };
            payload(scene, "CartCreatePayload", None, Err(faults.into_iter().map(within).collect()))
        }
    }
}

fn change<'s>(
    scene: &'s Scene<'s>,
    ask: Ask<'_>,
    of: &'static str,
    with: impl FnOnce(&mut Cart) -> Outcome,
) -> Value<'s> {
    match scene.store.carts.change(ask.text("cartId").unwrap_or_default(), with) {
        Some((changed, outcome)) => payload(scene, of, Some(&changed), outcome),
        None => {
            let message = "The specified cart does not exist.".to_owned();
            payload(scene, of, None, Err(vec![Fault { code: "INVALID", field: vec!["cartId".to_owned()], message }]))
        }
    }
}

fn payload<'s>(scene: &'s Scene<'s>, of: &'static str, now: Option<&Cart>, outcome: Outcome) -> Value<'s> {
    let (warnings, faults) = match outcome {
        Ok(warnings) => (warnings, Vec::new()),
        Err(faults) => (Vec::new(), faults),
    };
    let fault = |it: Fault| {
        let fields = vec![
            ("code", Value::leaf(it.code)),
            ("field", Value::texts(it.field)),
            ("message", Value::leaf(it.message)),
        ];
        Value::record("CartUserError", fields)
    };
    let warning = |it: Warning| {
        let fields = vec![
            ("code", Value::leaf(it.code)),
            ("message", Value::leaf(it.message)),
            ("target", Value::leaf(it.target)),
        ];
        Value::record("CartWarning", fields)
    };
    let fields = vec![
        ("cart", now.map_or(Value::NULL, |now| cart(scene, now))),
        ("userErrors", Value::list(faults.into_iter().map(fault))),
        ("warnings", Value::list(warnings.into_iter().map(warning))),
    ];
    Value::record(of, fields)
}

fn attributes(ask: Ask<'_>) -> Attributes {
    let pair = |it: &Ask<'_>| Some((it.text("key")?.to_owned(), it.text("value")?.to_owned()));
    ask.objects("attributes").unwrap_or_default().iter().filter_map(pair).collect()
}

fn wishes(ask: Ask<'_>) -> Vec<Wish<'_>> {
    let lines = ask.objects("lines").unwrap_or_default();
    lines.into_iter().filter_map(read_wish).collect()
}

fn read_wish(it: Ask<'_>) -> Option<Wish<'_>> {
    let merchandise = it.text("merchandiseId")?;
    Some(Wish {
        merchandise,
        variant: number(merchandise, "ProductVariant"),
        quantity: it.int("quantity").unwrap_or(1),
        attributes: attributes(it),
    })
}

fn changes(ask: Ask<'_>) -> Vec<Change<'_>> {
    let lines = ask.objects("lines").unwrap_or_default();
    lines.into_iter().filter_map(read_change).collect()
}

fn read_change(it: Ask<'_>) -> Option<Change<'_>> {
    let line = it.text("id")?;
    Some(Change {
        line,
        number: number(line, "CartLine"),
        merchandise: it.text("merchandiseId").map(|id| (id, number(id, "ProductVariant"))),
        quantity: it.int("quantity"),
        attributes: it.get("attributes").map(|_| attributes(it)),
    })
}

/// The buyer after an update: what the client leaves out stays. Errors: a customer token that is none.
fn buyer(scene: &Scene<'_>, ask: Ask<'_>, before: &Buyer) -> Result<Buyer, Vec<Fault>> {
    let Some(given) = ask.object("buyerIdentity") else { return Ok(before.clone()) };
    let text = |name: &str, old: &Option<String>| given.text(name).map(str::to_owned).or_else(|| old.clone());
    let customer = match given.text("customerAccessToken") {
        None => before.customer,
        Some(token) => Some(scene.store.customers.of(token).ok_or_else(|| {
            let field = ["buyerIdentity", "customerAccessToken"].map(str::to_owned).to_vec();
            vec![Fault { code: "INVALID", field, message: "The customer access token is not valid.".to_owned() }]
        })?),
    };
    Ok(Buyer {
        country: text("countryCode", &before.country),
        email: text("email", &before.email),
        phone: text("phone", &before.phone),
        customer,
    })
}

/// The store has no gift cards: an empty list is what a cart has anyway.
fn gift_cards(ask: Ask<'_>) -> Outcome {
    if ask.list("giftCardCodes").is_none_or(|codes| codes.is_empty()) {
        return Ok(Vec::new());
    }
    let field = vec!["giftCardCodes".to_owned()];
    Err(vec![Fault { code: "INVALID", field, message: "The store has no gift cards.".to_owned() }])
}

fn log_in<'s>(scene: &'s Scene<'s>, ask: Ask<'_>) -> Resolved<'s> {
    let customers = &scene.store.customers;
    let token = ask.text("customerAccessToken").unwrap_or_default();
    let error = |of: &'static str, message: &str| {
        let mut fields = vec![("message", Value::leaf(message)), ("field", Value::texts(["input"]))];
        if of == "CustomerUserError" {
            fields.push(("code", Value::leaf("UNIDENTIFIED_CUSTOMER")));
        }
        Value::list([Value::record(of, fields)])
    };
    Ok(match ask.field {
        "customerAccessTokenCreate" => {
            let given = ask.object("input");
            let text = |name: &str| given.and_then(|it| it.text(name)).unwrap_or_default();
            let issued = customers.log_in(text("email"), text("password"));
            let wrong = |of| if issued.is_some() { Value::none() } else { error(of, "Unidentified customer") };
            let fields = vec![
                ("customerAccessToken", issued.as_ref().map_or(Value::NULL, issued_token)),
                ("customerUserErrors", wrong("CustomerUserError")),
                ("userErrors", wrong("UserError")),
            ];
            Value::record("CustomerAccessTokenCreatePayload", fields)
        }
        "customerAccessTokenRenew" => {
            let issued = customers.renew(token);
            let wrong = if issued.is_some() { Value::none() } else { error("UserError", "The token is not valid.") };
            let fields =
                vec![("customerAccessToken", issued.as_ref().map_or(Value::NULL, issued_token)), ("userErrors", wrong)];
            Value::record("CustomerAccessTokenRenewPayload", fields)
        }
        "customerAccessTokenDelete" => {
            let ended = customers.log_out(token);
            let wrong = if ended { Value::none() } else { error("UserError", "The token is not valid.") };
            let fields = vec![("deletedAccessToken", Value::maybe(ended.then_some(token))), ("userErrors", wrong)];
            Value::record("CustomerAccessTokenDeletePayload", fields)
        }
        _ => Value::Absent,
    })
}

fn issued_token<'s>((token, ends): &(String, Timestamp)) -> Value<'s> {
    let fields = vec![("accessToken", Value::leaf(token.as_str())), ("expiresAt", Value::leaf(ends.to_string()))];
    Value::record("CustomerAccessToken", fields)
}
