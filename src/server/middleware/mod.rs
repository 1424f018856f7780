//! The layers around every handler, one file each. `routes` says in which order they lie and why.

pub(super) mod compression;
pub(super) mod cors;
pub(super) mod csrf;
pub(super) mod headers;
pub(super) mod panic;
pub(super) mod trace;
pub(super) mod vary;
