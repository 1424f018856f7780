//! Ingest as a whole, over a store that keeps everything in plain sight.

mod beacons;
mod consent;
mod elsewhere;
mod events;
mod fakes;
mod identity;
mod log;
mod news;
mod redaction;
mod standing;
mod traffic;
mod webhooks;
