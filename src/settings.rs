//! Settings: each module owns its part; here they are joined and read from file and environment.
