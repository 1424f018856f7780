//! References to secrets: a configuration never holds a token, it says where one stands.
//!
//! Read at start and again while the gateway runs, so that a secret can be changed without a restart. What was read is
//! held in [`Revealed`], whose `Debug` shows nothing.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The longest secret taken, in bytes: a path that points at the wrong file should not be read into memory.
const MAX: u64 = 16 * 1024;

/// How long a command may take to print a secret: a vault answers in well under a second, or not at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a secret stands: `{ env = "NAME" }`, `{ file = "path" }` or `{ command = ["program", "argument"] }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Secret {
    /// In an environment variable of this name.
    Env(String),
    /// In a file; white space at its end is cut.
    File(PathBuf),
    /// On the standard output of a program with these arguments, run without a shell; white space at its end is cut.
    Command(Vec<String>),
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
    /// The command printed no secret. Neither its output nor its standard error is repeated: either may hold one.
    #[error("the secret command {program} {reason}; run it by hand as the user of this process")]
    Command {
        /// The program, without its arguments.
        program: String,
        /// What happened.
        reason: String,
    },
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
            Self::Command(words) => printed(words, PATIENCE),
        }
    }
}

/// What a program prints, within `patience` and [`MAX`] bytes. Blocks so long.
fn printed(words: &[String], patience: Duration) -> Result<Revealed, SecretError> {
    let (program, arguments) = words.split_first().map_or(("", words), |(first, rest)| (first.as_str(), rest));
    let failed = |reason: String| SecretError::Command { program: program.to_owned(), reason };
    if program.is_empty() {
        return Err(failed("is not named: write the program and its arguments as a list".to_owned()));
    }
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| failed(format!("cannot be run: {error}")))?;
    let until = Instant::now() + patience;
    let (told, heard) = mpsc::channel();
    let output = child.stdout.take();
    // Reading has no limit of time of its own. Where a grandchild holds the pipe open the thread outlives the command,
    // and ends with the pipe.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = output.map(|output| output.take(MAX + 1).read_to_end(&mut bytes));
        told.send(matches!(read, Some(Ok(_))).then_some(bytes)).ok();
    });
    let heard = heard.recv_timeout(patience);
    let whole = matches!(&heard, Ok(Some(bytes)) if bytes.len() as u64 <= MAX);
    let status = if whole { ended(&mut child, until) } else { None };
    if status.is_none() {
        child.kill().ok();
        child.wait().ok();
    }
    let Ok(Some(bytes)) = heard else {
        return Err(failed(format!("printed nothing that ends within {} s", patience.as_secs())));
    };
    if bytes.len() as u64 > MAX {
        return Err(failed("printed more than 16 KiB, which is no secret".to_owned()));
    }
    let Some(status) = status else {
        return Err(failed(format!("did not end within {} s", patience.as_secs())));
    };
    if !status.success() {
        return Err(failed(format!("failed ({status})")));
    }
    let text = String::from_utf8(bytes).map_err(|_| failed("printed something that is not UTF-8".to_owned()))?;
    let text = text.trim_end();
    if text.is_empty() { Err(failed("printed nothing".to_owned())) } else { Ok(Revealed(text.to_owned())) }
}

/// How a program ended; `None` where it runs on at that time. One that has closed its output is about to end.
fn ended(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            Ok(status) => return status,
            Err(_) => return None,
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

    fn run(words: &[&str], patience: Duration) -> Result<Revealed, SecretError> {
        printed(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>(), patience)
    }

    #[test]
    fn a_command_prints_a_secret_and_nothing_of_a_failed_one_is_told() {
        assert_eq!(run(&["printf", "shpat_1\\n"], PATIENCE).unwrap().expose(), "shpat_1");
        // No shell: what one would take apart is an argument.
        assert_eq!(run(&["printf", "%s", "$HOME; id"], PATIENCE).unwrap().expose(), "$HOME; id");
        let failing = "echo shpat_1; echo token-in-words >&2; exit 3";
        let said = run(&["sh", "-c", failing], PATIENCE).unwrap_err().to_string();
        assert!(said.contains("sh failed") && said.contains('3'), "{said}");
        assert!(!said.contains("shpat_1") && !said.contains("token-in-words"), "{said}");
        for wrong in [&["true"][..], &[], &["no-such-program-of-outfitter"], &["head", "-c", "20000", "/dev/zero"]] {
            assert!(matches!(run(wrong, PATIENCE), Err(SecretError::Command { .. })), "{wrong:?}");
        }
    }

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        let said = run(&["sleep", "1000"], Duration::from_millis(50)).unwrap_err().to_string();
        assert!(said.contains("printed nothing that ends"), "{said}");
        // One that has printed all and stays is not waited for either.
        let stays = ["sh", "-c", "echo shpat_1; exec sleep 1000 >&-"];
        let said = run(&stays, Duration::from_millis(500)).unwrap_err().to_string();
        assert!(said.contains("did not end"), "{said}");
    }

    #[test]
    fn a_token_written_into_the_configuration_is_refused() {
        assert!(serde_json::from_str::<Secret>("\"shpat_1\"").is_err());
        assert_eq!(serde_json::from_str::<Secret>(r#"{"env":"TOKEN"}"#).unwrap(), Secret::Env("TOKEN".into()));
    }
}
