//! When a shopper granted what, so that a withdrawal that was said before and is heard after leaves it.
//!
//! Withdrawals come late: by a platform's webhook, which repeats an old state with every change of a customer, or out of the
//! spool. Of each purpose the later word counts. Where both have one moment, the withdrawal does.

use super::consent::Consent;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The last grant of each purpose: purposes with milliseconds since 1970, each purpose at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Granted(Vec<(Consent, i64)>);

impl Granted {
    /// Whether nothing was granted.
    pub fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// These purposes are granted at this moment.
    pub fn grant(&mut self, purposes: Consent, at: Timestamp) {
        self.forget(purposes);
        if purposes != Consent::NONE {
            self.0.push((purposes, at.as_millisecond()));
        }
    }

    /// Of these purposes it does not count any more when they were granted.
    pub fn forget(&mut self, purposes: Consent) {
        self.0.iter_mut().for_each(|(granted, _)| *granted = granted.without(purposes));
        self.0.retain(|(granted, _)| *granted != Consent::NONE);
    }

    /// What was granted after this moment.
    pub fn since(&self, at: Timestamp) -> Consent {
        let later = self.0.iter().filter(|(_, granted)| *granted > at.as_millisecond());
        later.fold(Consent::NONE, |all, (purposes, _)| all.or(*purposes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::consent::Purpose;

    #[test]
    fn each_purpose_has_the_moment_of_its_last_grant() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let (some, other) =
            (Consent::NONE.with(Purpose::Marketing, true), Consent::NONE.with(Purpose::Analytics, true));
        let mut granted = Granted::default();
        assert!(granted.is_nothing());
        granted.grant(some.or(other), at(10));
        granted.grant(some, at(20));
        assert_eq!(
            (granted.since(at(9)), granted.since(at(10)), granted.since(at(20))),
            (some.or(other), some, Consent::NONE)
        );
        granted.forget(some);
        assert_eq!(granted.since(at(9)), other);
        let written = serde_json::to_string(&granted).unwrap();
        assert_eq!((written.as_str(), serde_json::from_str(&written).unwrap()), ("[[1,10000]]", granted));
    }
}
