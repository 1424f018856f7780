//! Where state lives: traits, and one file per place. Every store passes the suite in `contract`.

mod contract;
pub mod memory;
pub mod traits;

pub use memory::MemoryStore;
pub use traits::{Appended, DecisionStore, ShopperState, ShopperStore, StoreError};
