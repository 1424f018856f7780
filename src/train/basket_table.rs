//! The table of baskets: what the gateway serves beside products of a basket, beside every other way to count them.

use super::baselines::{Again, Companions, Ease, ItemKnn, Popularity, Together, counts};
use super::baskets::Baskets;
use super::error::TrainError;
use super::evaluate::{Terms, measure};
use super::history::History;
use super::ranker::Ranker;
use super::split::Split;
use super::table::{Line, line};

/// What the source of products bought together counts for in the gateway's own mixture.
const TOGETHER: f32 = 0.7;
/// What is tried for products that the shopper bought before.
const BEFORE: [f32; 7] = [0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0];

/// The lines, and what was chosen for the last.
#[derive(Clone, Debug, serde::Serialize)]
pub struct BasketTable {
    /// Popularity, lift, PMI, item-kNN, EASE, products counted together, and what is served.
    pub lines: Vec<Line>,
    /// The weight of products that the shopper bought before, chosen on the baskets before those that are measured; where
    /// products bought together have .7.
    pub bought_before: f32,
    /// Products ranked, baskets learned, baskets measured.
    pub sizes: (usize, usize, usize),
}

/// Measures every way on baskets with a product left out.
///
/// # Errors
/// There are too few baskets; the rankers'.
pub fn compare_baskets(baskets: &Baskets, seed: u64) -> Result<BasketTable, TrainError> {
    let bought_before = chosen(&baskets.earlier(seed)?)?;
    let split = &baskets.split(seed)?;
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
    let served = Served { together: together.counted(), again: Again::new(split.rows), before: bought_before };
    drop(together);
    lines.push(measured(&ItemKnn::new(&split.train, split.rows))?);
    lines.push(measured(&Ease::new(&split.train, split.rows)?)?);
    lines.extend([measured(&served.together)?, measured(&served)?]);
    Ok(BasketTable { lines, bought_before, sizes: (split.rows - 1, split.train.len(), split.test.len()) })
}

/// The weight with which the most products are found among twenty; among equals the least.
fn chosen(split: &Split) -> Result<f32, TrainError> {
    if split.test.iter().all(|case| case.history.owned().is_empty()) {
        return Ok(0.0);
    }
    let counts = counts(&split.train, split.rows);
    let terms = Terms { rows: split.rows, mask_seen: split.mask_seen, counts: &counts };
    let together = Together::new(&split.train, split.rows).counted();
    let mut served = Served { together, again: Again::new(split.rows), before: 0.0 };
    let mut best = (0, 0.0);
    for before in BEFORE {
        served.before = before;
        let found = measure(&served, &split.test, terms)?.ranks.iter().filter(|rank| **rank < 20.0).count();
        if found > best.0 {
            best = (found, before);
        }
    }
    Ok(best.1)
}

/// As the gateway's engine blends: each source over its own best, by weight.
struct Served {
    together: Companions,
    again: Again,
    before: f32,
}

impl Ranker for Served {
    fn name(&self) -> &str {
        "served"
    }

    fn score(&self, histories: &[&History], scores: &mut [f32]) -> Result<(), TrainError> {
        let mut own = vec![0f32; scores.len()];
        let rows = scores.len() / histories.len().max(1);
        for (source, weight) in [(&self.together as &dyn Ranker, TOGETHER), (&self.again, self.before)] {
            own.fill(0.0);
            source.score(histories, &mut own)?;
            let each = own.chunks_exact_mut(rows.max(1)).zip(scores.chunks_exact_mut(rows.max(1)));
            for ((own, scores), history) in each.zip(histories) {
                history.iter().for_each(|row| own[*row as usize] = 0.0);
                let best = own.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
                scores.iter_mut().zip(own).for_each(|(score, own)| *score += weight * *own / best / (TOGETHER + 1.0));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::baskets::tests::written;
    use super::*;

    /// Products 2n and 2n + 1 go together, m is in every basket; each of a hundred households buys one pair and
    /// its own soap, now and then.
    fn table() -> String {
        let mut text = String::from("household_id\tbasket_id\tproduct_id\ttransaction_timestamp\n");
        for basket in 0..1400i64 {
            let (pair, house) = (basket % 4, basket % 100);
            let soap = format!("soap{house}");
            for product in [format!("{}", 2 * pair), format!("{}", 2 * pair + 1), "m".into(), soap] {
                text.push_str(&format!("h{house}\t{basket}\t{product}\t{}\n", basket * 86_400));
            }
        }
        text
    }

    #[test]
    fn every_way_has_a_line_and_what_shoppers_buy_again_is_weighed_where_they_do() {
        let (_folder, path) = written("small.tsv", table().as_bytes());
        let table = compare_baskets(&Baskets::read(&path).unwrap(), 1).unwrap();
        let names: Vec<&str> = table.lines.iter().map(|line| &line.name[..]).collect();
        assert_eq!(names, ["popularity", "lift", "PMI", "item-kNN", "EASE", "together", "served"]);
        assert!(table.bought_before > 0.0, "the soap is the household's own");
        assert_eq!(table.sizes, (109, 1260, 140));
        let mean = |at: usize| table.lines[at].ranks.iter().sum::<f32>() / 140.0;
        assert!(mean(6) < mean(5) && mean(5) < mean(0), "{:?}", table.lines);
        let whose = text_without_shoppers();
        let (_folder, path) = written("small.tsv", whose.as_bytes());
        let alone = compare_baskets(&Baskets::read(&path).unwrap(), 1).unwrap();
        assert_eq!((alone.bought_before, &alone.lines[6].ranks), (0.0, &alone.lines[5].ranks));
    }

    fn text_without_shoppers() -> String {
        table().lines().map(|line| line.split_once('\t').unwrap().1.to_owned() + "\n").collect()
    }
}
