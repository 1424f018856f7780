//! Re-ranking: the platform's own products, in an order for this shopper.
//!
//! A connection is asked for its page as the client wrote it and, beside it, for a *window*: keys and cursors only, of
//! `pool` products from the same place. The engine puts the window in order; products of the page that the platform's
//! page did not hold are looked up; cursors that go out are sealed and carry the order, so pages continue it. The set
//! stays the platform's, window by window. A plain list of products is put in order as it stands.
//!
//! Without opt-in, consent or a decision the platform's order, and its own cursors, stand.

pub mod cursor;
pub mod page;
pub mod rule;
pub mod window;

pub use cursor::Sealer;
pub use page::{Paging, WindowPage};
pub use rule::{Config, Rule};
