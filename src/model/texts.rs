//! Texts in the space of the items: a learned projection of their vectors, for what is written of an item and for what was
//! searched for alike.
//!
//! While a model is trained the vectors of its items' texts stand beside it ([`Attributes::texts`]); what is published holds
//! their projections within the items' own vectors ([`Texts::within`]), so that serving a known item costs nothing more.

use super::config::ModelConfig;
use super::error::ModelError;
use super::product::product;
use super::weights::{Initial, Weights};
use crate::features::Attributes;
use candle_core::{Result, Tensor};

/// The name of the projection among the weights.
pub(super) const NAME: &str = "texts";

/// The projection, and the texts of all items where they are not within the items' vectors.
pub(super) struct Texts {
    /// `[rows, T]`.
    items: Option<Tensor>,
    /// `[T, D]`.
    projection: Tensor,
}

impl Texts {
    /// None for a model without texts.
    pub(super) fn new(
        config: &ModelConfig,
        attributes: &Attributes,
        initial: Initial,
        weights: &mut Weights,
    ) -> std::result::Result<Option<Self>, ModelError> {
        if config.text == 0 {
            return Ok(None);
        }
        let projection = weights.take(NAME, &[config.text, config.width], initial)?;
        let items = attributes.texts().map(|texts| matrix(config, texts, &projection)).transpose()?;
        Ok(Some(Self { items, projection }))
    }

    /// What the texts add to the items' vectors, `[rows, D]`; none where it is within them.
    pub(super) fn of_items(&self) -> Result<Option<Tensor>> {
        self.items.as_ref().map(|items| items.matmul(&self.projection)).transpose()
    }

    /// `[N, T] → [N, D]`.
    pub(super) fn project(&self, vectors: &Tensor) -> Result<Tensor> {
        product(vectors, &self.projection)
    }

    /// Vectors of items, `[rows, D]`, with what their texts add, for a model that is read without these texts.
    ///
    /// # Errors
    /// Texts of other dimensions; candle's.
    pub(super) fn within(
        config: &ModelConfig,
        attributes: &Attributes,
        items: &Tensor,
        projection: &Tensor,
    ) -> std::result::Result<Tensor, ModelError> {
        match attributes.texts() {
            Some(texts) => Ok((items + matrix(config, texts, projection)?.matmul(projection)?)?),
            None => Ok(items.clone()),
        }
    }
}

fn matrix(
    config: &ModelConfig,
    (width, vectors): (usize, &[f32]),
    like: &Tensor,
) -> std::result::Result<Tensor, ModelError> {
    if width != config.text || vectors.len() != width * config.rows {
        let (found, asked) = (vectors.len() / width.max(1), config.rows);
        let why = format!("{found} texts of width {width}; the settings say {asked} of {}", config.text);
        return Err(ModelError::Shape(why));
    }
    Ok(Tensor::from_slice(vectors, (config.rows, width), like.device())?)
}

#[cfg(test)]
mod tests {
    use super::super::gradients::{assert_gradients, tensor};
    use super::*;

    #[test]
    fn the_gradient_is_that_of_finite_differences_for_items_and_searches() {
        let items = tensor(&[4, 3], 1);
        assert_gradients(&[tensor(&[3, 5], 2), tensor(&[2, 3], 3)], |inputs| {
            let texts = Texts { items: Some(items.clone()), projection: inputs[0].clone() };
            Tensor::cat(&[texts.of_items()?.unwrap(), texts.project(&inputs[1])?], 0)
        });
    }

    #[test]
    fn texts_of_other_dimensions_are_refused() {
        let config = ModelConfig { text: 3, width: 8, ..ModelConfig::small(2) };
        let new = |width, count| {
            let attributes = Attributes::default().with_texts(width, vec![0.5; count]);
            Texts::new(&config, &attributes, Initial::Normal(0.1), &mut Weights::fresh(1)).map(|texts| texts.is_some())
        };
        assert!(new(3, 6).unwrap());
        assert!(new(2, 6).is_err() && new(3, 5).is_err());
    }
}
