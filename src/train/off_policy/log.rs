//! The decision log as it is exported, read for evaluation: of each decision what it could show, what it showed, what came.

use super::super::error::TrainError;
use crate::domain::event::EventType;
use crate::domain::made::score;
use crate::domain::slate::Intent;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

/// The members of a line that are read; the others are not for evaluation.
#[derive(Deserialize)]
struct Line {
    shopper: Box<str>,
    #[serde(default)]
    intent: Option<Intent>,
    #[serde(default = "one")]
    sample: f64,
    #[serde(default)]
    explore: f64,
    items: Vec<Item>,
    #[serde(default)]
    listed: Vec<Of>,
    #[serde(default)]
    candidates: Vec<Candidate>,
    #[serde(default)]
    weights: BTreeMap<Box<str>, f64>,
    #[serde(default)]
    dropped: Vec<Box<str>>,
    #[serde(default)]
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Item {
    product: Box<str>,
    #[serde(default)]
    propensity: Option<f64>,
}

#[derive(Deserialize)]
struct Of {
    product: Box<str>,
    #[serde(default)]
    placed: bool,
}

#[derive(Deserialize)]
struct Candidate {
    product: Box<str>,
    #[serde(default)]
    shares: BTreeMap<Box<str>, f64>,
    #[serde(default)]
    affinity: f64,
    #[serde(default = "one")]
    boost: f64,
    #[serde(default = "one")]
    kept: f64,
}

#[derive(Deserialize)]
struct Outcome {
    #[serde(rename = "type")]
    kind: EventType,
    #[serde(default)]
    product: Option<Box<str>>,
}

fn one() -> f64 {
    1.0
}

/// What counts as success: at least one such event that names the decision and the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reward {
    /// It was clicked where it was recommended.
    Click,
    /// It was put into the cart.
    Cart,
    /// It was bought.
    Order,
}

impl Reward {
    const ALL: [Self; 3] = [Self::Click, Self::Cart, Self::Order];

    /// The event that says so.
    fn event(self) -> EventType {
        match self {
            Self::Click => EventType::RecommendationClicked,
            Self::Cart => EventType::ProductAddedToCart,
            Self::Order => EventType::CheckoutCompleted,
        }
    }
}

/// What ranking knew of a product.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Features {
    /// What sources said of it: number of the source and share, 0 to 1.
    pub(super) shares: Vec<(usize, f32)>,
    pub(super) affinity: f32,
    pub(super) boost: f32,
    pub(super) kept: f32,
}

impl Features {
    /// Its score by these weights of sources and of the affinity, as the engine computes it.
    pub(super) fn score(&self, weight: impl Fn(usize) -> f32, affinity: f32) -> f64 {
        let shares = self.shares.iter().map(|(source, share)| (weight(*source), *share));
        score(shares, (affinity, self.affinity), self.boost, self.kept)
    }
}

/// A product that a decision could show.
pub(super) struct Listed {
    /// A rule placed it.
    pub(super) placed: bool,
    /// The platform had it, as far as it was asked.
    pub(super) there: bool,
    /// None for what only fills the slate.
    pub(super) features: Option<Features>,
}

/// A product at its place.
pub(super) struct Served {
    /// Which of the listed.
    pub(super) listed: usize,
    /// The probability with which it stood there, above 0.
    pub(super) propensity: f64,
    rewards: [bool; 3],
}

impl Served {
    /// 1 where it was a success.
    pub(super) fn reward(&self, of: Reward) -> f64 {
        let own = Reward::ALL.iter().zip(self.rewards).any(|(kind, came)| *kind == of && came);
        f64::from(u8::from(own))
    }
}

/// One decision whose order was left to chance.
pub(super) struct Decision {
    pub(super) shopper: Box<str>,
    pub(super) intent: Intent,
    /// How many decisions it stands for: the inverse of the log's sample.
    pub(super) counts: f64,
    /// In the order before chance and before the platform was asked.
    pub(super) listed: Vec<Listed>,
    /// As served, by position.
    pub(super) served: Vec<Served>,
    /// What sources counted for: number of the source and weight.
    pub(super) weights: Vec<(usize, f32)>,
    pub(super) affinity: f32,
}

/// What is known from a log.
#[derive(Default)]
pub struct Log {
    pub(super) decisions: Vec<Decision>,
    /// The names of sources, by number.
    pub(super) sources: Vec<Box<str>>,
    /// Lines read.
    pub lines: usize,
    /// Those whose order was not left to chance, of which nothing can be told.
    pub certain: usize,
    /// Those of which too little is left: erased since, or of a version that did not log what they could show.
    pub incomplete: usize,
}

impl Log {
    /// Reads an export of JSON lines.
    ///
    /// # Errors
    /// It cannot be read; a line is no decision.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        use std::io::BufRead;
        let failed = |source| TrainError::File { path: path.to_owned(), source };
        let file = std::io::BufReader::new(std::fs::File::open(path).map_err(failed)?);
        let mut log = Self::default();
        for (line, number) in file.split(b'\n').zip(1..) {
            let line = line.map_err(failed)?;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let wrong = |why: String| TrainError::Line { path: path.to_owned(), line: number, why };
            let value = serde_json::from_slice(&line).map_err(|error| wrong(format!("no JSON: {error}")))?;
            log.add(value).map_err(|error| wrong(error.to_string()))?;
        }
        Ok(log)
    }

    /// Takes a decision as it is exported.
    ///
    /// # Errors
    /// It is none, or a probability in it is none.
    pub fn add(&mut self, line: serde_json::Value) -> Result<(), TrainError> {
        let line: Line = serde_json::from_value(line)
            .map_err(|error| TrainError::Unfit(format!("no decision as it is exported: {error}")))?;
        self.lines += 1;
        if line.explore <= 0.0 {
            self.certain += 1;
            return Ok(());
        }
        match self.decision(line)? {
            Some(decision) => self.decisions.push(decision),
            None => self.incomplete += 1,
        }
        Ok(())
    }

    fn decision(&mut self, line: Line) -> Result<Option<Decision>, TrainError> {
        let Line { shopper, intent, sample, items, listed, candidates, weights, dropped, outcomes, .. } = line;
        let places: HashMap<&str, usize> = listed.iter().zip(0..).map(|(of, at)| (&*of.product, at)).collect();
        let (Some(intent), false) = (intent, items.is_empty()) else { return Ok(None) };
        if !(sample > 0.0 && sample <= 1.0) {
            return Err(TrainError::Unfit(format!("sample is {sample}, and not a share")));
        }
        let mut served = Vec::with_capacity(items.len());
        for item in &items {
            let (Some(listed), Some(propensity)) = (places.get(&*item.product), item.propensity) else {
                return Ok(None);
            };
            if !(propensity > 0.0 && propensity <= 1.0) {
                return Err(TrainError::Unfit(format!("propensity of {} is {propensity}", item.product)));
            }
            let came = |of: Reward| {
                outcomes.iter().any(|one| one.kind == of.event() && one.product.as_deref() == Some(&*item.product))
            };
            served.push(Served { listed: *listed, propensity, rewards: Reward::ALL.map(came) });
        }
        let gone: HashSet<&str> = dropped.iter().map(|key| &**key).collect();
        let mut known: HashMap<Box<str>, Features> = HashMap::new();
        for Candidate { product, shares, affinity, boost, kept } in candidates {
            if places.contains_key(&*product) {
                let shares = shares.into_iter().map(|(source, share)| (self.source(source), share as f32)).collect();
                let (affinity, boost, kept) = (affinity as f32, boost as f32, kept as f32);
                known.insert(product, Features { shares, affinity, boost, kept });
            }
        }
        let affinity = weights.get("affinity").copied().unwrap_or(0.0) as f32;
        let own = weights.into_iter().filter(|(source, _)| &**source != "affinity");
        let weights = own.map(|(source, weight)| (self.source(source), weight as f32)).collect();
        let of = |Of { product, placed }: &Of| {
            let features = known.remove(product);
            Listed { placed: *placed, there: !gone.contains(&**product), features }
        };
        let listed = listed.iter().map(of).collect();
        Ok(Some(Decision { shopper, intent, counts: 1.0 / sample, listed, served, weights, affinity }))
    }

    /// The number of a source.
    fn source(&mut self, name: Box<str>) -> usize {
        let known = self.sources.iter().position(|own| *own == name);
        known.unwrap_or_else(|| {
            self.sources.push(name);
            self.sources.len() - 1
        })
    }
}
