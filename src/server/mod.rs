//! HTTP: routes and handlers. Holds no logic.

pub mod graphiql;
