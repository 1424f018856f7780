//! What root fields of the Storefront API say about the shopper.
//!
//! `nodes` says nothing: it fetches cards for lists. `predictiveSearch` is typing. `cartLinesRemove` names lines, not
//! variants, so what was removed cannot be told from the request. Source: Storefront API 2026-04.

use crate::platform::{Shows, Signal};

/// The table.
pub(super) const SIGNALS: &[Signal] = &[
    Signal { field: "product", shows: Shows::Product { keys: &["id"], handles: &["handle"] } },
    Signal { field: "productByHandle", shows: Shows::Product { keys: &[], handles: &["handle"] } },
    Signal { field: "collection", shows: Shows::Collection { keys: &["id"] } },
    Signal { field: "collectionByHandle", shows: Shows::Collection { keys: &[] } },
    Signal { field: "search", shows: Shows::Search { words: "query", filters: false } },
    Signal { field: "products", shows: Shows::Search { words: "query", filters: true } },
    Signal { field: "cartCreate", shows: Shows::CartAdded { lines: &["input", "lines"], variant: "merchandiseId" } },
    Signal { field: "cartLinesAdd", shows: Shows::CartAdded { lines: &["lines"], variant: "merchandiseId" } },
    Signal { field: "cartLinesUpdate", shows: Shows::CartChanged { lines: &["lines"], variant: "merchandiseId" } },
];
