//! The map of the items, coloured by what most tells them apart: the category, or else an attribute that many share.

use super::labels::Labels;
use super::markup::{escaped, short};
use std::collections::BTreeMap;

/// Colours that are told apart; all other groups share one more.
const COLOURS: usize = 8;
/// The side of the map.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 560.0;

/// The map as SVG with its legend.
pub(super) fn space(map: &[(u32, [f32; 2])], labels: &Labels<'_>) -> String {
    let groups = labels.groups(map.iter().map(|(row, _)| *row));
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    groups.iter().filter(|group| !group.is_empty()).for_each(|group| *sizes.entry(group).or_default() += 1);
    let mut sizes: Vec<(&str, usize)> = sizes.into_iter().collect();
    sizes.sort_by_key(|(name, size)| (std::cmp::Reverse(*size), *name));
    let colour = |group: &str| sizes.iter().take(COLOURS).position(|(name, _)| *name == group).unwrap_or(COLOURS);
    let (across, down) =
        (scale(map.iter().map(|(_, at)| at[0]), WIDTH), scale(map.iter().map(|(_, at)| at[1]), HEIGHT));
    let mut layers = vec![String::new(); COLOURS + 1];
    for ((row, at), group) in map.iter().zip(&groups) {
        let title = short(&labels.title(*row), 80);
        layers[colour(group)].push_str(&format!(
            r#"<circle cx="{:.0}" cy="{:.0}" r="4"><title>{title}{}</title></circle>"#,
            across(at[0]),
            down(at[1]),
            if group.is_empty() { String::new() } else { format!(" · {}", short(group, 40)) }
        ));
    }
    let mut svg =
        format!(r#"<svg class="points" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Map of the items">"#);
    // The many others lie below.
    for (number, layer) in layers.iter().enumerate().rev() {
        svg.push_str(&format!(r#"<g class="k{number}">{layer}</g>"#));
    }
    svg + "</svg>" + &legend(&sizes, map.len())
}

fn legend(sizes: &[(&str, usize)], all: usize) -> String {
    let mut shown: Vec<(String, usize)> =
        sizes.iter().take(COLOURS).map(|(name, size)| (short(name, 40), *size)).collect();
    let others = all - shown.iter().map(|(_, size)| size).sum::<usize>();
    let mut lines = String::new();
    let mut line = |name: &str, size: usize, number: usize| {
        lines.push_str(&format!(
            r#"<li><svg viewBox="0 0 10 10" aria-hidden="true"><circle class="k{number}" cx="5" cy="5" r="5"/></svg>{name} <small>{size}</small></li>"#
        ));
    };
    shown.drain(..).zip(0..).for_each(|((name, size), number)| line(&name, size, number));
    if others > 0 {
        line(&escaped(if sizes.is_empty() { "items" } else { "others" }), others, COLOURS);
    }
    format!(r#"<ul class="legend">{lines}</ul>"#)
}

/// From values to places. Far-off single points do not squeeze all others: the outermost hundredth lies on the edge.
fn scale(values: impl Iterator<Item = f32>, size: f64) -> impl Fn(f32) -> f64 {
    let mut sorted: Vec<f32> = values.filter(|value| value.is_finite()).collect();
    sorted.sort_by(f32::total_cmp);
    let edge = |share: f64| sorted.get((share * sorted.len() as f64) as usize).copied();
    let (low, high) = (edge(0.005).unwrap_or(0.0), edge(0.995).or(sorted.last().copied()).unwrap_or(0.0));
    let (low, span) = (f64::from(low), f64::from(high - low).max(1e-9));
    move |value| {
        let share = (f64::from(value) - low) / span;
        // What is no number lies in the middle.
        10.0 + (size - 20.0) * if share.is_nan() { 0.5 } else { share.clamp(0.0, 1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Attributes, Vocabulary};

    #[test]
    fn every_item_is_a_point_with_its_title_and_the_ninth_category_is_among_others() {
        let keys: Vec<String> = (10..30).map(|key| format!("<k{key}>")).collect();
        let vocabulary = Vocabulary::new(keys.iter().map(String::as_str)).unwrap();
        let mut names = vec![Vec::new()];
        names.extend((0..20).map(|at| vec![format!("category:C&{}", at / 2)]));
        let attributes = Attributes::new(&names);
        let labels = Labels { vocabulary: &vocabulary, titles: &[], attributes: &attributes };
        let map: Vec<(u32, [f32; 2])> = (1..=20).map(|row| (row, [row as f32, -(row as f32)])).collect();
        let html = space(&map, &labels);
        assert_eq!(html.matches("<title>").count(), 20);
        assert!(html.contains("&lt;k10&gt; · C&amp;0") && !html.contains("<k10>"), "{html}");
        assert!(html.contains("others <small>4</small>") && html.contains("C&amp;7 <small>2</small>"), "{html}");
        assert!(space(&[], &labels).contains("<svg"));
        assert!(!space(&[(1, [f32::NAN, f32::INFINITY])], &labels).contains("NaN"));
    }
}
