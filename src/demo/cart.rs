//! Carts: what is in them, what may be done to them, and what they cost, in whole minor units.

use super::market::Market;
use super::product::Catalogue;
use jiff::Timestamp;
use moka::sync::Cache;
use rand::RngExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Carts kept at once; the ones not used for longest go first.
const KEPT: u64 = 5_000;
/// How long a cart is kept after its last use.
const IDLE: Duration = Duration::from_secs(24 * 3600);
/// Lines a cart may have.
const MAX_LINES: usize = 250;
/// Pieces a line may have.
const MAX_QUANTITY: i64 = 10_000;
/// Attributes a cart or a line may have, and the characters of a key or value.
const MAX_ATTRIBUTES: (usize, usize) = (50, 500);
/// Characters of a note.
const MAX_NOTE: usize = 5_000;
/// Discount codes a cart may name, and characters of one.
const MAX_CODES: (usize, usize) = (20, 100);

/// The code that takes a tenth off the whole cart.
pub(super) const WELCOME: &str = "WELCOME10";
/// What it takes off, in percent.
pub(super) const WELCOME_PERCENT: i64 = 10;

/// Keys and values.
pub(super) type Attributes = Vec<(String, String)>;

/// A cart.
#[derive(Clone, Debug)]
pub(super) struct Cart {
    /// The whole global id with its secret; who knows it may use the cart.
    pub id: String,
    pub lines: Vec<CartLine>,
    /// As the client wrote them.
    pub codes: Vec<String>,
    pub note: Option<String>,
    pub attributes: Attributes,
    pub buyer: Buyer,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// The number of the next line.
    next: u64,
}

/// A line of a cart.
#[derive(Clone, Debug)]
pub(super) struct CartLine {
    pub number: u64,
    /// The number of the variant.
    pub variant: u64,
    pub quantity: i64,
    pub attributes: Attributes,
}

/// Who buys.
#[derive(Clone, Debug, Default)]
pub(super) struct Buyer {
    pub country: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// The number of a customer who has logged in.
    pub customer: Option<usize>,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    /// A value of `CartErrorCode`.
    pub code: &'static str,
    pub field: Vec<String>,
    pub message: String,
}

/// What was done otherwise than asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Warning {
    /// A value of `CartWarningCode`.
    pub code: &'static str,
    pub message: String,
    /// The global id of what it is about.
    pub target: String,
}

/// A line that is asked for.
pub(super) struct Wish<'a> {
    pub merchandise: &'a str,
    /// The number in `merchandise`, where it is a variant's id.
    pub variant: Option<u64>,
    pub quantity: i64,
    pub attributes: Attributes,
}

/// A change to a line; what is `None` stays.
pub(super) struct Change<'a> {
    pub line: &'a str,
    pub number: Option<u64>,
    pub merchandise: Option<(&'a str, Option<u64>)>,
    pub quantity: Option<i64>,
    pub attributes: Option<Attributes>,
}

/// What came of an operation on a cart.
pub(super) type Outcome = Result<Vec<Warning>, Vec<Fault>>;

fn fault(code: &'static str, field: &[&str], message: impl Into<String>) -> Fault {
    Fault { code, field: field.iter().map(|part| (*part).to_owned()).collect(), message: message.into() }
}

impl Cart {
    fn new(country: &str) -> Self {
        let mut random = rand::rng();
        let (token, key): (u128, u128) = (random.random(), random.random());
        let now = Timestamp::now();
        Self {
            id: format!("gid://shopify/Cart/{token:032x}?key={key:032x}"),
            lines: Vec::new(),
            codes: Vec::new(),
            note: None,
            attributes: Vec::new(),
            buyer: Buyer { country: Some(country.to_owned()), ..Buyer::default() },
            created: now,
            updated: now,
            next: 1,
        }
    }

    /// The market the cart is priced in.
    pub(super) fn market(&self) -> Market {
        Market::of_country(self.buyer.country.as_deref().unwrap_or("US"))
    }

    /// Adds lines: all, or none where one is wrong. What the market has too few of is cut to what it has.
    pub(super) fn add(&mut self, catalogue: &Catalogue, wishes: Vec<Wish<'_>>) -> Outcome {
        let mut faults = Vec::new();
        for (at, wish) in wishes.iter().enumerate() {
            let at = at.to_string();
            if let Err(found) = self.sold(catalogue, wish.merchandise, wish.variant, &["lines", &at, "merchandiseId"]) {
                faults.push(found);
            }
            if !(1..=MAX_QUANTITY).contains(&wish.quantity) {
                let message = format!("The quantity must be between 1 and {MAX_QUANTITY}.");
                faults.push(fault("INVALID", &["lines", &at, "quantity"], message));
            }
            faults.extend(long(&wish.attributes, &["lines", &at, "attributes"]));
        }
        if self.lines.len() + wishes.len() > MAX_LINES {
            faults.push(fault("CART_TOO_LARGE", &["lines"], format!("A cart has at most {MAX_LINES} lines.")));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut warnings = Vec::new();
        for wish in wishes {
            let Some(variant) = wish.variant else { continue };
            let same = |line: &&mut CartLine| line.variant == variant && line.attributes == wish.attributes;
            let had = self.lines.iter_mut().find(same).map(|line| line.number);
            let number = had.unwrap_or(self.next);
            if had.is_none() {
                self.next += 1;
                self.lines.push(CartLine { number, variant, quantity: 0, attributes: wish.attributes });
            }
            let now = self.lines.iter().find(|line| line.number == number).map_or(0, |line| line.quantity);
            warnings.extend(self.set(catalogue, number, now + wish.quantity));
        }
        self.touch();
        Ok(warnings)
    }

    /// Changes lines: all, or none where one is wrong. A quantity of 0 takes the line out.
    pub(super) fn update(&mut self, catalogue: &Catalogue, changes: Vec<Change<'_>>) -> Outcome {
        let mut faults = Vec::new();
        for (at, change) in changes.iter().enumerate() {
            let at = at.to_string();
            if !self.lines.iter().any(|line| Some(line.number) == change.number) {
                let message = format!("The merchandise line with id {} does not exist.", change.line);
                faults.push(fault("INVALID_MERCHANDISE_LINE", &["lines", &at, "id"], message));
            }
            if let Some((id, number)) = change.merchandise
                && let Err(found) = self.sold(catalogue, id, number, &["lines", &at, "merchandiseId"])
            {
                faults.push(found);
            }
            if change.quantity.is_some_and(|quantity| !(0..=MAX_QUANTITY).contains(&quantity)) {
                let message = format!("The quantity must be between 0 and {MAX_QUANTITY}.");
                faults.push(fault("INVALID", &["lines", &at, "quantity"], message));
            }
            faults.extend(change.attributes.iter().flat_map(|all| long(all, &["lines", &at, "attributes"])));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut warnings = Vec::new();
        for change in changes {
            let Some(line) = self.lines.iter_mut().find(|line| Some(line.number) == change.number) else { continue };
            if let Some((_, Some(variant))) = change.merchandise {
                line.variant = variant;
            }
            if let Some(attributes) = change.attributes {
                line.attributes = attributes;
            }
            let (number, quantity) = (line.number, change.quantity.unwrap_or(line.quantity));
            warnings.extend(self.set(catalogue, number, quantity));
        }
        self.touch();
        Ok(warnings)
    }

    /// Takes lines out: all, or none where one is not in the cart.
    pub(super) fn remove(&mut self, lines: &[(&str, Option<u64>)]) -> Outcome {
        let unknown = |(at, (id, number)): (usize, &(&str, Option<u64>))| {
            let known = self.lines.iter().any(|line| Some(line.number) == *number);
            let message = || format!("The merchandise line with id {id} does not exist.");
            (!known).then(|| fault("INVALID_MERCHANDISE_LINE", &["lineIds", &at.to_string()], message()))
        };
        let faults: Vec<Fault> = lines.iter().enumerate().filter_map(unknown).collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        self.lines.retain(|line| !lines.iter().any(|(_, number)| *number == Some(line.number)));
        self.touch();
        Ok(Vec::new())
    }

    /// Replaces the discount codes. A code that does not exist stays in the list, and does nothing.
    pub(super) fn discount(&mut self, codes: &[&str]) -> Outcome {
        if codes.len() > MAX_CODES.0 || codes.iter().any(|code| code.chars().count() > MAX_CODES.1) {
            let message = format!("At most {} codes of at most {} characters each.", MAX_CODES.0, MAX_CODES.1);
            return Err(vec![fault("INVALID", &["discountCodes"], message)]);
        }
        self.codes.clear();
        for code in codes {
            if !self.codes.iter().any(|own| own.eq_ignore_ascii_case(code)) {
                self.codes.push((*code).to_owned());
            }
        }
        self.touch();
        let unknown = self.codes.iter().filter(|code| !applies(code));
        let warning = |code: &String| Warning {
            code: "DISCOUNT_NOT_FOUND",
            message: format!("The discount code {code} does not exist."),
            target: self.id.clone(),
        };
        Ok(unknown.map(warning).collect())
    }

    /// Replaces the note.
    pub(super) fn write(&mut self, note: &str) -> Outcome {
        if note.chars().count() > MAX_NOTE {
            let message = format!("The note is longer than {MAX_NOTE} characters.");
            return Err(vec![fault("NOTE_TOO_LONG", &["note"], message)]);
        }
        self.note = Some(note.to_owned());
        self.touch();
        Ok(Vec::new())
    }

    /// Replaces the attributes.
    pub(super) fn describe(&mut self, attributes: Attributes) -> Outcome {
        let faults = long(&attributes, &["attributes"]);
        if !faults.is_empty() {
            return Err(faults);
        }
        self.attributes = attributes;
        self.touch();
        Ok(Vec::new())
    }

    /// Changes the buyer.
    pub(super) fn belong(&mut self, buyer: Buyer) -> Outcome {
        let long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.chars().count() > 254);
        if long(&buyer.email) || long(&buyer.phone) {
            return Err(vec![fault("INVALID", &["buyerIdentity"], "email and phone have at most 254 characters.")]);
        }
        self.buyer = buyer;
        self.touch();
        Ok(Vec::new())
    }

    /// Pieces over all lines.
    pub(super) fn pieces(&self) -> i64 {
        self.lines.iter().map(|line| line.quantity).sum()
    }

    /// The price of one piece of a line and what it was before the sale, in minor units.
    pub(super) fn price(&self, catalogue: &Catalogue, line: &CartLine) -> (i64, Option<i64>) {
        let at = self.market().index();
        let variant = catalogue.variant(line.variant).map(|(_, variant)| variant);
        variant.map_or((0, None), |variant| (variant.price[at], variant.was.map(|was| was[at])))
    }

    /// What the lines cost together, and what is taken off the whole, rounded to the nearest minor unit.
    pub(super) fn cost(&self, catalogue: &Catalogue) -> (i64, i64) {
        let subtotal = self.lines.iter().map(|line| self.price(catalogue, line).0 * line.quantity).sum();
        let percent = if self.codes.iter().any(|code| applies(code)) { WELCOME_PERCENT } else { 0 };
        (subtotal, (subtotal * percent + 50) / 100)
    }

    fn sold(&self, catalogue: &Catalogue, id: &str, number: Option<u64>, field: &[&str]) -> Result<(), Fault> {
        let found = number.and_then(|number| catalogue.variant(number));
        match found.filter(|(product, _)| product.sold_in(self.market())) {
            Some(_) => Ok(()),
            None => Err(fault("INVALID", field, format!("The merchandise with id {id} does not exist."))),
        }
    }

    /// Gives a line so many pieces, or as many as there are; without any it goes.
    fn set(&mut self, catalogue: &Catalogue, number: u64, quantity: i64) -> Option<Warning> {
        let market = self.market().index();
        let line = self.lines.iter_mut().find(|line| line.number == number)?;
        let stock = catalogue.variant(line.variant).map_or(0, |(_, variant)| variant.stock[market]);
        line.quantity = quantity.min(stock);
        let target = line_id(&self.id, number);
        self.lines.retain(|line| line.quantity > 0);
        if quantity <= stock {
            return None;
        }
        let (code, message) = match stock {
            0 => ("MERCHANDISE_OUT_OF_STOCK", "The product is sold out.".to_owned()),
            _ => (
                "MERCHANDISE_NOT_ENOUGH_STOCK",
                format!("Only {stock} items were added to your cart due to availability."),
            ),
        };
        Some(Warning { code, message, target })
    }

    fn touch(&mut self) {
        self.updated = Timestamp::now();
    }
}

/// Whether the store knows the code.
pub(super) fn applies(code: &str) -> bool {
    code.eq_ignore_ascii_case(WELCOME)
}

/// The global id of a line.
pub(super) fn line_id(cart: &str, number: u64) -> String {
    let token = cart.strip_prefix("gid://shopify/Cart/").and_then(|rest| rest.split('?').next()).unwrap_or_default();
    format!("gid://shopify/CartLine/{number}?cart={token}")
}

/// What is too long or too many.
fn long(attributes: &Attributes, field: &[&str]) -> Vec<Fault> {
    let (many, length) = MAX_ATTRIBUTES;
    let long = |text: &String| text.chars().count() > length;
    if attributes.len() <= many && !attributes.iter().any(|(key, value)| long(key) || long(value)) {
        return Vec::new();
    }
    vec![fault("INVALID", field, format!("At most {many} attributes, of at most {length} characters each."))]
}

/// The carts of a store.
pub(super) struct Carts(Cache<String, Arc<Mutex<Cart>>>);

impl Carts {
    pub(super) fn new() -> Self {
        Self(Cache::builder().max_capacity(KEPT).time_to_idle(IDLE).build())
    }

    /// A new cart, changed by `with`, kept where that was well.
    pub(super) fn create(
        &self,
        country: &str,
        with: impl FnOnce(&mut Cart) -> Outcome,
    ) -> Result<(Cart, Vec<Warning>), Vec<Fault>> {
        let mut cart = Cart::new(country);
        let warnings = with(&mut cart)?;
        self.0.insert(cart.id.clone(), Arc::new(Mutex::new(cart.clone())));
        Ok((cart, warnings))
    }

    /// The cart as it is now.
    pub(super) fn get(&self, id: &str) -> Option<Cart> {
        Some(self.0.get(id)?.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Changes a cart; no two changes of one cart overlap. `None`: there is no such cart. A change that fails leaves
    /// the cart as it was.
    pub(super) fn change(&self, id: &str, with: impl FnOnce(&mut Cart) -> Outcome) -> Option<(Cart, Outcome)> {
        let shared = self.0.get(id)?;
        let mut cart = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = cart.clone();
        let outcome = with(&mut changed);
        if outcome.is_ok() {
            *cart = changed;
        }
        Some((cart.clone(), outcome))
    }
}
