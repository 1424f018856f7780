//! Words of the clothes: tops, outerwear, bottoms, footwear.

use super::{Category, kinds};

pub(super) static TOPS: Category = Category {
    name: "Tops",
    german: "Oberteile",
    handle: "tops",
    blurb: "Shirts, knits and layers for every day of the week.",
    vendors: &["Plain Goods", "Tern & Tide", "Marlow Knit", "Atelier Sund"],
    materials: &["Cotton", "Linen", "Merino", "Hemp", "Organic Cotton", "Waffle"],
    colors: &[
        ("White", "#f4f1ea"),
        ("Navy", "#1f2f4f"),
        ("Olive", "#6b7042"),
        ("Rust", "#b1532f"),
        ("Black", "#1d1d1f"),
    ],
    details: &[
        "Cut and sewn in small runs, then washed once so that it keeps its shape.",
        "The seams lie flat, and the collar stays where it is put.",
        "Knitted from long-staple yarn that gets softer with each wash.",
    ],
    kinds: kinds! {
        "T-Shirt" as "t-shirts", 18..59, Clothing, Summer, "warm days and quick weekends" => ["jeans", "shorts", "sneakers"];
        "Oxford Shirt" as "shirts", 45..129, Clothing, Any, "the office and the evening after it" => ["chinos", "belts", "loafers"];
        "Crew Sweater" as "sweaters", 59..189, Clothing, Winter, "cold mornings by an open window" => ["jeans", "scarves", "coats"];
        "Base Layer" as "base-layers", 39..109, Clothing, Winter, "long climbs in thin air" => ["rain-jackets", "hiking-socks", "hiking-boots"];
        "Polo" as "polos", 32..89, Clothing, Summer, "lunch outside" => ["chinos", "sunglasses"];
        "Hoodie" as "hoodies", 45..119, Clothing, Any, "late trains and slow Sundays" => ["joggers", "sneakers", "beanies"];
    },
};

pub(super) static OUTERWEAR: Category = Category {
    name: "Outerwear",
    german: "Jacken",
    handle: "outerwear",
    blurb: "Jackets and coats against wind, rain and frost.",
    vendors: &["Lowland Supply", "Northmark", "Fellside", "Haukur"],
    materials: &["Waxed", "Quilted", "Wool", "Recycled", "Canvas", "Three-Layer"],
    colors: &[("Pine", "#2f4a3c"), ("Charcoal", "#3a3d42"), ("Ochre", "#c08a2d"), ("Ink", "#1e2a3a")],
    details: &[
        "Two pockets for the hands and one for the map.",
        "The hood turns with the head and packs into the collar.",
        "Taped throughout and tested under a garden hose for an hour.",
    ],
    kinds: kinds! {
        "Rain Jacket" as "rain-jackets", 89..299, Clothing, Any, "weather that changes its mind" => ["base-layers", "hiking-boots", "umbrellas"];
        "Down Jacket" as "down-jackets", 129..399, Clothing, Winter, "frost before breakfast" => ["beanies", "gloves", "winter-boots"];
        "Overcoat" as "coats", 169..449, Clothing, Winter, "the city in November" => ["scarves", "gloves", "chelsea-boots"];
        "Chore Jacket" as "chore-jackets", 79..199, Clothing, Any, "the workshop and the market" => ["t-shirts", "jeans"];
        "Fleece" as "fleeces", 59..169, Clothing, Winter, "the hut and the walk up to it" => ["base-layers", "hiking-trousers"];
        "Windbreaker" as "windbreakers", 55..149, Clothing, Summer, "breezy capes and early runs" => ["running-shorts", "running-shoes"];
    },
};

pub(super) static BOTTOMS: Category = Category {
    name: "Bottoms",
    german: "Hosen",
    handle: "bottoms",
    blurb: "Trousers, jeans and shorts that last.",
    vendors: &["Plain Goods", "Lowland Supply", "Tern & Tide", "Atelier Sund"],
    materials: &["Selvedge", "Stretch", "Twill", "Ripstop", "Brushed", "Linen"],
    colors: &[("Indigo", "#2c3e66"), ("Sand", "#cbb591"), ("Black", "#1d1d1f"), ("Forest", "#39523f")],
    details: &[
        "Reinforced where a knee meets the ground.",
        "The waistband has a little give, and the pockets are deep enough.",
        "Woven on slow looms from yarn dyed in the rope.",
    ],
    kinds: kinds! {
        "Jeans" as "jeans", 59..189, Waist, Any, "every day until they are yours" => ["belts", "t-shirts", "sneakers"];
        "Chinos" as "chinos", 49..139, Waist, Any, "work without a dress code" => ["shirts", "belts", "loafers"];
        "Hiking Trousers" as "hiking-trousers", 69..179, Waist, Any, "rock, bramble and bog" => ["hiking-boots", "hiking-socks", "rain-jackets"];
        "Shorts" as "shorts", 35..95, Waist, Summer, "the garden and the ferry" => ["t-shirts", "sandals", "sunglasses"];
        "Joggers" as "joggers", 39..109, Clothing, Any, "the sofa and the stairs" => ["hoodies", "sneakers"];
        "Running Shorts" as "running-shorts", 29..79, Clothing, Summer, "tempo runs" => ["running-shoes", "sport-socks", "bottles"];
    },
};

pub(super) static FOOTWEAR: Category = Category {
    name: "Footwear",
    german: "Schuhe",
    handle: "footwear",
    blurb: "Boots, shoes and sandals for every ground.",
    vendors: &["Stride Co.", "Cobbler & Sons", "Fellside", "Haukur"],
    materials: &["Leather", "Suede", "Knit", "Nubuck", "Canvas", "Waterproof"],
    colors: &[("Tan", "#b07a4a"), ("Black", "#1d1d1f"), ("Stone", "#a9a499"), ("Moss", "#5e6b45")],
    details: &[
        "The sole is stitched and can be replaced.",
        "A wide last leaves room for the toes.",
        "Lined with wool felt that dries overnight.",
    ],
    kinds: kinds! {
        "Hiking Boots" as "hiking-boots", 119..289, Shoe, Any, "three days with a pack" => ["hiking-socks", "shoe-care", "backpacks"];
        "Winter Boots" as "winter-boots", 129..299, Shoe, Winter, "snow and salt" => ["hiking-socks", "shoe-care", "gloves"];
        "Sneakers" as "sneakers", 59..169, Shoe, Any, "pavements" => ["sport-socks", "jeans", "shoe-care"];
        "Running Shoes" as "running-shoes", 79..199, Shoe, Any, "the long way home" => ["sport-socks", "running-shorts", "bottles"];
        "Sandals" as "sandals", 39..119, Shoe, Summer, "warm stones" => ["shorts", "sunglasses", "beach-towels"];
        "Loafers" as "loafers", 89..229, Shoe, Any, "meetings and museums" => ["chinos", "shoe-care", "belts"];
        "Chelsea Boots" as "chelsea-boots", 119..279, Shoe, Winter, "wet leaves" => ["jeans", "shoe-care", "coats"];
    },
};
