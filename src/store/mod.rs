//! Where state lives: traits, and one file per place. Every store passes the suite in `contract`.

#[cfg(test)]
mod contract;
pub mod memory;
mod record;
pub mod traits;

pub use memory::{MemoryConfig, MemoryStore};
pub use traits::{Appended, DecisionStore, ShopperState, ShopperStore, StoreError};
