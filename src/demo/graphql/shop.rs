//! `shop`, `localization` and `paymentSettings`.

use super::content::policy;
use super::picture::Picture;
use super::scene::Scene;
use super::value::Value;
use crate::demo::market::Market;

/// The shop.
pub(super) fn shop<'s>(scene: &'s Scene<'s>) -> Value<'s> {
    let host = scene.origin.split_once("://").map_or(scene.origin, |(_, host)| host);
    let domain = vec![
        ("host", Value::leaf(host)),
        ("url", Value::leaf(scene.origin)),
        ("sslEnabled", Value::leaf(scene.origin.starts_with("https:"))),
    ];
    let fields = vec![
        ("id", Value::leaf("gid://shopify/Shop/1")),
        ("name", Value::leaf("Outfitter Demo")),
        ("description", Value::leaf("A shop made from words and a seed.")),
        ("moneyFormat", Value::leaf(if scene.market == Market::Us { "${{amount}}" } else { "{{amount}} €" })),
        ("primaryDomain", Value::record("Domain", domain)),
        ("brand", brand()),
        ("paymentSettings", payment_settings(scene)),
        ("shipsToCountries", Value::texts(["AT", "CA", "DE", "US"])),
        ("privacyPolicy", policy(scene, "privacy-policy")),
        ("refundPolicy", policy(scene, "refund-policy")),
        ("shippingPolicy", policy(scene, "shipping-policy")),
        ("termsOfService", policy(scene, "terms-of-service")),
    ];
    Value::record("Shop", fields)
}

fn brand<'s>() -> Value<'s> {
    let logo = Picture { of: "shop", number: 1, view: 1, alt: "Outfitter Demo" }.media();
    let group = |background: &str, foreground: &str| {
        let fields = vec![("background", Value::leaf(background)), ("foreground", Value::leaf(foreground))];
        Value::list([Value::record("BrandColorGroup", fields)])
    };
    let colors = vec![("primary", group("#22384d", "#ffffff")), ("secondary", group("#d9c9a8", "#22384d"))];
    let fields = vec![
        ("logo", logo.clone()),
        ("squareLogo", logo),
        ("slogan", Value::leaf("Things that go together.")),
        ("shortDescription", Value::leaf("Clothes, bags and things for the house.")),
        ("colors", Value::record("BrandColors", colors)),
    ];
    Value::record("Brand", fields)
}

/// What the shop would be paid with.
pub(super) fn payment_settings<'s>(scene: &Scene<'_>) -> Value<'s> {
    let fields = vec![
        ("acceptedCardBrands", Value::texts(["VISA", "MASTERCARD"])),
        ("cardVaultUrl", Value::leaf(scene.address("/vault"))),
        ("countryCode", Value::leaf("US")),
        ("currencyCode", Value::leaf("USD")),
        ("enabledPresentmentCurrencies", Value::texts(Market::ALL.map(Market::currency))),
        ("supportedDigitalWallets", Value::none()),
    ];
    Value::record("PaymentSettings", fields)
}

/// The country and language that the request is answered in, and those it could be.
pub(super) fn localization<'s>(scene: &Scene<'_>) -> Value<'s> {
    let fields = vec![
        ("country", country(scene.market)),
        ("language", language(scene.german)),
        ("availableCountries", Value::list(Market::ALL.map(country))),
        ("availableLanguages", Value::list([language(false), language(true)])),
        ("market", market(scene.market)),
    ];
    Value::record("Localization", fields)
}

fn country<'s>(of: Market) -> Value<'s> {
    let us = of == Market::Us;
    let currency = vec![
        ("isoCode", Value::leaf(of.currency())),
        ("name", Value::leaf(if us { "United States Dollar" } else { "Euro" })),
        ("symbol", Value::leaf(if us { "$" } else { "€" })),
    ];
    let fields = vec![
        ("isoCode", Value::leaf(of.country())),
        ("name", Value::leaf(if us { "United States" } else { "Germany" })),
        ("currency", Value::record("Currency", currency)),
        ("unitSystem", Value::leaf(if us { "IMPERIAL_SYSTEM" } else { "METRIC_SYSTEM" })),
        ("availableLanguages", Value::list([language(false), language(true)])),
        ("defaultLanguage", language(!us)),
        ("market", market(of)),
    ];
    Value::record("Country", fields)
}

fn language<'s>(german: bool) -> Value<'s> {
    let (code, name, own) = if german { ("DE", "German", "Deutsch") } else { ("EN", "English", "English") };
    let fields = vec![("isoCode", Value::leaf(code)), ("name", Value::leaf(name)), ("endonymName", Value::leaf(own))];
    Value::record("Language", fields)
}

fn market<'s>(of: Market) -> Value<'s> {
    let handle = of.country().to_lowercase();
    let number = of.index() + 1;
    let fields = vec![("id", Value::leaf(format!("gid://shopify/Market/{number}"))), ("handle", Value::leaf(handle))];
    Value::record("Market", fields)
}
