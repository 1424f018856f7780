//! Whether the sessions that a model reads are still like those that it was measured on: population stability index.
//!
//! A [`Snapshot`] is taken when a model is trained, of sessions that it had not learned from, and written into its manifest.
//! A [`Window`] counts the newest sessions of serving in the same bins. The index is Σ (p − q) · ln (p / q) over the bins of a
//! feature: below .1 nothing has changed, above .25 much has, by the usual rule of credit scoring. What is looked at is made by
//! one path for both, [`Sighting`].

use crate::features::Attributes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// The best scores that a sighting has.
pub const SCORES: usize = 50;
/// Bins of a score, as large as each other in the snapshot.
const BINS: usize = 10;
/// Categories told apart; all others are one bin.
const CATEGORIES: usize = 12;
/// Lengths of sessions from which on a bin begins.
const LENGTHS: [f32; 8] = [2.0, 3.0, 5.0, 9.0, 17.0, 33.0, 65.0, 129.0];
/// More bins than this are not written by this program.
const MOST_BINS: usize = 64;

/// What is looked at of a session and of what the model makes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting<'a> {
    /// Interactions read.
    pub length: usize,
    /// The newest item's category, where it has one.
    pub category: Option<&'a str>,
    /// The [`SCORES`] best scores over all items, best first, seen ones among them.
    pub scores: Vec<f32>,
}

impl<'a> Sighting<'a> {
    /// Of a session of so many interactions, the newest of this row.
    pub fn new(length: usize, newest: u32, attributes: &'a Attributes, mut scores: Vec<f32>) -> Self {
        let names = attributes.of(newest as usize).iter().filter_map(|name| attributes.names().get(*name as usize));
        let category = names.filter_map(|name| name.strip_prefix("category:")).next();
        scores.sort_by(|a, b| b.total_cmp(a));
        scores.truncate(SCORES);
        Self { length, category, scores }
    }

    /// Its features of numbers, by name: the best score, and its share of the softmax over the best.
    fn numbers(&self) -> [(&'static str, f32); 3] {
        let best = self.scores.first().copied().unwrap_or(0.0);
        let sum: f32 = self.scores.iter().map(|score| (score - best).exp()).sum();
        let confidence = if sum > 0.0 { 1.0 / sum } else { 0.0 };
        [("length", self.length as f32), ("score", best), ("confidence", confidence)]
    }
}

/// What parts a feature into bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Bins {
    /// A bin begins at each number; there is one before the first. Of single precision, so that they are read as written.
    From(Vec<f32>),
    /// A bin for each name, and one for all others.
    Names(Vec<String>),
}

impl Bins {
    fn len(&self) -> usize {
        1 + match self {
            Self::From(edges) => edges.len(),
            Self::Names(names) => names.len(),
        }
    }
}

/// How often each bin was met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Histogram {
    bins: Bins,
    counts: Vec<u64>,
}

/// Sessions as they were when the model was measured, by feature.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Snapshot(BTreeMap<String, Histogram>);

impl Snapshot {
    /// The fact of a manifest that holds it.
    pub const FACT: &'static str = "drift";

    /// Of these; nothing of fewer than a hundred, which say too little.
    pub fn of(sightings: &[Sighting<'_>]) -> Option<Self> {
        if sightings.len() < 100 {
            return None;
        }
        let mut bins = BTreeMap::from([("length".to_owned(), Bins::From(LENGTHS.to_vec()))]);
        for (at, name) in [(1, "score"), (2, "confidence")] {
            bins.insert(name.to_owned(), Bins::From(quantiles(sightings.iter().map(|one| one.numbers()[at].1))));
        }
        let mut categories: BTreeMap<&str, usize> = BTreeMap::new();
        sightings.iter().filter_map(|one| one.category).for_each(|name| *categories.entry(name).or_default() += 1);
        let mut names: Vec<(&str, usize)> = categories.into_iter().collect();
        names.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        if names.len() > 1 {
            let names = names.into_iter().take(CATEGORIES).map(|(name, _)| name.to_owned()).collect();
            bins.insert("category".to_owned(), Bins::Names(names));
        }
        let empty = |bins: Bins| Histogram { counts: vec![0; bins.len()], bins };
        let mut snapshot = Self(bins.into_iter().map(|(name, bins)| (name, empty(bins))).collect());
        for sighting in sightings {
            let places = snapshot.places(sighting);
            snapshot.0.values_mut().zip(places).for_each(|(one, place)| one.counts[usize::from(place)] += 1);
        }
        Some(snapshot)
    }

    /// Reads what a manifest says. Errors: it is no snapshot.
    pub fn read(text: &str) -> Result<Self, String> {
        let read: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        for (name, Histogram { bins, counts }) in &read.0 {
            let ordered = match bins {
                Bins::From(edges) => edges.windows(2).all(|pair| pair[0] < pair[1]),
                Bins::Names(_) => true,
            };
            let enough = counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count)).unwrap_or(0);
            if bins.len() != counts.len() || bins.len() > MOST_BINS || enough == 0 || !ordered {
                return Err(format!("the bins of {name} do not fit"));
            }
        }
        Ok(read)
    }

    /// The bin of each feature, in their order.
    fn places(&self, sighting: &Sighting<'_>) -> Vec<u8> {
        let numbers = sighting.numbers();
        let place = |(name, histogram): (&String, &Histogram)| {
            let place = match &histogram.bins {
                Bins::From(edges) => {
                    let value = numbers.iter().find(|(own, _)| own == name).map_or(0.0, |(_, value)| *value);
                    edges.partition_point(|edge| *edge <= value)
                }
                Bins::Names(names) => {
                    let own = names.iter().position(|own| Some(own.as_str()) == sighting.category);
                    own.unwrap_or(names.len())
                }
            };
            // There are at most 64 bins.
            u8::try_from(place).unwrap_or(u8::MAX)
        };
        self.0.iter().map(place).collect()
    }
}

/// Numbers that part values into bins as large as each other; fewer where many are equal.
fn quantiles(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    let edge = |bin: usize| values.get(bin * values.len() / BINS).copied();
    let mut edges: Vec<f32> = (1..BINS).filter_map(edge).collect();
    edges.dedup();
    // What begins at the least value would leave the bin before it empty for ever.
    edges.retain(|edge| values.first().is_some_and(|least| edge > least));
    edges
}

/// The newest sightings in the bins of a snapshot.
pub struct Window {
    snapshot: Snapshot,
    counts: Vec<Vec<u64>>,
    kept: VecDeque<Vec<u8>>,
    size: usize,
}

impl Window {
    /// An empty one for so many sightings.
    pub fn new(snapshot: Snapshot, size: usize) -> Self {
        let counts = snapshot.0.values().map(|histogram| vec![0; histogram.counts.len()]).collect();
        Self { snapshot, counts, kept: VecDeque::new(), size: size.max(1) }
    }

    /// Counts a sighting; the oldest beyond the size drops out.
    pub fn push(&mut self, sighting: &Sighting<'_>) {
        let places = self.snapshot.places(sighting);
        for (counts, place) in self.counts.iter_mut().zip(&places) {
            counts[usize::from(*place)] += 1;
        }
        self.kept.push_back(places);
        if self.kept.len() > self.size
            && let Some(oldest) = self.kept.pop_front()
        {
            self.counts.iter_mut().zip(oldest).for_each(|(counts, place)| counts[usize::from(place)] -= 1);
        }
    }

    /// Sightings counted.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether nothing has been counted.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The index of each feature.
    pub fn drift(&self) -> impl Iterator<Item = (&str, f64)> {
        let of = |((name, then), now): ((_, &Histogram), &Vec<u64>)| (name, stability_index(&then.counts, now));
        self.snapshot.0.iter().map(|(name, then)| (name.as_str(), then)).zip(&self.counts).map(of)
    }
}

/// The population stability index of two counts of the same bins. Half a case more in each bin keeps an empty one finite.
pub fn stability_index(then: &[u64], now: &[u64]) -> f64 {
    let share = |counts: &[u64], count: u64| {
        let all: u64 = counts.iter().sum();
        (count as f64 + 0.5) / (all as f64 + 0.5 * counts.len() as f64)
    };
    let of = |(before, after): (&u64, &u64)| {
        let (before, after) = (share(then, *before), share(now, *after));
        (after - before) * (after / before).ln()
    };
    then.iter().zip(now).map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const NAMES: [&str; 3] = ["hats", "shoes", "bags"];

    /// Sessions of one to nine, scores about a middle.
    fn sightings(seed: u64, count: usize, longest: usize, middle: f32, favourite: usize) -> Vec<Sighting<'static>> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut one = || {
            let scores = (0..SCORES).map(|_| middle + 2.0 * random.random::<f32>()).collect();
            let category =
                if random.random::<f64>() < 0.6 { NAMES[favourite] } else { NAMES[random.random_range(0..3)] };
            let length = random.random_range(1..=longest);
            let Sighting { scores, .. } = Sighting::new(length, 0, &Attributes::default(), scores);
            Sighting { length, category: Some(category), scores }
        };
        (0..count).map(|_| one()).collect()
    }

    fn drift(then: &[Sighting<'_>], now: &[Sighting<'_>]) -> BTreeMap<String, f64> {
        let mut window = Window::new(Snapshot::of(then).unwrap(), 2_000);
        now.iter().for_each(|one| window.push(one));
        window.drift().map(|(name, index)| (name.to_owned(), index)).collect()
    }

    #[test]
    fn the_index_is_that_computed_by_hand() {
        // Large counts, so that the halves do not matter: .5/.5 to .8/.2 is .3 · ln 1.6 + .3 · ln 2.5.
        let found = stability_index(&[500_000_000, 500_000_000], &[800_000_000, 200_000_000]);
        assert!((found - 0.3 * (1.6_f64.ln() + 2.5_f64.ln())).abs() < 1e-6, "{found}");
        assert!(stability_index(&[10, 20, 30], &[10, 20, 30]).abs() < 1e-12);
        assert!(stability_index(&[100, 0], &[0, 100]).is_finite());
    }

    #[test]
    fn sessions_alike_do_not_drift_and_each_shift_is_seen_in_its_feature_alone() {
        let then = sightings(1, 3_000, 9, 0.0, 0);
        let same = drift(&then, &sightings(2, 2_000, 9, 0.0, 0));
        assert_eq!(same.keys().collect::<Vec<_>>(), ["category", "confidence", "length", "score"]);
        assert!(same.values().all(|index| *index < 0.05), "{same:?}");
        for (changed, now) in [
            ("length", sightings(3, 2_000, 60, 0.0, 0)),
            ("score", sightings(3, 2_000, 9, 1.0, 0)),
            ("category", sightings(3, 2_000, 9, 0.0, 2)),
        ] {
            let found = drift(&then, &now);
            for (name, index) in &found {
                assert_eq!(*index > 0.25, name == changed, "{changed}: {found:?}");
            }
        }
    }

    #[test]
    fn the_window_slides() {
        let then = sightings(1, 3_000, 9, 0.0, 0);
        let mut window = Window::new(Snapshot::of(&then).unwrap(), 1_000);
        let most = |window: &Window| window.drift().map(|(_, index)| index).fold(0.0, f64::max);
        sightings(2, 1_000, 9, 3.0, 2).iter().for_each(|one| window.push(one));
        assert!(most(&window) > 1.0);
        sightings(4, 1_000, 9, 0.0, 0).iter().for_each(|one| window.push(one));
        assert!(most(&window) < 0.1 && window.len() == 1_000, "{}", most(&window));
    }

    #[test]
    fn what_was_written_is_read_and_what_does_not_fit_is_refused() {
        let snapshot = Snapshot::of(&sightings(1, 500, 9, 0.0, 0)).unwrap();
        let text = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(Snapshot::read(&text).unwrap(), snapshot);
        for wrong in [
            "",
            "[]",
            r#"{"length": {"bins": {"from": [1.0]}, "counts": [1]}}"#,
            r#"{"length": {"bins": {"from": [2.0, 1.0]}, "counts": [1, 1, 1]}}"#,
            r#"{"length": {"bins": {"from": [1.0]}, "counts": [0, 0]}}"#,
            r#"{"length": {"bins": {"from": [1.0]}, "counts": [18446744073709551615, 2]}}"#,
        ] {
            assert!(Snapshot::read(wrong).is_err(), "{wrong}");
        }
        assert!(Snapshot::of(&sightings(1, 99, 9, 0.0, 0)).is_none());
    }

    #[test]
    fn equal_scores_and_sessions_without_scores_have_a_bin() {
        let none = || Sighting { length: 0, category: None, scores: Vec::new() };
        let snapshot = Snapshot::of(&vec![none(); 100]).unwrap();
        let mut window = Window::new(snapshot, 10);
        window.push(&none());
        window.push(&Sighting::new(usize::MAX, 0, &Attributes::default(), vec![f32::NAN, f32::INFINITY]));
        assert!(window.drift().all(|(_, index)| index.is_finite()));
    }

    #[test]
    fn the_category_is_that_of_the_newest_item() {
        let attributes = Attributes::new(&[vec![], vec!["brand:a", "category:hats"], vec!["brand:a", "category:hats"]]);
        let sighting = Sighting::new(3, 2, &attributes, vec![1.0, 3.0, 2.0]);
        assert_eq!((sighting.category, sighting.scores), (Some("hats"), vec![3.0, 2.0, 1.0]));
        assert_eq!(Sighting::new(3, 9, &attributes, Vec::new()).category, None);
    }
}
