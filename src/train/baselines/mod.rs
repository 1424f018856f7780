//! What a model must beat: rankers that only count. Each stands in every table.

mod again;
mod companions;
mod covisitation;
mod ease;
mod item_knn;
mod popularity;
mod recency;
mod session_knn;
mod text_knn;

pub use again::Again;
pub use companions::{Companions, Together};
pub use covisitation::{CoVisitation, CoVisitationConfig};
pub use ease::Ease;
pub use item_knn::ItemKnn;
pub use popularity::Popularity;
pub use recency::Recency;
pub use session_knn::SessionKnn;
pub use text_knn::TextKnn;

/// How often each row occurs.
pub fn counts(sequences: &[impl AsRef<[u32]>], rows: usize) -> Vec<u32> {
    let mut counts = vec![0u32; rows];
    for row in sequences.iter().flat_map(AsRef::as_ref) {
        if let Some(count) = counts.get_mut(*row as usize) {
            *count = count.saturating_add(1);
        }
    }
    counts
}

#[cfg(test)]
fn scores(ranker: &dyn super::Ranker, history: &[u32], rows: usize) -> Vec<f32> {
    let mut scores = vec![0f32; rows];
    ranker.score(&[&history.to_vec().into()], &mut scores).unwrap();
    scores
}

#[cfg(test)]
pub(super) fn assert_near(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} is not {expected:?}");
}
