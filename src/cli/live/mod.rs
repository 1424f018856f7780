//! A running gateway changes: settings ([`settings`]), the shop's schema ([`schema`]) and secrets, each built and
//! checked beside what is in use and then swapped at once. Requests in flight end with what they began with.
//!
//! The model ([`model`]) likewise.
//!
//! When: `watch.rs`. The settings at SIGHUP and when their file changed; the schema at SIGHUP, SIGUSR1, on its interval
//! and when its file changed; registered documents with the settings and when their files changed; secrets at SIGHUP and
//! on their interval. What cannot be used is refused, and what was in
//! use stays.

mod model;
mod schema;
mod settings;
mod watch;

pub(super) use watch::Signals;

use super::assemble::{self, Running};
use super::catalogue::show_progress;
use crate::settings::Settings;
use crate::telemetry::reload::ReadAgain;
use anyhow::Context;
use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::Notify;

/// Reads the settings again, as the command line has them.
pub(super) type Read = Box<dyn Fn() -> anyhow::Result<Settings> + Send + Sync>;

/// Keeps a gateway up to date with what is around it.
pub(super) struct Keeper {
    running: Arc<Running>,
    settings: ArcSwap<Settings>,
    read: Read,
    /// The settings file, where there is one.
    file: Option<PathBuf>,
    /// The hash of the schema last read; 0 before the first.
    served: AtomicU64,
    /// To read the schema again now.
    schema: Notify,
    /// To crawl by the settings in use now.
    crawl: Notify,
}

impl Keeper {
    /// A keeper of what runs by these settings.
    pub(super) fn new(running: Arc<Running>, settings: Settings, file: Option<PathBuf>, read: Read) -> Arc<Self> {
        let (schema, crawl) = (Notify::new(), Notify::new());
        Arc::new(Self {
            running,
            settings: ArcSwap::from_pointee(settings),
            read,
            file,
            served: AtomicU64::new(0),
            schema,
            crawl,
        })
    }

    /// Keeps everything, until the future is dropped.
    pub(super) async fn forever(self: Arc<Self>, signals: Signals) {
        tokio::join!(self.schema_forever(), self.watch(signals), self.crawl_forever());
    }

    /// Crawls by the settings in use, and anew where those of shop or catalogue changed.
    async fn crawl_forever(&self) {
        loop {
            let crawler = assemble::crawler(&self.settings.load(), &self.running.shop(), &self.running.state.catalogue);
            let crawl = async {
                match crawler {
                    Ok(crawler) => {
                        let crawler = Arc::new(crawler);
                        let shown = show_progress(crawler.progress());
                        tokio::join!(assemble::keep_fresh(crawler, self.running.state.catalogue.clone()), shown);
                    }
                    // The settings were checked before: they have an address.
                    Err(error) => tracing::error!(%error, "the catalogue is not crawled"),
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = crawl => {}
                () = self.crawl.notified() => {}
            }
        }
    }

    /// Reads every secret again. One that cannot be read or used leaves those of its module as they are.
    async fn read_secrets(self: &Arc<Self>) {
        let keeper = self.clone();
        let read = tokio::task::spawn_blocking(move || keeper.renew_secrets()).await;
        match read.context("the secrets were not read to the end").and_then(|renewed| renewed) {
            Ok(true) => ReadAgain { kind: "secrets", outcome: "applied", detail: &"other credentials or keys" }.emit(),
            Ok(false) => ReadAgain { kind: "secrets", outcome: "unchanged", detail: &"" }.emit(),
            Err(error) => ReadAgain { kind: "secrets", outcome: "refused", detail: &format!("{error:#}") }.emit(),
        }
        self.running.state.reloaded.announce();
    }

    /// Whether any secret is another now. Blocks as reading them does.
    fn renew_secrets(&self) -> anyhow::Result<bool> {
        let settings = self.settings.load();
        let shop = crate::platform::open(&settings.platform)
            .map(|platform| self.running.shop().upstream.sign_in(platform.credentials()));
        // All are tried: one vault that is away should not keep the other's secrets old.
        let keys = self.running.state.ingest.reread(&settings.ingest.secrets);
        let hashed = keys.map(|keys| keys.map(|keys| self.running.state.rekey(keys)).is_some());
        let webhooks = self.running.state.ingest.renew_webhooks(&settings.ingest);
        let renewed = shop? | hashed.context("ingest.secrets")?;
        webhooks?;
        Ok(renewed)
    }
}
