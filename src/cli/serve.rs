//! `outfitter serve`: the gateway before a shop.

use super::assemble::Running;
use super::freed;
use super::live::{Keeper, Signals};
use super::say;
use super::target::Target;
use crate::server::{self, Tls};
use crate::settings::Settings;
use crate::telemetry::init::{self, Telemetry};
use anyhow::Context;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What `serve` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// Where to listen, over what the settings say; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Speak TLS with a certificate made for this run, for local work; kept nowhere.
    #[arg(long)]
    tls_self_signed: bool,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let signals = Signals::new()?;
    let Arguments { target, listen: address, tls_self_signed: self_signed } = arguments;
    let file = target.file();
    // Read again while it runs, in the same way.
    let read = move || {
        let mut settings = target.settings()?;
        settings.server.listen = address.unwrap_or(settings.server.listen);
        anyhow::Ok(settings)
    };
    let settings = read()?;
    let telemetry = telemetry(&settings)?;
    // The address first: a port that is taken should not cost a crawl.
    let listener = listen(settings.server.listen).await?;
    let tls = tls(&settings, self_signed)?;
    let running = Arc::new(Running::new(&settings, false)?);
    let keeper = Keeper::new(running.clone(), settings.clone(), file, Box::new(read));
    if settings.platform.schema.is_some() {
        // A wrong file is told at once. A shop that is away is waited for, while what needs no schema is served.
        keeper.read_schema().await?;
    }
    say(&format!("Outfitter listens on {}://{}", scheme(tls.as_ref()), listener.local_addr()?));
    let kept = tokio::spawn(keeper.forever(signals));
    let ended = until_stopped(listener, &settings, tls, &running).await;
    kept.abort();
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

/// What ends TLS: the settings' certificate, or one made for this run, whose fingerprint is said.
/// Errors: a certificate that cannot be served, both at once.
pub(super) fn tls(settings: &Settings, self_signed: bool) -> anyhow::Result<Option<Tls>> {
    let named = Tls::open(&settings.server.tls)?;
    if !self_signed {
        return Ok(named);
    }
    anyhow::ensure!(named.is_none(), "--tls-self-signed and server.tls.certificate exclude each other; take one away");
    let made = Tls::self_signed(settings.server.listen.ip())?;
    say(&format!("TLS certificate made for this run, SHA-256 {}", made.describe().0));
    Ok(Some(made))
}

/// What an address begins with.
pub(super) fn scheme(tls: Option<&Tls>) -> &'static str {
    if tls.is_some() { "https" } else { "http" }
}

/// Serves until the signal to stop, then lets requests in flight end and what was learned settle.
pub(super) async fn until_stopped(
    listener: TcpListener,
    settings: &Settings,
    tls: Option<Tls>,
    running: &Running,
) -> anyhow::Result<()> {
    let lifecycle = running.state.lifecycle.clone();
    let stop = async move {
        server::termination().await;
        lifecycle.stop();
    };
    let tls = tls.map(|tls| tls.follow(&running.state.reloaded));
    let giving_back = tokio::spawn(freed::give_back());
    let served = server::run(listener, running.live.clone(), &settings.server, tls, stop).await;
    giving_back.abort();
    served?;
    running.state.settle().await;
    Ok(())
}
