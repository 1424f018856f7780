//! The circuit breaker of the way to the shop: where most of what is sent fails, nothing is sent for a while, and every
//! caller is told at once instead of waiting.
//!
//! Closed, it counts answers and failures of the present window. Open, it lets nothing through until its time is over;
//! then one request goes as a probe, and how that ends decides. What counts as a failure is the caller's to know
//! ([`super::upstream`]); a caller who leaves counts as nothing. While it is closed a request costs two atomic reads and
//! one update; there is no lock.

use crate::telemetry::events::CircuitChanged;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When the way to the shop counts as broken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether it opens at all. Default: true.
    pub enabled: bool,
    /// Over how long failures are counted; then counting begins anew. Default: 10s.
    #[serde(with = "humantime_serde")]
    pub window: Duration,
    /// Fewer failures in a window never open it. Default: 10.
    pub failures: u32,
    /// The share of a window's answers that must have failed. Default: 0.5.
    pub share: f64,
    /// How long nothing is sent before one request tries. Default: 5s.
    #[serde(with = "humantime_serde")]
    pub open_for: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            window: Duration::from_secs(10),
            failures: 10,
            share: 0.5,
            open_for: Duration::from_secs(5),
        }
    }
}

/// How a request ended, as far as the way to the shop is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// The shop answered, whatever it said.
    Alive,
    /// No answer, or one that says that the shop is broken.
    Failed,
    /// It says nothing about the shop.
    Unknown,
}

/// The gate is open to all.
const CLOSED: u64 = 0;
/// One request tries; all others are refused.
const PROBING: u64 = 1;
/// Any other value is the time until which nothing is sent: milliseconds since the breaker was made, and this.
const FIRST: u64 = 2;

/// The breaker of one upstream, shared by all who send to it.
#[derive(Debug)]
pub(super) struct Breaker {
    config: Config,
    made: Instant,
    gate: AtomicU64,
    /// Counts the changes: what was sent before one says nothing about the time after it.
    generation: AtomicU32,
    counts: AtomicU64,
    /// Milliseconds that a test lets pass.
    #[cfg(test)]
    ahead: AtomicU64,
}

/// Leave to send one request. Dropped without a word, it counts as nothing.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    breaker: &'a Breaker,
    generation: u32,
    probe: bool,
    told: bool,
}

/// Answers and failures of one window, packed into a word: 24 bits of the window's number, 20 bits each.
#[derive(Clone, Copy)]
struct Counts {
    window: u64,
    failed: u64,
    all: u64,
}

const BITS: u32 = 20;
const MOST: u64 = (1 << BITS) - 1;

impl Counts {
    fn unpack(word: u64) -> Self {
        Self { window: word >> (2 * BITS), failed: (word >> BITS) & MOST, all: word & MOST }
    }

    fn pack(self) -> u64 {
        (self.window << (2 * BITS)) | (self.failed << BITS) | self.all
    }

    /// With one more answer in this window.
    fn with(self, window: u64, failed: bool) -> Self {
        let mut counts = if self.window == window { self } else { Self { window, failed: 0, all: 0 } };
        if counts.all == MOST {
            // A million answers: half of each keeps the share.
            counts = Self { failed: counts.failed / 2, all: counts.all / 2, ..counts };
        }
        Self { failed: counts.failed + u64::from(failed), all: counts.all + 1, ..counts }
    }
}

impl Breaker {
    /// A breaker that is closed.
    pub(super) fn new(config: Config) -> Self {
        let (gate, counts) = (AtomicU64::new(CLOSED), AtomicU64::new(0));
        Self {
            config,
            made: Instant::now(),
            gate,
            generation: AtomicU32::new(0),
            counts,
            #[cfg(test)]
            ahead: AtomicU64::new(0),
        }
    }

    /// Leave to send a request, or how long to wait before asking again.
    pub(super) fn enter(&self) -> Result<Permit<'_>, Duration> {
        let generation = self.generation.load(Ordering::Relaxed);
        let permit = |probe| Permit { breaker: self, generation, probe, told: false };
        let gate = self.gate.load(Ordering::Acquire);
        if gate == CLOSED {
            return Ok(permit(false));
        }
        if gate == PROBING {
            return Err(self.config.open_for);
        }
        let left = gate.saturating_sub(self.now());
        if left > 0 {
            return Err(Duration::from_millis(left));
        }
        match self.gate.compare_exchange(gate, PROBING, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                CircuitChanged { state: "half-open" }.emit();
                Ok(permit(true))
            }
            Err(_) => Err(self.config.open_for),
        }
    }

    fn now(&self) -> u64 {
        let now = milliseconds(self.made.elapsed()).saturating_add(FIRST);
        #[cfg(test)]
        let now = now + self.ahead.load(Ordering::Relaxed);
        now
    }

    fn count(&self, failed: bool) {
        let window = (self.now() / milliseconds(self.config.window).max(1)) & 0xFF_FFFF;
        let add = |word| Counts::unpack(word).with(window, failed).pack();
        let before = self.counts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| Some(add(word)));
        let Counts { failed: failures, all, .. } = Counts::unpack(add(before.unwrap_or_else(|word| word)));
        // Both have 20 bits, which a float holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "at most 20 bits")]
        let share = failures as f64 / all as f64;
        if failed && failures >= u64::from(self.config.failures) && share >= self.config.share {
            self.open(CLOSED);
        }
    }

    /// Opens it, unless somebody else just did.
    fn open(&self, from: u64) {
        let until = self.now().saturating_add(milliseconds(self.config.open_for));
        if self.gate.compare_exchange(from, until, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            self.begin_anew();
            CircuitChanged { state: "open" }.emit();
        }
    }

    fn close(&self) {
        self.begin_anew();
        self.gate.store(CLOSED, Ordering::Release);
        CircuitChanged { state: "closed" }.emit();
    }

    fn begin_anew(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.counts.store(0, Ordering::Relaxed);
    }
}

impl Permit<'_> {
    /// Says how the request ended.
    pub(super) fn done(mut self, health: Health) {
        if health == Health::Unknown || !self.breaker.config.enabled {
            return;
        }
        self.told = true;
        let failed = health == Health::Failed;
        match (self.probe, failed) {
            (true, true) => self.breaker.open(PROBING),
            (true, false) => self.breaker.close(),
            (false, _) if self.generation == self.breaker.generation.load(Ordering::Relaxed) => {
                self.breaker.count(failed);
            }
            (false, _) => {}
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.probe && !self.told {
            // Nothing was learned: the next request tries.
            self.breaker.gate.store(self.breaker.now(), Ordering::Release);
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        Breaker::new(Config::default())
    }

    fn tell(breaker: &Breaker, health: Health, times: usize) {
        (0..times).for_each(|_| breaker.enter().unwrap().done(health));
    }

    fn wait(breaker: &Breaker, seconds: u64) {
        breaker.ahead.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    #[test]
    fn it_opens_refuses_probes_and_closes() {
        let breaker = breaker();
        tell(&breaker, Health::Failed, 9);
        assert!(breaker.enter().is_ok());
        tell(&breaker, Health::Failed, 1);
        assert!(breaker.enter().unwrap_err() > Duration::from_secs(4));
        wait(&breaker, 5);
        let probe = breaker.enter().unwrap();
        assert!(breaker.enter().is_err(), "one at a time");
        probe.done(Health::Failed);
        assert!(breaker.enter().is_err());
        wait(&breaker, 5);
        breaker.enter().unwrap().done(Health::Alive);
        tell(&breaker, Health::Failed, 9);
        assert!(breaker.enter().is_ok(), "it counts anew");
    }

    #[test]
    fn failures_beside_more_answers_do_not_open_it_nor_do_few_in_each_window() {
        let breaker = breaker();
        tell(&breaker, Health::Alive, 1000);
        tell(&breaker, Health::Failed, 999);
        assert!(breaker.enter().is_ok());
        wait(&breaker, 10);
        for _ in 0..20 {
            tell(&breaker, Health::Failed, 9);
            wait(&breaker, 10);
        }
        assert!(breaker.enter().is_ok());
    }

    #[test]
    fn who_leaves_counts_as_nothing_and_leaves_the_probe_to_the_next() {
        let breaker = breaker();
        tell(&breaker, Health::Unknown, 100);
        (0..100).for_each(|_| drop(breaker.enter().unwrap()));
        assert!(breaker.enter().is_ok());
        tell(&breaker, Health::Failed, 10);
        wait(&breaker, 5);
        drop(breaker.enter().unwrap());
        assert!(breaker.enter().unwrap().probe);
    }

    #[test]
    fn what_was_sent_before_a_change_says_nothing_after_it() {
        let breaker = breaker();
        let late: Vec<_> = (0..50).map(|_| breaker.enter().unwrap()).collect();
        tell(&breaker, Health::Failed, 10);
        wait(&breaker, 5);
        breaker.enter().unwrap().done(Health::Alive);
        late.into_iter().for_each(|permit| permit.done(Health::Failed));
        assert!(breaker.enter().is_ok());
    }

    #[test]
    fn a_million_answers_keep_their_share() {
        let mut counts = Counts { window: 7, failed: 0, all: 0 };
        for n in 0..3_000_000_u32 {
            counts = Counts::unpack(counts.with(7, n % 2 == 0).pack());
        }
        assert!((counts.failed * 2).abs_diff(counts.all) <= 4, "{} of {}", counts.failed, counts.all);
        let off = Breaker::new(Config { enabled: false, ..Config::default() });
        tell(&off, Health::Failed, 1000);
        assert!(off.enter().is_ok());
    }
}
