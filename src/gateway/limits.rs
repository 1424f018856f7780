//! Limits with safe defaults.
