//! Makes the static table from MiniLM: every word piece through the encoder, fewer dimensions, a length by how telling a
//! piece is, then fitted so that the sum of a text's pieces points where MiniLM's vector of the text does.
//!
//! Sources: model2vec (Minish Lab, 2024) for pieces alone, the reduction and the lengths by Zipf's law; SIF, "A Simple but
//! Tough-to-Beat Baseline for Sentence Embeddings" (Arora and others, ICLR 2017) for the form of the lengths; the fit is ours.

mod fit;
mod reduce;
mod sentences;

use super::error::TextError;
use super::minilm::MiniLm;
use super::table::{Table, to_length_1};
use fit::Fit;

/// SIF's constant: pieces more frequent than this count less.
const TELLING: f64 = 1e-3;

/// How a table is made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The width of its vectors.
    pub width: usize,
    /// Made-up sentences of random pieces, beside the texts, by which it is fitted.
    pub sentences: usize,
    /// Passes of the fit; 0 for none.
    pub passes: usize,
    /// What sentences and order grow from.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { width: 120, sentences: 40_000, passes: 12, seed: 1 }
    }
}

/// A table and how near it came.
pub struct Distilled {
    /// The file.
    pub bytes: Vec<u8>,
    /// Pieces that it holds.
    pub pieces: usize,
    /// Texts and sentences that it was fitted by.
    pub learned: usize,
    /// The share of the length of MiniLM's vectors of the texts that the dimensions keep, squared.
    pub kept: f64,
    /// The mean cosine with MiniLM's vectors, reduced, of texts and sentences that the fit did not see: before it, after it.
    pub cosine: (f64, f64),
}

/// What is told of the work: a step and how much of it is done, of how much.
pub type Tell<'a> = &'a mut dyn FnMut(&'static str, usize, usize);

/// Makes a table. `texts` are such as the table is for.
///
/// # Errors
/// A vocabulary without words, a width above MiniLM's; candle's.
pub fn distill(model: &MiniLm, texts: &[String], settings: &Settings, tell: Tell<'_>) -> Result<Distilled, TextError> {
    if !(1..=model.width()).contains(&settings.width) {
        let why = format!("a width of {}; it must be from 1 to {}", settings.width, model.width());
        return Err(TextError::Unfit(why));
    }
    // `[PAD]`, `[unused7]` and the like stand for no text.
    let is_text = |piece: &str| !(piece.len() > 2 && piece.starts_with('[') && piece.ends_with(']'));
    let kept: Vec<(u32, &str)> = (0u32..)
        .zip(model.vocabulary())
        .map(|(at, piece)| (at, &**piece))
        .filter(|(_, piece)| is_text(piece))
        .collect();
    let mut own = vec![None; model.vocabulary().len()];
    kept.iter().zip(0u32..).for_each(|((number, _), at)| own[*number as usize] = Some(at));
    let alone: Vec<Vec<u32>> = kept.iter().map(|(number, _)| vec![*number]).collect();
    let mut read: Vec<Vec<u32>> = texts.iter().map(|text| model.tokens().numbers(text, 128)).collect();
    read.extend(sentences::made_up(&kept, settings.sentences, settings.seed)?);
    read.retain(|numbers| numbers.iter().any(|number| own[*number as usize].is_some()));
    let mut embed = |of: &[Vec<u32>], step| model.embed_numbers(of, &mut |done| tell(step, done, of.len()));
    let (alone_by_model, by_model) = (embed(&alone, "pieces")?, embed(&read, "texts")?);
    let reduce::Reduced { directions, kept: share } = reduce::directions(&by_model, settings.width)?;
    let mut vectors: Vec<f32> = Vec::with_capacity(kept.len() * settings.width);
    let total: f64 = (1..=kept.len()).map(|rank| 1.0 / rank as f64).sum();
    for (vector, rank) in reduce::along(&alone_by_model, &directions)?.iter().zip(1..) {
        // The vocabulary is in the order of frequency, roughly, and frequency falls as Zipf has it.
        let frequency = 1.0 / (f64::from(rank) * total);
        let length = (TELLING / (TELLING + frequency)) as f32;
        vectors.extend(vector.iter().map(|value| value * length));
    }
    let targets: Vec<Vec<f32>> = [alone_by_model, by_model]
        .iter()
        .map(|vectors| reduce::along(vectors, &directions))
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    let ours = |numbers: &Vec<u32>| numbers.iter().filter_map(|number| own[*number as usize]).collect::<Vec<u32>>();
    let examples = alone.iter().chain(&read).map(ours).zip(targets).map(|(rows, mut target)| {
        to_length_1(&mut target);
        (rows, target)
    });
    let mut fit = Fit::new(vectors, settings.width, examples.collect(), settings.seed);
    let before = fit.held_out();
    for pass in 1..=settings.passes {
        fit.pass();
        tell("passes of the fit", pass, settings.passes);
    }
    let after = fit.held_out();
    let tokens: Vec<&str> = kept.iter().map(|(_, piece)| *piece).collect();
    let bytes = Table::write(&tokens, fit.vectors(), settings.width)?;
    Ok(Distilled { bytes, pieces: tokens.len(), learned: read.len(), kept: share, cosine: (before, after) })
}
