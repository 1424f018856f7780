//! The running gateway, put together from the settings: the one place that knows every module. `serve`, `demo` and the
//! integration tests use it.

use crate::platform::upstream::Upstream;
use crate::platform::{self, Platform};
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
