//! What a platform can say about its own settings, for `outfitter doctor`: mistakes of token and address, and which
//! access scopes a token needs.

use super::answer::Answer;
use serde::Serialize;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// It works, with something to know.
    Warn,
    /// It does not work, or must not stay so.
    Fail,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How it ended.
    pub verdict: Verdict,
    /// What was looked at.
    pub what: String,
    /// What was found. Never a secret.
    pub found: String,
    /// What to do; empty where nothing is.
    pub next: String,
}

impl Finding {
    /// As it should be.
    pub fn pass(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Pass, what: what.into(), found: found.into(), next: String::new() }
    }

    /// It works, with something to know.
    pub fn warn(what: impl Into<String>, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, what: what.into(), found: found.into(), next: next.into() }
    }

    /// It does not work, or must not stay so.
    pub fn fail(what: impl Into<String>, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, what: what.into(), found: found.into(), next: next.into() }
    }
}

/// What the gateway needs an access scope for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Without it there is no personalization.
    Vital(&'static str),
    /// Without it this is lost.
    Feature(&'static str),
    /// The gateway does not use it; the storefront may.
    Storefront,
}

/// An access scope, and a query that changes nothing by which it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// As the platform names it.
    pub name: &'static str,
    /// What the gateway needs it for.
    pub need: Need,
    /// The query.
    pub probe: &'static str,
}

/// What an answer says of the token that asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// It was answered.
    Granted,
    /// The scope is missing.
    Denied,
    /// The token itself is refused.
    Refused(String),
    /// Something else went wrong.
    Unknown(String),
}

/// Reads an answer by the words that most platforms use. Errors of other kinds are quoted in bounds.
pub fn access(answer: &Answer, denied: &[&str]) -> Access {
    let status = answer.status.as_u16();
    let json: serde_json::Value = match serde_json::from_slice(&answer.body) {
        Ok(json) => json,
        Err(_) if matches!(status, 401 | 403) => return Access::Refused(format!("HTTP status {status}")),
        Err(_) => return Access::Unknown(format!("HTTP status {status}, and the body is no JSON")),
    };
    let error = json["errors"].get(0).unwrap_or(&json["errors"]);
    let code = error["extensions"]["code"].as_str().unwrap_or_default();
    let message: String = error["message"].as_str().unwrap_or_default().chars().take(200).collect();
    if matches!(status, 401 | 403) || code == "UNAUTHORIZED" {
        return Access::Refused(format!("HTTP status {status} {code} {message}").trim_end().to_owned());
    }
    if denied.contains(&code) || message.eq_ignore_ascii_case("access denied") {
        return Access::Denied;
    }
    if error.is_null() && json["data"].is_object() {
        return Access::Granted;
    }
    Access::Unknown(format!("HTTP status {status} {code} {message}").trim_end().to_owned())
}
