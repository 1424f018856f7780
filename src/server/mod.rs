//! HTTP: routes and handlers. Holds no logic.
