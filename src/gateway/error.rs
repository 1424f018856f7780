//! What can go wrong in the gateway: what a client may read, and what stays inside.
