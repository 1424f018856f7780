//! What can be told without the shop: secrets, limits that fit each other, the port, the certificate, the catalogue file.

use crate::catalogue::import;
use crate::platform::examine::Finding;
use crate::server::Tls;
use crate::settings::Settings;
use jiff::Timestamp;
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;

pub(super) async fn examine(settings: &Settings) -> Vec<Finding> {
    let mut found = vec![ingest(settings)];
    found.extend(limits(settings));
    found.push(listen(settings).await);
    found.push(tls(settings));
    found.push(catalogue(settings));
    found
}

fn ingest(settings: &Settings) -> Finding {
    const WHAT: &str = "secret for shoppers";
    let secrets = &settings.ingest.secrets;
    if let Some(error) = secrets.iter().find_map(|secret| secret.reveal().err()) {
        return Finding::fail(WHAT, error.to_string(), "set it: openssl rand -hex 32");
    }
    if secrets.is_empty() {
        let found = "none: one is made at each start, so a restart forgets who is who, and replicas do not agree";
        return Finding::warn(
            WHAT,
            found,
            "set ingest.secrets = [{ env = \"OUTFITTER_SECRET\" }], the same on each replica",
        );
    }
    Finding::pass(WHAT, format!("{} set", secrets.len()))
}

/// Limits that contradict each other: the smaller one silently wins.
fn limits(settings: &Settings) -> Vec<Finding> {
    let (server, upstream) = (&settings.server, &settings.upstream);
    let rows = [
        (
            settings.limits.upstream_answer > upstream.max_answer,
            "limits.upstream_answer is larger than upstream.max_answer, which ends an answer first",
            "raise upstream.max_answer",
        ),
        (
            upstream.connect_timeout > upstream.timeout,
            "upstream.connect_timeout is longer than upstream.timeout",
            "lower upstream.connect_timeout",
        ),
        (
            upstream.timeout >= server.request_timeout,
            "upstream.timeout is not shorter than server.request_timeout: a slow shop shows as our own timeout",
            "lower upstream.timeout",
        ),
        (
            settings.engine.deadline >= upstream.timeout,
            "engine.deadline is not shorter than upstream.timeout: slates may hold an answer up",
            "lower engine.deadline; 50ms is the default",
        ),
        (
            server.grace < server.request_timeout,
            "server.grace is shorter than server.request_timeout: a stop may cut requests off",
            "raise server.grace, and the orchestrator's own grace above it",
        ),
    ];
    let wrong: Vec<_> =
        rows.into_iter().filter(|row| row.0).map(|(_, found, next)| Finding::warn("limits", found, next)).collect();
    if wrong.is_empty() { vec![Finding::pass("limits", "they fit each other")] } else { wrong }
}

async fn listen(settings: &Settings) -> Finding {
    let address = settings.server.listen;
    match TcpListener::bind(address).await {
        Ok(_) => Finding::pass("port", format!("{address} is free")),
        Err(error) => {
            let next = "stop what listens there (the gateway itself, if it runs), or set server.listen";
            Finding::warn("port", format!("{address} cannot be listened on: {error}"), next)
        }
    }
}

fn tls(settings: &Settings) -> Finding {
    const WHAT: &str = "TLS of the gateway";
    match Tls::open(&settings.server.tls) {
        Err(error) => {
            Finding::fail(WHAT, error.to_string(), "mend the pair, or leave both out and end TLS before the gateway")
        }
        Ok(Some(tls)) => certificate(WHAT, tls.describe().1, "renew it; the gateway takes the new files by itself"),
        Ok(None) if settings.server.listen.ip().is_loopback() => {
            Finding::pass(WHAT, "none; it listens on the loopback")
        }
        Ok(None) => Finding::warn(
            WHAT,
            "none, and the port is reachable from outside",
            "end TLS before it, or set [server.tls]",
        ),
    }
}

/// How long a certificate is still good for.
pub(super) fn certificate(what: &str, end: Option<Timestamp>, next: &str) -> Finding {
    let Some(end) = end else { return Finding::warn(what, "the certificate does not say when it ends", next) };
    let days = end.duration_since(Timestamp::now()).as_hours() / 24;
    match days {
        ..0 => Finding::fail(what, format!("the certificate ended at {end}"), next),
        0..14 => Finding::warn(what, format!("the certificate ends in {days} days"), next),
        _ => Finding::pass(what, format!("the certificate is good for {days} days")),
    }
}

fn catalogue(settings: &Settings) -> Finding {
    const WHAT: &str = "catalogue file";
    let Some(path) = &settings.catalogue.file else {
        let next = "set catalogue.file, so that a restart need not wait for a crawl";
        return Finding::warn(WHAT, "none: slates are empty after each start until the crawl is done", next);
    };
    if !path.exists() {
        return Finding::warn(WHAT, format!("{} is not there yet", path.display()), "run outfitter catalogue crawl");
    }
    let age = std::fs::metadata(path).and_then(|about| about.modified()).ok();
    let age = age.and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default();
    match import::read(path) {
        Err(error) => Finding::fail(WHAT, error.to_string(), "run outfitter catalogue crawl, or import the file again"),
        Ok(products) if products.is_empty() => {
            Finding::warn(WHAT, "it holds no product", "run outfitter catalogue crawl")
        }
        Ok(products) if age > Duration::from_secs(7 * 86_400) => {
            let found = format!("{} products, {} days old", products.len(), age.as_secs() / 86_400);
            Finding::warn(
                WHAT,
                found,
                "run outfitter catalogue crawl; the gateway writes it after each crawl of its own",
            )
        }
        Ok(products) => Finding::pass(WHAT, format!("{} products", products.len())),
    }
}
