//! Text to the numbers of its word pieces, as BERT's uncased tokenizer makes them: clean, set CJK characters apart, take
//! accents off, lower case, part at white space and punctuation, then the longest piece first.
//!
//! Source: BERT, arXiv:1810.04805, `tokenization.py` of its release; compared in the tests with the numbers that the
//! `tokenizers` library gives for the same vocabulary. One thing differs: the names of special tokens mean nothing within a
//! text, so that nobody can write one. Work is bounded: what stands beyond [`LONGEST`] bytes is not read.

use ahash::RandomState;
use std::collections::HashMap;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// The most bytes of a text that are read.
pub(super) const LONGEST: usize = 32 * 1024;
/// Characters above which a word is not looked up, as in BERT's tokenizer.
const LONGEST_WORD: usize = 100;
/// What begins a piece that goes on with a word.
const GOES_ON: &str = "##";
/// What stands for a word that has no pieces.
const UNKNOWN: &str = "[UNK]";

/// A vocabulary of word pieces.
#[derive(Debug)]
pub struct WordPiece {
    /// Pieces that begin a word.
    heads: HashMap<Box<str>, u32, RandomState>,
    /// Pieces that go on with one, without their mark.
    tails: HashMap<Box<str>, u32, RandomState>,
    /// Bytes of the longest piece.
    longest: usize,
    /// What a word without pieces becomes; nothing in a vocabulary without a name for it.
    unknown: Option<u32>,
}

impl WordPiece {
    /// Takes the pieces in the order of their numbers, from 0; of the same piece the first counts.
    pub fn new<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut heads, mut tails) = (HashMap::default(), HashMap::default());
        let (mut longest, mut unknown) = (0, None);
        for (piece, number) in pieces.into_iter().zip(0u32..) {
            longest = longest.max(piece.len());
            match piece.strip_prefix(GOES_ON).filter(|rest| !rest.is_empty()) {
                Some(rest) => tails.entry(rest.into()).or_insert(number),
                None => heads.entry(piece.into()).or_insert(number),
            };
            if piece == UNKNOWN {
                unknown = Some(number);
            }
        }
        Self { heads, tails, longest, unknown }
    }

    /// The number of a special token, such as `[CLS]`.
    pub fn special(&self, name: &str) -> Option<u32> {
        self.heads.get(name).copied()
    }

    /// The numbers of a text's pieces, in order, at most so many.
    pub fn numbers(&self, text: &str, most: usize) -> Vec<u32> {
        let text = beginning(text, LONGEST);
        let mut found = Vec::new();
        let mut word = String::new();
        // Text without accents is the rule and needs no decomposition.
        if text.is_ascii() {
            text.chars().for_each(|character| self.take(character, &mut word, &mut found, most));
        } else {
            let apart = text.chars().filter(|character| !is_control(*character)).flat_map(set_apart);
            apart.nfd().for_each(|character| self.take(character, &mut word, &mut found, most));
        }
        self.end(&mut word, &mut found, most);
        found
    }

    /// One character more.
    fn take(&self, character: char, word: &mut String, found: &mut Vec<u32>, most: usize) {
        if found.len() >= most {
            return;
        }
        if is_space(character) {
            self.end(word, found, most);
        } else if is_control(character) || is_accent(character) {
        } else {
            for character in character.to_lowercase() {
                if is_punctuation(character) {
                    self.end(word, found, most);
                    word.push(character);
                    self.end(word, found, most);
                } else {
                    word.push(character);
                }
            }
        }
    }

    /// The pieces of a whole word.
    fn end(&self, word: &mut String, found: &mut Vec<u32>, most: usize) {
        let begins = found.len();
        if word.is_empty() {
            return;
        }
        if word.chars().count() > LONGEST_WORD || !self.pieces(word, found) {
            found.truncate(begins);
            found.extend(self.unknown);
        }
        found.truncate(most);
        word.clear();
    }

    /// The longest piece that the rest begins with, and again; false where there is none.
    fn pieces(&self, word: &str, found: &mut Vec<u32>) -> bool {
        let mut rest = word;
        while !rest.is_empty() {
            let of = if rest.len() == word.len() { &self.heads } else { &self.tails };
            let ends = (1..=rest.len().min(self.longest)).rev().filter(|end| rest.is_char_boundary(*end));
            let piece = ends.map(|end| rest.split_at(end)).find_map(|(piece, left)| Some((*of.get(piece)?, left)));
            let Some((number, left)) = piece else { return false };
            found.push(number);
            rest = left;
        }
        true
    }
}

/// At most so many bytes of a text, whole characters.
fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// A CJK character with spaces around it.
fn set_apart(character: char) -> impl Iterator<Item = char> {
    let around = is_cjk(character).then_some(' ');
    around.into_iter().chain([character]).chain(around)
}

fn is_space(character: char) -> bool {
    character.is_whitespace()
}

fn is_control(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => false,
        '\0' | '\u{fffd}' => true,
        _ if character.is_ascii() => character.is_ascii_control(),
        // What is not assigned yet counts as a letter there, too.
        _ => {
            character.general_category_group() == GeneralCategoryGroup::Other
                && character.general_category() != unicode_properties::GeneralCategory::Unassigned
        }
    }
}

fn is_accent(character: char) -> bool {
    !character.is_ascii() && character.general_category() == unicode_properties::GeneralCategory::NonspacingMark
}

fn is_punctuation(character: char) -> bool {
    match character.is_ascii() {
        true => character.is_ascii_punctuation(),
        false => character.general_category_group() == GeneralCategoryGroup::Punctuation,
    }
}

/// The blocks of Chinese characters, as BERT's tokenizer lists them.
fn is_cjk(character: char) -> bool {
    matches!(u32::from(character),
        0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0x20000..=0x2A6DF | 0x2A700..=0x2B73F | 0x2B740..=0x2B81F
        | 0x2B920..=0x2CEAF | 0xF900..=0xFAFF | 0x2F800..=0x2FA1F)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> WordPiece {
        WordPiece::new([
            "[UNK]", "red", "hat", "##s", "##hat", "un", "##aff", "##able", ",", "-", "cafe", "鞋", "ح", "##ذ",
        ])
    }

    #[test]
    fn the_longest_piece_comes_first_and_a_word_without_pieces_is_unknown() {
        let pieces = small();
        assert_eq!(pieces.numbers("Red  hats, unaffable", 99), [1, 2, 3, 8, 5, 6, 7]);
        assert_eq!(pieces.numbers("red-hatx hat", 99), [1, 9, 0, 2]);
        assert_eq!(pieces.numbers("red red red", 2), [1, 1]);
        assert_eq!(WordPiece::new(["red"]).numbers("red shoe", 9), [0]);
    }

    #[test]
    fn accents_scripts_emoji_and_what_cannot_be_seen_are_read_as_bert_reads_them() {
        let pieces = small();
        assert_eq!(pieces.numbers("CAFÉ cafe\u{301} ca\u{ad}f\u{200b}e", 99), [10, 10, 10]);
        assert_eq!(pieces.numbers("red鞋hat حذ", 99), [1, 11, 2, 12, 13]);
        assert_eq!(pieces.numbers("🌶 👩\u{200d}🚀\u{a0}hat\u{0}", 99), [0, 0, 2]);
        assert_eq!(pieces.numbers("“hat”", 99), [0, 2, 0], "punctuation of any script stands alone");
        assert!(pieces.numbers(" \t\u{0}\u{fffd}", 99).is_empty() && pieces.numbers("", 99).is_empty());
    }

    #[test]
    fn long_words_and_long_texts_are_bounded() {
        let pieces = small();
        assert_eq!(pieces.numbers(&("hat".to_owned() + &"s".repeat(97)), 999).len(), 98);
        assert_eq!(pieces.numbers(&("hat".to_owned() + &"s".repeat(98)), 999), [0]);
        let long = "hat ".repeat(300_000);
        assert_eq!(pieces.numbers(&long, usize::MAX).len(), LONGEST / 4);
        assert_eq!(beginning("é", 1), "");
        assert_eq!(pieces.numbers(&"é".repeat(600_000), 9), [0]);
    }
}
