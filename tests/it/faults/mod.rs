//! What a shop can do wrong, before the client to it and before the program: whatever it answers, a client gets an
//! answer of GraphQL over HTTP that tells nothing of the shop's inside, or a transfer that is plainly broken off; and
//! others are served meanwhile.

mod answers;
mod breaker;
mod gateway;
mod memory;
mod retries;
mod sent;
mod shop;
