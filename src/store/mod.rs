//! Where state lives: traits, and one file per place. Every store passes the suite in `contract`.

#[cfg(test)]
mod contract;
pub mod log;
pub mod logged;
pub mod memory;
mod packed;
mod record;
pub mod redis;
pub mod traits;

pub use self::redis::{Address, RedisConfig, RedisStore};
pub use log::{DecisionLog, LogConfig};
pub use logged::Logged;
pub use memory::{MemoryConfig, MemoryStore};
/// A store of shoppers and of decisions.
pub trait Store: ShopperStore + DecisionStore {}

impl<S: ShopperStore + DecisionStore> Store for S {}

pub use traits::{Appended, DecisionStore, ShopperState, ShopperStore, StoreError};
