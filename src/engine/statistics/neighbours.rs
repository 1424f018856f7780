//! The products seen with one product: bounded, fading, cheap to add to.

use super::decay::Mass;

/// One directed row of pairs.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    /// Product and logarithm of its fading weight, eight bytes a pair, in no order.
    pairs: Vec<(u32, f32)>,
}

impl Neighbours {
    /// Adds to a pair. Past one and a half times `cap` pairs the lightest are forgotten down to `cap`: a new neighbour
    /// has that much room to prove itself, and the cost is spread over many additions.
    pub(super) fn add(&mut self, other: u32, weight: Mass, cap: usize) {
        if let Some((_, log)) = self.pairs.iter_mut().find(|(id, _)| *id == other) {
            *log = Mass::from_log(*log).plus(weight).log();
            return;
        }
        self.pairs.push((other, weight.log()));
        let cap = cap.max(1);
        if self.pairs.len() > cap + cap / 2 {
            self.pairs.select_nth_unstable_by(cap, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            self.pairs.truncate(cap);
        }
    }

    /// Product and worth at a moment, in half-lives since the landmark.
    pub(crate) fn at(&self, now: f64) -> impl Iterator<Item = (u32, f64)> + '_ {
        self.pairs.iter().map(move |(id, log)| (*id, Mass::from_log(*log).worth(now)))
    }

    /// Forgets what is no longer counted.
    pub(super) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        self.pairs.retain(|(id, _)| keep(*id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_neighbours_stay_when_room_runs_out() {
        let mut row = Neighbours::default();
        for id in 0..10 {
            for _ in 0..=id {
                row.add(id, Mass::new(1.0, 0.0), 4);
            }
        }
        let mut kept: Vec<u32> = row.at(0.0).map(|(id, _)| id).collect();
        kept.sort_unstable();
        assert!(kept.len() <= 6);
        assert!(kept.contains(&9) && kept.contains(&8) && kept.contains(&7), "{kept:?}");
        let worth: Vec<f64> = row.at(0.0).filter(|(id, _)| *id == 9).map(|(_, worth)| worth).collect();
        assert!((worth[0] - 10.0).abs() < 1e-4);
    }
}
