//! What the model reads of items and of a shopper's events, made by one path for training and for serving.
//!
//! [`Vocabulary`] numbers the items, [`Sequence`] takes a shopper's events in those numbers, [`Padded`] lays sequences
//! side by side, [`Attributes`] says what is known of an item beyond its number, [`goes_with`] how much a
//! pair of products says and [`needed_again`] how much an earlier purchase. Nothing here computes with weights or does I/O.

mod again;
mod item;
mod sequence;
mod together;
mod vocabulary;

pub use again::needed_again;
pub use item::{Attributes, described, words, written};
pub use sequence::{ACTIONS, Action, Interaction, Padded, Sequence, TIME_BUCKETS, interactions, time_bucket};
pub use together::goes_with;
pub use vocabulary::{PADDING, Vocabulary, VocabularyError};
