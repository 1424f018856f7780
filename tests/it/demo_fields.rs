//! Every field of the demo schema is answered without an error, and introspection gives the schema itself.

use crate::client::{post, start};
use apollo_compiler::Schema;
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use outfitter::demo::{Config, PASSWORD, SDL, Store};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Writes a selection of everything below a type, so many levels deep, and notes the fields that it holds.
struct Everything<'a> {
    schema: &'a Schema,
    seen: BTreeSet<String>,
}

impl Everything<'_> {
    fn selection(&mut self, of: &str, depth: usize) -> String {
        let members: Vec<String> = match &self.schema.types[of] {
            ExtendedType::Union(union) => union.members.iter().map(|it| it.to_string()).collect(),
            ExtendedType::Interface(_) => {
                let all = self.schema.implementers_map();
                all.get(of).map(|it| it.objects.iter().map(|it| it.to_string()).collect()).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let mut text = String::from("__typename");
        for member in members {
            // Members may give a field other nullability: aliases keep them apart.
            let inner = self.fields(&member, depth, &format!("{member}_"));
            text.push_str(&format!(" ... on {member} {{ __typename {inner} }}"));
        }
        if matches!(self.schema.types[of], ExtendedType::Object(_)) {
            text.push_str(&self.fields(of, depth, ""));
        }
        text
    }

    fn fields(&mut self, of: &str, depth: usize, prefix: &str) -> String {
        let ExtendedType::Object(object) = &self.schema.types[of] else { return String::new() };
        let mut text = String::new();
        for field in object.fields.values() {
            let Some(arguments) = arguments(field) else { continue };
            let inner = field.ty.inner_named_type();
            let leaf = matches!(self.schema.types[inner], ExtendedType::Scalar(_) | ExtendedType::Enum(_));
            if !leaf && depth == 0 {
                continue;
            }
            // The store has no metafields: what would be below one is not worth a document of 20,000 tokens.
            let below_depth = if inner == "Metafield" { 0 } else { depth.saturating_sub(1) };
            self.seen.insert(format!("{of}.{}", field.name));
            let below = if leaf { String::new() } else { format!("{{ {} }}", self.selection(inner, below_depth)) };
            text.push_str(&format!(" {prefix}{}: {}{arguments} {below}", field.name, field.name));
        }
        text
    }
}

/// Arguments that any field can be asked with; `None` where a required one is not known here.
fn arguments(field: &FieldDefinition) -> Option<String> {
    let mut given = Vec::new();
    for argument in &field.arguments {
        match argument.name.as_str() {
            "first" => given.push("first: 2".to_owned()),
            "identifiers" => given.push("identifiers: [{ namespace: \"a\", key: \"b\" }]".to_owned()),
            "key" => given.push("key: \"gift\"".to_owned()),
            "selectedOptions" if argument.is_required() => given.push("selectedOptions: []".to_owned()),
            "page" => given.push("page: 1".to_owned()),
            "handle" if argument.is_required() => given.push("handle: \"packing-light\"".to_owned()),
            _ if argument.is_required() => return None,
            _ => {}
        }
    }
    Some(if given.is_empty() { String::new() } else { format!("({})", given.join(", ")) })
}

async fn run(url: &str, query: &str) -> Value {
    let (_, _, body) = post(url, &json!({ "query": query })).await;
    assert_eq!(body["errors"], Value::Null, "{query}");
    body["data"].clone()
}

#[tokio::test]
async fn every_field_of_the_schema_is_answered() {
    let schema = Schema::parse_and_validate(SDL, "demo.graphql").unwrap();
    let url = start(Arc::new(Store::generate(&Config::default())).router()).await + "/graphql";
    let mut all = Everything { schema: &schema, seen: BTreeSet::new() };
    let found = run(&url, "{ products(first: 1, query: \"available_for_sale:true\") { nodes { id variants(first: 1) { nodes { id } } } } }").await;
    let product = found["products"]["nodes"][0]["id"].as_str().unwrap().to_owned();
    let variant = found["products"]["nodes"][0]["variants"]["nodes"][0]["id"].as_str().unwrap().to_owned();
    let log_in = format!(
        "mutation {{ customerAccessTokenCreate(input: {{ email: \"shopper-1@outfitter.example\", password: \"{PASSWORD}\" }}) {{ customerAccessToken {{ accessToken expiresAt }} customerUserErrors {{ code field message }} userErrors {{ field message }} }} }}"
    );
    let token = run(&url, &log_in).await["customerAccessTokenCreate"]["customerAccessToken"]["accessToken"].take();
    let token = token.as_str().unwrap().to_owned();
    let payload = all.selection("CartCreatePayload", 4);
    let create = format!(
        "mutation {{ cartCreate(input: {{ lines: [{{ merchandiseId: \"{variant}\" }}], discountCodes: [\"WELCOME10\", \"X\"], attributes: [{{ key: \"gift\", value: \"1\" }}], buyerIdentity: {{ customerAccessToken: \"{token}\" }} }}) {{ {payload} }} }}"
    );
    run(&url, &create).await;
    let roots = [
        (format!("product(id: \"{product}\")"), "Product", 4),
        ("collection(handle: \"footwear\")".to_owned(), "Collection", 3),
        ("products(first: 2)".to_owned(), "ProductConnection", 3),
        ("collections(first: 2)".to_owned(), "CollectionConnection", 2),
        ("shop".to_owned(), "Shop", 4),
        ("localization".to_owned(), "Localization", 4),
        ("paymentSettings".to_owned(), "PaymentSettings", 2),
        ("menu(handle: \"main-menu\")".to_owned(), "Menu", 3),
        ("pages(first: 2)".to_owned(), "PageConnection", 3),
        ("blogs(first: 2)".to_owned(), "BlogConnection", 4),
        ("articles(first: 2)".to_owned(), "ArticleConnection", 3),
        ("search(query: \"boots\", first: 30)".to_owned(), "SearchResultItemConnection", 3),
        ("predictiveSearch(query: \"hik\")".to_owned(), "PredictiveSearchResult", 2),
        (format!("customer(customerAccessToken: \"{token}\")"), "Customer", 5),
        ("productTags(first: 3)".to_owned(), "StringConnection", 2),
        ("sitemap(type: PRODUCT)".to_owned(), "Sitemap", 3),
        ("urlRedirects(first: 1)".to_owned(), "UrlRedirectConnection", 2),
        ("publicApiVersions".to_owned(), "ApiVersion", 1),
    ];
    for (field, of, depth) in roots {
        let selection = all.selection(of, depth);
        let data = run(&url, &format!("{{ it: {field} {{ {selection} }} }}")).await;
        assert!(!data["it"].is_null(), "{field} is null");
    }
    assert!(all.seen.len() > 330, "only {} fields were asked for", all.seen.len());
}

#[tokio::test]
async fn introspection_gives_the_schema_with_its_directive() {
    let url = start(Arc::new(Store::generate(&Config::default())).router()).await + "/graphql";
    let query = "{ __schema { queryType { name } types { name fields { name } } directives { name args { name } } } }";
    let data = run(&url, query).await;
    assert_eq!(data["__schema"]["queryType"]["name"], "QueryRoot");
    let named = |list: &str, name: &str| {
        data["__schema"][list].as_array().unwrap().iter().find(|it| it["name"] == name).cloned().unwrap()
    };
    assert!(named("types", "Product")["fields"].as_array().unwrap().len() > 30);
    assert_eq!(named("directives", "inContext")["args"].as_array().unwrap().len(), 5);
}
