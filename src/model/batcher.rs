//! Sequences to batches of like length, batches to tensors.

use super::config::ModelConfig;
use super::error::ModelError;
use crate::features::{Action, Padded, time_bucket};
use crate::text;
use candle_core::{Device, Tensor};
use std::collections::HashMap;

/// Sessions as tensors, right-padded.
pub struct Batch {
    rows: Tensor,
    actions: Tensor,
    times: Option<Tensor>,
    searches: Option<(Tensor, Tensor)>,
    last: Tensor,
}

impl Batch {
    /// Makes tensors of sequences side by side.
    ///
    /// # Errors
    /// `ModelError::Shape` if there are none, one is longer than the model reads, a row is not in its table, or there is a
    /// search that it does not read; `ModelError::Config` if it reads searches by another text table than there is.
    pub fn new(padded: &Padded, config: &ModelConfig, device: &Device) -> Result<Self, ModelError> {
        let (size, length) = (padded.batch, padded.length);
        if size == 0 {
            return Err(ModelError::Shape("a batch of no sessions".into()));
        }
        if length > config.max_length {
            let most = config.max_length;
            return Err(ModelError::Shape(format!("a session of {length} interactions; the model reads {most}")));
        }
        if let Some(row) = padded.rows.iter().find(|row| **row as usize >= config.rows) {
            return Err(ModelError::Shape(format!("item {row} of a table with {} rows", config.rows)));
        }
        if !config.searches && padded.actions.contains(&(Action::Searched as u32)) {
            return Err(ModelError::Shape("a search in a session; the model reads none".into()));
        }
        let times = if config.times { Some(Tensor::new(apart(padded), device)?) } else { None };
        let last = padded.last_positions();
        Ok(Self {
            rows: Tensor::from_slice(&padded.rows, (size, length), device)?,
            actions: Tensor::from_slice(&padded.actions, (size, length), device)?,
            times,
            searches: searches(padded, config, device)?,
            last: Tensor::from_vec(last, size, device)?,
        })
    }

    /// Items, `[B, L]` u32, 0 = padding.
    pub(super) fn rows(&self) -> &Tensor {
        &self.rows
    }

    /// Actions, `[B, L]` u32, 0 = padding.
    pub(super) fn actions(&self) -> &Tensor {
        &self.actions
    }

    /// Buckets of the time between each two interactions, `[B·L·L]` u32, where the model reads times.
    pub(super) fn times(&self) -> Option<&Tensor> {
        self.times.as_ref()
    }

    /// Where searches stand, `[N]` u32 into `[B·L]`, and the vectors of their words, `[N, T]`; none where there is none.
    pub(super) fn searches(&self) -> Option<(&Tensor, &Tensor)> {
        self.searches.as_ref().map(|(places, vectors)| (places, vectors))
    }

    /// Where each session ends, `[B]` u32 into `[B·L]`.
    pub(super) fn last(&self) -> &Tensor {
        &self.last
    }

    /// Sessions.
    pub fn size(&self) -> usize {
        self.rows.dims().first().copied().unwrap_or(0)
    }

    /// Positions of each.
    pub fn length(&self) -> usize {
        self.rows.dims().get(1).copied().unwrap_or(0)
    }
}

/// Places of searches, and vectors of their words by the table that is part of the program.
fn searches(padded: &Padded, config: &ModelConfig, device: &Device) -> Result<Option<(Tensor, Tensor)>, ModelError> {
    if padded.queries.is_empty() {
        return Ok(None);
    }
    let Some(table) = text::shipped().filter(|table| table.width() == config.text) else {
        let why = format!("the model reads searches by text vectors of width {}; the program has none", config.text);
        return Err(ModelError::Config(why));
    };
    // In training the same words come again and again.
    let mut known: HashMap<&str, Vec<f32>> = HashMap::new();
    let (mut places, mut vectors) = (Vec::new(), Vec::new());
    for (place, query) in &padded.queries {
        places.push(*place);
        vectors.extend_from_slice(known.entry(query).or_insert_with(|| table.embed(query)));
    }
    let count = places.len();
    let vectors = Tensor::from_vec(vectors, (count, config.text), device)?;
    Ok(Some((Tensor::from_vec(places, count, device)?, vectors)))
}

fn apart(padded: &Padded) -> Vec<u32> {
    let sessions = padded.times.chunks_exact(padded.length);
    let pairs =
        sessions.flat_map(|times| times.iter().flat_map(|now| times.iter().map(|then| now.saturating_sub(*then))));
    pairs.map(time_bucket).collect()
}

/// Groups of at most `size` numbers of like length, so that little is padding: the order given is kept but for windows
/// of 50 groups, which are sorted by length. Which group comes when is the caller's affair.
pub fn buckets(order: &[usize], size: usize, length: impl Fn(usize) -> usize) -> Vec<Vec<usize>> {
    let mut groups = Vec::with_capacity(order.len() / size.max(1) + 1);
    for window in order.chunks(size.max(1) * 50) {
        let mut window = window.to_vec();
        window.sort_by_key(|at| length(*at));
        groups.extend(window.chunks(size.max(1)).map(<[usize]>::to_vec));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Sequence;

    #[test]
    fn groups_hold_every_number_once_and_like_lengths() {
        let lengths: Vec<usize> = (0..1000).map(|at| at * 37 % 50).collect();
        let order: Vec<usize> = (0..1000).collect();
        let groups = buckets(&order, 16, |at| lengths[at]);
        let mut all: Vec<usize> = groups.concat();
        all.sort_unstable();
        assert_eq!(all, order);
        let padding: usize = groups
            .iter()
            .map(|group| {
                let longest = group.iter().map(|at| lengths[*at]).max().unwrap();
                group.iter().map(|at| longest - lengths[*at]).sum::<usize>()
            })
            .sum();
        assert!(padding < 1000, "{padding} places of padding");
        assert!(buckets(&[], 16, |_| 0).is_empty());
    }

    #[test]
    fn sessions_that_the_model_cannot_read_are_refused() {
        let config = ModelConfig { max_length: 2, ..ModelConfig::small(3) };
        let make = |rows: &[u32]| Batch::new(&Padded::new(&[&Sequence::of_rows(rows, 9)]), &config, &Device::Cpu);
        assert!(make(&[1, 2]).is_ok());
        assert!(make(&[]).is_ok(), "an empty session is all padding");
        assert!(make(&[1, 2, 1]).is_err());
        assert!(make(&[3]).is_err());
        assert!(Batch::new(&Padded::new(&[]), &config, &Device::Cpu).is_err());
    }
}
