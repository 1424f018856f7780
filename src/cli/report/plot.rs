//! Charts as SVG: bars with intervals, curves, probabilities against what came true. Sizes are in the chart's own units;
//! the page scales them.

use super::markup::{escaped, figure};
use crate::train::{Bin, Interval};

/// A drawing of a size around its parts, and what it says to who cannot see it.
fn drawing(width: f64, height: f64, label: &str, parts: &str) -> String {
    format!(r#"<svg viewBox="0 0 {width} {height}" role="img" aria-label="{}">{parts}</svg>"#, escaped(label))
}

/// One bar: whose, how long, how sure, and whether it is the model's own.
pub(super) struct Bar<'a> {
    pub(super) name: &'a str,
    pub(super) value: Interval,
    pub(super) own: bool,
}

/// Lying bars with their intervals as whiskers, from 0.
pub(super) fn bars(label: &str, bars: &[Bar<'_>]) -> String {
    let (row, left, width) = (24.0, 150.0, 250.0);
    let most = bars.iter().map(|bar| bar.value.high.max(bar.value.mean)).fold(0.0, f64::max).max(1e-9);
    let along = |value: f64| left + width * (value / most).clamp(0.0, 1.0);
    let mut parts = String::new();
    for (bar, at) in bars.iter().zip(0u32..) {
        let y = f64::from(at) * row;
        let (end, low, high) = (along(bar.value.mean), along(bar.value.low), along(bar.value.high));
        let (middle, length) = (y + row / 2.0, end - left);
        parts.push_str(&format!(
            r#"<g{}><text x="{}" y="{:.1}" text-anchor="end">{}</text><rect class="bar" x="{left}" y="{:.1}" width="{length:.1}" height="14" rx="2"/><path class="whisker" d="M{low:.1} {middle:.1}H{high:.1}M{low:.1} {:.1}v8M{high:.1} {:.1}v8"/><text x="{:.1}" y="{:.1}">{}</text></g>"#,
            if bar.own { r#" class="own""# } else { "" },
            left - 8.0,
            middle + 4.0,
            super::markup::short(bar.name, 22),
            middle - 7.0,
            middle - 4.0,
            middle - 4.0,
            high.max(end) + 8.0,
            middle + 4.0,
            figure(bar.value.mean)
        ));
    }
    drawing(left + width + 60.0, bars.len() as f64 * row, label, &parts)
}

/// A curve over passes, with the chosen pass marked. Values that are not finite are left out.
pub(super) fn curve(label: &str, values: &[f64], chosen: usize) -> String {
    let (left, top, width, height) = (52.0, 10.0, 380.0, 150.0);
    let sound: Vec<(usize, f64)> = (1..).zip(values.iter().copied()).filter(|(_, value)| value.is_finite()).collect();
    let low = sound.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
    let high = sound.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
    if sound.is_empty() {
        return String::new();
    }
    let x = |pass: usize| left + width * (pass as f64 - 1.0) / (values.len().max(2) - 1) as f64;
    let y = |value: f64| top + height * (1.0 - (value - low) / (high - low).max(1e-12));
    let mut parts = format!(
        r#"<path class="axis" d="M{left} {top}V{base}H{}" fill="none"/><text class="soft" x="{}" y="{}" text-anchor="end">{}</text><text class="soft" x="{}" y="{base}" text-anchor="end">{}</text><text class="soft" x="{left}" y="{}">1</text><text class="soft" x="{}" y="{}" text-anchor="end">pass {}</text>"#,
        left + width,
        left - 6.0,
        top + 8.0,
        figure(high),
        left - 6.0,
        figure(low),
        top + height + 18.0,
        left + width,
        top + height + 18.0,
        values.len(),
        base = top + height,
    );
    let points: Vec<String> = sound.iter().map(|(pass, value)| format!("{:.1},{:.1}", x(*pass), y(*value))).collect();
    parts.push_str(&format!(r#"<polyline class="curve" points="{}"/>"#, points.join(" ")));
    for (pass, value) in &sound {
        let class = if *pass == chosen { r#"best" r="5"# } else { r#"dot" r="2"# };
        parts.push_str(&format!(
            r#"<circle class="{class}" cx="{:.1}" cy="{:.1}"><title>pass {pass}: {}</title></circle>"#,
            x(*pass),
            y(*value),
            figure(*value)
        ));
    }
    drawing(left + width + 10.0, top + height + 24.0, label, &parts)
}

/// Probabilities said against what came true, on logarithmic axes: most are small. What lies on the line holds.
pub(super) fn calibration(label: &str, bins: &[Bin]) -> String {
    let (left, top, side) = (52.0, 10.0, 300.0);
    let positive = || bins.iter().flat_map(|bin| [bin.said, bin.came]).filter(|value| *value > 0.0);
    let floor = positive().fold(1.0, f64::min).log10().floor().max(-6.0);
    if positive().next().is_none() || floor >= 0.0 {
        return String::new();
    }
    let share = |value: f64| if value > 0.0 { (1.0 - value.log10() / floor).clamp(0.0, 1.0) } else { 0.0 };
    let (x, y) = (|value: f64| left + side * share(value), |value: f64| top + side * (1.0 - share(value)));
    let mut parts = format!(
        r#"<path class="axis" d="M{left} {top}V{base}H{right}" fill="none"/><path class="ideal" d="M{left} {base}L{right} {top}"/>"#,
        base = top + side,
        right = left + side,
    );
    for decade in (floor as i32)..=0 {
        let value = 10f64.powi(decade);
        let name = value.to_string();
        parts.push_str(&format!(
            r#"<text class="soft" x="{:.1}" y="{}" text-anchor="middle">{name}</text><text class="soft" x="{}" y="{:.1}" text-anchor="end">{name}</text>"#,
            x(value),
            top + side + 18.0,
            left - 6.0,
            y(value) + 4.0
        ));
    }
    for bin in bins {
        // Two standard errors of a share of that many.
        let error = 2.0 * (bin.came * (1.0 - bin.came) / bin.count.max(1) as f64).sqrt();
        parts.push_str(&format!(
            r#"<path class="whisker" d="M{x:.1} {:.1}V{:.1}"/><circle class="dot" r="4.5" cx="{x:.1}" cy="{:.1}"><title>said {}, came true {} of {}</title></circle>"#,
            y((bin.came - error).max(0.0)),
            y((bin.came + error).min(1.0)),
            y(bin.came),
            figure(bin.said),
            figure(bin.came),
            bin.count,
            x = x(bin.said),
        ));
    }
    drawing(left + side + 20.0, top + side + 26.0, label, &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_values_and_whiskers_as_wide_as_their_intervals() {
        let value = |mean: f64| Interval { mean, low: mean - 0.1, high: mean + 0.1 };
        let bar = |name, mean, own| Bar { name, value: value(mean), own };
        let svg = bars("NDCG", &[bar("<one>", 0.4, false), bar("blend", 0.9, true)]);
        assert!(svg.contains(r#"width="100.0""#) && svg.contains(r#"width="225.0""#), "{svg}");
        assert!(
            svg.contains("M225.0 12.0H275.0")
                && svg.contains("&lt;one&gt;")
                && svg.matches("class=\"own\"").count() == 1
        );
    }

    #[test]
    fn curves_and_calibration_of_nothing_or_of_what_is_no_number_are_drawn_without_it() {
        assert_eq!(curve("loss", &[], 0), "");
        assert_eq!(curve("loss", &[f64::NAN], 0), "");
        let svg = curve("loss", &[3.0, f64::NAN, 1.0], 3);
        assert!(svg.contains(r#"points="52.0,10.0 432.0,160.0""#) && !svg.contains("NaN"), "{svg}");
        assert_eq!(calibration("held", &[]), "");
        let svg =
            calibration("held", &[Bin { said: 0.1, came: 0.1, count: 50 }, Bin { said: 0.01, came: 0.0, count: 50 }]);
        // A tenth of two decades is in the middle of both axes.
        assert!(svg.contains(r#"cx="202.0" cy="160.0""#) && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
