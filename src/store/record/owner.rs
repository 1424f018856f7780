//! Whose a session is: the one customer who logged in on it, for as long as no other did.
//!
//! Invariant: what a session holds becomes that customer's or nobody's. Once a second one has logged in it stays nobody's: what
//! is done between their logins may be either's.

use crate::domain::ids::ShopperKey;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Whose it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Owner {
    /// Nobody logged in yet.
    #[default]
    Nobody,
    /// One customer did: a hash of their key.
    One(u64),
    /// More than one did.
    Several,
}

impl Owner {
    pub(super) fn is_nobody(&self) -> bool {
        *self == Self::Nobody
    }

    pub(super) fn is_one(self) -> bool {
        matches!(self, Self::One(_))
    }

    /// A customer logs in; `formerly`: their keys under older secrets. Whether the session is theirs alone.
    pub(super) fn log_in(&mut self, customer: &ShopperKey, formerly: &[ShopperKey]) -> bool {
        let is_theirs = match *self {
            Self::Nobody => true,
            Self::One(owner) => std::iter::once(customer).chain(formerly).any(|key| hash(key) == owner),
            Self::Several => false,
        };
        *self = if is_theirs { Self::One(hash(customer)) } else { Self::Several };
        is_theirs
    }

    /// Whether a login of this customer would change nothing.
    pub(super) fn is_settled(self, customer: &ShopperKey) -> bool {
        self == Self::Several || self == Self::One(hash(customer))
    }

    /// Two sessions become one.
    pub(super) fn merge(&mut self, other: Self) {
        *self = match (*self, other) {
            (Self::Nobody, owner) | (owner, Self::Nobody) => owner,
            (own, owner) if own == owner => own,
            _ => Self::Several,
        };
    }
}

fn hash(key: &ShopperKey) -> u64 {
    xxh3_64(key.as_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_the_first_customers_until_another_comes_and_then_nobodys() {
        let [anna, annas_older, bert] = ["anna", "anna under an older secret", "bert"].map(ShopperKey::new);
        let mut owner = Owner::default();
        assert!(owner.log_in(&annas_older, &[]) && owner.is_settled(&annas_older));
        assert!(!owner.is_settled(&anna), "the newer key is to be noted");
        assert!(owner.log_in(&anna, std::slice::from_ref(&annas_older)) && owner.log_in(&anna, &[]));
        assert!(!owner.is_settled(&bert) && !owner.log_in(&bert, &[]));
        assert!(!owner.log_in(&anna, &[]) && owner.is_settled(&anna) && owner.is_settled(&bert));
    }

    #[test]
    fn sessions_that_become_one_are_whose_both_were() {
        for (one, other, both) in [
            (Owner::Nobody, Owner::Nobody, Owner::Nobody),
            (Owner::One(1), Owner::Nobody, Owner::One(1)),
            (Owner::Nobody, Owner::One(1), Owner::One(1)),
            (Owner::One(1), Owner::One(1), Owner::One(1)),
            (Owner::One(1), Owner::One(2), Owner::Several),
            (Owner::Several, Owner::Nobody, Owner::Several),
        ] {
            let mut owner = one;
            owner.merge(other);
            assert_eq!(owner, both, "{one:?} and {other:?}");
        }
    }
}
