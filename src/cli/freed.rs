//! Memory that was freed goes back to the machine, also where nothing is asked of the gateway any more.
//!
//! The allocator (`main.rs`) keeps pages for a moment after they became free, and looks whether that moment is over when
//! a page is freed the next time. Requests that fit into pages already there free none: after one large request its
//! memory stayed with an idle process for as long as it liked. So a page is taken and freed here now and then.

use std::hint::black_box;
use std::time::Duration;

/// How often. The allocator itself waits a tenth of a second.
const EVERY: Duration = Duration::from_millis(500);

/// More than the allocator puts on a page with others. It is never written to, so it costs no memory.
const PAGE: usize = 1 << 20;

/// Gives back until the task is dropped.
pub(super) async fn give_back() {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        drop(black_box(Vec::<u8>::with_capacity(PAGE)));
    }
}
