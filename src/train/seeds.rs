//! The same protocol under several seeds: what another seed would change.

use super::metrics::Interval;
use super::table::Line;

/// Student's t, of which 95 % are within, by degrees of freedom from 1.
const STUDENT: [f64; 29] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045,
];
/// The most seeds that an interval is told of.
pub const MOST_SEEDS: usize = STUDENT.len() + 1;

/// One ranker over several seeds: means of the runs' means, with intervals of the mean by Student's t. They say nothing of
/// other cases: for that see the intervals of each run.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Seeded {
    /// The ranker.
    pub name: String,
    /// Share of targets among the first 10.
    pub recall_10: Interval,
    /// NDCG of the first 10.
    pub ndcg_10: Interval,
    /// Share of targets among the first 20.
    pub recall_20: Interval,
    /// MRR of the first 20.
    pub mrr_20: Interval,
    /// Share of rare targets among the first 10.
    pub rare_recall_10: Interval,
    /// Share of targets that nobody has met among the first 10.
    pub cold_recall_10: Interval,
}

/// Every ranker over the runs, in the order of their lines; runs of one protocol, each with the same rankers.
pub fn over_seeds(runs: &[&[Line]]) -> Vec<Seeded> {
    let Some(first) = runs.first() else { return Vec::new() };
    let of = |at: usize, value: fn(&Line) -> Interval| {
        let means = runs.iter().filter_map(|lines| lines.get(at)).map(|line| value(line).mean);
        student(&means.collect::<Vec<_>>())
    };
    let seeded = |(at, line): (usize, &Line)| Seeded {
        name: line.name.clone(),
        recall_10: of(at, |line| line.all.recall_10),
        ndcg_10: of(at, |line| line.all.ndcg_10),
        recall_20: of(at, |line| line.all.recall_20),
        mrr_20: of(at, |line| line.all.mrr_20),
        rare_recall_10: of(at, |line| line.rare.recall_10),
        cold_recall_10: of(at, |line| line.cold.recall_10),
    };
    first.iter().enumerate().map(seeded).collect()
}

/// The mean and its 95 % interval; of one value, or of more than [`MOST_SEEDS`], no wider than the value.
fn student(values: &[f64]) -> Interval {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let quantile = values.len().checked_sub(2).and_then(|at| STUDENT.get(at)).copied().unwrap_or(0.0);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let half = quantile * (squares / (count - 1.0).max(1.0) / count).sqrt();
    Interval { mean, low: mean - half, high: mean + half }
}

#[cfg(test)]
mod tests {
    use super::super::metrics::Metrics;
    use super::*;

    fn line(name: &str, ranks: &[f32]) -> Line {
        let of = || Metrics::of(ranks, 1);
        Line {
            name: name.to_owned(),
            all: of(),
            rare: Metrics::of(&[], 1),
            warm: of(),
            cold: Metrics::of(&ranks[..1], 1),
            coverage: 0.0,
            popularity_bias: 0.0,
            milliseconds: 0.0,
            ranks: ranks.to_vec(),
        }
    }

    #[test]
    fn the_interval_over_five_seeds_is_that_computed_by_hand() {
        // The deviation is .000662, over √5 .000296, times 2.776 .000822.
        let found = student(&[0.0628, 0.0630, 0.0619, 0.0630, 0.0616]);
        assert!((found.mean - 0.06246).abs() < 1e-12, "{found:?}");
        assert!((found.high - found.mean - 0.000822).abs() < 1e-6 && found.low < found.mean, "{found:?}");
        assert_eq!(student(&[0.5]), Interval { mean: 0.5, low: 0.5, high: 0.5 });
        assert_eq!(student(&[]).mean, 0.0);
    }

    #[test]
    fn each_ranker_is_told_by_its_own_lines_and_what_no_seed_changes_has_no_width() {
        let one = [line("counted", &[0.0, 30.0]), line("learned", &[0.0, 0.0])];
        let other = [line("counted", &[0.0, 30.0]), line("learned", &[30.0, 0.0])];
        let found = over_seeds(&[&one, &other]);
        assert_eq!(found.iter().map(|seeded| &seeded.name[..]).collect::<Vec<_>>(), ["counted", "learned"]);
        assert_eq!(found[0].recall_20, Interval { mean: 0.5, low: 0.5, high: 0.5 });
        let learned = found[1].recall_20;
        assert!((learned.mean - 0.75).abs() < 1e-12 && (learned.high - learned.mean - 12.706 * 0.25).abs() < 1e-9);
        assert_eq!((found[1].cold_recall_10.mean, found[1].rare_recall_10.mean), (0.5, 0.0));
        assert!(over_seeds(&[]).is_empty());
    }
}
