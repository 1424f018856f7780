//! Words of what one does outside: camping, fitness, cycling.

use super::{Category, kinds};

pub(super) static CAMPING: Category = Category {
    name: "Camping",
    german: "Camping",
    handle: "camping",
    blurb: "Shelter, sleep and supper under the sky.",
    vendors: &["Base Ten", "Northmark", "Fellside", "Haukur"],
    materials: &["Ultralight", "Four-Season", "Titanium", "Ripstop", "Compact", "Expedition"],
    colors: &[("Moss", "#5e6b45"), ("Signal Orange", "#dd6b2a"), ("Granite", "#7d8187")],
    details: &[
        "Weighed on a kitchen scale, and the number on the label is true.",
        "Repair patches are sewn into the bag.",
        "Pitched and struck a hundred times before we sold the first.",
    ],
    kinds: kinds! {
        "Tent" as "tents", 149..599, Litres, Summer, "two people and a storm" => ["sleeping-bags", "sleeping-mats", "headlamps"];
        "Sleeping Bag" as "sleeping-bags", 89..389, Clothing, Summer, "nights near freezing" => ["sleeping-mats", "tents", "camp-pillows"];
        "Sleeping Mat" as "sleeping-mats", 39..199, One, Summer, "roots and stones" => ["sleeping-bags", "camp-pillows"];
        "Camp Stove" as "stoves", 35..159, One, Summer, "coffee at dawn" => ["cook-sets", "headlamps"];
        "Cook Set" as "cook-sets", 29..129, Litres, Summer, "supper for two" => ["stoves", "camp-mugs"];
        "Headlamp" as "headlamps", 19..99, One, Any, "the last hour of the path" => ["tents", "stoves"];
        "Camp Mug" as "camp-mugs", 9..29, One, Summer, "whatever is hot" => ["cook-sets", "stoves"];
        "Camp Pillow" as "camp-pillows", 15..49, One, Summer, "better sleep" => ["sleeping-mats"];
    },
};

pub(super) static FITNESS: Category = Category {
    name: "Fitness",
    german: "Fitness",
    handle: "fitness",
    blurb: "Tools for strength, balance and breath.",
    vendors: &["Repetition", "Stride Co.", "Still & Strong"],
    materials: &["Cork", "Cast", "Natural Rubber", "Padded", "Pro", "Everyday"],
    colors: &[("Black", "#1d1d1f"), ("Teal", "#2f7f7f"), ("Plum", "#6a3d5b")],
    details: &[
        "It does not slip, and it does not smell of tyres.",
        "Tested in a gym that opens at five.",
        "Small enough to live behind a door.",
    ],
    kinds: kinds! {
        "Yoga Mat" as "yoga-mats", 29..119, One, Any, "the floor at six in the morning" => ["yoga-blocks", "bottles", "leggings"];
        "Yoga Block" as "yoga-blocks", 12..35, One, Any, "the last few inches" => ["yoga-mats"];
        "Kettlebell" as "kettlebells", 29..119, Litres, Winter, "ten good minutes" => ["resistance-bands", "yoga-mats"];
        "Resistance Bands" as "resistance-bands", 12..45, One, Winter, "travel and rehab" => ["kettlebells", "yoga-mats"];
        "Bottle" as "bottles", 15..49, Litres, Any, "water that stays cold" => ["running-shoes", "yoga-mats"];
        "Leggings" as "leggings", 39..109, Clothing, Any, "stretching and errands" => ["yoga-mats", "hoodies"];
        "Foam Roller" as "foam-rollers", 19..59, One, Any, "the day after" => ["resistance-bands", "yoga-mats"];
    },
};

pub(super) static CYCLING: Category = Category {
    name: "Cycling",
    german: "Radfahren",
    handle: "cycling",
    blurb: "Lights, locks and layers for two wheels.",
    vendors: &["Chainline", "Gravelworks", "Velo Sund"],
    materials: &["Reflective", "Hardened", "Merino", "Aero", "Commuter", "Compact"],
    colors: &[("Black", "#1d1d1f"), ("Signal Yellow", "#e2c22f"), ("Petrol", "#1f5263")],
    details: &[
        "Seen from three hundred metres in drizzle.",
        "Fits with one tool, the one you already have.",
        "Ridden through two winters before it was sold.",
    ],
    kinds: kinds! {
        "Helmet" as "helmets", 49..229, Clothing, Any, "heads" => ["bike-lights", "bike-gloves"];
        "Light Set" as "bike-lights", 25..119, One, Winter, "the dark half of the year" => ["helmets", "bike-locks"];
        "Lock" as "bike-locks", 29..129, One, Any, "the rail outside" => ["bike-lights", "panniers"];
        "Pannier" as "panniers", 49..159, Litres, Any, "the weekly shop" => ["bike-locks", "rain-jackets"];
        "Jersey" as "jerseys", 45..139, Clothing, Summer, "long climbs" => ["bike-gloves", "bottles"];
        "Cycling Gloves" as "bike-gloves", 19..69, Clothing, Summer, "rough roads" => ["helmets", "jerseys"];
    },
};
