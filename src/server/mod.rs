//! HTTP: routes and handlers. Holds no logic: a handler reads, hands over and answers.
//!
//! From the socket inwards: `shutdown` accepts connections and ends them gracefully, or because their client no longer
//! moves (`patience`, `stalled`, `pace`), `tls` takes them through a handshake, `routes` says which path is whose and lays the middleware around them, `graphql` collects a body within its limits and hands the request to the
//! [`Backend`], `subgraph` does so for federation routers, `incoming` takes what platforms and pages send (`webhook`, `beacon`), `graphiql` is the browser's page, `health` and `/metrics` serve operators.

pub mod app;
mod beacon;
mod body;
mod certificate;
pub mod config;
mod doors;
pub mod graphiql;
mod graphql;
mod health;
pub mod incoming;
pub mod live;
mod middleware;
mod pace;
mod patience;
mod routes;
mod shutdown;
mod stalled;
mod subgraph;
mod tls;
mod webhook;

pub use app::{App, AppParts, Backend, Lifecycle};
pub use body::Served;
pub use certificate::TlsError;
pub use config::{Config, ConfigError, TlsConfig};
pub use live::{Live, Reloaded};
pub use routes::{Answered, Routes, router};
pub use shutdown::{run, termination};
pub use tls::Tls;
