//! A Shopify shop's past, line by line: what the Admin API's bulk operations write, resources of its REST API, nodes of its
//! GraphQL API, or columns with one row a line of an order.
//!
//! A bulk operation writes an object and then, each on a line of its own, what is in its connections, with `__parentId`
//! (Shopify, "Perform bulk operations with the GraphQL Admin API", version 2026-04). So an order is whole once the next
//! object begins. Whatever the form, an order becomes the body of a webhook and is read as one: it counts once, also
//! where its webhook came before. A customer becomes one, too.

mod customer;

use super::webhook;
use crate::domain::event::{Event, EventType};
use crate::domain::ids::{CustomerId, EventId, ProductKey, VariantKey};
use crate::platform::kept_consent::Attribute;
use crate::platform::loose;
use crate::platform::news::{Actor, News};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The most lines kept of one order while it is put together.
const LINES: usize = 2_000;

/// A line that cannot be read. Says nothing of what stands in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// No JSON object.
    #[error("it is no JSON object")]
    Json,
    /// No object of a kind that is read.
    #[error("it is no order, draft order, abandoned checkout, customer or wish, and no line of one")]
    Kind,
    /// A line of an order that is not the one before it.
    #[error(
        "it is of an order that is not the one before it; begin the bulk operation with groupObjects: true, so that lines stand behind their order"
    )]
    Parent,
    /// A row of another number of columns, or with an open quote.
    #[error("it is no row of the table that the first line began")]
    Row,
    /// The first row of a table does not name what is needed.
    #[error(
        "the first row names no column {0}; orders need order_id, customer_id, created_at, product_id, and know variant_id, quantity, price, currency, total; wishlists need customer_id, product_id, added_at, and know variant_id"
    )]
    Column(&'static str),
}

/// What has been read of an order that may go on.
#[derive(Debug)]
struct Open {
    id: String,
    told: Map<String, Value>,
    lines: Vec<Value>,
}

/// Reads the lines of one file in their order.
#[derive(Debug, Default)]
pub struct History {
    open: Option<Open>,
    /// Lines since the open order began, its first one among them.
    waiting: u64,
    columns: Option<Columns>,
    /// Where the shop keeps the consent of its customers.
    consent: Option<Attribute>,
}

impl History {
    /// For lines of JSON. `consent`: the metafield in which the shop keeps its customers' consent.
    pub fn json(consent: Option<&Attribute>) -> Self {
        Self { consent: consent.cloned(), ..Self::default() }
    }

    /// For a table with commas whose first row is this one. Errors: a column is missing.
    pub fn table(header: &str) -> Result<Self, LineError> {
        Ok(Self { columns: Some(Columns::read(header)?), ..Self::default() })
    }

    /// How many of the lines read last have not been given out, the first of the open order among them. Where it is 1, the
    /// place before the last line is one at which reading may begin again; where it is 0, the place behind it.
    pub fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Reads a line. What comes back is what became whole by it, often that of the lines before.
    /// Errors: [`LineError`]; the line is left out and what is open stays.
    pub fn line(&mut self, line: &str) -> Result<Vec<News>, LineError> {
        self.waiting += 1;
        let read = self.read(line);
        if self.open.is_none() {
            self.waiting = 0;
        }
        read
    }

    fn read(&mut self, line: &str) -> Result<Vec<News>, LineError> {
        if line.trim().is_empty() {
            return Ok(Vec::new());
        }
        match &self.columns {
            Some(columns) if columns.wishes => columns.wish(line),
            Some(columns) => {
                let row = columns.row(line)?;
                Ok(self.row(row))
            }
            None => self.object(line),
        }
    }

    /// What is still open, at the end of the file.
    pub fn end(&mut self) -> Vec<News> {
        self.waiting = 0;
        self.open.take().map(whole).unwrap_or_default()
    }

    /// What was open is given out, and the line that is being read opens another.
    fn opens(&mut self, open: Open) -> Vec<News> {
        let news = self.end();
        (self.open, self.waiting) = (Some(open), 1);
        news
    }

    fn object(&mut self, line: &str) -> Result<Vec<News>, LineError> {
        let told = match serde_json::from_str(line) {
            Ok(Value::Object(told)) => told,
            _ => return Err(LineError::Json),
        };
        if let Some(parent) = told.get("__parentId").and_then(Value::as_str) {
            match self.open.as_mut().filter(|open| open.id == parent) {
                Some(open) if open.lines.len() < LINES => open.lines.push(line_item(&told)),
                // An order without its lines would be another order.
                None if kind(parent).is_some() && told.contains_key("product") => return Err(LineError::Parent),
                // A child of something else, such as a fulfilment, is of no use and no error.
                _ => {}
            }
            return Ok(Vec::new());
        }
        if told.contains_key("added_at") && told.contains_key("product_id") {
            let mut news = self.end();
            news.extend(wish(&Value::Object(told)).ok_or(LineError::Kind)?);
            return Ok(news);
        }
        if told.get("line_items").is_some_and(Value::is_array) {
            let mut news = self.end();
            news.extend(read(&Value::Object(told)));
            return Ok(news);
        }
        let id = told.get("id").and_then(Value::as_str).unwrap_or_default();
        if id.starts_with("gid://shopify/Customer/") {
            let mut news = self.end();
            news.extend(customer::read(told, self.consent.as_ref()));
            return Ok(news);
        }
        kind(id).ok_or(LineError::Kind)?;
        let id = id.to_owned();
        let lines = nodes(told.get("lineItems")).filter_map(Value::as_object).take(LINES).map(line_item).collect();
        Ok(self.opens(Open { id, told: resource(told), lines }))
    }

    fn row(&mut self, row: Row) -> Vec<News> {
        match self.open.as_mut().filter(|open| open.id == row.order) {
            Some(open) => {
                if open.lines.len() < LINES {
                    open.lines.push(row.line);
                }
                Vec::new()
            }
            None => self.opens(Open { id: row.order, told: row.told, lines: vec![row.line] }),
        }
    }
}

/// The order, with its lines.
fn whole(open: Open) -> Vec<News> {
    let mut told = open.told;
    told.insert("line_items".to_owned(), Value::Array(open.lines));
    read(&Value::Object(told))
}

/// Reads a resource as the webhook of it.
fn read(told: &Value) -> Vec<News> {
    let id = told.get("admin_graphql_api_id").and_then(Value::as_str).unwrap_or_default();
    // An order has no time of its triggering; what has no time of its own is as old as can be, and never new.
    match kind(id) {
        Some("DraftOrder" | "AbandonedCheckout") => webhook::checkout(told, Timestamp::now()),
        _ => webhook::order(told, Timestamp::now()),
    }
}

/// A product that a customer put onto a wishlist: it counts as a look at it, at the time of the wish.
fn wish(told: &Value) -> Option<Vec<News>> {
    let id = |name: &str, kind: &str| loose::first_id(told, &[name]).map(|id| webhook::global(kind, &id));
    let at = told.get("added_at").and_then(loose::moment)?;
    let product = id("product_id", "Product")?;
    let actor = Actor { customer: id("customer_id", "Customer").map(CustomerId::new), ..Actor::default() };
    // It counts once a shopper: whose it is stands beside it.
    let name = EventId::new(format!("wish:{product}:{}", at.as_millisecond()));
    let mut event = Event::of_product(name, EventType::ProductViewed, at, ProductKey::new(product));
    event.variant = id("variant_id", "ProductVariant").map(VariantKey::new);
    Some(vec![News::Did(actor, Box::new(event))])
}

/// `Order` of `gid://shopify/Order/1`, where it is a kind that is read.
fn kind(id: &str) -> Option<&str> {
    let (kind, _) = id.strip_prefix("gid://shopify/")?.split_once('/')?;
    ["Order", "DraftOrder", "AbandonedCheckout"].contains(&kind).then_some(kind)
}

/// A node of GraphQL in the members of the REST resource that webhooks send.
fn resource(mut node: Map<String, Value>) -> Map<String, Value> {
    let mut told = Map::new();
    let mut take = |from: &str, to: &str| {
        if let Some(value) = node.remove(from) {
            told.insert(to.to_owned(), value);
        }
    };
    take("id", "admin_graphql_api_id");
    take("test", "test");
    take("createdAt", "created_at");
    take("processedAt", "processed_at");
    take("cancelledAt", "cancelled_at");
    take("currencyCode", "currency");
    take("customAttributes", "note_attributes");
    let total = node.get("currentTotalPriceSet").or_else(|| node.get("totalPriceSet"));
    if let Some(amount) = total.and_then(|set| set.pointer("/shopMoney/amount")) {
        told.insert("total_price".to_owned(), amount.clone());
    }
    // A check-out is known by its own id, where it has no token.
    if let Some(id) = told.get("admin_graphql_api_id").cloned() {
        told.insert("id".to_owned(), id);
    }
    if let Some(id) = node.get("customer").and_then(|customer| loose::first_id(customer, &["id"])) {
        told.insert("customer".to_owned(), json!({ "admin_graphql_api_id": id }));
    }
    told
}

/// A line of an order in the members of the REST resource.
fn line_item(node: &Map<String, Value>) -> Value {
    let id = |of: &str| node.get(of).and_then(|object| loose::first_id(object, &["id"]));
    let money =
        ["originalUnitPriceSet", "discountedUnitPriceSet"].iter().find_map(|set| node.get(*set)?.get("shopMoney"));
    json!({
        "product_id": id("product"),
        "variant_id": id("variant"),
        "quantity": node.get("quantity"),
        "price": money.and_then(|money| money.get("amount")).or_else(|| node.get("originalUnitPrice")),
        "currency": money.and_then(|money| money.get("currencyCode")),
    })
}

/// The nodes of a connection, by `nodes` or `edges`.
fn nodes(connection: Option<&Value>) -> impl Iterator<Item = &Value> {
    let list = |name: &str| connection.and_then(|connection| connection.get(name)?.as_array());
    let edges = list("edges").into_iter().flatten().filter_map(|edge| edge.get("node"));
    list("nodes").into_iter().flatten().chain(edges)
}

/// Where the columns of a table stand.
#[derive(Debug)]
struct Columns {
    names: Vec<String>,
    /// Whether its rows are of wishlists.
    wishes: bool,
}

struct Row {
    order: String,
    told: Map<String, Value>,
    line: Value,
}

impl Columns {
    fn read(header: &str) -> Result<Self, LineError> {
        let names: Vec<String> = fields(header.trim_start_matches('\u{feff}')).ok_or(LineError::Row)?;
        let names: Vec<String> = names.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        let has = |column: &&str| names.iter().any(|name| name == column);
        let wishes = has(&"added_at") && !has(&"order_id");
        let of_orders = ["order_id", "customer_id", "created_at", "product_id"];
        let needed = if wishes { &["customer_id", "product_id"][..] } else { &of_orders };
        match needed.iter().find(|column| !has(column)) {
            Some(missing) => Err(LineError::Column(missing)),
            None => Ok(Self { names, wishes }),
        }
    }

    fn fields(&self, line: &str) -> Result<Vec<String>, LineError> {
        fields(line).filter(|fields| fields.len() == self.names.len()).ok_or(LineError::Row)
    }

    fn text<'a>(&self, fields: &'a [String], column: &str) -> Option<&'a str> {
        let at = self.names.iter().position(|name| name == column)?;
        fields.get(at).map(|field| field.trim()).filter(|field| !field.is_empty())
    }

    fn wish(&self, line: &str) -> Result<Vec<News>, LineError> {
        let fields = self.fields(line)?;
        let columns = ["customer_id", "product_id", "variant_id", "added_at"];
        let told = columns.map(|column| (column.to_owned(), json!(self.text(&fields, column))));
        wish(&Value::Object(told.into_iter().collect())).ok_or(LineError::Row)
    }

    fn row(&self, line: &str) -> Result<Row, LineError> {
        let fields = self.fields(line)?;
        let text = |column: &str| self.text(&fields, column);
        let order = text("order_id").ok_or(LineError::Row)?.to_owned();
        let mut told = Map::new();
        told.insert("id".to_owned(), json!(order));
        told.insert("created_at".to_owned(), json!(text("created_at")));
        told.insert("currency".to_owned(), json!(text("currency")));
        told.insert("total_price".to_owned(), json!(text("total")));
        if let Some(customer) = text("customer_id") {
            told.insert("customer".to_owned(), json!({ "id": customer }));
        }
        let quantity = text("quantity").and_then(|quantity| quantity.parse::<u32>().ok()).unwrap_or(1);
        let line = json!({
            "product_id": text("product_id"), "variant_id": text("variant_id"), "quantity": quantity, "price": text("price"),
        });
        Ok(Row { order, told, line })
    }
}

/// The fields of a row by RFC 4180, without line breaks within quotes. `None`: a quote is open at its end.
pub fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let (mut quoted, mut characters) = (false, line.trim_end_matches(['\r', '\n']).chars().peekable());
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                fields.last_mut()?.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut()?.push(other),
        }
    }
    (!quoted).then_some(fields)
}

#[cfg(test)]
mod tests;
