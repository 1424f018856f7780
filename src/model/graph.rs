//! The items nearest to a session by way of a graph instead of a look at each: for catalogues of about a million products
//! and more.
//!
//! A hierarchical navigable small world (Malkov and Yashunin, arXiv:1603.09320), by the crate instant-distance, over the items'
//! vectors in bytes. Items are neighbours by the product by which sessions are scored too, which is no distance and finds more
//! than distances do (Morozov and Babenko, NeurIPS 2018): of the best twenty of 300,000 items in small clusters .995, where
//! neighbours by cosine found .97. What it proposes is scored in full by whoever asks; it may miss some of the best, and how
//! many is held by a test. Built by several threads, whose turns decide about some of its edges: two graphs
//! of one model are alike and not the same.

use super::error::ModelError;
use super::scoring::{STEP, product, to_bytes};
use instant_distance::{Builder, Hnsw, Point, Search};
use std::sync::{Arc, Mutex, PoisonError};

/// Items that a search proposes: more than any source takes, so that some may be filtered out.
const PROPOSED: usize = 256;
/// Neighbours looked at for each item while it is built.
const LOOKED_AT: usize = 100;
/// Where it starts does not matter; that it is always the same makes one thread's graph the same.
const SEED: u64 = 1;

/// What all nodes share.
struct Space {
    bytes: Vec<i8>,
    /// What a byte of each item is worth.
    scales: Vec<f32>,
    stride: usize,
}

/// A point: an item by its place in the space, or a session.
#[derive(Clone)]
enum Node {
    Item(Arc<Space>, u32),
    Session(Arc<[i8]>),
}

impl Space {
    fn bytes(&self, at: u32) -> &[i8] {
        let start = at as usize * self.stride;
        &self.bytes[start..start + self.stride]
    }

    /// The product, turned about: the less, the nearer.
    fn apart(&self, one: u32, other: u32) -> f32 {
        let along = product(self.bytes(one), self.bytes(other)) as f32;
        -along * self.scales[one as usize] * self.scales[other as usize]
    }
}

impl Point for Node {
    fn distance(&self, other: &Self) -> f32 {
        match (self, other) {
            (Self::Item(space, one), Self::Item(_, other)) => space.apart(*one, *other),
            // The session's own scale is the same for all.
            (Self::Session(session), Self::Item(space, item)) | (Self::Item(space, item), Self::Session(session)) => {
                -(product(session, space.bytes(*item)) as f32) * space.scales[*item as usize]
            }
            (Self::Session(_), Self::Session(_)) => 0.0,
        }
    }
}

/// The graph of a model's items.
pub struct Graph {
    nodes: Hnsw<Node>,
    width: usize,
    stride: usize,
    /// What searches write into, a byte an item; as many as there have been at once.
    searches: Mutex<Vec<Search>>,
}

impl Graph {
    /// Builds it on so many threads of its own: about a millisecond an item and thread. `targets`: `[rows, width]`, the first
    /// row padding, which is left out.
    ///
    /// # Errors
    /// Numbers that do not fit the width or are not finite; no threads.
    pub fn build(targets: &[f32], width: usize, threads: usize) -> Result<Self, ModelError> {
        Self::looking_at(LOOKED_AT, PROPOSED, targets, width, threads)
    }

    fn looking_at(
        looked_at: usize,
        proposed: usize,
        targets: &[f32],
        width: usize,
        threads: usize,
    ) -> Result<Self, ModelError> {
        if width == 0 || !targets.len().is_multiple_of(width) || targets.iter().any(|value| !value.is_finite()) {
            return Err(ModelError::Shape(format!("{} numbers are no vectors of {width}", targets.len())));
        }
        let (items, stride) = (targets.get(width..).unwrap_or_default(), width.next_multiple_of(STEP));
        let count = items.len() / width;
        let mut bytes = vec![0i8; count * stride];
        let vectors = items.chunks_exact(width).zip(bytes.chunks_exact_mut(stride));
        let scales = vectors.map(|(vector, bytes)| to_bytes(vector, bytes)).collect();
        let space = Arc::new(Space { bytes, scales, stride });
        let nodes = (0..count).map(|at| Node::Item(space.clone(), u32::try_from(at).unwrap_or(u32::MAX))).collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).thread_name(|n| format!("graph-{n}"));
        let pool = pool.build().map_err(|error| ModelError::Shape(format!("no threads for the graph: {error}")))?;
        let builder = Builder::default().ef_construction(looked_at).ef_search(proposed).seed(SEED);
        let (nodes, _) = pool.install(|| builder.build_hnsw(nodes));
        Ok(Self { nodes, width, stride, searches: Mutex::default() })
    }

    /// Rows of the items nearest to a session, nearest first by their bytes, at most 256; some of the nearest may be
    /// missing.
    ///
    /// # Errors
    /// `ModelError::Shape` if the session's vector is not as wide as the items'.
    pub fn nearest(&self, session: &[f32]) -> Result<Vec<u32>, ModelError> {
        if session.len() != self.width {
            let why = format!("a session's vector of {} numbers; items have {}", session.len(), self.width);
            return Err(ModelError::Shape(why));
        }
        let mut query = vec![0i8; self.stride];
        to_bytes(session, &mut query);
        let mut search = self.searches().pop().unwrap_or_default();
        let row = |point: &Node| match point {
            Node::Item(_, at) => Some(at + 1),
            Node::Session(_) => None,
        };
        let found = self.nodes.search(&Node::Session(query.into()), &mut search);
        let rows = found.filter_map(|found| row(found.point)).collect();
        self.searches().push(search);
        Ok(rows)
    }

    /// A search that panicked leaves nothing half done here: it has taken its own out.
    fn searches(&self) -> std::sync::MutexGuard<'_, Vec<Search>> {
        self.searches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::scoring::ItemMatrix;
    use super::*;
    use candle_core::{Device, Tensor};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const WIDTH: usize = 32;

    /// About normally distributed.
    fn number(random: &mut ChaCha8Rng) -> f32 {
        (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0
    }

    /// Items in clusters, as categories are, some longer than others, as popular ones are; and sessions near to clusters.
    fn shop(items: usize) -> (Vec<f32>, Vec<Vec<f32>>) {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let clusters: Vec<Vec<f32>> =
            (0..items / 100).map(|_| (0..WIDTH).map(|_| number(&mut random)).collect()).collect();
        let mut near = |cluster: usize, length: f32| -> Vec<f32> {
            clusters[cluster].iter().map(|middle| length * (middle + 0.7 * number(&mut random))).collect()
        };
        let mut targets = vec![9.0; WIDTH];
        (0..items).for_each(|item| targets.extend(near(item % clusters.len(), 0.6 + (item % 9) as f32 / 10.0)));
        let sessions = (0..50).map(|session| near(session * 7 % clusters.len(), 1.0)).collect();
        (targets, sessions)
    }

    #[test]
    fn at_least_ninety_eight_of_a_hundred_of_the_best_twenty_are_found_among_clusters() {
        // Of few items less is looked at and proposed, as else nearly all would be.
        let (targets, sessions) = shop(1_500);
        let graph = Graph::looking_at(24, 75, &targets, WIDTH, 2).unwrap();
        let rows = targets.len() / WIDTH;
        let exact = ItemMatrix::new(&Tensor::from_vec(targets, (rows, WIDTH), &Device::Cpu).unwrap()).unwrap();
        let mut held = 0;
        for session in &sessions {
            let found = graph.nearest(session).unwrap();
            assert_eq!(found.len(), 75);
            assert!(!found.contains(&0), "padding is no item");
            let best = exact.top(session, 20, |_| true).unwrap();
            held += best.iter().filter(|one| found.contains(&one.row)).count();
        }
        let recall = held as f64 / (20 * sessions.len()) as f64;
        assert!(recall >= 0.98, "recall@20 is {recall}");
    }

    #[test]
    fn few_items_none_and_equal_ones_are_found_and_what_does_not_fit_is_refused() {
        let graph = Graph::build(&[0.0, 0.0, 1.0, 2.0, 1.0, 2.0, -1.0, 0.0], 2, 1).unwrap();
        let mut found = graph.nearest(&[1.0, 1.0]).unwrap();
        assert_eq!(found.pop(), Some(3), "the one that points away comes last");
        found.sort_unstable();
        assert_eq!(found, [1, 2]);
        assert!(Graph::build(&[0.0; 4], 4, 1).unwrap().nearest(&[1.0; 4]).unwrap().is_empty());
        assert!(Graph::build(&[], 4, 0).unwrap().nearest(&[f32::NAN; 4]).unwrap().is_empty());
        assert!(graph.nearest(&[f32::NAN, 1.0]).is_ok());
        assert!(graph.nearest(&[1.0; 3]).is_err());
        assert!(Graph::build(&[1.0; 5], 2, 1).is_err() && Graph::build(&[f32::NAN; 4], 2, 1).is_err());
    }
}
