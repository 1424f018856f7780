//! What a shopper bought and may need again. The gateway and `evaluate --protocol baskets` both ask here, so that what is
//! measured is what is served.

/// After this many days a purchase says half as much about the next one.
const FADES: f64 = 180.0;
/// After this many days half of it is used up.
const USED: f64 = 14.0;

/// How much a shopper may need a product again that was bought so often, last so many days ago: the more often the better,
/// just bought not yet. Above 0 for any times and days; finite.
pub fn needed_again(times: u32, days: f64) -> f64 {
    let days = days.max(0.0);
    // The small constant keeps what was bought this minute in the list, at its end.
    let due = 1.0 - (-days / USED).exp2() + 1e-3;
    f64::from(times.max(1)).ln_1p() * due * (-days / FADES).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn often_bought_is_above_once_and_due_is_above_just_bought_and_long_forgotten() {
        assert!((needed_again(1, 14.0) - 2f64.ln() * 0.501 * (-14f64 / 180.0).exp2()).abs() < 1e-12);
        assert!(needed_again(5, 20.0) > needed_again(1, 20.0));
        assert!(needed_again(1, 30.0) > needed_again(1, 1.0) && needed_again(1, 30.0) > needed_again(1, 600.0));
        assert!(needed_again(0, -5.0) > 0.0 && needed_again(u32::MAX, 0.0).is_finite());
    }
}
