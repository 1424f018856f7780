//! The demo store over HTTP, asked as storefronts ask it.

use crate::client::{post, post_with, send, start};
use http::{Method, StatusCode};
use outfitter::demo::{Config, Store};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

async fn store() -> String {
    start(Arc::new(Store::generate(&Config::default())).router()).await
}

/// The data of a query that runs without an error.
async fn ask(origin: &str, query: &str, variables: Value) -> Value {
    let url = format!("{origin}/api/2026-04/graphql.json");
    let (status, _, body) = post(&url, &json!({ "query": query, "variables": variables })).await;
    assert_eq!((status, &body["errors"]), (StatusCode::OK, &Value::Null), "{query}");
    body["data"].clone()
}

#[tokio::test]
async fn a_market_has_its_own_currency_assortment_and_stock() {
    let origin = store().await;
    let query = "query ($country: CountryCode) @inContext(country: $country) {
        localization { country { isoCode } }
        products(first: 250) { nodes { id availableForSale priceRange { minVariantPrice { amount currencyCode } } } }
    }";
    let us = ask(&origin, query, json!({ "country": "US" })).await;
    let de = ask(&origin, query, json!({ "country": "DE" })).await;
    let ids = |data: &Value| -> HashSet<String> {
        data["products"]["nodes"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(us["products"]["nodes"][0]["priceRange"]["minVariantPrice"]["currencyCode"], "USD");
    assert_eq!(de["products"]["nodes"][0]["priceRange"]["minVariantPrice"]["currencyCode"], "EUR");
    assert_eq!(de["localization"]["country"]["isoCode"], "DE");
    let us_only: Vec<String> = ids(&us).difference(&ids(&de)).cloned().collect();
    let look_up = "query ($id: ID!, $country: CountryCode) @inContext(country: $country) {
        product(id: $id) { id } nodes(ids: [$id, \"gid://shopify/Product/1\"]) { id }
    }";
    let mut missing = 0;
    for id in us_only.iter().take(12) {
        let here = ask(&origin, look_up, json!({ "id": id, "country": "US" })).await;
        assert_eq!((&here["product"]["id"], &here["nodes"][1]), (&json!(id), &Value::Null));
        let there = ask(&origin, look_up, json!({ "id": id, "country": "DE" })).await;
        missing += usize::from(there["product"].is_null() && there["nodes"][0].is_null());
    }
    assert!(missing > 0);
}

#[tokio::test]
async fn paging_forwards_and_backwards_gives_each_product_once() {
    let origin = store().await;
    let query = "query ($first: Int, $last: Int, $after: String, $before: String) {
        products(first: $first, last: $last, after: $after, before: $before, sortKey: PRICE, reverse: true) {
            nodes { id } edges { cursor node { id } }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        }
    }";
    let ids = |page: &Value| -> Vec<String> {
        page["nodes"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    let mut forwards = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = ask(&origin, query, json!({ "first": 37, "after": after })).await["products"].take();
        assert_eq!(page["pageInfo"]["hasPreviousPage"], json!(!forwards.is_empty()));
        assert_eq!(page["edges"][0]["cursor"], page["pageInfo"]["startCursor"]);
        forwards.extend(ids(&page));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    let mut backwards: Vec<String> = Vec::new();
    let mut before = Value::Null;
    loop {
        let page = ask(&origin, query, json!({ "last": 41, "before": before })).await["products"].take();
        backwards.splice(0..0, ids(&page));
        before = page["pageInfo"]["startCursor"].clone();
        if page["pageInfo"]["hasPreviousPage"] == json!(false) {
            break;
        }
    }
    assert_eq!(forwards, backwards);
    assert!(forwards.len() > 400);
    assert_eq!(forwards.iter().collect::<HashSet<_>>().len(), forwards.len());
}

#[tokio::test]
async fn both_media_types_and_methods_answer_as_graphql_over_http_says() {
    let origin = store().await;
    let url = format!("{origin}/graphql");
    let new = [("accept", "application/graphql-response+json")];
    let wrong = json!({ "query": "{ nosuch }" });
    let (status, headers, body) = post_with(&url, &wrong, &new).await;
    assert_eq!((status, body["data"].clone()), (StatusCode::BAD_REQUEST, Value::Null));
    assert!(headers["content-type"].to_str().unwrap().starts_with("application/graphql-response+json"));
    let (status, headers, body) = post(&url, &wrong).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body["errors"][0]["message"].is_string() && body.get("data").is_none());
    assert!(headers["content-type"].to_str().unwrap().starts_with("application/json"));

    let (status, _, body) = send(Method::GET, &format!("{url}?query=%7Bshop%7Bname%7D%7D&cb=1"), &[], "").await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &br#"{"data":{"shop":{"name":"Outfitter Demo"}}}"#[..]));
    let (status, headers, _) =
        send(Method::GET, &format!("{url}?query=mutation%7BcartCreate%7Bcart%7Bid%7D%7D%7D"), &[], "").await;
    assert_eq!((status, headers["allow"].to_str().unwrap()), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    let graphql = [("content-type", "application/graphql")];
    let (status, _, body) = send(Method::POST, &url, &graphql, "{ shop { id } }").await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &br#"{"data":{"shop":{"id":"gid://shopify/Shop/1"}}}"#[..]));

    for (body, expected) in [("[]", 400), ("{", 400), ("{}", 400), ("{\"query\":\"\"}", 400)] {
        let (status, _, answer) = send(Method::POST, &url, &[("content-type", "application/json")], body).await;
        assert_eq!(status.as_u16(), expected, "{body}");
        assert!(serde_json::from_slice::<Value>(&answer).unwrap()["errors"][0]["message"].is_string());
    }
    let (status, ..) = send(Method::POST, &url, &[("content-type", "text/plain")], "{}").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let (status, ..) = send(Method::POST, &url, &graphql, vec![b' '; 2 << 20]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_document_that_multiplies_is_stopped_at_its_budget() {
    let origin = store().await;
    let query = "{ products(first: 250) { nodes { collections(first: 9) { nodes { products(first: 250) { nodes {
        variants(first: 100) { nodes { id title sku price { amount } } } } } } } } } }";
    let url = format!("{origin}/graphql");
    let (status, _, body) = post(&url, &json!({ "query": query })).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body["errors"][0]["message"].as_str().unwrap().contains("costs more"));
}

#[tokio::test]
async fn pictures_are_drawn_where_products_say_they_are() {
    let origin = store().await;
    let query = "{ products(first: 3) { nodes { featuredImage { url width } images(first: 5) { nodes { url } } } } }";
    let data = ask(&origin, query, json!({})).await;
    let mut drawn = HashSet::new();
    for product in data["products"]["nodes"].as_array().unwrap() {
        assert_eq!(product["featuredImage"]["width"], 1200);
        for image in product["images"]["nodes"].as_array().unwrap() {
            let (status, headers, body) = send(Method::GET, image["url"].as_str().unwrap(), &[], "").await;
            assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::OK, "image/svg+xml"));
            assert!(drawn.insert(body));
        }
    }
    let (status, ..) = send(Method::GET, &format!("{origin}/images/product-7-1.svg"), &[], "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

const CART: &str = "fragment C on Cart {
    id totalQuantity note discountCodes { code applicable } buyerIdentity { countryCode email customer { id } }
    attributes { key value }
    cost { subtotalAmount { amount currencyCode } totalAmount { amount } checkoutChargeAmount { amount } }
    discountAllocations { discountedAmount { amount } ... on CartCodeDiscountAllocation { code } }
    lines(first: 20) { nodes { id quantity cost { totalAmount { amount } amountPerQuantity { amount } }
        merchandise { ... on ProductVariant { id price { amount } } } ... on CartLine { attributes { key value } } } }
}";

/// Minor units of an amount with two places.
fn minor(amount: &Value) -> i64 {
    let (whole, cents) = amount.as_str().unwrap().split_once('.').unwrap();
    assert_eq!(cents.len(), 2);
    whole.parse::<i64>().unwrap() * 100 + cents.parse::<i64>().unwrap()
}

/// The payload of a cart mutation, which must have no user errors.
async fn mutate(origin: &str, call: &str, variables: Value) -> Value {
    let declared = "$cart: ID!, $lines: [CartLineInput!] = [], $updates: [CartLineUpdateInput!] = [], $ids: [ID!] = []";
    let mark = |name: &str| if call.contains(name) { "" } else { "unused" };
    let declared: String =
        declared.split(", ").filter(|it| mark(it.split(':').next().unwrap()).is_empty()).collect::<Vec<_>>().join(", ");
    let query = format!(
        "mutation ({declared}) {{ payload: {call} {{ cart {{ ...C }} userErrors {{ code message field }} warnings {{ code }} }} }} {CART}"
    );
    let payload = ask(origin, &query, variables).await["payload"].take();
    assert_eq!(payload["userErrors"], json!([]), "{call}");
    payload
}

#[tokio::test]
async fn a_cart_lives_from_its_creation_to_its_discount_with_exact_totals() {
    let origin = store().await;
    let found = ask(&origin, "{ products(first: 9, query: \"available_for_sale:true tag:hiking-boots\") { nodes { variants(first: 30) { nodes { id quantityAvailable price { amount } } } } } }", json!({})).await;
    let nodes = found["products"]["nodes"].as_array().unwrap();
    let enough = |it: &&Value| it["quantityAvailable"].as_i64() > Some(4);
    let variants: Vec<&Value> =
        nodes.iter().flat_map(|it| it["variants"]["nodes"].as_array().unwrap()).filter(enough).collect();
    let (one, two) = (variants[0], variants[1]);
    let price = |variant: &Value| minor(&variant["price"]["amount"]);

    let create = format!(
        "mutation ($lines: [CartLineInput!]) {{ cartCreate(input: {{ lines: $lines, note: \"hello\", attributes: [{{ key: \"gift\", value: \"yes\" }}] }}) {{ cart {{ ...C }} userErrors {{ message }} }} }} {CART}"
    );
    let created = ask(&origin, &create, json!({ "lines": [{ "merchandiseId": one["id"], "quantity": 2 }] })).await;
    let cart = &created["cartCreate"]["cart"];
    let id = cart["id"].clone();
    assert_eq!(
        (&cart["totalQuantity"], &cart["note"], &cart["attributes"][0]["key"]),
        (&json!(2), &json!("hello"), &json!("gift"))
    );
    assert_eq!(minor(&cart["cost"]["totalAmount"]["amount"]), 2 * price(one));

    // The same merchandise grows its line, other merchandise gets its own.
    let lines = json!([{ "merchandiseId": one["id"] }, { "merchandiseId": two["id"], "quantity": 1 }]);
    let added =
        mutate(&origin, "cartLinesAdd(cartId: $cart, lines: $lines)", json!({ "cart": id, "lines": lines })).await;
    let subtotal = 3 * price(one) + price(two);
    assert_eq!(added["cart"]["lines"]["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(minor(&added["cart"]["cost"]["subtotalAmount"]["amount"]), subtotal);
    assert_eq!(minor(&added["cart"]["lines"]["nodes"][0]["cost"]["totalAmount"]["amount"]), 3 * price(one));

    let codes = "cartDiscountCodesUpdate(cartId: $cart, discountCodes: [\"welcome10\", \"NOPE\"])";
    let discounted = mutate(&origin, codes, json!({ "cart": id })).await;
    let discount = (subtotal * 10 + 50) / 100;
    assert_eq!(
        discounted["cart"]["discountCodes"],
        json!([{ "code": "welcome10", "applicable": true }, { "code": "NOPE", "applicable": false }])
    );
    assert_eq!(minor(&discounted["cart"]["discountAllocations"][0]["discountedAmount"]["amount"]), discount);
    assert_eq!(minor(&discounted["cart"]["cost"]["totalAmount"]["amount"]), subtotal - discount);
    assert_eq!(discounted["warnings"], json!([{ "code": "DISCOUNT_NOT_FOUND" }]));

    let line = |at: usize| discounted["cart"]["lines"]["nodes"][at]["id"].clone();
    let updates = json!([{ "id": line(0), "quantity": 1 }]);
    let updated =
        mutate(&origin, "cartLinesUpdate(cartId: $cart, lines: $updates)", json!({ "cart": id, "updates": updates }))
            .await;
    assert_eq!(updated["cart"]["totalQuantity"], 2);
    let removed =
        mutate(&origin, "cartLinesRemove(cartId: $cart, lineIds: $ids)", json!({ "cart": id, "ids": [line(1)] })).await;
    assert_eq!(minor(&removed["cart"]["cost"]["subtotalAmount"]["amount"]), price(one));
    mutate(&origin, "cartNoteUpdate(cartId: $cart, note: \"bye\")", json!({ "cart": id })).await;
    mutate(&origin, "cartAttributesUpdate(cartId: $cart, attributes: [])", json!({ "cart": id })).await;
    let moved = "cartBuyerIdentityUpdate(cartId: $cart, buyerIdentity: { countryCode: DE, email: \"a@b.example\" })";
    let moved = mutate(&origin, moved, json!({ "cart": id })).await;
    assert_eq!(moved["cart"]["cost"]["subtotalAmount"]["currencyCode"], "EUR");
    let read =
        ask(&origin, &format!("query ($id: ID!) {{ cart(id: $id) {{ ...C }} }} {CART}"), json!({ "id": id })).await;
    assert_eq!((&read["cart"]["note"], &read["cart"]["attributes"]), (&json!("bye"), &json!([])));
    assert_eq!(read["cart"]["buyerIdentity"]["email"], "a@b.example");
}

#[tokio::test]
async fn a_cart_refuses_what_does_not_exist_and_cuts_to_stock() {
    let origin = store().await;
    let create = "mutation ($lines: [CartLineInput!]) { cartCreate(input: { lines: $lines }) {
        cart { id totalQuantity } userErrors { code field message } warnings { code } } }";
    let wrong = json!({ "lines": [{ "merchandiseId": "gid://shopify/ProductVariant/1" }] });
    let refused = ask(&origin, create, wrong).await["cartCreate"].take();
    assert_eq!(refused["cart"], Value::Null);
    assert_eq!(refused["userErrors"][0]["field"], json!(["input", "lines", "0", "merchandiseId"]));
    let found = ask(&origin, "{ products(first: 1, query: \"available_for_sale:true\") { nodes { selectedOrFirstAvailableVariant { id quantityAvailable } } } }", json!({})).await;
    let variant = &found["products"]["nodes"][0]["selectedOrFirstAvailableVariant"];
    let many = json!({ "lines": [{ "merchandiseId": variant["id"], "quantity": 9_999 }] });
    let cut = ask(&origin, create, many).await["cartCreate"].take();
    assert_eq!(cut["cart"]["totalQuantity"], variant["quantityAvailable"]);
    assert_eq!(cut["warnings"], json!([{ "code": "MERCHANDISE_NOT_ENOUGH_STOCK" }]));
    // A cart is reached with its whole id only.
    let id = cut["cart"]["id"].as_str().unwrap().split('?').next().unwrap();
    assert_eq!(
        ask(&origin, "query ($id: ID!) { cart(id: $id) { id } }", json!({ "id": id })).await["cart"],
        Value::Null
    );
}

#[tokio::test]
async fn a_seeded_customer_logs_in_reads_orders_and_logs_out() {
    let origin = store().await;
    let log_in = "mutation ($input: CustomerAccessTokenCreateInput!) { customerAccessTokenCreate(input: $input) {
        customerAccessToken { accessToken } customerUserErrors { code } } }";
    let input = |password: &str| json!({ "input": { "email": "shopper-1@outfitter.example", "password": password } });
    let wrong = ask(&origin, log_in, input("guess")).await;
    assert_eq!(wrong["customerAccessTokenCreate"]["customerUserErrors"][0]["code"], "UNIDENTIFIED_CUSTOMER");
    let right = ask(&origin, log_in, input(outfitter::demo::PASSWORD)).await;
    let token = right["customerAccessTokenCreate"]["customerAccessToken"]["accessToken"].clone();
    let query = "query ($token: String!) { customer(customerAccessToken: $token) { id email numberOfOrders
        orders(first: 5, reverse: true) { totalCount nodes { name totalPrice { amount } lineItems(first: 5) { nodes { title quantity variant { id } originalTotalPrice { amount } } } } } } }";
    let customer = ask(&origin, query, json!({ "token": token })).await["customer"].take();
    assert_eq!(customer["id"], "gid://shopify/Customer/1");
    let orders = customer["orders"]["nodes"].as_array().unwrap();
    assert!(!orders.is_empty());
    let lines = orders[0]["lineItems"]["nodes"].as_array().unwrap();
    let sum: i64 = lines.iter().map(|line| minor(&line["originalTotalPrice"]["amount"])).sum();
    assert!(lines.len() == 5 || sum == minor(&orders[0]["totalPrice"]["amount"]));
    ask(
        &origin,
        "mutation ($token: String!) { customerAccessTokenDelete(customerAccessToken: $token) { deletedAccessToken } }",
        json!({ "token": token }),
    )
    .await;
    assert_eq!(ask(&origin, query, json!({ "token": token })).await["customer"], Value::Null);
}

#[tokio::test]
async fn search_finds_filters_and_suggests() {
    let origin = store().await;
    let query = "query ($filters: [ProductFilter!]) {
        all: search(query: \"boots\", first: 50) { totalCount nodes { __typename ... on Product { title } ... on Article { title } } }
        boots: search(query: \"boots\", first: 3, types: [PRODUCT], productFilters: $filters, unavailableProducts: HIDE) {
            totalCount nodes { ... on Product { title availableForSale } } productFilters { id label type values { label count input } } }
        predictiveSearch(query: \"hik\", limit: 4, limitScope: EACH) { queries { text styledText } products { title } collections { title } articles { title } pages { title } }
    }";
    let data = ask(&origin, query, json!({ "filters": [{ "available": true }, { "price": { "max": 200 } }] })).await;
    let kinds: HashSet<&str> =
        data["all"]["nodes"].as_array().unwrap().iter().map(|it| it["__typename"].as_str().unwrap()).collect();
    assert_eq!(kinds, HashSet::from(["Product", "Article"]));
    assert!(data["boots"]["totalCount"].as_i64() < data["all"]["totalCount"].as_i64());
    let filters = data["boots"]["productFilters"].as_array().unwrap();
    // What a filter value gives as its input can be sent back as a filter.
    let input = filters[0]["values"][0]["input"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(input).unwrap()["available"].is_boolean());
    assert_eq!(data["predictiveSearch"]["products"].as_array().unwrap().len(), 4);
    assert!(data["predictiveSearch"]["queries"][0]["text"].as_str().unwrap().starts_with("hik"));
}

#[tokio::test]
async fn recommendations_are_of_the_kind_or_of_what_goes_with_it() {
    let origin = store().await;
    let query = "query ($handle: String!) {
        related: productRecommendations(productHandle: $handle) { tags handle }
        complementary: productRecommendations(productHandle: $handle, intent: COMPLEMENTARY) { tags handle }
        none: productRecommendations(productId: \"gid://shopify/Product/9\") { id }
    }";
    let found = ask(&origin, "{ products(first: 1, query: \"tag:tents\") { nodes { handle } } }", json!({})).await;
    let handle = &found["products"]["nodes"][0]["handle"];
    let data = ask(&origin, query, json!({ "handle": handle })).await;
    let tagged = |list: &str, tag: &str| {
        data[list].as_array().unwrap().iter().any(|it| it["tags"].as_array().unwrap().contains(&json!(tag)))
    };
    assert!(tagged("related", "tents") && tagged("complementary", "sleeping-bags"));
    assert!(!tagged("complementary", "tents") && data["none"].is_null());
    assert!(data["related"].as_array().unwrap().iter().all(|it| it["handle"] != *handle));
}
