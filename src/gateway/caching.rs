//! Who may keep a personalized answer. Nobody, unless the shop says otherwise; then the shopper's own browser, for what
//! was asked by GET and changes nothing.

use super::answer::is_personal;
use super::envelope::Method;
use super::json::lacks_member;
use super::respond::Caching;
use super::run::Run;
use crate::platform::answer::Answer;
use apollo_compiler::ast::OperationType;
use http::header::SET_COOKIE;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `[cache]`: how long answers may be kept. Every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long a shopper's own browser may keep a personalized answer to a GET. Default: 0s, not at all.
    #[serde(with = "humantime_serde")]
    pub personalized_get_max_age: Duration,
}

impl Config {
    /// For a composed answer. `upstream`: the platform's part of it; `cookie`: whether ours sets one; `text`: all of it.
    pub fn of(&self, run: &Run, method: Method, upstream: Option<&Answer>, cookie: bool, text: &[u8]) -> Caching {
        if !is_personal(run) {
            return Caching::Platform;
        }
        if method != Method::Get || self.personalized_get_max_age.is_zero() {
            // The usual case; the text need not be searched for errors.
            return Caching::NoStore;
        }
        let unsettled = |answer: &Answer| answer.headers.contains_key(SET_COOKIE) || !answer.status.is_success();
        let settled = run.plan.operation == OperationType::Query
            && !cookie
            && !upstream.is_some_and(unsettled)
            && lacks_member(text, b"errors");
        self.personalized(method, settled)
    }

    /// For an answer with a shopper's data. `settled`: it sets no cookie, reports no error and holds no mutation.
    fn personalized(&self, method: Method, settled: bool) -> Caching {
        let seconds = u32::try_from(self.personalized_get_max_age.as_secs()).unwrap_or(u32::MAX);
        if method == Method::Get && settled && seconds > 0 { Caching::Private(seconds) } else { Caching::NoStore }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_personalized_answer_is_kept_for_get_alone_and_where_the_shop_asks_for_it() {
        let asked = Config { personalized_get_max_age: Duration::from_secs(30) };
        assert_eq!(asked.personalized(Method::Get, true), Caching::Private(30));
        assert_eq!(asked.personalized(Method::Get, false), Caching::NoStore);
        assert_eq!(asked.personalized(Method::Post, true), Caching::NoStore);
        assert_eq!(Config::default().personalized(Method::Get, true), Caching::NoStore);
    }
}
