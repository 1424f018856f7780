//! What a shop can do wrong, on plain sockets: what is sent to it then, and how often.

mod retries;
mod shop;
