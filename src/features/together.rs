//! How much it says that two products are bought together. The gateway and `evaluate --protocol baskets` both ask here, so
//! that what is measured is what is served.

/// How far the frequency of the product that is there is taken out of a pair, and that of the other; halves would make the
/// cosine. Chosen on public baskets older than those that are measured: docs/quality.md.
const SPEAKS: f64 = 0.7;
/// See [`SPEAKS`].
const SPOKEN_OF: f64 = 0.4;

/// The strength of a pair from the number of orders that hold both, one, and the other (faded counts where time fades them):
/// lift with its excess for rare products taken back, times the pair's own certainty `n / (n + 1)`. What is in every basket
/// goes with everything and so says little, both of itself and for others; the product that is there already is held to it
/// more, since it only speaks. Zero for a pair never seen; finite for any counts not below zero.
pub fn goes_with(both: f64, one: f64, other: f64) -> f64 {
    both / ((1.0 + one).powf(SPEAKS) * (1.0 + other).powf(SPOKEN_OF)) * both / (both + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specific_companion_is_above_what_is_in_every_basket_and_one_order_is_no_certainty() {
        // 6 of 8 orders.
        assert!((goes_with(6.0, 8.0, 8.0) - 6.0 / 9f64.powf(1.1) * 6.0 / 7.0).abs() < 1e-12);
        assert!(goes_with(6.0, 8.0, 8.0) > 2.0 * goes_with(6.0, 8.0, 99.0));
        assert!(goes_with(6.0, 8.0, 8.0) > 4.0 * goes_with(6.0, 99.0, 8.0), "what is in every basket says nothing");
        // Lift would place the pair that was seen once first: 1 / (1 · 1) against 20 / (25 · 25).
        assert!(goes_with(20.0, 25.0, 25.0) > 3.0 * goes_with(1.0, 1.0, 4.0));
        assert_eq!(goes_with(0.0, 0.0, 0.0), 0.0);
    }
}
