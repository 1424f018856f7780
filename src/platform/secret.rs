//! References to secrets: a configuration never holds a token, it says where one stands.
//!
//! Read once at start. What was read is held in [`Revealed`], whose `Debug` shows nothing.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// The longest secret taken, in bytes: a path that points at the wrong file should not be read into memory.
const MAX: u64 = 16 * 1024;

/// Where a secret stands: `{ env = "NAME" }` or `{ file = "path" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Secret {
    /// In an environment variable of this name.
    Env(String),
    /// In a file; white space at its end is cut.
    File(PathBuf),
}

/// Why a secret could not be read. Never says any of its text.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set, empty or not Unicode.
    #[error("the environment variable {0} is not set; set it to the secret, or remove the setting that names it")]
    Env(String),
    /// The file cannot be read.
    #[error("the secret file {path} cannot be read: {source}; check that it exists and who may read it")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds nothing, or more than a secret would.
    #[error("the secret file {0} should hold one line of at most 16 KiB")]
    Size(PathBuf),
}

impl Secret {
    /// Reads the secret. Errors: see [`SecretError`].
    pub fn reveal(&self) -> Result<Revealed, SecretError> {
        match self {
            Self::Env(name) => match std::env::var(name) {
                Ok(text) if !text.trim().is_empty() => Ok(Revealed(text.trim().to_owned())),
                _ => Err(SecretError::Env(name.clone())),
            },
            Self::File(path) => {
                let failed = |source| SecretError::File { path: path.clone(), source };
                if std::fs::metadata(path).map_err(failed)?.len() > MAX {
                    return Err(SecretError::Size(path.clone()));
                }
                let text = std::fs::read_to_string(path).map_err(failed)?;
                let text = text.trim_end();
                if text.is_empty() { Err(SecretError::Size(path.clone())) } else { Ok(Revealed(text.to_owned())) }
            }
        }
    }
}

/// A secret's text.
#[derive(Clone, PartialEq, Eq)]
pub struct Revealed(String);

impl Revealed {
    /// The text, for a header or a key. Never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revealed(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_from_its_file_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "shpat_1\n").unwrap();
        let revealed = Secret::File(path).reveal().unwrap();
        assert_eq!(revealed.expose(), "shpat_1");
        assert_eq!(format!("{revealed:?}"), "Revealed(…)");
    }

    #[test]
    fn a_missing_secret_is_named_with_what_to_do() {
        let missing = Secret::Env("OUTFITTER_NO_SUCH_TOKEN".into()).reveal().unwrap_err().to_string();
        assert!(missing.contains("OUTFITTER_NO_SUCH_TOKEN is not set"), "{missing}");
        let folder = tempfile::tempdir().unwrap();
        let big = folder.path().join("big");
        std::fs::write(&big, "x".repeat(20_000)).unwrap();
        assert!(matches!(Secret::File(big).reveal(), Err(SecretError::Size(_))));
    }

    #[test]
    fn a_token_written_into_the_configuration_is_refused() {
        assert!(serde_json::from_str::<Secret>("\"shpat_1\"").is_err());
        assert_eq!(serde_json::from_str::<Secret>(r#"{"env":"TOKEN"}"#).unwrap(), Secret::Env("TOKEN".into()));
    }
}
