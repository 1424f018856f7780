//! What each source counts for in a slate: the shop's own weights, or what the model's training learned.

use super::candidates::Ask;
use super::config::{Config, Weights};
use crate::model::Shares;

/// Weights, and how the sources' scores are read under them.
pub(super) struct Proportions {
    pub(super) weights: Weights,
    /// Whether the root of a score's share of its source's best one counts, instead of the share itself.
    pub(super) roots: bool,
}

impl Proportions {
    /// Those of the intent. Where the model tells how its word is best shared with the statistics of sessions, and with
    /// likeness of descriptions, what these count for together is shared so.
    pub(super) fn of(ask: &Ask<'_>, config: &Config) -> Self {
        let own = config.blend.of(ask.request.intent);
        let learned = ask.encoded.session().and_then(|session| session.by.served().shares());
        let Some(shares) = learned.filter(|_| own.encoder > 0.0 && own.session > 0.0) else {
            return Self { weights: own, roots: false };
        };
        Self { weights: shared(own, shares), roots: shares.roots }
    }
}

fn shared(own: Weights, Shares { encoder, content, .. }: Shares) -> Weights {
    match content.filter(|_| own.similar > 0.0) {
        Some(content) => {
            let all = own.encoder + own.session + own.similar;
            let session = (1.0 - encoder - content).max(0.0);
            Weights { encoder: all * encoder, session: all * session, similar: all * content, ..own }
        }
        None => {
            let both = own.encoder + own.session;
            Weights { encoder: both * encoder, session: both * (1.0 - encoder), ..own }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sources_count_for_together_is_shared_as_learned_and_a_source_switched_off_stays_off() {
        let own = Weights { encoder: 0.5, session: 0.25, similar: 0.25, popular: 0.1, ..Weights::default() };
        let learned = |content| Shares { encoder: 0.25, content, newcomers: 0.0, roots: true };
        let of = |own, content| {
            let weights = shared(own, learned(content));
            [weights.encoder, weights.session, weights.similar, weights.popular]
        };
        assert_eq!(of(own, Some(0.5)), [0.25, 0.25, 0.5, 0.1]);
        assert_eq!(of(own, None), [0.1875, 0.5625, 0.25, 0.1]);
        assert_eq!(of(Weights { similar: 0.0, ..own }, Some(0.5)), [0.1875, 0.5625, 0.0, 0.1]);
    }
}
