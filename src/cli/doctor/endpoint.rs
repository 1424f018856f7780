//! The way to the shop: name, connection, TLS, what answers there, and whose clock is right.

use super::super::assemble::Shop;
use super::local::certificate;
use crate::platform::examine::Finding;
use crate::platform::trust;
use crate::platform::upstream::Repeat;
use crate::settings::Settings;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

/// Signatures of webhooks and the windows of consent stand no more than this.
const SKEW: i64 = 300;

pub(super) async fn examine(settings: &Settings, shop: &Shop) -> Vec<Finding> {
    let written = settings.upstream.url.as_deref().unwrap_or_default();
    let Ok(url) = Url::parse(written) else { return Vec::new() };
    let mut found = shop.platform.examine(&url, Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date());
    let limit = settings.upstream.connect_timeout + Duration::from_secs(5);
    let reached = tokio::time::timeout(limit, connect(settings, &url)).await;
    let next = "check the host and port of upstream.url, DNS, and that this machine may reach it";
    match reached {
        Err(_) => found.push(Finding::fail("endpoint", format!("no connection within {limit:?}"), next)),
        Ok(Err(said)) => found.push(Finding::fail("endpoint", said, next)),
        Ok(Ok((connected, tls))) => {
            found.push(connected);
            found.extend(tls);
            found.extend(answer(shop).await);
        }
    }
    found
}

/// Opens a connection of its own, so that each part of it can be told. Errors: what did not work, in words.
async fn connect(settings: &Settings, url: &Url) -> Result<(Finding, Option<Finding>), String> {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let began = Instant::now();
    let addresses = tokio::net::lookup_host((host.as_str(), port)).await;
    let addresses: Vec<_> = addresses.map_err(|error| format!("{host} has no address: {error}"))?.collect();
    let stream = TcpStream::connect(&*addresses).await;
    let stream = stream.map_err(|error| format!("{host}:{port} does not take a connection: {error}"))?;
    let took = began.elapsed().as_millis();
    let connected = Finding::pass("endpoint", format!("{host}:{port} takes a connection within {took} ms"));
    if url.scheme() != "https" {
        return Ok((connected, None));
    }
    let mut config = trust::client(settings.upstream.ca.as_deref()).map_err(|error| error.to_string())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from(host.clone()).map_err(|_| format!("{host} is no name of a server"))?;
    const WHAT: &str = "TLS of the shop";
    let finding = match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
        Ok(stream) => {
            let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
            let end = certificates.first().and_then(|certificate| trust::validity(certificate)).map(|(_, end)| end);
            certificate(WHAT, end, "the shop's operator should renew it")
        }
        Err(error) => {
            let said = error.to_string();
            let next = if said.contains("xpired") {
                "the certificate has expired: have it renewed, and check this machine's clock"
            } else if said.contains("UnknownIssuer") {
                "for a private authority set upstream.ca to its certificate; otherwise the address is not the shop's"
            } else if said.contains("NotValidForName") || said.contains("not valid for name") {
                "the certificate is for another host: check the host in upstream.url"
            } else {
                "check that the port speaks TLS"
            };
            Finding::fail(WHAT, said, next)
        }
    };
    Ok((connected, Some(finding)))
}

/// Asks for `__typename`, as cheap as a question can be.
async fn answer(shop: &Shop) -> Vec<Finding> {
    const WHAT: &str = "GraphQL";
    let next = "check that upstream.url is the GraphQL endpoint, path included";
    let body = br#"{"query":"{ __typename }"}"#.as_slice();
    let began = Instant::now();
    let answer = match shop.upstream.ask(HeaderMap::new(), body.into(), Repeat::Once).await {
        Ok(answer) => answer,
        Err(error) => return vec![Finding::fail(WHAT, error.to_string(), next)],
    };
    let took = began.elapsed();
    let json: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
    let root = json.as_ref().and_then(|json| json["data"]["__typename"].as_str());
    let spoke = match (root, &json) {
        (Some(root), _) => {
            // As requests will go: the client negotiates HTTP/2 where the shop has it.
            Finding::pass(WHAT, format!("{root} answers within {} ms by {:?}", took.as_millis(), answer.version))
        }
        _ if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            let found = format!("the shop refuses the token (HTTP status {})", answer.status.as_u16());
            Finding::fail(
                "token",
                found,
                "check that the token belongs to this shop, was copied whole and was not revoked",
            )
        }
        (None, Some(json)) => {
            let said: String = json["errors"][0]["message"].as_str().unwrap_or("no data").chars().take(200).collect();
            Finding::fail(WHAT, format!("HTTP status {}: {said}", answer.status.as_u16()), next)
        }
        (None, None) => {
            let kind = answer.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            let found = format!("HTTP status {}, {}, no JSON", answer.status.as_u16(), kind.unwrap_or("no type"));
            Finding::fail(WHAT, found, next)
        }
    };
    let mut found = vec![spoke];
    found.extend(clock(&answer.headers, Timestamp::now()));
    found
}

/// This machine's clock against the shop's.
fn clock(headers: &HeaderMap, now: Timestamp) -> Option<Finding> {
    let date = headers.get(http::header::DATE)?.to_str().ok()?;
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let skew = now.duration_since(theirs).as_secs();
    let next = "set this machine's clock (NTP): signatures of webhooks and cookies depend on it";
    Some(match skew.abs() {
        ..30 => Finding::pass("clock", format!("within {} s of the shop's", skew.abs().max(1))),
        30..SKEW => Finding::warn("clock", format!("{skew} s from the shop's"), next),
        _ => Finding::fail("clock", format!("{skew} s from the shop's"), next),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::examine::Verdict;
    use http::{HeaderValue, header};

    #[test]
    fn a_clock_that_is_off_by_an_hour_fails_with_what_to_do() {
        let at = |date: &'static str| {
            let headers = HeaderMap::from_iter([(header::DATE, HeaderValue::from_static(date))]);
            clock(&headers, "2026-11-22T12:00:00Z".parse().unwrap())
        };
        assert_eq!(at("Sun, 22 Nov 2026 12:00:03 GMT").unwrap().verdict, Verdict::Pass);
        assert_eq!(at("Sun, 22 Nov 2026 11:59:00 GMT").unwrap().verdict, Verdict::Warn);
        let off = at("Sun, 22 Nov 2026 13:00:00 GMT").unwrap();
        assert!(off.verdict == Verdict::Fail && off.next.contains("NTP"), "{off:?}");
        assert_eq!(at("yesterday"), None);
    }
}
