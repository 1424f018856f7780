//! The dimensions and variants of a model, bounded: a file that asks for more is refused before memory is taken.

use super::error::ModelError;
use serde::{Deserialize, Serialize};

/// The function between the two halves of the feed-forward layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// As in SASRec.
    Relu,
    /// Smooth; the default.
    #[default]
    Gelu,
    /// Gated, with two thirds of the width so that the weights are as many. Source: arXiv:2002.05202.
    SwiGlu,
}

/// How a model knows the order of the interactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Positions {
    /// A vector for each place from the oldest, added to the item's.
    #[default]
    Absolute,
    /// A number for each distance, added to the attention.
    Relative,
    /// Both.
    Both,
}

/// How a session's vector meets an item's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Similarity {
    /// Their product: popular items may have longer vectors.
    #[default]
    Dot,
    /// The cosine of their angle over a temperature.
    Cosine {
        /// Above 0; .05 to .1 serves sessions well.
        temperature: f32,
    },
}

/// A model's dimensions and variants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Rows of the item table: items and padding.
    pub rows: usize,
    /// Names in the table of attributes; 0 for a model without.
    pub attributes: usize,
    /// Width of every vector.
    pub width: usize,
    /// Blocks of attention and feed-forward.
    pub layers: usize,
    /// Heads of each attention; they divide the width.
    pub heads: usize,
    /// The most interactions of a session that are read.
    pub max_length: usize,
    /// The feed-forward layer's width, in widths.
    pub expansion: usize,
    /// Between the halves of the feed-forward layer.
    pub activation: Activation,
    /// How order is known.
    pub positions: Positions,
    /// Whether the time between interactions is added to the attention.
    pub times: bool,
    /// Whether what was done with an item is added to its vector.
    pub actions: bool,
    /// How a session meets an item.
    pub similarity: Similarity,
    /// The width of text vectors, whose learned projection is part of an item's vector; 0 for a model without.
    #[serde(default)]
    pub text: usize,
    /// Whether searches are read, by the vectors of their words; then `text` is above 0.
    #[serde(default)]
    pub searches: bool,
}

impl ModelConfig {
    /// The small model that suits most shops: one layer, width 64.
    pub fn small(rows: usize) -> Self {
        Self {
            rows,
            attributes: 0,
            width: 64,
            layers: 1,
            heads: 2,
            max_length: 50,
            expansion: 4,
            activation: Activation::Gelu,
            positions: Positions::Absolute,
            times: false,
            actions: false,
            similarity: Similarity::Dot,
            text: 0,
            searches: false,
        }
    }

    /// The width of the feed-forward layer's inside.
    pub(super) fn inner(&self) -> usize {
        match self.activation {
            Activation::Relu | Activation::Gelu => self.width * self.expansion,
            // Three matrices instead of two; a multiple of 8 keeps the kernels on whole registers.
            Activation::SwiGlu => (self.width * self.expansion * 2 / 3).next_multiple_of(8),
        }
    }

    /// Checks every bound.
    ///
    /// # Errors
    /// `ModelError::Config` names the first setting that does not fit.
    pub fn check(&self) -> Result<(), ModelError> {
        let bounds = [
            ("rows", self.rows, 1, crate::features::Vocabulary::MAX + 1),
            ("attributes", self.attributes, 0, 5_000_000),
            ("width", self.width, 8, 1024),
            ("layers", self.layers, 1, 16),
            ("heads", self.heads, 1, 64),
            ("max_length", self.max_length, 1, 1000),
            ("expansion", self.expansion, 1, 8),
            ("text", self.text, 0, 1024),
        ];
        for (name, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                return Err(ModelError::Config(format!("{name} is {value}; it must be from {least} to {most}")));
            }
        }
        if !self.width.is_multiple_of(self.heads) {
            let why = format!("a width of {} does not divide into {} heads", self.width, self.heads);
            return Err(ModelError::Config(why));
        }
        if self.searches && self.text == 0 {
            let why = "searches are read by the vectors of their words: set text to the width of the text table";
            return Err(ModelError::Config(why.into()));
        }
        if let Similarity::Cosine { temperature } = self.similarity
            && !(0.001..=10.0).contains(&temperature)
        {
            return Err(ModelError::Config(format!("the temperature is {temperature}; it must be from 0.001 to 10")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_written_before_texts_were_read_are_of_a_model_without() {
        let mut written = serde_json::to_value(ModelConfig::small(10)).unwrap();
        let settings = written.as_object_mut().unwrap();
        assert!(settings.remove("text").is_some() && settings.remove("searches").is_some());
        assert_eq!(serde_json::from_value::<ModelConfig>(written).unwrap(), ModelConfig::small(10));
    }

    #[test]
    fn settings_out_of_bounds_are_named() {
        let good = ModelConfig::small(10);
        assert!(good.check().is_ok());
        for (bad, named) in [
            (ModelConfig { width: 0, ..good.clone() }, "width"),
            (ModelConfig { width: usize::MAX, ..good.clone() }, "width"),
            (ModelConfig { heads: 3, ..good.clone() }, "heads"),
            (ModelConfig { rows: 0, ..good.clone() }, "rows"),
            (ModelConfig { searches: true, ..good.clone() }, "text"),
            (ModelConfig { text: 5_000, ..good.clone() }, "text"),
            (ModelConfig { similarity: Similarity::Cosine { temperature: f32::NAN }, ..good.clone() }, "temperature"),
        ] {
            assert!(bad.check().unwrap_err().to_string().contains(named), "{named}");
        }
    }
}
