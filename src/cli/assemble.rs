//! The running gateway, put together from the settings: the one place that knows every module. `serve`, `demo` and the
//! integration tests use it.

use crate::catalogue::crawl::Crawler;
use crate::catalogue::{Catalogue, Index, import};
use crate::platform::upstream::{Upstream, UpstreamConfigError};
use crate::platform::{self, Platform, introspect};
use crate::settings::Settings;
use anyhow::Context;
use std::sync::Arc;

/// The way to the shop: what the settings say of it, opened.
pub struct Shop {
    /// The adapter.
    pub platform: Arc<dyn Platform>,
    /// The client.
    pub upstream: Upstream,
}

/// Opens the platform and the client to it. Connects to nothing yet.
/// Errors: a missing address, a secret that cannot be read.
pub fn shop(settings: &Settings) -> anyhow::Result<Shop> {
    let platform = platform::open(&settings.platform).context("the platform cannot be opened")?;
    let upstream = Upstream::new(settings.upstream.clone(), platform.credentials())?;
    Ok(Shop { platform, upstream })
}

/// The shop's schema as SDL: from the file of the settings, or by introspection.
/// Errors: a file that cannot be read, a shop that does not tell.
pub async fn schema(settings: &Settings, shop: &Shop) -> anyhow::Result<String> {
    match &settings.platform.schema {
        Some(path) => {
            std::fs::read_to_string(path).with_context(|| format!("the schema file {} cannot be read", path.display()))
        }
        None => Ok(introspect::pull(&shop.upstream).await?),
    }
}

/// The catalogue as the file of the settings has it; empty where there is none yet.
/// Errors: a file that holds something else.
pub fn catalogue(settings: &Settings) -> anyhow::Result<Catalogue> {
    let catalogue = Catalogue::default();
    if let Some(path) = settings.catalogue.file.as_ref().filter(|path| path.exists()) {
        let written = std::fs::metadata(path).and_then(|about| about.modified());
        let read_at = written.ok().and_then(|at| at.try_into().ok()).unwrap_or_else(jiff::Timestamp::now);
        catalogue.replace(Index::build(import::read(path)?), read_at);
    }
    Ok(catalogue)
}

/// The crawl of the shop into a catalogue; it has not begun.
/// Errors: a missing address.
pub fn crawler(settings: &Settings, shop: &Shop, catalogue: &Arc<Catalogue>) -> anyhow::Result<Crawler> {
    let url = settings.upstream.url.clone().ok_or(UpstreamConfigError::Missing)?;
    let pages = shop.platform.pages(shop.upstream.clone());
    Ok(Crawler::new(pages, settings.catalogue.clone(), url, catalogue.clone()))
}
