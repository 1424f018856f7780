//! Counts that fade. A weight given at time `t` is worth half one half-life later.
//!
//! What is kept is the logarithm of the sum of `weight · 2^(t / half-life)`: nothing has to be touched as time passes,
//! events may come in any order, and the order of two counts does not depend on when they are compared. This is
//! forward decay (Cormode et al., "Forward Decay: A Practical Time Decay Model for Streaming Systems", ICDE 2009).

use jiff::Timestamp;
use std::time::Duration;

/// 2024-01-01: near the present, so that exponents stay small and `f32` keeps enough digits of them.
const LANDMARK: i64 = 1_704_067_200;

/// The time in which a count fades to half.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HalfLife(f64);

impl HalfLife {
    /// Anything under a second is a second.
    pub(super) fn new(duration: Duration) -> Self {
        Self(duration.as_secs_f64().max(1.0))
    }

    /// Half-lives since the landmark.
    pub(super) fn since(self, at: Timestamp) -> f64 {
        let seconds = (at.as_second() - LANDMARK) as f64;
        seconds / self.0
    }

    /// The average count of one day behind a faded count: a steady rate `r` a day settles at `r · half-life / ln 2`.
    pub(super) fn per_day(self, count: f64) -> f64 {
        count * std::f64::consts::LN_2 * 86_400.0 / self.0
    }
}

/// A fading count, as a logarithm to base 2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mass(f64);

impl Mass {
    /// Nothing counted.
    pub(super) const NONE: Mass = Mass(f64::NEG_INFINITY);

    /// Reads back what [`Mass::log`] gave.
    pub(super) fn from_log(log: f32) -> Self {
        Self(f64::from(log))
    }

    /// The logarithm, short.
    pub(super) fn log(self) -> f32 {
        self.0 as f32
    }

    /// One weight at one moment, in half-lives since the landmark. A weight that is not above zero is nothing.
    pub(super) fn new(weight: f64, at: f64) -> Self {
        if weight > 0.0 && weight.is_finite() { Self(weight.log2() + at) } else { Self::NONE }
    }

    /// The sum of both.
    #[must_use]
    pub(super) fn plus(self, other: Self) -> Self {
        let (more, less) = if self.0 >= other.0 { (self.0, other.0) } else { (other.0, self.0) };
        if less == f64::NEG_INFINITY {
            Self(more)
        } else {
            Self(more + (less - more).exp2().ln_1p() * std::f64::consts::LOG2_E)
        }
    }

    /// What the count is worth at a moment. Finite for every moment: past 2⁶⁰ it no longer grows.
    pub(super) fn worth(self, now: f64) -> f64 {
        (self.0 - now).min(60.0).exp2()
    }

    /// Orders counts, whatever the moment.
    pub(super) fn total_cmp(self, other: Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_halves_with_each_half_life_and_does_not_mind_the_order_of_events() {
        let day = HalfLife::new(Duration::from_secs(86_400));
        let at = |days: i64| day.since(Timestamp::from_second(LANDMARK + days * 86_400).unwrap());
        let forward = Mass::new(4.0, at(0)).plus(Mass::new(1.0, at(2)));
        let backward = Mass::new(1.0, at(2)).plus(Mass::new(4.0, at(0)));
        assert!((forward.worth(at(2)) - 2.0).abs() < 1e-12);
        assert!((backward.worth(at(2)) - 2.0).abs() < 1e-12);
        assert!((forward.worth(at(3)) - 1.0).abs() < 1e-12);
        assert_eq!(Mass::NONE.worth(at(5)), 0.0);
        assert_eq!(Mass::NONE.plus(Mass::NONE), Mass::NONE);
        assert!(Mass::new(1.0, 1e6).worth(0.0).is_finite());
        assert_eq!(Mass::new(f64::NAN, 0.0), Mass::NONE);
    }

    #[test]
    fn a_steady_rate_is_read_back() {
        let week = HalfLife::new(Duration::from_secs(7 * 86_400));
        let mut mass = Mass::NONE;
        for hour in 0..24 * 200 {
            mass = mass.plus(Mass::new(1.0, week.since(Timestamp::from_second(LANDMARK + hour * 3_600).unwrap())));
        }
        let now = week.since(Timestamp::from_second(LANDMARK + 24 * 200 * 3_600).unwrap());
        assert!((week.per_day(mass.worth(now)) - 24.0).abs() < 0.1);
    }
}
