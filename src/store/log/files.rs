//! The SQLite file on disk: made private, addressed as SQLite wants it.

use super::LogError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fs::OpenOptions;
use std::path::Path;

/// What stays as it is in the path of an address.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// The address of the file, which is made where it is missing, for the gateway's own user alone; SQLite gives its side files
/// the same rights. Errors: it cannot be made or written, or its name is not Unicode.
pub(super) fn address(path: &Path) -> Result<String, LogError> {
    let wrong = |source| LogError::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(wrong)?;
    }
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.append(true).create(true).open(path).map_err(wrong)?);
    let absolute = std::path::absolute(path).map_err(wrong)?;
    let text = absolute.to_str().ok_or_else(|| wrong(std::io::Error::other("its name is not Unicode")))?;
    Ok(format!("sqlite://{}?mode=rwc", utf8_percent_encode(text, PATH)))
}
