//! Training and its honest measure: data sets, splits, the loss, the loop, baselines and metrics.
//!
//! The walk: [`Dataset`] or [`Shop`] reads a file, [`Protocol::split`] or [`split_by_time`] parts it so that nothing of the
//! future is learned, [`chosen`] picks the settings,
//! [`trainer::train`] learns by each recipe of a trial, [`evaluate::measure`] ranks every item for every case, [`table::compare`] puts the model beside
//! the baselines. Everything is the same for the same seed and number of threads: iteration is in order, ties fall by
//! rule.

mod adam;
pub mod baselines;
mod basket_table;
mod baskets;
mod blend;
mod by_time;
mod choose;
mod dataset;
mod encoder;
mod error;
pub mod evaluate;
mod events;
mod history;
mod incumbent;
mod judge;
mod learner;
mod loss;
mod map;
mod metrics;
pub mod off_policy;
mod passes;
mod portrait;
mod proportions;
mod ranker;
mod recipe;
mod seeds;
mod snapshot;
mod split;
mod state;
pub mod table;
pub mod trainer;
mod trial;

pub use basket_table::{BasketTable, compare_baskets};
pub use baskets::Baskets;
pub use blend::{Blend, Mixture, Share};
pub use by_time::{is_unknown, split as split_by_time};
pub use choose::{candidates, chosen};
pub use dataset::{Case, Dataset};
pub use encoder::Encoder;
pub use error::TrainError;
pub use events::Shop;
pub use history::History;
pub use incumbent::{Incumbent, LEARNED_UNTIL};
pub use judge::{Loss, losses};
pub use loss::linear_cross_entropy;
pub use metrics::{Interval, Metrics, difference};
pub use passes::{Data, Pass, Told, Watch};
pub use portrait::{Bin, Portrait, Shown};
pub use proportions::learn as learn_mixture;
pub use ranker::Ranker;
pub use recipe::Recipe;
pub use seeds::{MOST_SEEDS, Seeded, over_seeds};
pub use split::{Protocol, Split};
pub use state::fingerprint;
pub use trial::Tried;
