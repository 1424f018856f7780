//! Debug: what an answer may tell of how it came about.

use serde::{Deserialize, Serialize};

/// `[debug]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether answers tell their plan, requests, decisions and timings to who asks with `Outfitter-Debug`.
    /// Default: false.
    pub extensions: bool,
}
