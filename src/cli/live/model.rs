//! The model read again: another version is tried beside the one in use and then swapped in at once. One that does not fit
//! is refused, and the one in use stays.

use super::Keeper;
use crate::cli::assemble;
use crate::telemetry::reload::ReadAgain;
use anyhow::Context;
use std::sync::Arc;

impl Keeper {
    /// Serves the version that is active now. Never fails.
    pub(super) async fn read_model(self: &Arc<Self>) {
        let keeper = self.clone();
        // Reading, checking and matching block; requests go on meanwhile.
        let read = tokio::task::spawn_blocking(move || {
            assemble::serve_model(&keeper.settings.load().model, &keeper.running.state.engine)
        });
        match read.await.context("the model was not read to the end").and_then(|read| read) {
            Ok(Some(served)) => ReadAgain { kind: "model", outcome: "applied", detail: &served }.emit(),
            Ok(None) => ReadAgain { kind: "model", outcome: "unchanged", detail: &"" }.emit(),
            Err(error) => ReadAgain { kind: "model", outcome: "refused", detail: &format!("{error:#}") }.emit(),
        }
    }

    /// Serves no model, where the settings name no folder any more.
    pub(super) fn forget_model(&self) {
        if self.settings.load().model.dir.is_none() {
            // The only errors are about the model that is to be served.
            self.running.state.engine.serve(None).ok();
        }
    }

    /// The file that says which version is active.
    pub(super) fn model_pointer(&self) -> Option<std::path::PathBuf> {
        self.settings.load().model.dir.as_ref().map(|dir| crate::model::versions::Versions::new(dir).pointer())
    }
}
