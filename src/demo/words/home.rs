//! Words of the house: kitchen, dining, bedroom, living room, bathroom.

use super::{Category, kinds};

pub(super) static KITCHEN: Category = Category {
    name: "Kitchen",
    german: "Küche",
    handle: "kitchen",
    blurb: "Pans, knives and boards that are handed on.",
    vendors: &["Larder", "Iron & Ash", "Maison Orme"],
    materials: &["Cast-Iron", "Copper", "Carbon Steel", "Oak", "Enamelled", "Stainless"],
    colors: &[("Black", "#1d1d1f"), ("Cream", "#efe6d2"), ("Brick", "#9c4a36")],
    details: &[
        "Works on every hob and in every oven.",
        "Seasoned three times before it leaves the foundry.",
        "The handle stays cool for longer than you would think.",
    ],
    kinds: kinds! {
        "Skillet" as "skillets", 35..159, Litres, Any, "eggs and everything after" => ["spatulas", "chopping-boards", "aprons"];
        "Chef's Knife" as "knives", 45..229, One, Any, "onions, bread and herbs" => ["chopping-boards", "knife-sharpeners"];
        "Chopping Board" as "chopping-boards", 25..99, Litres, Any, "knives worth protecting" => ["knives"];
        "Knife Sharpener" as "knife-sharpeners", 19..79, One, Any, "an edge each Sunday" => ["knives"];
        "Spatula" as "spatulas", 9..29, One, Any, "the corner of the pan" => ["skillets", "aprons"];
        "Casserole" as "casseroles", 89..329, Litres, Winter, "stews that take all day" => ["trivets", "aprons"];
        "Coffee Dripper" as "drippers", 19..79, One, Any, "one careful cup" => ["kettles", "mugs", "coffee-grinders"];
        "Kettle" as "kettles", 39..149, One, Winter, "water at the right heat" => ["drippers", "mugs", "teapots"];
        "Coffee Grinder" as "coffee-grinders", 45..199, One, Any, "beans, just before" => ["drippers"];
        "Apron" as "aprons", 25..79, One, Any, "flour and wine" => ["skillets"];
    },
};

pub(super) static DINING: Category = Category {
    name: "Dining",
    german: "Esstisch",
    handle: "dining",
    blurb: "Plates, glasses and linen for a long table.",
    vendors: &["Larder", "Studio Leire", "Maison Orme"],
    materials: &["Stoneware", "Porcelain", "Linen", "Hand-Blown", "Acacia", "Speckled"],
    colors: &[("Chalk", "#ece9e2"), ("Celadon", "#a8c3b0"), ("Ink", "#1e2a3a")],
    details: &[
        "Each piece differs a little from the next.",
        "Goes through the dishwasher, though it does not ask to.",
        "Fired twice at a temperature nobody likes to stand near.",
    ],
    kinds: kinds! {
        "Dinner Plates" as "plates", 29..119, One, Any, "six guests" => ["bowls", "cutlery", "napkins"];
        "Bowls" as "bowls", 25..99, One, Winter, "soup and rice" => ["plates", "cutlery"];
        "Mug" as "mugs", 9..35, One, Winter, "both hands" => ["kettles", "teapots"];
        "Wine Glasses" as "wine-glasses", 25..119, One, Any, "the second bottle" => ["carafes", "napkins"];
        "Carafe" as "carafes", 25..89, One, Summer, "water or wine" => ["wine-glasses"];
        "Cutlery Set" as "cutlery", 49..199, One, Any, "every day and Sundays" => ["plates", "napkins"];
        "Napkins" as "napkins", 15..59, One, Any, "sauce" => ["plates", "wine-glasses"];
        "Teapot" as "teapots", 29..109, One, Winter, "four o'clock" => ["mugs", "kettles"];
        "Trivet" as "trivets", 9..39, One, Any, "hot pots" => ["casseroles"];
    },
};

pub(super) static BEDROOM: Category = Category {
    name: "Bedroom",
    german: "Schlafzimmer",
    handle: "bedroom",
    blurb: "Linen, wool and down for better nights.",
    vendors: &["Quiet House", "Tern & Tide", "Maison Orme"],
    materials: &["Washed Linen", "Percale", "Sateen", "Wool", "Waffle", "Brushed"],
    colors: &[("White", "#f4f1ea"), ("Fog", "#b9bfc4"), ("Terracotta", "#c4704f"), ("Sage", "#9caf88")],
    details: &[
        "Washed with stones until it is as soft as in its fifth year.",
        "Woven wide, so that there is no seam in the middle.",
        "Cool in July and warm in January.",
    ],
    kinds: kinds! {
        "Duvet Cover" as "duvet-covers", 69..229, Bed, Any, "eight hours" => ["pillowcases", "sheets"];
        "Pillowcases" as "pillowcases", 25..79, Bed, Any, "both sides" => ["duvet-covers", "sheets"];
        "Fitted Sheet" as "sheets", 39..129, Bed, Any, "corners that stay" => ["duvet-covers", "pillowcases"];
        "Blanket" as "blankets", 59..239, Bed, Winter, "reading late" => ["cushions", "candles"];
        "Alarm Clock" as "clocks", 25..89, One, Any, "a room without a phone" => ["bedside-lamps"];
        "Bedside Lamp" as "bedside-lamps", 39..149, One, Winter, "one more chapter" => ["clocks", "blankets"];
    },
};

pub(super) static LIVING: Category = Category {
    name: "Living",
    german: "Wohnen",
    handle: "living",
    blurb: "Light, scent and softness for the room you share.",
    vendors: &["Quiet House", "Studio Leire", "Atelier Sund"],
    materials: &["Ceramic", "Woven", "Bouclé", "Rattan", "Hand-Poured", "Terrazzo"],
    colors: &[("Natural", "#d9c9a8"), ("Forest", "#39523f"), ("Ochre", "#c08a2d")],
    details: &[
        "Made one at a time in a studio by the harbour.",
        "It looks better near a window.",
        "Light enough to move when the sun does.",
    ],
    kinds: kinds! {
        "Cushion" as "cushions", 25..99, One, Any, "the corner of the sofa" => ["blankets"];
        "Candle" as "candles", 15..59, One, Winter, "the hour before guests" => ["vases", "cushions"];
        "Vase" as "vases", 25..129, Litres, Summer, "whatever grows by the road" => ["candles", "planters"];
        "Planter" as "planters", 19..109, Litres, Summer, "green things on sills" => ["watering-cans", "vases"];
        "Watering Can" as "watering-cans", 19..69, One, Summer, "thirsty sills" => ["planters"];
        "Rug" as "rugs", 89..449, Bed, Any, "bare feet" => ["cushions"];
    },
};

pub(super) static BEAUTY: Category = Category {
    name: "Beauty",
    german: "Pflege",
    handle: "beauty",
    blurb: "Soap, oil and towels for the quiet room.",
    vendors: &["Plain Goods", "Apothecary Nine", "Haus Salbei"],
    materials: &["Sage", "Cedar", "Bergamot", "Oat", "Sea Salt", "Rose"],
    colors: &[],
    details: &[
        "Stirred in small kettles with plant oils and nothing you cannot pronounce.",
        "Smells of a wood after rain, then of nothing.",
        "Kind to skin that is not.",
    ],
    kinds: kinds! {
        "Soap" as "soaps", 7..25, One, Any, "hands that work" => ["hand-creams", "wash-bags"];
        "Hand Cream" as "hand-creams", 12..39, Volume, Winter, "frost and flour" => ["soaps", "lip-balms"];
        "Shampoo" as "shampoos", 14..45, Volume, Any, "hair and beard" => ["conditioners", "wash-bags"];
        "Conditioner" as "conditioners", 14..45, Volume, Any, "the other half" => ["shampoos"];
        "Face Oil" as "face-oils", 25..95, Volume, Winter, "wind and heating" => ["lip-balms", "hand-creams"];
        "Lip Balm" as "lip-balms", 5..19, One, Winter, "the other pocket" => ["hand-creams"];
        "Sun Cream" as "sun-creams", 15..45, Volume, Summer, "long light" => ["sunglasses", "beach-towels"];
        "Beach Towel" as "beach-towels", 29..89, One, Summer, "sand" => ["sun-creams", "sandals"];
    },
};
