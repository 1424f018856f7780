//! Where state lives: traits, and one file per place. Every store passes the suite in `contract`.

#[cfg(test)]
mod contract;
pub mod log;
pub mod logged;
pub mod memory;
mod packed;
mod record;
pub mod redis;
pub mod shop;
pub mod traits;

pub use self::redis::{Address, RedisConfig, RedisStore};
pub use log::{DecisionLog, LogConfig};
pub use logged::Logged;
pub use memory::{MemoryConfig, MemoryStore};
pub use shop::{ERASURES_FOR, Erasure, MOST_ERASURES, MOST_NEWS, NEWS_FOR, Place, ProductNote, ProductsTold};
pub use shop::{Redaction, ShopStore};
/// A store of shoppers, of decisions, and of what concerns all of them.
pub trait Store: ShopperStore + DecisionStore + ShopStore {}

impl<S: ShopperStore + DecisionStore + ShopStore> Store for S {}

pub use traits::{Appended, DecisionStore, ShopperState, ShopperStore, StoreError, Stored};
