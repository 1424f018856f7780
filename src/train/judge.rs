//! Whether a model may be published: it loses to nobody outside noise.

use super::metrics::{Interval, difference};
use super::table::{BLEND, Table};

/// The line of the model alone.
const ENCODER: &str = "encoder";

/// A ranker that is better than what would be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// What would be published.
    pub of: &'static str,
    /// The better one.
    pub to: String,
    /// The mean difference of the cases, below 0, with its interval, which does not reach 0.
    pub by: Interval,
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { of, to, by } = self;
        write!(f, "the {of} is below {to} by {:.4} [{:.4}, {:.4}]", -by.mean, -by.high, -by.low)
    }
}

/// Everything that the blend loses to, and the encoder where `incumbent` names the model that is served now: an encoder is
/// compared with an encoder. `sessions`: cases are valued by MRR@20 rather than NDCG@10.
pub fn losses(table: &Table, incumbent: Option<&str>, sessions: bool) -> Vec<Loss> {
    let of_line = |of: &'static str, others: &dyn Fn(&str) -> bool| {
        let own = table.line(of).map(|line| &line.ranks[..]).unwrap_or_default();
        let others = table.lines.iter().filter(|line| others(&line.name));
        let loss = others.map(|line| Loss {
            of,
            to: line.name.clone(),
            by: difference(own, &line.ranks, sessions, table.recipe.seed),
        });
        loss.filter(|loss| loss.by.high < 0.0).collect::<Vec<_>>()
    };
    let mut losses = of_line(BLEND, &|name| name != BLEND && Some(name) != incumbent);
    losses.extend(of_line(ENCODER, &|name| Some(name) == incumbent));
    losses
}

#[cfg(test)]
mod tests {
    use super::super::blend::Mixture;
    use super::super::recipe::Recipe;
    use super::super::table::Line;
    use super::*;
    use crate::model::ModelConfig;
    use crate::train::Metrics;

    fn table(ranks: &[(&str, f32)]) -> Table {
        let line = |(name, rank): &(&str, f32)| {
            let ranks = vec![*rank; 500];
            let all = Metrics::of(&ranks, 1);
            Line {
                name: (*name).to_owned(),
                rare: all.clone(),
                warm: all.clone(),
                cold: all.clone(),
                all,
                coverage: 0.0,
                popularity_bias: 1.0,
                milliseconds: 0.0,
                ranks,
            }
        };
        Table {
            lines: ranks.iter().map(line).collect(),
            mixture: Mixture { shares: Vec::new(), seen: 1.0, newcomers: 0.0 },
            blended: 0.0,
            epoch: 1,
            passes: Vec::new(),
            config: ModelConfig::small(2),
            recipe: Recipe::default(),
            tried: Vec::new(),
            portrait: Default::default(),
            snapshot: None,
        }
    }

    #[test]
    fn a_model_that_loses_to_a_baseline_or_to_the_one_served_is_told_to_whom_and_by_how_much() {
        let good = table(&[("popularity", 5.0), ("old", 2.0), ("encoder", 1.0), ("blend", 1.0)]);
        assert_eq!(losses(&good, Some("old"), true), []);
        let bad = table(&[("popularity", 0.0), ("old", 0.0), ("encoder", 3.0), ("blend", 1.0)]);
        let told: Vec<String> = losses(&bad, Some("old"), true).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "the blend is below popularity by 0.5000 [0.5000, 0.5000]",
                "the encoder is below old by 0.7500 [0.7500, 0.7500]",
            ]
        );
        // As good as another is not worse.
        assert_eq!(losses(&table(&[("EASE", 1.0), ("blend", 1.0)]), None, false), []);
    }
}
