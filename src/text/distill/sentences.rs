//! Sentences of no sense, so that every piece is fitted among others: a shop's texts hold a few thousand of them.

use crate::text::error::TextError;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Words of a sentence, from 2.
const WORDS: usize = 9;
/// The chance that a word goes on with a further piece.
const GOES_ON: f64 = 0.2;

/// Sentences of the pieces' numbers; frequent pieces are drawn more often, though less so than in texts, since rare ones are
/// to be met as well.
///
/// # Errors
/// There is no piece that begins a word.
pub(super) fn made_up(pieces: &[(u32, &str)], count: usize, seed: u64) -> Result<Vec<Vec<u32>>, TextError> {
    let is_word = |piece: &str| piece.chars().count() > 1 && piece.chars().all(char::is_alphabetic);
    let heads: Vec<u32> = pieces.iter().filter(|(_, piece)| is_word(piece)).map(|(number, _)| *number).collect();
    let tails: Vec<u32> = pieces
        .iter()
        .filter(|(_, piece)| piece.strip_prefix("##").is_some_and(is_word))
        .map(|(number, _)| *number)
        .collect();
    let weights = (0..heads.len()).map(|rank| (rank as f64 + 100.0).powf(-0.5));
    let words = WeightedIndex::new(weights)
        .map_err(|error| TextError::Unfit(format!("the vocabulary has no words to make sentences of: {error}")))?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut sentence = || {
        let mut numbers = Vec::new();
        for _ in 0..random.random_range(2..=WORDS) {
            numbers.push(heads[words.sample(&mut random)]);
            if !tails.is_empty() && random.random_bool(GOES_ON) {
                numbers.push(tails[random.random_range(0..tails.len())]);
            }
        }
        numbers
    };
    Ok((0..count).map(|_| sentence()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_begin_with_words_and_are_the_same_for_a_seed() {
        let pieces = [(3, "red"), (4, "hat"), (5, "##s"), (6, "##ing"), (7, "!"), (8, "a")];
        let made = made_up(&pieces, 200, 1).unwrap();
        assert_eq!(made, made_up(&pieces, 200, 1).unwrap());
        assert!(made.iter().all(|one| [3, 4].contains(&one[0]) && (2..=18).contains(&one.len())));
        assert!(made.iter().any(|one| one.contains(&6)) && !made.iter().any(|one| one.contains(&7)));
        assert!(made_up(&[(1, "##s")], 1, 1).is_err());
    }
}
