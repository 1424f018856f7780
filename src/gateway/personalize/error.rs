//! What can be wrong with a personalized field, as the client reads it. The codes are stable: clients may match them.

use super::sink::SinkError;
use async_graphql::ErrorExtensions;

/// An argument of a personalized field that cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// `first` is out of range.
    #[error("`first` is {got}; ask for 1 to {most} products")]
    First {
        /// What was asked for.
        got: i64,
        /// The most that can be had.
        most: usize,
    },
    /// No placement has this name.
    #[error("there is no placement `{name}`; this shop has {known}")]
    Placement {
        /// What was asked for, cut to 64 characters.
        name: String,
        /// The names there are.
        known: String,
    },
    /// An id is empty or longer than any id of a platform.
    #[error("an id in `{argument}` is empty or longer than {most} bytes; pass the platform's own id")]
    Id {
        /// The argument.
        argument: &'static str,
        /// The longest id taken.
        most: usize,
    },
    /// A list of ids is too long.
    #[error("`{argument}` lists {got} ids; list at most {most}")]
    TooMany {
        /// The argument.
        argument: &'static str,
        /// How many there were.
        got: usize,
        /// How many are taken.
        most: usize,
    },
    /// An argument has the wrong type. Validated operations never show it.
    #[error("`{argument}` is not {expected}")]
    Type {
        /// The argument.
        argument: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

impl AskError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::First { .. } => "PERSONALIZED_BAD_FIRST",
            Self::Placement { .. } => "PERSONALIZED_UNKNOWN_PLACEMENT",
            Self::Id { .. } => "PERSONALIZED_BAD_ID",
            Self::TooMany { .. } => "PERSONALIZED_TOO_MANY_IDS",
            Self::Type { .. } => "PERSONALIZED_BAD_ARGUMENT",
        }
    }
}

impl ErrorExtensions for AskError {
    fn extend(&self) -> async_graphql::Error {
        coded(self.to_string(), self.code())
    }
}

impl ErrorExtensions for SinkError {
    fn extend(&self) -> async_graphql::Error {
        let code = match self {
            Self::Refused { code, .. } => code,
            Self::Unavailable => UNAVAILABLE,
        };
        coded(self.to_string(), code)
    }
}

const UNAVAILABLE: &str = "PERSONALIZED_UNAVAILABLE";

/// The decision log could not answer. Why stays in the gateway's own log.
pub(super) fn unavailable() -> async_graphql::Error {
    coded("the decision log cannot be reached now; try again".to_owned(), UNAVAILABLE)
}

/// The field was executed without what it needs: a fault of the gateway.
pub(super) fn internal() -> async_graphql::Error {
    coded("the personalized field could not be served".to_owned(), "PERSONALIZED_INTERNAL")
}

fn coded(message: String, code: &'static str) -> async_graphql::Error {
    async_graphql::Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}
