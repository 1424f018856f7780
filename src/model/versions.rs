//! The versions of a model on disk: a folder each, and a file that says which one is served.
//!
//! `active` names one version a line, that in use first, then those in use before it. It is written beside itself, brought
//! to the disk and put in its place at once: a reader sees the old or the new, and whatever ends in between leaves the old.

use super::checkpoint::{self, Manifest};
use super::error::ModelError;
use super::served::Served;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The file that says which version is served.
const POINTER: &str = "active";
/// Versions remembered for a way back.
const REMEMBERED: usize = 20;
/// The longest name of a version.
const LONGEST: usize = 64;

/// A model's folder.
#[derive(Clone, Debug)]
pub struct Versions {
    folder: PathBuf,
}

/// One version found there.
#[derive(Debug)]
pub struct Version {
    /// Its folder's name.
    pub name: String,
    /// What its manifest says, or why it cannot be served. Its weights were not read for this.
    pub manifest: Result<Manifest, ModelError>,
    /// Whether it is the one served.
    pub active: bool,
}

impl Versions {
    /// The versions in this folder, which may not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The file that changes whenever another version is to be served.
    pub fn pointer(&self) -> PathBuf {
        self.folder.join(POINTER)
    }

    /// All versions by name.
    ///
    /// # Errors
    /// The folder or the pointer cannot be read.
    pub fn list(&self) -> Result<Vec<Version>, ModelError> {
        let active = self.active()?;
        let at = |source| ModelError::File { path: self.folder.clone(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(at)? {
            let entry = entry.map_err(at)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_name(&name) && entry.path().is_dir() {
                names.push(name);
            }
        }
        names.sort_unstable();
        let version = |name: String| {
            let manifest = checkpoint::manifest(&self.folder.join(&name));
            Version { active: active.as_ref() == Some(&name), manifest, name }
        };
        Ok(names.into_iter().map(version).collect())
    }

    /// The version to be served; none where none was ever activated.
    ///
    /// # Errors
    /// The pointer cannot be read or does not name a version.
    pub fn active(&self) -> Result<Option<String>, ModelError> {
        Ok(self.history()?.into_iter().next())
    }

    /// Reads the version to be served; none where none was ever activated.
    ///
    /// # Errors
    /// As [`Versions::active`] and [`Served::open`].
    pub fn open_active(&self) -> Result<Option<Served>, ModelError> {
        self.active()?.map(|version| self.open(&version)).transpose()
    }

    /// Reads a version. Decisions call it by the folder's name and the version's: `shop/3`.
    ///
    /// # Errors
    /// No such name; as [`Served::open`].
    pub fn open(&self, version: &str) -> Result<Served, ModelError> {
        self.check(version)?;
        let model = self.folder.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy());
        Served::open(format!("{model}/{version}"), &self.folder.join(version))
    }

    /// Has a version served from now on, once it has been read to the end: one that cannot be served is never named.
    ///
    /// # Errors
    /// As [`Versions::open`]; the pointer cannot be written. What was served stays.
    pub fn activate(&self, version: &str) -> Result<(), ModelError> {
        self.open(version)?;
        // A pointer that says nothing is no reason to keep saying it.
        let mut history = self.history().unwrap_or_default();
        history.retain(|earlier| earlier != version);
        history.insert(0, version.to_owned());
        history.truncate(REMEMBERED);
        self.point(&history)
    }

    /// Has the version served that was before the present one, and names it.
    ///
    /// # Errors
    /// There was none; it cannot be served any more. What was served stays.
    pub fn rollback(&self) -> Result<String, ModelError> {
        let history = self.history()?;
        let Some(before) = history.get(1) else {
            let why = "no version was active before the present one; `outfitter models list` shows what there is";
            return Err(ModelError::Version(why.to_owned()));
        };
        self.open(before)?;
        self.point(&history[1..])?;
        Ok(before.clone())
    }

    /// The pointer's lines.
    fn history(&self) -> Result<Vec<String>, ModelError> {
        let path = self.pointer();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(ModelError::File { path, source }),
        };
        let lines: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Into::into).collect();
        match lines.iter().find(|line| !is_name(line)) {
            Some(line) => {
                let shown: String = line.chars().take(LONGEST).collect();
                let why =
                    format!("{shown:?} is no name of a version; `outfitter models activate VERSION` writes it anew");
                Err(ModelError::Foreign { path, why })
            }
            None => Ok(lines),
        }
    }

    fn point(&self, history: &[String]) -> Result<(), ModelError> {
        let path = self.pointer();
        let written = put(&self.folder, &path, history.join("\n") + "\n");
        written.map_err(|source| ModelError::File { path, source })
    }

    fn check(&self, version: &str) -> Result<(), ModelError> {
        if is_name(version) && self.folder.join(version).is_dir() {
            return Ok(());
        }
        let shown: String = version.chars().take(LONGEST).collect();
        let folder = self.folder.display();
        Err(ModelError::Version(format!(
            "{folder} holds no version {shown:?}; `outfitter models list` shows what it holds"
        )))
    }
}

/// Writes beside the file, brings it to the disk, puts it in its place, and brings that to the disk too.
fn put(folder: &Path, path: &Path, text: String) -> std::io::Result<()> {
    let part = path.with_extension("part");
    let mut file = File::create(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    // Where a folder cannot be opened as a file, the system keeps its own order.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all()?;
    }
    Ok(())
}

/// Letters, digits, `-`, `_` and `.`, not first: no path leads out of the folder.
fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty()
        && name.len() <= LONGEST
        && name != POINTER
        && !name.starts_with('.')
        && !name.ends_with(".part")
        && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::super::config::ModelConfig;
    use super::super::transformer::Transformer;
    use super::super::weights::Weights;
    use super::*;
    use crate::features::{Attributes, Vocabulary};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn write(folder: &Path, seed: u64) {
        let vocabulary = Vocabulary::new(["a", "b"]).unwrap();
        let config = ModelConfig { width: 8, max_length: 4, ..ModelConfig::small(3) };
        let mut weights = Weights::fresh(seed);
        Transformer::new(&config, &Arc::default(), &mut weights).unwrap();
        let tensors = weights.variables().iter().map(|(name, w)| (name.clone(), w.as_tensor().clone())).collect();
        let attributes = Attributes::default();
        let content = checkpoint::Content {
            config: &config,
            vocabulary: &vocabulary,
            attributes: &attributes,
            tensors: &tensors,
            facts: BTreeMap::new(),
        };
        checkpoint::write(folder, content).unwrap();
    }

    #[test]
    fn versions_are_activated_and_taken_back_and_one_that_cannot_be_served_never_is() {
        let folder = tempfile::tempdir().unwrap();
        let shop = folder.path().join("shop");
        (1..=3).for_each(|seed| write(&shop.join(seed.to_string()), seed));
        let versions = Versions::new(&shop);
        assert!(versions.active().unwrap().is_none() && versions.open_active().unwrap().is_none());
        assert!(versions.rollback().unwrap_err().to_string().contains("models list"));
        versions.activate("1").unwrap();
        versions.activate("3").unwrap();
        assert_eq!(&**versions.open_active().unwrap().unwrap().name(), "shop/3");

        fs::write(shop.join("2").join("weights.safetensors"), b"cut off").unwrap();
        assert!(versions.activate("2").unwrap_err().to_string().contains("cut off or changed"));
        for missing in ["4", "../shop/1", "", "active", ".hidden"] {
            assert!(versions.activate(missing).unwrap_err().to_string().contains("models list"), "{missing}");
        }
        assert_eq!(versions.active().unwrap().as_deref(), Some("3"));
        let listed: Vec<(String, bool)> =
            versions.list().unwrap().into_iter().map(|version| (version.name, version.active)).collect();
        assert_eq!(listed, [("1".to_owned(), false), ("2".to_owned(), false), ("3".to_owned(), true)]);

        assert_eq!(versions.rollback().unwrap(), "1");
        assert_eq!(versions.active().unwrap().as_deref(), Some("1"));
        assert!(versions.rollback().is_err());
    }

    #[test]
    fn a_pointer_that_leads_elsewhere_is_refused_and_can_be_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("1"), 1);
        let versions = Versions::new(folder.path());
        fs::write(versions.pointer(), "../../etc\n").unwrap();
        assert!(versions.open_active().unwrap_err().to_string().contains("models activate"));
        versions.activate("1").unwrap();
        assert_eq!(versions.active().unwrap().as_deref(), Some("1"));
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "nothing is left beside: {left:?}");
    }
}
