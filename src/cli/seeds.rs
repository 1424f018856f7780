//! `--seeds`: which seeds a protocol runs under, and what it found over all of them as a table or as JSON.

use crate::train::table::Line;
use crate::train::{Interval, MOST_SEEDS, Seeded, over_seeds};
use anyhow::bail;
use serde::Serialize;
use std::collections::BTreeSet;
use std::str::FromStr;

/// How many seeds, or which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seeds {
    /// So many, from the one of `--seed` on.
    Many(u64),
    /// These.
    These(Vec<u64>),
}

impl FromStr for Seeds {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let Ok(numbers) = text.split(',').map(|part| part.trim().parse()).collect::<Result<Vec<u64>, _>>() else {
            bail!("how many seeds, or which, as 1,2,5");
        };
        let (count, different) = match numbers[..] {
            [many] => (many, many),
            _ => (numbers.len() as u64, numbers.iter().collect::<BTreeSet<_>>().len() as u64),
        };
        if count != different {
            bail!("a seed is named twice");
        }
        if !(2..=MOST_SEEDS as u64).contains(&count) {
            bail!("2 to {MOST_SEEDS} seeds make an interval");
        }
        Ok(if let [many] = numbers[..] { Self::Many(many) } else { Self::These(numbers) })
    }
}

impl Seeds {
    /// The seeds, where `first` is that of `--seed`.
    pub(super) fn list(&self, first: u64) -> Vec<u64> {
        match self {
            Self::Many(many) => (0..*many).map(|at| first.wrapping_add(at)).collect(),
            Self::These(seeds) => seeds.clone(),
        }
    }
}

/// What was found over all seeds, as JSON: the means over the seeds, and each run as it is printed without `--seeds`.
pub(super) fn json<T: Serialize>(seeds: &[u64], runs: &[T], lines: fn(&T) -> &[Line]) -> anyhow::Result<String> {
    let over = over_seeds(&runs.iter().map(lines).collect::<Vec<_>>());
    Ok(serde_json::to_string_pretty(&serde_json::json!({ "seeds": seeds, "lines": over, "runs": runs }))?)
}

/// The same as a table.
pub(super) fn shown(seeds: &[u64], runs: &[&[Line]]) -> String {
    let names: Vec<String> = seeds.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "means over the seeds {}; ± is the 95 % interval of the mean by Student's t\n\n| | {} |\n|---|---|---|---|---|---|---|\n",
        names.join(", "),
        HEADS.join(" | ")
    );
    for line in over_seeds(runs) {
        text.push_str(&format!("| {} | {} |\n", line.name, figures(&line).join(" | ")));
    }
    text
}

/// What [`figures`] are of.
pub(super) const HEADS: [&str; 6] = ["HR@10", "NDCG@10", "Recall@20", "MRR@20", "rare HR@10", "cold HR@10"];

/// The figures of a ranker over the seeds.
pub(super) fn figures(line: &Seeded) -> [String; 6] {
    let figure = |of: Interval| format!("{:.4} ± {:.4}", of.mean, of.high - of.mean);
    [line.recall_10, line.ndcg_10, line.recall_20, line.mrr_20, line.rare_recall_10, line.cold_recall_10].map(figure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_says_how_many_from_the_first_on_and_a_list_says_which() {
        let seeds = |text: &str| text.parse::<Seeds>().map(|seeds| seeds.list(3));
        assert_eq!(seeds("5").unwrap(), [3, 4, 5, 6, 7]);
        assert_eq!(seeds("9, 1,4").unwrap(), [9, 1, 4]);
        for wrong in ["", "1", "0", "31", "1,1", "two", "1,", "-2,3"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }
}
