//! What passes through: the platform's own bytes. And the schema, which is the composed one.

use super::world::{World, shopper};
use http::{HeaderMap, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// Operations as storefronts send them.
const OPERATIONS: &[(&str, &str)] = &[
    ("query Shop { shop { name description primaryDomain { url } brand { slogan } } }", "{}"),
    ("{ __typename shop { __typename name } }", "{}"),
    ("query P($handle: String!) { product(handle: $handle) { ...Card options { name optionValues { name } } descriptionHtml
        selectedOrFirstAvailableVariant { id title sku price { amount currencyCode } } } }
      fragment Card on Product { id title handle vendor tags featuredImage { url altText width height } }", r#"{"handle":"HANDLE"}"#),
    ("query P($id: ID!, $c: CountryCode, $l: LanguageCode) @inContext(country: $c, language: $l) { product(id: $id) {
        title priceRange { minVariantPrice { amount currencyCode } } availableForSale } }", r#"{"id":"ID","c":"DE","l":"EN"}"#),
    ("query { product(handle: \"no such thing\") { id } }", "{}"),
    ("query N($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Product { title } } }", r#"{"ids":["ID","gid://shopify/Product/1"]}"#),
    ("query C { collections(first: 3) { edges { cursor node { id title handle } } pageInfo { hasNextPage endCursor } } }", "{}"),
    ("query C($first: Int = 4) { collection(handle: \"tops\") { title products(first: $first, sortKey: PRICE, reverse: true) {
        nodes { title } filters { id label values { label count } } } } }", r#"{"first":2}"#),
    ("{ products(first: 4, sortKey: UPDATED_AT, reverse: true) { nodes { id title } } }", "{}"),
    ("{ products(first: 2, query: \"tag:sale OR shirt\") { nodes { handle } } }", "{}"),
    ("query S($q: String!) { search(query: $q, first: 3, types: PRODUCT) { totalCount nodes { ... on Product { title } } } }", r#"{"q":"shirt"}"#),
    ("{ predictiveSearch(query: \"sh\", limit: 3) { products { title } queries { text } collections { title } } }", "{}"),
    ("query R($id: ID!) { productRecommendations(productId: $id, intent: COMPLEMENTARY) { title } }", r#"{"id":"ID"}"#),
    ("query K($cart: ID!) { cart(id: $cart) { id totalQuantity checkoutUrl cost { totalAmount { amount currencyCode } }
        lines(first: 10) { nodes { id quantity merchandise { ... on ProductVariant { title product { handle } } } } } } }", r#"{"cart":"CART"}"#),
    ("query M { menu(handle: \"main-menu\") { title items { title url items { title } } } }", "{}"),
    ("query L @inContext(country: DE) { localization { country { isoCode currency { isoCode symbol } } availableCountries { isoCode } language { isoCode } } }", "{}"),
    ("{ pages(first: 2) { nodes { title body } } }", "{}"),
    ("query A($skip: Boolean!) { shop { name @skip(if: $skip) a: name } }", r#"{"skip":true}"#),
    ("query Two { shop { name } } query One { __typename }", r#"{}"#),
    ("{ shop { nothingOfTheKind } }", "{}"),
    ("query V($id: ID!) { product(id: $id) { id } }", "{}"),
    ("{ customer(customerAccessToken: \"nobody\") { email } }", "{}"),
    ("{ products(first: 1) { nodes { variants(first: 2) { nodes { id title price { amount } selectedOptions { name value } } } } } }", "{}"),
];

/// Whether everything a client reads of both answers is the same.
fn same(what: &str, through: (StatusCode, HeaderMap, bytes::Bytes), own: (StatusCode, HeaderMap, bytes::Bytes)) {
    let text = |bytes: &bytes::Bytes| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(text(&through.2), text(&own.2), "{what}");
    assert_eq!(through.0, own.0, "{what}");
    for name in [header::SET_COOKIE, header::CONTENT_LANGUAGE] {
        let values = |headers: &HeaderMap| headers.get_all(&name).iter().cloned().collect::<Vec<_>>();
        assert_eq!(values(&through.1), values(&own.1), "{what}: {name}");
    }
}

async fn cart(world: &World, variant: &Value) -> String {
    let text =
        "mutation ($v: ID!) { cartCreate(input: { lines: [{ merchandiseId: $v, quantity: 2 }] }) { cart { id } } }";
    let data = world.ask(shopper("ada"), text, json!({ "v": variant })).await;
    data["cartCreate"]["cart"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_pass_through_are_the_platforms_own_bytes() {
    let world = World::start().await;
    let product = world.products("US").await.into_iter().find(|product| product["availableForSale"] == true).unwrap();
    let cart = cart(&world, &product["variant"]["id"]).await;
    let mut refused = 0;
    for (query, variables) in OPERATIONS {
        let id = product["id"].as_str().unwrap();
        let variables = variables.replace("HANDLE", product["handle"].as_str().unwrap()).replace("CART", &cart);
        let variables: Value = serde_json::from_str(&variables.replace("\"ID\"", &format!("{id:?}"))).unwrap();
        let mut body = json!({ "query": query, "variables": variables });
        if query.contains("query Two") {
            body["operationName"] = json!("Two");
        }
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let name = body["operationName"].as_str().map_or(String::new(), |name| format!("&operationName={name}"));
        let parameters = format!("?query={}&variables={}{name}", encoded(query), encoded(&variables.to_string()));
        for path in ["/graphql", "/api/2026-04/graphql.json"] {
            let through = World::raw(&world.gateway, path, Some(&body)).await;
            let own = World::raw(&world.store, path, Some(&body)).await;
            refused += usize::from(String::from_utf8_lossy(&own.2).contains("\"errors\""));
            same(&format!("POST {path} {query}"), through, own);
            let by_get = format!("{path}{parameters}");
            let through = World::raw(&world.gateway, &by_get, None).await;
            same(&format!("GET {path} {query}"), through, World::raw(&world.store, &by_get, None).await);
        }
    }
    assert!(refused <= 3 * 2, "the store does not know {} operations of this list", refused / 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_that_is_introspected_is_the_composed_one() {
    let world = World::start().await;
    let text = "{ __schema { queryType { name } types { name } } product: __type(name: \"Product\") { fields { name description } }
        cart: __type(name: \"Cart\") { fields { name } } intent: __type(name: \"PersonalizedIntent\") { enumValues { name description } } }";
    let data = world.ask(shopper("ada"), text, json!({})).await;
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    };
    let types = names(&data["__schema"]["types"]);
    for name in [
        "Personalized",
        "PersonalizedProduct",
        "PersonalizedRecommendations",
        "PersonalizedItem",
        "Product",
        "QueryRoot",
    ] {
        assert!(types.iter().any(|it| it == name), "{name} is missing");
    }
    assert!(!types.iter().any(|name| name == "_Entity" || name == "_Any"));
    assert_eq!(data["__schema"]["queryType"]["name"], "QueryRoot");
    assert!(names(&data["product"]["fields"]).contains(&"personalized".to_owned()));
    assert!(names(&data["product"]["fields"]).contains(&"title".to_owned()));
    assert!(names(&data["cart"]["fields"]).contains(&"personalized".to_owned()));
    let values = &data["intent"]["enumValues"];
    assert!(values.as_array().unwrap().iter().all(|value| value["description"].is_string()), "{values}");
}
