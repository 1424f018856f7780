//! The gateway's own cookie: a random session id for browsers that send no other, set only with consent.

use crate::domain::ids::SessionId;
use http::{HeaderMap, HeaderValue, header};
use std::fmt;
use std::time::Duration;

/// The name of the cookie.
pub const NAME: &str = "outfitter_session";

/// A `Set-Cookie` value. It holds a raw session id: goes on the answer and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct SetCookie(HeaderValue);

impl SetCookie {
    /// A cookie with this session, kept for `max_age`: not for scripts, not sent across sites.
    /// `None` where the id cannot stand in a cookie, which an id of [`make`] always can.
    pub fn keep(id: &SessionId, max_age: Duration, https: bool) -> Option<Self> {
        Self::of(id.expose(), max_age.as_secs(), https)
    }

    /// Takes the cookie away.
    pub fn clear(https: bool) -> Option<Self> {
        Self::of("", 0, https)
    }

    fn of(value: &str, seconds: u64, https: bool) -> Option<Self> {
        let secure = if https { "; Secure" } else { "" };
        let text = format!("{NAME}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::try_from(text).ok().map(|mut value| {
            value.set_sensitive(true);
            Self(value)
        })
    }

    /// The header's value.
    pub fn header(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetCookie(…)")
    }
}

/// A new session id: 128 random bits in hexadecimal.
pub fn make() -> Option<SessionId> {
    SessionId::parse(&hex::encode(rand::random::<[u8; 16]>()))
}

/// The session in the gateway's cookie; one that is no session id counts as none.
pub fn read(headers: &HeaderMap) -> Option<SessionId> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| name.trim() == NAME)
        .find_map(|(_, value)| SessionId::parse(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_session_comes_back_as_it_went_out() {
        let id = make().unwrap();
        let set = SetCookie::keep(&id, Duration::from_secs(60), true).unwrap();
        let text = set.header().to_str().unwrap().to_owned();
        assert!(text.ends_with("; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"), "{text}");
        let mut headers = HeaderMap::new();
        let sent = format!("theme=dark; {}; x=y", text.split(';').next().unwrap());
        headers.insert(header::COOKIE, HeaderValue::try_from(sent).unwrap());
        assert_eq!(read(&headers), Some(id.clone()));
        assert!(!format!("{set:?}").contains(id.expose()));
    }

    #[test]
    fn over_plain_http_the_cookie_is_not_secure_and_clearing_it_ends_it_at_once() {
        let text = SetCookie::clear(false).unwrap();
        assert_eq!(text.header(), "outfitter_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn a_cookie_that_is_no_session_id_counts_as_none() {
        for bad in ["outfitter_session=", "outfitter_session=a b", "outfitter_sessions=abc", "abc", "=;=;"] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(bad));
            assert_eq!(read(&headers), None, "{bad}");
        }
    }
}
