//! Draws the pictures: a calm field of the category's colours and a simple shape of the product, as SVG.

use super::product::Catalogue;
use super::words::CATEGORIES;
use std::fmt::Write;

/// The picture of a file name `{what}-{number}-{view}.svg`; `None` where the store has no such thing.
pub(super) fn draw(catalogue: &Catalogue, file: &str) -> Option<String> {
    let mut parts = file.strip_suffix(".svg")?.split('-');
    let (of, number, view) = (parts.next()?, parts.next()?.parse::<u64>().ok()?, parts.next()?.parse::<u32>().ok()?);
    if parts.next().is_some() || !(1..=9).contains(&view) {
        return None;
    }
    match of {
        "product" => {
            let product = catalogue.product(number)?;
            let colors = product.options.iter().find(|option| option.name == "Color");
            let color = colors.and_then(|option| option.values[(view as usize - 1) % option.values.len()].1);
            let paint = color.map_or_else(|| tone(number, 46), str::to_owned);
            Some(scene(number * 10 + u64::from(view), product.category, &paint, &product.title))
        }
        "collection" => {
            let collection = catalogue.collection(number)?;
            let category = CATEGORIES.iter().position(|it| it.handle == collection.handle);
            let at = usize::try_from(number).unwrap_or(0);
            Some(scene(number, category.unwrap_or(at), &tone(number * 3, 40), collection.title))
        }
        "article" | "shop" => Some(scene(number + 7, usize::try_from(number).unwrap_or(0), "#22384d", "Outfitter")),
        _ => None,
    }
}

/// A colour from a number: golden-angle steps around the circle keep neighbours apart.
fn tone(number: u64, light: u64) -> String {
    format!("hsl({}, 34%, {light}%)", number * 137 % 360)
}

fn scene(seed: u64, category: usize, paint: &str, title: &str) -> String {
    let title: String = title.chars().filter(|letter| !matches!(letter, '<' | '>' | '&' | '"')).collect();
    let hue = (category * 24) % 360;
    let turn = (seed * 29 % 30) as i64 - 15;
    let mut svg = String::with_capacity(1_600);
    // Writing to a string cannot fail.
    let _written = write!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 1200" width="1200" height="1200" role="img">
<title>{title}</title>
<defs><linearGradient id="b" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="hsl({hue}, 30%, 93%)"/><stop offset="1" stop-color="hsl({}, 26%, 82%)"/></linearGradient></defs>
<rect width="1200" height="1200" fill="url(#b)"/>
<circle cx="{}" cy="{}" r="{}" fill="hsl({hue}, 34%, 88%)"/>
<ellipse cx="600" cy="930" rx="330" ry="34" fill="#000" opacity="0.10"/>
<g transform="rotate({turn} 600 600)" fill="{paint}" stroke="#1b2733" stroke-opacity="0.35" stroke-width="8" stroke-linejoin="round">{}</g>
<text x="600" y="1110" font-family="Georgia, serif" font-size="44" fill="#22303c" text-anchor="middle">{title}</text>
</svg>"##,
        (hue + 30) % 360,
        300 + seed * 53 % 600,
        260 + seed * 31 % 300,
        260 + seed * 17 % 180,
        shape(category),
    );
    svg
}

/// An outline for each category, within 300 to 900.
fn shape(category: usize) -> &'static str {
    match category % 15 {
        0 => r#"<path d="M420 380l110-60q70 60 140 0l110 60 90 150-100 50-30-50v360H460V530l-30 50-100-50z"/>"#,
        1 => {
            r#"<path d="M410 360l130-50 60 60 60-60 130 50 80 420-90 20-30-220v330H450V580l-30 220-90-20z"/><path d="M600 370v540"/>"#
        }
        2 => r#"<path d="M450 320h300l50 590H660l-60-400-60 400H400z"/>"#,
        3 => r#"<path d="M400 380h190v230l230 120q70 40 60 120H400z"/><path d="M400 850h480v50H400z"/>"#,
        4 => r#"<circle cx="480" cy="600" r="130"/><circle cx="740" cy="600" r="130"/><path d="M605 590h10"/>"#,
        5 => {
            r#"<path d="M500 420q0-120 100-120t100 120"/><rect x="400" y="420" width="400" height="480" rx="60"/><rect x="460" y="640" width="280" height="180" rx="24"/>"#
        }
        6 => {
            r#"<rect x="420" y="320" width="340" height="560" rx="18"/><path d="M480 320v560M540 450h160M540 520h160"/>"#
        }
        7 => r#"<path d="M600 330l340 560H260z"/><path d="M600 330v560M600 560l110 330H490z"/>"#,
        8 => r#"<path d="M520 470q-20-140 80-140t80 140"/><circle cx="600" cy="660" r="210"/>"#,
        9 => {
            r#"<circle cx="420" cy="740" r="150" fill="none"/><circle cx="780" cy="740" r="150" fill="none"/><path d="M420 740l120-260h180l60 260M540 480l80 260h-200"/>"#
        }
        10 => r#"<circle cx="540" cy="620" r="230"/><path d="M730 500l190-130 40 60-190 130z"/>"#,
        11 => r#"<circle cx="600" cy="610" r="280"/><circle cx="600" cy="610" r="180"/>"#,
        12 => {
            r#"<rect x="320" y="520" width="560" height="320" rx="60"/><rect x="380" y="430" width="220" height="150" rx="50"/><rect x="610" y="430" width="220" height="150" rx="50"/>"#
        }
        13 => r#"<path d="M520 330h160v90q120 100 120 270t-120 200H520q-120-30-120-200t120-270z"/>"#,
        _ => {
            r#"<rect x="540" y="310" width="120" height="110" rx="16"/><path d="M480 420h240q50 60 50 160v300H430V580q0-100 50-160z"/>"#
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{config::Config, generate::catalogue};
    use std::collections::HashSet;

    #[test]
    fn every_product_has_its_own_picture_and_nothing_else_has_one() {
        let catalogue = catalogue(&Config::default());
        let draw_it = |number: u64| draw(&catalogue, &format!("product-{number}-1.svg"));
        let drawn: HashSet<String> = catalogue.products.iter().filter_map(|it| draw_it(it.number)).collect();
        assert_eq!(drawn.len(), catalogue.products.len());
        for wrong in
            ["product-1-1.svg", "product-1001-0.svg", "product-1001-1.png", "../../etc/passwd", "x", "a-b-c.svg"]
        {
            assert_eq!(draw(&catalogue, wrong), None, "{wrong}");
        }
    }
}
