//! The table that is part of the program. `models/text/` holds it with its card; `outfitter text distill` makes it anew.

use super::table::Table;
use rust_embed::Embed;
use std::sync::LazyLock;

/// The table's file in `models/text/`.
pub(super) const FILE: &str = "text.safetensors";

#[derive(Embed)]
#[folder = "models/text"]
struct Files;

static SHIPPED: LazyLock<Option<Table>> = LazyLock::new(|| {
    let file = Files::get(FILE)?;
    let table = Table::read(&file.data);
    if let Err(error) = &table {
        tracing::error!(%error, "the program was built with a text table that cannot be read; texts say nothing");
    }
    table.ok()
});

/// The table that is part of the program, read once, in some milliseconds; none where it was built with one that cannot be
/// read.
pub fn shipped() -> Option<&'static Table> {
    SHIPPED.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_program_is_small_and_knows_what_goes_together() {
        let table = shipped().unwrap();
        let size: usize = Files::iter().filter_map(|name| Files::get(&name)).map(|file| file.data.len()).sum();
        assert!(size <= 4_000_000, "{size} bytes");
        let card = Files::get("card.md").unwrap();
        assert!(String::from_utf8_lossy(&card.data).contains(table.id()), "the card is of another table");
        let cosine = |one: &str, other: &str| -> f32 {
            table.embed(one).iter().zip(table.embed(other)).map(|(a, b)| a * b).sum()
        };
        for (text, near, far) in [
            ("waterproof hiking jacket", "rain coat for the mountains", "porcelain tea cup"),
            ("sneakers", "running shoes", "table lamp"),
            ("moisturizing face cream", "skin lotion", "leather belt"),
        ] {
            assert!(
                cosine(text, near) > cosine(text, far) + 0.1,
                "{text}: {} {}",
                cosine(text, near),
                cosine(text, far)
            );
        }
    }

    /// What the `tokenizers` library, 0.23, makes of them by the `tokenizer.json` of all-MiniLM-L6-v2.
    #[test]
    fn texts_are_parted_as_the_library_of_the_published_model_parts_them() {
        let file = Files::get(FILE).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&file.data).unwrap();
        let tokens = tensors.tensor("tokens").unwrap();
        let pieces: Vec<&str> = std::str::from_utf8(tokens.data()).unwrap().lines().chain(["[UNK]"]).collect();
        let read = super::super::WordPiece::new(pieces.iter().copied());
        for (text, expected) in [
            ("Waterproof hiking jacket", "water ##proof hiking jacket"),
            ("Red wool hat, hand-made!", "red wool hat , hand - made !"),
            ("Crème brûlée torch 50ml", "cr ##eme br ##ule ##e torch 50 ##ml"),
            ("naïve café Ærø Straße İstanbul", "naive cafe æ ##r ##ø st ##raße istanbul"),
            ("🌶 hot 👩\u{200d}🚀 sauce™", "[UNK] hot [UNK] sauce ##™"),
            ("حذاء جلدي أسود", "ح ##ذ ##ا ##ء ج ##ل ##د ##ي ا ##س ##و ##د"),
            ("鞋子 red 靴", "[UNK] 子 red [UNK]"),
            ("ｆｕｌｌｗｉｄｔｈ ﬁt", "[UNK] ﬁ ##t"),
            ("don't stop-motion (2.5%) $9.99", "don ' t stop - motion ( 2 . 5 % ) $ 9 . 99"),
            (
                "unaffable antidisestablishmentarianism",
                "una ##ffa ##ble anti ##dis ##est ##ab ##lish ##ment ##arian ##ism",
            ),
            ("a\u{ad}b\u{200b}c\u{9}d\u{0}e\u{fffd}f\u{a0}g", "abc def g"),
            ("हिन्दी टोपी", "ह ##ि ##न ##द ##ी ट ##ो ##प ##ी"),
            ("한국어 모자", "ᄒ ##ᅡ ##ᆫ ##ᄀ ##ᅮ ##ᆨ ##ᄋ ##ᅥ ᄆ ##ᅩ ##ᄌ ##ᅡ"),
            ("  ", ""),
            ("e\u{301}clair E\u{301}", "ec ##lai ##r e"),
            ("ΣΊΣΥΦΟΣ", "σ ##ι ##σ ##υ ##φ ##ο ##σ"),
            ("１２３ ½ ²", "[UNK] ½ ²"),
            ("—dash–“quote”…", "— dash – “ quote ” …"),
        ] {
            let found: Vec<&str> = read.numbers(text, 99).iter().map(|number| pieces[*number as usize]).collect();
            assert_eq!(found.join(" "), expected, "{text:?}");
        }
    }
}
