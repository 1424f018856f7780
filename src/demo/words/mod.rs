//! The words that the catalogue is made of: categories, kinds of products in them, and what goes with what.
//!
//! Everything here is invented for the demo; no brand is real. A kind's `with` names the tags of the kinds that are
//! bought with it, which is where the history's complements come from.

mod active;
mod carry;
mod home;
mod wear;

/// Which sizes a kind comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// No size option.
    One,
    /// XS to XL.
    Clothing,
    /// Waist in inches.
    Waist,
    /// European shoe sizes.
    Shoe,
    /// Two bed sizes.
    Bed,
    /// Bottles and jars.
    Volume,
    /// Litres of a bag or a bottle.
    Litres,
}

impl Size {
    /// The option's name and its values; `None` for one size.
    pub(super) fn option(self) -> Option<(&'static str, &'static [&'static str])> {
        match self {
            Size::One => None,
            Size::Clothing => Some(("Size", &["XS", "S", "M", "L", "XL"])),
            Size::Waist => Some(("Waist", &["28", "30", "32", "34", "36"])),
            Size::Shoe => Some(("Size", &["38", "39", "40", "41", "42", "43", "44"])),
            Size::Bed => Some(("Size", &["Single", "Double", "King"])),
            Size::Volume => Some(("Volume", &["50 ml", "100 ml", "250 ml"])),
            Size::Litres => Some(("Capacity", &["Small", "Large"])),
        }
    }
}

/// When a kind sells best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Season {
    /// All year.
    Any,
    /// May to August.
    Summer,
    /// October to February.
    Winter,
}

impl Season {
    /// The tag of the season.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Season::Any => "all-season",
            Season::Summer => "summer",
            Season::Winter => "winter",
        }
    }
}

/// A kind of product.
#[derive(Debug)]
pub(super) struct Kind {
    /// What the title ends with.
    pub noun: &'static str,
    /// Its tag, unique among kinds.
    pub tag: &'static str,
    /// Lowest and highest price in whole US dollars.
    pub price: (i64, i64),
    /// Its sizes.
    pub size: Size,
    /// Its season.
    pub season: Season,
    /// What it is for, as the end of a sentence.
    pub purpose: &'static str,
    /// Tags of the kinds bought with it.
    pub with: &'static [&'static str],
}

/// A category of the shop.
#[derive(Debug)]
pub(super) struct Category {
    /// The product type and the title of the collection.
    pub name: &'static str,
    /// The title in German.
    pub german: &'static str,
    /// The collection's handle.
    pub handle: &'static str,
    /// One sentence.
    pub blurb: &'static str,
    /// Brands, from the cheapest to the dearest.
    pub vendors: &'static [&'static str],
    /// What the products are made of.
    pub materials: &'static [&'static str],
    /// Colours: name and sRGB. Empty where colour is no option.
    pub colors: &'static [(&'static str, &'static str)],
    /// Sentences about the making.
    pub details: &'static [&'static str],
    /// The kinds.
    pub kinds: &'static [Kind],
}

/// One row a kind: `"Noun" as "tag", low..high, Size, Season, "purpose" => ["tag", …];`
macro_rules! kinds {
    ($($noun:literal as $tag:literal, $low:literal .. $high:literal, $size:ident, $season:ident, $purpose:literal
        => [$($with:literal),*];)*) => {
        &[$($crate::demo::words::Kind {
            noun: $noun,
            tag: $tag,
            price: ($low, $high),
            size: $crate::demo::words::Size::$size,
            season: $crate::demo::words::Season::$season,
            purpose: $purpose,
            with: &[$($with),*],
        },)*]
    };
}
use kinds;

/// All categories, in the order of the shop's menu.
pub(super) static CATEGORIES: &[&Category] = &[
    &wear::TOPS,
    &wear::OUTERWEAR,
    &wear::BOTTOMS,
    &wear::FOOTWEAR,
    &carry::ACCESSORIES,
    &carry::BAGS,
    &carry::STATIONERY,
    &active::CAMPING,
    &active::FITNESS,
    &active::CYCLING,
    &home::KITCHEN,
    &home::DINING,
    &home::BEDROOM,
    &home::LIVING,
    &home::BEAUTY,
];

/// Names of series: the first word of each title.
pub(super) static SERIES: &[&str] = &[
    "Alder", "Anselm", "Arbor", "Atlas", "Aven", "Bergen", "Birch", "Bowline", "Calder", "Cedar", "Cinder", "Clove",
    "Corran", "Dorset", "Drift", "Dune", "Ember", "Fen", "Fjord", "Flint", "Gale", "Glen", "Harbour", "Hazel", "Heron",
    "Hollis", "Inlet", "Isla", "Juniper", "Kestrel", "Kite", "Larch", "Linden", "Lowell", "Marlow", "Meridian", "Mesa",
    "Moss", "Nordby", "Oakham", "Orla", "Osprey", "Pembroke", "Pine", "Quarry", "Quill", "Raven", "Reed", "Rowan",
    "Sable", "Sierra", "Sorrel", "Tamar", "Thistle", "Tide", "Umber", "Vale", "Wilder", "Willow", "Yarrow",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_kind_has_its_own_tag_and_goes_with_kinds_that_exist() {
        let kinds: Vec<&Kind> = CATEGORIES.iter().flat_map(|category| category.kinds).collect();
        let tags: HashSet<&str> = kinds.iter().map(|kind| kind.tag).collect();
        assert_eq!(tags.len(), kinds.len());
        for kind in kinds {
            assert!(kind.price.0 < kind.price.1, "{}", kind.noun);
            for with in kind.with {
                assert!(tags.contains(with), "{} goes with the unknown {with}", kind.noun);
                assert_ne!(*with, kind.tag);
            }
        }
        assert!(CATEGORIES.len() >= 12);
    }
}
