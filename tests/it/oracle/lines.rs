//! The products in the lines of a cart, as the shop itself answers them: what the gateway asks beside the client.

use super::shop::{World, execute};
use serde_json::{Value, json};

pub(super) fn products(world: &World<'_>, cart: &str) -> Vec<Value> {
    let document = "query($id:ID!){node(id:$id){...on Cart{_lines:lines(first:100){nodes{merchandise{...on ProductVariant{product{id}}}}}}}}";
    let answer = execute(world, document, &json!({"id": cart})).unwrap();
    let answer = serde_json::to_value(answer).unwrap();
    let nodes = answer["data"]["node"]["_lines"]["nodes"].as_array().cloned().unwrap_or_default();
    let mut products: Vec<Value> = Vec::new();
    for node in nodes {
        let id = node["merchandise"]["product"]["id"].clone();
        if id.is_string() && !products.contains(&id) {
            products.push(id);
        }
    }
    products
}
