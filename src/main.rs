//! The `outfitter` program.

fn main() {}
