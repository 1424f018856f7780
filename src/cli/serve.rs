//! `outfitter serve`: the gateway before a shop.

use super::assemble::{self, Assembled};
use super::target::Target;
use super::{catalogue, say};
use crate::server;
use crate::settings::Settings;
use crate::telemetry::init::{self, Telemetry};
use anyhow::Context;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// What `serve` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// Where to listen, over what the settings say; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut settings = arguments.target.settings()?;
    let telemetry = telemetry(&settings)?;
    settings.server.listen = arguments.listen.unwrap_or(settings.server.listen);
    // The address first: a port that is taken should not cost a crawl.
    let listener = listen(settings.server.listen).await?;
    let assembled = assemble::gateway(&settings, false).await?;
    say(&format!("Outfitter listens on http://{}", listener.local_addr()?));
    let shown = tokio::spawn(catalogue::show_progress(assembled.crawler.progress()));
    let fresh = tokio::spawn(assemble::keep_fresh(assembled.crawler.clone(), assembled.catalogue.clone()));
    let ended = until_stopped(listener, &settings, assembled).await;
    shown.abort();
    fresh.abort();
    telemetry.close(settings.server.grace.min(settings.telemetry.otlp.timeout)).await;
    ended
}

/// Starts logs and, where a collector is named, traces. Errors: settings that cannot be used.
pub(super) fn telemetry(settings: &Settings) -> anyhow::Result<Telemetry> {
    Ok(init::start(settings.telemetry.setup(|name| std::env::var(name).ok())?)?)
}

/// Binds an address. Errors: it is taken or not this machine's; the message names it.
pub(super) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("{address} cannot be listened on; choose another address or port, 0 for a free one"))
}

/// Serves until the signal to stop, then lets requests in flight end and what was learned settle.
pub(super) async fn until_stopped(
    listener: TcpListener,
    settings: &Settings,
    assembled: Assembled,
) -> anyhow::Result<()> {
    let lifecycle = assembled.lifecycle.clone();
    let stop = async move {
        server::termination().await;
        lifecycle.stop();
    };
    server::run(listener, assembled.running.live.clone(), &settings.server, stop).await?;
    assembled.ingest.settle().await;
    Ok(())
}
