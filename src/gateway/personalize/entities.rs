//! The platform's types under their canonical names, each with its entry field.
//!
//! async-graphql has a resolver for `_entities` of its own; [`representation`] takes its place, because that one
//! leaves the index out of the path of errors and lets one unknown representation fail all the others.

use super::ask::{SlateArguments, SlateAsk, Subject};
use super::decision::PersonalizedDecision;
use super::recommendations::{PersonalizedIntent, PersonalizedRecommendations};
use super::viewer::Viewer;
use crate::domain::ids::{CollectionKey, ProductKey};
use async_graphql::{Context, ErrorExtensions, ID, Object, Result, Union, Value};
use std::sync::Arc;

/// Any entity, as representations name it.
#[derive(Union)]
#[graphql(name = "_Entity")]
pub(super) enum Entity {
    Product(Product),
    ProductConnection(ProductConnection),
    Cart(Cart),
    Collection(Collection),
}

/// The entity of one representation: `__typename` and `key`, and the `products` of a cart's lines. `None` where it is
/// no entity of this schema.
pub(super) fn representation(value: &Value) -> Option<Entity> {
    let Value::Object(fields) = value else { return None };
    let text = |name: &str| match fields.get(name)? {
        Value::String(text) => Some(text.as_str()),
        _ => None,
    };
    let key = text("key")?;
    Some(match text("__typename")? {
        "Product" => Entity::Product(Product(ProductKey::new(key))),
        "ProductConnection" => Entity::ProductConnection(ProductConnection(key.into())),
        "Collection" => Entity::Collection(Collection(CollectionKey::new(key))),
        "Cart" => {
            let products = match fields.get("products") {
                Some(Value::List(products)) => products.as_slice(),
                _ => &[],
            };
            let product = |value: &Value| match value {
                Value::String(key) => Some(ProductKey::new(key.as_str())),
                _ => None,
            };
            Entity::Cart(Cart { key: key.into(), products: products.iter().filter_map(product).collect() })
        }
        _ => return None,
    })
}

/// A slate for an entity's `recommendations` field.
async fn recommend(
    ctx: &Context<'_>,
    subject: Subject,
    intent: Option<PersonalizedIntent>,
    first: i32,
    exclude: Option<Vec<ID>>,
) -> Result<PersonalizedRecommendations> {
    let exclude = exclude.unwrap_or_default().into_iter().map(|id| id.0).collect();
    let arguments =
        SlateArguments { intent: intent.map(Into::into), first: first.into(), exclude, ..SlateArguments::default() };
    let ask = SlateAsk::new(subject, arguments).map_err(|error| error.extend())?;
    Ok(PersonalizedRecommendations(Viewer::of(ctx)?.slate(&ask).await?))
}

/// A product of the shop.
pub(super) struct Product(pub(super) ProductKey);

/// A product of the shop.
#[Object]
impl Product {
    /// The key of the platform's own look-up.
    async fn key(&self) -> ID {
        ID(self.0.to_string())
    }

    /// What the gateway decides around this product for the shopper behind this request.
    async fn personalized(&self) -> Option<PersonalizedProduct> {
        Some(PersonalizedProduct(self.0.clone()))
    }
}

/// What the gateway decides around one product.
pub(super) struct PersonalizedProduct(ProductKey);

/// What the gateway decides around one product for the shopper behind this request.
#[Object]
impl PersonalizedProduct {
    /// The product's own id, for client caches.
    async fn id(&self) -> ID {
        ID(self.0.to_string())
    }

    /// How well the product fits this shopper now, 0 to 1, comparable within one response. Null without consent.
    async fn affinity(&self, ctx: &Context<'_>) -> Option<f64> {
        let viewer = Viewer::of(ctx).ok()?;
        viewer.affinity(&self.0)
    }

    /// Products to show beside this one.
    async fn recommendations(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "PersonalizedIntent::Related", desc = "What the products are for.")]
        intent: PersonalizedIntent,
        #[graphql(default = 4, desc = "How many, 1 to 50.")] first: i32,
        #[graphql(desc = "Ids of products not wanted: those the page shows already.")] exclude: Option<Vec<ID>>,
    ) -> Option<Result<PersonalizedRecommendations>> {
        Some(recommend(ctx, Subject::Product(self.0.clone()), Some(intent), first, exclude).await)
    }
}

/// The products of a page, as the platform lists them.
pub(super) struct ProductConnection(Arc<str>);

/// A list of products, page by page.
#[Object]
impl ProductConnection {
    /// The key that the gateway gave the connection when it re-ranked it; empty where it did not.
    async fn key(&self) -> ID {
        ID(self.0.to_string())
    }

    /// The decision behind a re-ranked connection; null where the platform's order was kept without one.
    async fn personalized(&self, ctx: &Context<'_>) -> Option<PersonalizedDecision> {
        Viewer::of(ctx).ok()?.book.connection(&self.0).map(PersonalizedDecision)
    }
}

/// A cart.
pub(super) struct Cart {
    key: Arc<str>,
    products: Vec<ProductKey>,
}

/// A cart.
#[Object]
impl Cart {
    /// The key of the platform's own look-up.
    async fn key(&self) -> ID {
        ID(self.key.to_string())
    }

    /// What the gateway decides around this cart for the shopper behind this request.
    async fn personalized(&self) -> Option<PersonalizedCart> {
        Some(PersonalizedCart { key: Arc::clone(&self.key), products: self.products.clone() })
    }
}

/// What the gateway decides around one cart.
pub(super) struct PersonalizedCart {
    key: Arc<str>,
    products: Vec<ProductKey>,
}

/// What the gateway decides around one cart for the shopper behind this request.
#[Object]
impl PersonalizedCart {
    /// The cart's own id, for client caches.
    async fn id(&self) -> ID {
        ID(self.key.to_string())
    }

    /// Products to show beside the lines of this cart. What is in the cart is left out.
    async fn recommendations(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "PersonalizedIntent::Complementary", desc = "What the products are for.")]
        intent: PersonalizedIntent,
        #[graphql(default = 4, desc = "How many, 1 to 50.")] first: i32,
        #[graphql(desc = "Ids of products not wanted: those the page shows already.")] exclude: Option<Vec<ID>>,
    ) -> Option<Result<PersonalizedRecommendations>> {
        let subject = Subject::Cart { key: Arc::clone(&self.key), products: self.products.clone() };
        Some(recommend(ctx, subject, Some(intent), first, exclude).await)
    }
}

/// A collection or category.
pub(super) struct Collection(CollectionKey);

/// A collection or category of products.
#[Object]
impl Collection {
    /// The key of the platform's own look-up.
    async fn key(&self) -> ID {
        ID(self.0.to_string())
    }

    /// What the gateway decides within this collection for the shopper behind this request.
    async fn personalized(&self) -> Option<PersonalizedCollection> {
        Some(PersonalizedCollection(self.0.clone()))
    }
}

/// What the gateway decides within one collection.
pub(super) struct PersonalizedCollection(CollectionKey);

/// What the gateway decides within one collection for the shopper behind this request.
#[Object]
impl PersonalizedCollection {
    /// The collection's own id, for client caches.
    async fn id(&self) -> ID {
        ID(self.0.to_string())
    }

    /// Products of this collection, best for this shopper first.
    async fn recommendations(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 24, desc = "How many, 1 to 50.")] first: i32,
        #[graphql(desc = "Ids of products not wanted: those the page shows already.")] exclude: Option<Vec<ID>>,
    ) -> Option<Result<PersonalizedRecommendations>> {
        Some(recommend(ctx, Subject::Collection(self.0.clone()), None, first, exclude).await)
    }
}
