//! The table of baskets: what the gateway serves beside products bought together, beside every other way to count them.

use super::baselines::{Ease, ItemKnn, Popularity, Together, counts};
use super::error::TrainError;
use super::evaluate::Terms;
use super::ranker::Ranker;
use super::split::Split;
use super::table::{Line, line};

/// Measures popularity, lift, PMI, item-kNN, EASE and what is served, the last, on baskets with a product left out.
///
/// # Errors
/// The rankers'.
pub fn compare_baskets(split: &Split, seed: u64) -> Result<Vec<Line>, TrainError> {
    let counts = counts(&split.train, split.rows);
    let terms = Terms { rows: split.rows, mask_seen: split.mask_seen, counts: &counts };
    let measured = |ranker: &dyn Ranker| line(ranker, split, terms, seed);
    let together = Together::new(&split.train, split.rows);
    // One after the other, so that only one of the large tables is there at a time.
    let mut lines = vec![
        measured(&Popularity::new(&split.train, split.rows))?,
        measured(&together.lift())?,
        measured(&together.pmi())?,
    ];
    let served = measured(&together.served())?;
    drop(together);
    lines.push(measured(&ItemKnn::new(&split.train, split.rows))?);
    lines.push(measured(&Ease::new(&split.train, split.rows)?)?);
    lines.push(served);
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Case;

    #[test]
    fn every_ranker_has_a_line_and_a_pair_that_always_goes_together_is_found() {
        // Rows 2n - 1 and 2n go together; row 9 is in every basket.
        let basket = |at: usize| vec![(2 * (at % 4) + 1) as u32, (2 * (at % 4) + 2) as u32, 9];
        let train: Vec<Vec<u32>> = (0..80).map(basket).collect();
        let case = |at: usize| Case { history: vec![(2 * (at % 4) + 1) as u32, 9], target: (2 * (at % 4) + 2) as u32 };
        let split = Split {
            rows: 10,
            refit: train.clone(),
            train,
            validation: Vec::new(),
            retrain: false,
            test: (0..8).map(case).collect(),
            mask_seen: true,
        };
        let lines = compare_baskets(&split, 1).unwrap();
        let names: Vec<&str> = lines.iter().map(|line| &line.name[..]).collect();
        assert_eq!(names, ["popularity", "lift", "PMI", "item-kNN", "EASE", "served"]);
        let best = |line: &Line| line.ranks.iter().all(|rank| *rank < 0.5);
        assert!(!best(&lines[0]) && lines[1..].iter().all(best), "{lines:?}");
    }
}
