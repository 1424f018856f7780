//! Hostile clients before the program itself: `outfitter serve` as a process, a shop behind it that notes what reaches
//! it, and whatever a client may send. After each attack the same process is there, has answered others meanwhile, and
//! has not grown.
//!
//! Each limit is tried at its figure and one beyond, and each attack a second time with the limit raised: then it
//! reaches the shop, so that without the limit its test fails.

mod attacks;
mod bounds;
mod fuzzed;
mod headers;
mod http1;
mod http2;
mod process;
mod table;
