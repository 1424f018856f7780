//! Parting a shop's events by date: what was before is learned, what came after is measured. Source: protocol T.

use super::dataset::Case;
use super::error::TrainError;
use super::events::Shop;
use super::history::History;
use super::split::Split;

/// Shares of the interactions, the newest, that are measured, and that choose.
const HELD: (f64, f64) = (0.1, 0.1);
/// The most cases of either kind, drawn evenly over the shoppers.
const CASES: usize = 50_000;
/// Interactions below which nothing is said of two models.
const FEWEST: usize = 200;
/// Newest interactions that a case's history holds.
const REMEMBERED: usize = 200;

/// Parts the events: the newest tenth is measured, the tenth before it chooses, the rest is learned. Every interaction
/// after a date is a case of its own, with all before it as its history; a shopper's very first has none and is no case.
/// Where a model is served that learned until `known`, measuring begins after that, if enough came since: else it would be
/// asked what it was told. With `retrain` the model is learned again on all before the test, as counted baselines are; without, neither is.
///
/// # Errors
/// Too few events.
pub fn split(shop: &Shop, retrain: bool, known: Option<i64>) -> Result<Split, TrainError> {
    let mut times: Vec<i64> = shop.histories.iter().flat_map(History::times).collect();
    times.sort_unstable();
    let date = |share: f64| times.get((times.len() as f64 * (1.0 - share)) as usize).copied().unwrap_or(i64::MAX);
    let (mut chooses, mut measured) = (date(HELD.0 + HELD.1), date(HELD.0));
    if let Some(known) = known.filter(|known| *known >= measured && is_fair(&times, *known)) {
        measured = known.saturating_add(1);
        // As long before as is measured.
        let after = times.len() - times.partition_point(|at| *at < measured);
        chooses = date((2 * after) as f64 / times.len() as f64).min(measured - 1);
    }
    let train = before(&shop.histories, chooses);
    let split = Split {
        rows: shop.vocabulary.rows(),
        refit: if retrain { before(&shop.histories, measured) } else { train.clone() },
        train,
        validation: cases(&shop.histories, chooses, measured),
        retrain,
        test: cases(&shop.histories, measured, i64::MAX),
        mask_seen: false,
    };
    if split.validation.is_empty() || split.test.is_empty() || split.train.iter().all(|rows| rows.len() < 2) {
        return Err(TrainError::Unfit("there are too few events to part them by date".into()));
    }
    Ok(split)
}

/// Whether enough came after what a model learned to measure it by; times ascend.
fn is_fair(times: &[i64], known: i64) -> bool {
    times.len() - times.partition_point(|at| *at <= known) >= FEWEST
}

/// Whether what a split measures came after what a model learned until `known`.
pub fn is_unknown(shop: &Shop, known: i64) -> bool {
    let mut times: Vec<i64> = shop.histories.iter().flat_map(History::times).collect();
    times.sort_unstable();
    is_fair(&times, known)
}

fn before(histories: &[History], date: i64) -> Vec<History> {
    let part =
        |history: &History| history.part(0..history.times().take_while(|at| *at < date).count()).searched_before(date);
    histories.iter().map(part).filter(|history| !history.is_empty()).collect()
}

fn cases(histories: &[History], from: i64, to: i64) -> Vec<Case> {
    let ends = histories.iter().flat_map(|history| {
        let inside = move |(_, at): &(usize, i64)| (from..to).contains(at);
        history.times().enumerate().skip(1).filter(inside).map(move |(at, _)| (history, at))
    });
    let ends: Vec<(&History, usize)> = ends.collect();
    let step = ends.len().div_ceil(CASES).max(1);
    let case = |(history, at): &(&History, usize)| Case {
        history: history.part(at.saturating_sub(REMEMBERED)..*at),
        target: history[*at],
    };
    ends.iter().step_by(step).map(case).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Vocabulary;

    fn shop(histories: Vec<History>) -> Shop {
        let vocabulary = Vocabulary::new((1..=30).map(|key| format!("{key:02}"))).unwrap();
        Shop { vocabulary, attributes: Default::default(), titles: Vec::new(), histories, lines: 0, unknown: 0 }
    }

    fn days(who: u32, days: u32) -> History {
        let of = |day: u32| ((who * 7 + day * 3) % 30 + 1, i64::from(day));
        History::viewed(&(0..days).map(of).collect::<Vec<_>>())
    }

    /// Ten shoppers with an interaction a day for twenty days.
    fn histories() -> Vec<History> {
        (0..10u32).map(|who| days(who, 20)).collect()
    }

    #[test]
    fn what_is_measured_comes_after_what_chooses_and_that_after_what_is_learned() {
        let split = split(&shop(histories()), true, None).unwrap();
        assert!(split.train.iter().all(|rows| rows.len() == 16) && split.refit.iter().all(|rows| rows.len() == 18));
        assert_eq!((split.validation.len(), split.test.len()), (20, 20));
        assert_eq!((split.validation[0].history.len(), split.test[1].history.len()), (16, 19));
        let kept = super::split(&shop(histories()), false, None).unwrap();
        assert_eq!(kept.train, kept.refit);
    }

    #[test]
    fn whatever_the_future_holds_what_is_learned_and_what_chooses_is_the_same() {
        // The last two days change hands.
        let swapped = |(at, history): (usize, &History)| {
            let (own, others) = (history.iter().take(18), histories()[9 - at].part(18..20));
            let rows = own.chain(others.iter()).copied().zip(history.times());
            History::viewed(&rows.collect::<Vec<_>>())
        };
        let other: Vec<History> = histories().iter().enumerate().map(swapped).collect();
        assert_ne!(other, histories());
        let (one, other) = (split(&shop(histories()), true, None).unwrap(), split(&shop(other), true, None).unwrap());
        assert_eq!((&one.train, &one.validation, &one.refit), (&other.train, &other.validation, &other.refit));
        assert_ne!(one.test, other.test);
    }

    #[test]
    fn a_served_model_is_measured_only_by_what_came_after_it() {
        let shop = shop((0..30).map(|who| days(who, 100)).collect());
        // The newest tenth begins on day 90.
        let measured = |known| split(&shop, true, known).unwrap().test.len();
        assert_eq!((measured(None), measured(Some(40)), measured(Some(91))), (300, 300, 240));
        assert_eq!((measured(Some(95)), is_unknown(&shop, 91), is_unknown(&shop, 95)), (300, true, false));
        let split = split(&shop, true, Some(91)).unwrap();
        assert_eq!((split.validation.len(), split.refit[0].len()), (240, 92));
    }

    #[test]
    fn too_few_events_are_refused() {
        assert!(split(&shop(vec![History::viewed(&[(1, 1)]), History::viewed(&[(2, 2)])]), true, None).is_err());
    }
}
