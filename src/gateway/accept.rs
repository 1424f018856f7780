//! What a client takes as an answer: the `Accept` header, read by RFC 9110 § 12.5.1.

use super::error::RequestError;
use http::HeaderMap;
use http::header::ACCEPT;

/// The media type of a single answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Media {
    /// `application/graphql-response+json`: the status tells.
    GraphqlResponse,
    /// `application/json`: a GraphQL answer is always a 200.
    #[default]
    Json,
}

impl Media {
    /// For the `Content-Type` header.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// The outcome of negotiation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accept {
    /// For an answer in one piece, errors included.
    pub media: Media,
    /// Whether an answer in parts (`multipart/mixed`, `@defer`) is taken, in the format of `deferSpec=20220824`.
    pub multipart: bool,
}

impl Accept {
    /// Reads the header. Without one, or with a wildcard only, the answer is `application/json`, which every client
    /// reads. Of types asked for equally the one written out goes before a wildcard, and the newer before the older.
    ///
    /// Errors: [`RequestError::NotAcceptable`] where nothing fits.
    pub fn read(headers: &HeaderMap) -> Result<Self, RequestError> {
        Self::negotiate(headers).ok_or(RequestError::NotAcceptable)
    }

    /// As [`Accept::read`], and `application/json` where nothing fits: for answers that are errors.
    pub fn of(headers: &HeaderMap) -> Self {
        Self::negotiate(headers).unwrap_or_default()
    }

    fn negotiate(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(ACCEPT).iter().peekable();
        if values.peek().is_none() {
            return Some(Self::default());
        }
        // Thousandths of quality, then how exactly it was asked for.
        let (mut graphql, mut json, mut multipart, mut deferred) = (None, None, false, false);
        for range in values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')) {
            let Some((media, quality)) = weigh(range) else { continue };
            let is = |known: &str| media.eq_ignore_ascii_case(known);
            if is("application/json") {
                json = Some((quality, 2)).max(json);
            } else if is("application/graphql-response+json") {
                graphql = Some((quality, 3)).max(graphql);
            } else if is("application/*") {
                json = Some((quality, 1)).max(json);
            } else if is("*/*") || media.is_empty() {
                json = Some((quality, 0)).max(json);
            } else if is("multipart/mixed") || is("multipart/*") {
                multipart = true;
                deferred |= speaks_of_parts(range);
            }
        }
        let media = if graphql > json { Media::GraphqlResponse } else { Media::Json };
        (graphql.is_some() || json.is_some() || multipart).then_some(Self { media, multipart: deferred })
    }
}

/// Whether a media range of `multipart/mixed` means the parts of a deferred answer, as they are served here: it names
/// their format, or none at all.
fn speaks_of_parts(range: &str) -> bool {
    let parameters = range.split(';').skip(1).filter_map(|piece| piece.split_once('='));
    let mut others = false;
    for (name, value) in parameters {
        match name.trim().to_ascii_lowercase().as_str() {
            "deferspec" => return value.trim().trim_matches('"') == "20220824",
            "incrementalspec" | "subscriptionspec" => others = true,
            _ => {}
        }
    }
    !others
}

/// A media range and its quality in thousandths; `None` where it is refused (`q=0`) or asks for another charset.
fn weigh(range: &str) -> Option<(&str, u16)> {
    let mut pieces = range.split(';').map(str::trim);
    let media = pieces.next()?;
    let mut quality = 1000;
    for (name, value) in pieces.filter_map(|piece| piece.split_once('=')) {
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        if name.eq_ignore_ascii_case("q") {
            let weight: f32 = value.parse().ok().filter(|weight| (0.0..=1.0).contains(weight))?;
            // In range by the check before.
            quality = (weight * 1000.0) as u16;
        } else if name.eq_ignore_ascii_case("charset") && !value.eq_ignore_ascii_case("utf-8") {
            return None;
        }
    }
    (quality > 0).then_some((media, quality))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn accept(value: &'static str) -> Option<(Media, bool)> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(value));
        Accept::read(&headers).ok().map(|accept| (accept.media, accept.multipart))
    }

    #[test]
    fn the_answer_has_the_type_that_was_asked_for() {
        use Media::{GraphqlResponse, Json};
        assert_eq!(accept("application/json"), Some((Json, false)));
        assert_eq!(accept("application/graphql-response+json"), Some((GraphqlResponse, false)));
        assert_eq!(accept("application/graphql-response+json, application/json"), Some((GraphqlResponse, false)));
        assert_eq!(accept("application/graphql-response+json;q=0.5, application/json;q=0.9"), Some((Json, false)));
        assert_eq!(accept("text/html, */*;q=0.8"), Some((Json, false)));
        assert_eq!(accept("*/*, application/graphql-response+json"), Some((GraphqlResponse, false)));
        assert_eq!(accept("APPLICATION/JSON; charset=\"UTF-8\""), Some((Json, false)));
        assert_eq!(accept("multipart/mixed; deferSpec=20220824, application/json"), Some((Json, true)));
        assert_eq!(accept("multipart/mixed"), Some((Json, true)));
        assert_eq!(accept("multipart/mixed;incrementalSpec=v0.2, application/json"), Some((Json, false)));
        assert_eq!(accept("multipart/mixed;boundary=graphql;subscriptionSpec=1.0"), Some((Json, false)));
    }

    #[test]
    fn what_nobody_can_produce_is_not_acceptable() {
        for value in ["text/html", "application/json; charset=utf-16", "application/json;q=0", "image/*", "x"] {
            assert_eq!(accept(value), None, "{value}");
        }
        assert_eq!(Accept::read(&HeaderMap::new()).unwrap().media, Media::Json);
    }
}
