//! The embedded store: everything in memory, bounded, with a time to live.

/// State in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {}
