//! What serving is compared with later: the sessions of the test and what the model makes of them, which it has not seen.

use super::encoder::Encoder;
use super::error::TrainError;
use super::history::History;
use super::split::Split;
use crate::features::{Attributes, PADDING};
use crate::model::drift::{SCORES, Sighting, Snapshot};

/// The most cases looked at.
const CASES: usize = 4_000;
/// Cases scored at once.
const BATCH: usize = 64;

/// Looks at cases drawn evenly over the test; nothing where there are too few.
///
/// # Errors
/// The encoder's.
pub(super) fn of(encoder: &Encoder, split: &Split, attributes: &Attributes) -> Result<Option<Snapshot>, TrainError> {
    let cases = split.test.iter().step_by(split.test.len().div_ceil(CASES).max(1));
    // A session without anything is not read when serving.
    let histories: Vec<&History> = cases.map(|case| &case.history).filter(|history| !history.is_empty()).collect();
    let longest = encoder.model().config().max_length;
    let mut sightings = Vec::with_capacity(histories.len());
    for batch in histories.chunks(BATCH) {
        let scores = encoder.scores(batch)?;
        for (history, scores) in batch.iter().zip(scores.chunks_exact(split.rows)) {
            let mut scores = scores.get(1..).unwrap_or_default().to_vec();
            if scores.len() > SCORES {
                scores.select_nth_unstable_by(SCORES, |a, b| b.total_cmp(a));
                scores.truncate(SCORES);
            }
            let newest = history.last().copied().unwrap_or(PADDING);
            sightings.push(Sighting::new(history.len().min(longest), newest, attributes, scores));
        }
    }
    Ok(Snapshot::of(&sightings))
}
