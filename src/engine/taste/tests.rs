//! Taste on hand-made sessions.
