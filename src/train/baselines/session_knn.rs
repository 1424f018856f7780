//! Sessions like this one, and what else they hold. Source: VMIS-kNN of Serenade, SIGMOD 2022.
//!
//! Each item keeps the newest sessions that hold it. Those that share an item with the history are weighed by how late in
//! the history the items stand; the best of them vote for their items, weighed by how late in the history the newest
//! shared item stands and by how rare the item is.

use super::super::error::TrainError;
use super::super::history::History;
use super::super::ranker::{Ranker, normalize};
use std::collections::BTreeMap;

/// Newest sessions kept of an item.
const SAMPLED: usize = 500;
/// Sessions that vote.
const NEIGHBOURS: usize = 100;
/// Newest items of the history that are compared.
const COMPARED: usize = 10;

/// The index of sessions.
pub struct SessionKnn {
    /// Of each row the sessions that hold it, newest first.
    holders: Vec<Vec<u32>>,
    /// The items of each session, each once.
    sessions: Vec<Vec<u32>>,
    /// The logarithm of all sessions over those that hold the item.
    rarity: Vec<f32>,
}

impl SessionKnn {
    /// Indexes the training sequences, which are in the order of time.
    pub fn new(sequences: &[impl AsRef<[u32]>], rows: usize) -> Self {
        let sessions: Vec<Vec<u32>> = sequences.iter().map(|sequence| distinct(sequence.as_ref())).collect();
        let mut holders: Vec<Vec<u32>> = vec![Vec::new(); rows];
        let mut held = vec![0u32; rows];
        for (at, session) in sessions.iter().enumerate().rev() {
            for row in session {
                held[*row as usize] += 1;
                let holders = &mut holders[*row as usize];
                if holders.len() < SAMPLED {
                    holders.push(at as u32);
                }
            }
        }
        let rarity = held.iter().map(|held| (sessions.len() as f32 / (*held).max(1) as f32).ln().max(0.0) + 1.0);
        Self { rarity: rarity.collect(), holders, sessions }
    }

    fn vote(&self, history: &[u32], scores: &mut [f32]) {
        let newest = &history[history.len().saturating_sub(COMPARED)..];
        let mut like: BTreeMap<u32, (f32, usize)> = BTreeMap::new();
        // From the newest: an item met twice counts where it was met last.
        let mut met = Vec::new();
        for (back, row) in newest.iter().rev().enumerate() {
            if met.contains(row) {
                continue;
            }
            met.push(*row);
            let weight = (newest.len() - back) as f32 / newest.len() as f32;
            for session in &self.holders[*row as usize] {
                like.entry(*session).or_insert((0.0, back)).0 += weight;
            }
        }
        let mut like: Vec<(u32, (f32, usize))> = like.into_iter().collect();
        // Among equals the newest session.
        like.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then(b.0.cmp(&a.0)));
        for (session, (likeness, back)) in like.into_iter().take(NEIGHBOURS) {
            let matched = 1.0 - 0.1 * back as f32;
            for row in &self.sessions[session as usize] {
                scores[*row as usize] += likeness * matched * self.rarity[*row as usize];
            }
        }
        normalize(scores);
    }
}

fn distinct(sequence: &[u32]) -> Vec<u32> {
    let mut rows = sequence.to_vec();
    rows.sort_unstable();
    rows.dedup();
    rows
}

impl Ranker for SessionKnn {
    fn name(&self) -> &str {
        "VMIS-kNN"
    }

    fn score(&self, histories: &[&History], scores: &mut [f32]) -> Result<(), TrainError> {
        for (history, scores) in histories.iter().zip(scores.chunks_exact_mut(self.holders.len())) {
            self.vote(history, scores);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{assert_near, scores};
    use super::*;

    #[test]
    fn scores_are_those_counted_by_hand() {
        let knn = SessionKnn::new(&[vec![1, 2], vec![2, 3], vec![4]], 5);
        // Of three sessions 2 is in two, the others in one.
        let (common, rare) = (1.5f32.ln() + 1.0, 3f32.ln() + 1.0);
        // 2, the newer, weighs 1 and 1 weighs ½: session 0 is like by 1.5, session 1 by 1; the newest match is 2 in both.
        let expected = [0.0, 1.5 * rare, 2.5 * common, rare, 0.0];
        let sum: f32 = expected.iter().sum();
        assert_near(&scores(&knn, &[1, 2], 5), &expected.map(|score| score / sum));
        assert_near(&scores(&knn, &[], 5), &[0.0; 5]);
    }
}
