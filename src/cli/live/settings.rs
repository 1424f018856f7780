//! Settings read again: what can change while running is built, checked and swapped as a whole; what cannot is named.

use super::Keeper;
use crate::cli::assemble::{self, Shop};
use crate::platform::upstream::Upstream;
use crate::settings::Settings;
use crate::telemetry::reload::ReadAgain;
use anyhow::Context;
use std::sync::Arc;
use toml::Table;

/// What reading the settings again has brought.
struct Change {
    /// Keys that are in use with their new values.
    applied: Vec<String>,
    /// Keys whose new values wait for a restart.
    waiting: Vec<&'static str>,
}

impl Keeper {
    /// Reads the settings again and takes over what changed. Never fails: what cannot be used is refused.
    pub(super) async fn read_settings(self: &Arc<Self>) {
        let keeper = self.clone();
        // Reading secrets and composing routes block; requests go on meanwhile.
        let changed = tokio::task::spawn_blocking(move || keeper.change_settings()).await;
        match changed.context("the settings were not read to the end").and_then(|changed| changed) {
            Ok(Change { applied, waiting }) => {
                let outcome = if applied.is_empty() { "unchanged" } else { "applied" };
                ReadAgain { kind: "settings", outcome, detail: &applied.join(", ") }.emit();
                if !waiting.is_empty() {
                    tracing::warn!(settings = waiting.join(", "), "changed, but these take a restart");
                }
            }
            Err(error) => ReadAgain { kind: "settings", outcome: "refused", detail: &format!("{error:#}") }.emit(),
        }
    }

    /// Reads the registered documents again and serves them with everything else as it is.
    pub(super) async fn read_documents(self: &Arc<Self>) {
        let keeper = self.clone();
        let changed = tokio::task::spawn_blocking(move || keeper.change_documents()).await;
        let changed = changed.context("the documents were not read to the end").and_then(|changed| changed);
        match changed {
            Ok(true) => ReadAgain { kind: "documents", outcome: "applied", detail: &"persisted.safelist" }.emit(),
            Ok(false) => ReadAgain { kind: "documents", outcome: "unchanged", detail: &"" }.emit(),
            Err(error) => ReadAgain { kind: "documents", outcome: "refused", detail: &format!("{error:#}") }.emit(),
        }
    }

    /// Whether the files register other documents now; they are served from then on.
    fn change_documents(&self) -> anyhow::Result<bool> {
        let settings = self.settings.load_full();
        let changed = self.running.gateway().is_outdated(&settings.persisted, &settings.limits)?;
        if changed {
            let shop = self.changed_shop(&settings, &settings)?;
            self.running.apply(&settings, shop)?;
        }
        Ok(changed)
    }

    fn change_settings(&self) -> anyhow::Result<Change> {
        let (old, mut new) = (self.settings.load_full(), (self.read)()?);
        let waiting = hold_back(&old, &mut new);
        let mut applied = if *old == new { Vec::new() } else { differing(&old, &new) };
        // The files may register other documents under the same names.
        if old.persisted == new.persisted && self.running.gateway().is_outdated(&new.persisted, &new.limits)? {
            applied.push("persisted.safelist".to_owned());
        }
        if applied.is_empty() {
            return Ok(Change { applied, waiting });
        }
        let shop = self.changed_shop(&old, &new)?;
        let elsewhere = old.upstream.url != new.upstream.url || old.platform.schema != new.platform.schema;
        let crawl = old.upstream != new.upstream
            || old.platform.shopify != new.platform.shopify
            || old.catalogue != new.catalogue;
        let keys = match old.ingest.secrets == new.ingest.secrets {
            true => None,
            false => self.running.state.ingest.reread(&new.ingest.secrets).context("ingest.secrets")?,
        };
        if old.ingest.webhooks != new.ingest.webhooks {
            self.running.state.ingest.renew_webhooks(&new.ingest)?;
        }
        self.running.apply(&new, shop)?;
        keys.into_iter().for_each(|keys| self.running.state.rekey(keys));
        self.settings.store(Arc::new(new));
        if elsewhere {
            self.schema.notify_one();
        }
        if crawl {
            self.crawl.notify_one();
        }
        Ok(Change { applied, waiting })
    }

    /// The shop by the new settings. What they leave as it was is taken over with its connections, and with credentials
    /// that could not be read again just now.
    fn changed_shop(&self, old: &Settings, new: &Settings) -> anyhow::Result<Shop> {
        if old.platform.shopify != new.platform.shopify {
            return assemble::shop(new);
        }
        let shop = self.running.shop();
        let upstream = if old.upstream == new.upstream {
            shop.upstream.clone()
        } else {
            Upstream::new(new.upstream.clone(), shop.upstream.credentials())?
        };
        Ok(Shop { platform: shop.platform.clone(), upstream, wanted: assemble::customers::wanted(new) })
    }
}

/// Puts the old values back where a restart is needed, and names those keys that had changed.
fn hold_back(old: &Settings, new: &mut Settings) -> Vec<&'static str> {
    let mut waiting = Vec::new();
    macro_rules! hold {
        ($($section:ident $(. $key:ident)*,)*) => {$(
            if old.$section$(.$key)* != new.$section$(.$key)* {
                waiting.push(concat!(stringify!($section) $(, ".", stringify!($key))*));
                new.$section$(.$key)* = old.$section$(.$key)*.clone();
            }
        )*};
    }
    hold! {
        // The listener and its connections are there already.
        server.listen, server.header_timeout, server.reader_timeout, server.idle_timeout, server.grace, server.connections,
        server.tls.certificate, server.tls.key,
        // What is stored and counted is kept in their form.
        store, engine.statistics, platform.name,
        ingest.default_consent, ingest.cookie, ingest.events, ingest.traffic, ingest.record, ingest.customer,
        ingest.spool,
        // The log, the exporter and the room for remembered documents are made once.
        telemetry, persisted.memory, products.memory, demo,
        // The model's threads are started once; its folder may be another.
        model.threads, model.queue, model.share,
    }
    waiting
}

/// `section.key` of everything that differs, as the settings file writes it.
fn differing(old: &Settings, new: &Settings) -> Vec<String> {
    let (Ok(old), Ok(new)) = (Table::try_from(old), Table::try_from(new)) else { return vec!["settings".to_owned()] };
    let mut found = Vec::new();
    for (name, section) in &new {
        match (section.as_table(), old.get(name).and_then(|section| section.as_table())) {
            (Some(section), Some(before)) => {
                let keys = section.keys().chain(before.keys().filter(|key| !section.contains_key(*key)));
                let other = keys.filter(|key| section.get(*key) != before.get(*key));
                found.extend(other.map(|key| format!("{name}.{key}")));
            }
            _ if old.get(name) != Some(section) => found.push(name.clone()),
            _ => {}
        }
    }
    // A size is written in rounded form, so that two of them may look alike.
    if found.is_empty() { vec!["settings".to_owned()] } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_takes_a_restart_keeps_its_value_and_is_named() {
        let old = Settings::default();
        let mut new = Settings::default();
        new.server.listen.set_port(1);
        new.ingest.events.burst = 1;
        new.server.csrf = false;
        assert_eq!(hold_back(&old, &mut new), ["server.listen", "ingest.events"]);
        assert_eq!((new.server.listen, &new.ingest), (old.server.listen, &old.ingest));
        assert!(!new.server.csrf);
    }

    #[test]
    fn what_changed_is_named_by_section_and_key() {
        let old = Settings::default();
        let mut new = Settings::default();
        new.upstream.url = Some("http://a.test/".to_owned());
        new.engine.deadline = Duration::from_millis(1);
        assert_eq!(differing(&old, &new), ["engine.deadline", "upstream.url"]);
        assert_eq!(differing(&new, &old), ["engine.deadline", "upstream.url"]);
    }
}
