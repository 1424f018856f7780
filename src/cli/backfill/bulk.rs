//! The platform's own exports: bulk operations of Shopify's Admin API, waited for and fetched into files.
//!
//! Each step is noted in the working folder, so that a call that was cut off goes on: an operation that runs is waited for
//! and not begun again, whatever kept it from being asked for, and a file that is whole is not fetched again.

use super::admin::Admin;
use super::operation::{self, Ended};
use super::{fetch, file};
use crate::platform::Wanted;
use crate::platform::shopify::exports::What;
use crate::settings::Settings;
use anyhow::Context;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Exports of one shop.
pub(super) struct Exports<'a> {
    pub(super) settings: &'a Settings,
    pub(super) admin: Admin,
    pub(super) since: Date,
    pub(super) wanted: &'a Wanted,
    pub(super) work: PathBuf,
}

/// What is noted of an export.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    /// Whose: what another shop has exported into the same folder is not taken for it.
    admin: String,
    /// What was asked for, the day among it.
    query: String,
    operation: String,
    whole: bool,
}

impl Exports<'_> {
    /// The file with what is wanted, fetched where it is not there yet. Errors: the platform refuses or fails; the message
    /// says what to do.
    pub(super) async fn file(&self, what: What, again: bool) -> anyhow::Result<PathBuf> {
        std::fs::create_dir_all(&self.work).with_context(|| format!("{} cannot be made", self.work.display()))?;
        let within = |ending: &str| self.work.join(format!("{}.{ending}", what.file()));
        let (file, part, noted) = (within("jsonl"), within("part"), within("export.json"));
        let query = what.query(self.since, self.wanted);
        let before = std::fs::read(&noted).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
        let before = before.filter(|note| !again && note.admin == self.admin.address && note.query == query);
        if before.as_ref().is_some_and(|note| note.whole) && file.exists() {
            return Ok(file);
        }
        let operation = match before {
            Some(note) => note.operation,
            None => operation::begin(&self.admin, &query, what.name()).await?,
        };
        let mut note = Note { admin: self.admin.address.clone(), query, operation, whole: false };
        write(&noted, &note)?;
        let written = match operation::ended(&self.admin, &note.operation, what.name()).await? {
            Ended::Written(written) => written,
            Ended::Lost(why) => {
                std::fs::remove_file(&noted).ok();
                return Err(why);
            }
        };
        fetch::fetch(self.settings, &written, what.name(), &part).await?;
        // How far another file was taken that stood there says nothing of this one.
        file::forget(&file)?;
        std::fs::rename(&part, &file)?;
        note.whole = true;
        write(&noted, &note)?;
        Ok(file)
    }
}

/// Writes a note, whole or not at all.
fn write(path: &Path, note: &Note) -> anyhow::Result<()> {
    let part = path.with_extension("new");
    std::fs::write(&part, serde_json::to_vec(note)?)
        .with_context(|| format!("{} cannot be written", part.display()))?;
    Ok(std::fs::rename(&part, path)?)
}
