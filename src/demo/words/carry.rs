//! Words of what one carries: accessories, bags, stationery.

use super::{Category, kinds};

pub(super) static ACCESSORIES: Category = Category {
    name: "Accessories",
    german: "Accessoires",
    handle: "accessories",
    blurb: "Small things that finish an outfit.",
    vendors: &["Plain Goods", "Marlow Knit", "Cobbler & Sons", "Atelier Sund"],
    materials: &["Merino", "Cashmere", "Leather", "Cotton", "Ribbed", "Classic"],
    colors: &[("Charcoal", "#3a3d42"), ("Camel", "#c19a6b"), ("Burgundy", "#6d2233"), ("Sky", "#8fb4cf")],
    details: &[
        "Finished by hand at a bench with north light.",
        "Made from offcuts that were too good to throw away.",
        "Comes in a cotton bag that you will use for something else.",
    ],
    kinds: kinds! {
        "Hiking Socks" as "hiking-socks", 12..32, Shoe, Any, "boots and long days" => ["hiking-boots", "base-layers"];
        "Sport Socks" as "sport-socks", 9..24, Shoe, Any, "running and the gym" => ["running-shoes", "sneakers"];
        "Beanie" as "beanies", 19..59, One, Winter, "ears in an east wind" => ["gloves", "scarves", "down-jackets"];
        "Scarf" as "scarves", 29..129, One, Winter, "the gap above the coat" => ["gloves", "coats", "beanies"];
        "Gloves" as "gloves", 25..99, Clothing, Winter, "handlebars and shovels" => ["beanies", "scarves"];
        "Belt" as "belts", 29..99, Waist, Any, "trousers that fit almost" => ["jeans", "chinos"];
        "Sunglasses" as "sunglasses", 49..189, One, Summer, "low sun and bright water" => ["sandals", "beach-towels"];
        "Umbrella" as "umbrellas", 25..89, One, Any, "the walk from the station" => ["rain-jackets"];
        "Shoe Care Kit" as "shoe-care", 15..49, One, Any, "leather that should last" => ["hiking-boots", "loafers", "chelsea-boots"];
    },
};

pub(super) static BAGS: Category = Category {
    name: "Bags",
    german: "Taschen",
    handle: "bags",
    blurb: "Packs, totes and cases for a day or a month.",
    vendors: &["Lowland Supply", "Northmark", "Packhouse", "Cobbler & Sons"],
    materials: &["Canvas", "Ripstop", "Leather", "Recycled", "Waxed", "Roll-Top"],
    colors: &[("Black", "#1d1d1f"), ("Olive", "#6b7042"), ("Clay", "#b5694a"), ("Slate", "#5b6570")],
    details: &[
        "Straps are bar-tacked and the zip can be replaced.",
        "One big compartment, one flat pocket, nothing that rattles.",
        "It stands on its own and opens like a door.",
    ],
    kinds: kinds! {
        "Backpack" as "backpacks", 69..219, Litres, Any, "the commute and the mountain behind it" => ["bottles", "laptop-sleeves", "packing-cubes"];
        "Tote" as "totes", 25..129, One, Any, "the market" => ["bottles", "notebooks"];
        "Duffel" as "duffels", 79..249, Litres, Any, "two nights away" => ["packing-cubes", "wash-bags"];
        "Laptop Sleeve" as "laptop-sleeves", 29..99, Litres, Any, "thirteen or fifteen inches of work" => ["notebooks", "backpacks"];
        "Packing Cubes" as "packing-cubes", 19..59, One, Summer, "order in a suitcase" => ["duffels", "wash-bags"];
        "Wash Bag" as "wash-bags", 22..69, One, Any, "everything beside the sink" => ["soaps", "duffels", "shampoos"];
        "Messenger Bag" as "messengers", 69..199, One, Any, "papers and a loaf" => ["notebooks", "laptop-sleeves"];
    },
};

pub(super) static STATIONERY: Category = Category {
    name: "Stationery",
    german: "Papier und Stift",
    handle: "stationery",
    blurb: "Paper, pens and the desk they lie on.",
    vendors: &["Foolscap", "Desk Union", "Quire & Quill"],
    materials: &["Linen-Bound", "Brass", "Recycled", "Walnut", "Dotted", "Leather"],
    colors: &[("Graphite", "#4a4d52"), ("Sage", "#9caf88"), ("Coral", "#d9705f")],
    details: &[
        "The paper takes fountain-pen ink without a feather.",
        "It opens flat and stays open.",
        "Weighted so that it balances at the second knuckle.",
    ],
    kinds: kinds! {
        "Notebook" as "notebooks", 9..39, One, Any, "plans and second thoughts" => ["pens", "pencil-cases"];
        "Fountain Pen" as "pens", 25..149, One, Any, "letters worth keeping" => ["notebooks", "inks"];
        "Ink Bottle" as "inks", 9..29, One, Any, "a year of pages" => ["pens", "notebooks"];
        "Pencil Case" as "pencil-cases", 12..49, One, Any, "loose pens" => ["notebooks", "pens"];
        "Desk Lamp" as "desk-lamps", 59..189, One, Winter, "the hour after dinner" => ["desk-trays", "notebooks"];
        "Desk Tray" as "desk-trays", 19..79, One, Any, "what has no other place" => ["desk-lamps", "pens"];
    },
};
