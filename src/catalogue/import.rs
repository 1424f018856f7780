//! A catalogue as a file: JSON Lines, one product a line, blank lines allowed. Read whole or not at all.

use crate::domain::product::CatalogueProduct;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The longest line taken, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Why a catalogue file could not be read or written. Read by operators.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file itself.
    #[error("the catalogue file {path}: {source}; check the path and who may use it")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line.
    #[error("{path}, line {line}: {message}; nothing was imported")]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

/// Reads all products of a file. Errors: the first line that is no product, with its number.
pub fn read(path: &Path) -> Result<Vec<CatalogueProduct>, ImportError> {
    let failed = |source| ImportError::File { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut products = Vec::new();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let length = (&mut reader).take(LONGEST + 1).read_until(b'\n', &mut bytes).map_err(failed)?;
        if length == 0 {
            break;
        }
        let wrong = |message: String| ImportError::Line { path: path.to_owned(), line, message };
        if length as u64 > LONGEST {
            return Err(wrong("it is longer than 1 MiB".into()));
        }
        if !bytes.trim_ascii().is_empty() {
            products.push(product(&bytes).map_err(wrong)?);
        }
    }
    Ok(products)
}

fn product(line: &[u8]) -> Result<CatalogueProduct, String> {
    let product: CatalogueProduct = serde_json::from_slice(line).map_err(|error| {
        // serde_json counts lines within this one: only the column says something.
        let text = error.to_string();
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
        format!("{text} (column {})", error.column())
    })?;
    if product.key.as_str().is_empty() || product.handle.is_empty() || product.title.is_empty() {
        return Err("key, handle and title may not be empty".into());
    }
    Ok(product)
}

/// Writes products to a file, whole or not at all: a reader sees the file before or after.
pub fn write(path: &Path, products: &[CatalogueProduct]) -> Result<(), ImportError> {
    let new = path.with_extension("new");
    let written = File::create(&new).and_then(|file| {
        let mut out = BufWriter::new(file);
        for product in products {
            serde_json::to_writer(&mut out, product)?;
            out.write_all(b"\n")?;
        }
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&new, path)
    });
    written.map_err(|source| ImportError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"key":"p1","handle":"hat","title":"Hat","price":{"minor":1250,"currency":"EUR"}}"#;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.jsonl");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let (_folder, path) = file(&format!("{GOOD}\n\n{}", GOOD.replace("p1", "p2")));
        let products = read(&path).unwrap();
        assert_eq!(products.len(), 2);
        write(&path, &products).unwrap();
        assert_eq!(read(&path).unwrap(), products);
    }

    #[test]
    fn a_bad_line_is_named_with_its_number_and_what_is_wrong() {
        let said = |bad: &str| {
            let (_folder, path) = file(&format!("{GOOD}\n{bad}\n{GOOD}\n"));
            read(&path).unwrap_err().to_string()
        };
        assert!(said(r#"{"key":"p2","handle":"cap"}"#).contains("line 2: missing field `title`"));
        assert!(said("not json").contains("line 2: "));
        assert!(said(r#"{"key":"","handle":"cap","title":"Cap"}"#).contains("may not be empty"));
        assert!(said(&format!("{{\"tags\":{}", "[".repeat(10_000))).contains("line 2: "));
        assert!(said(&" ".repeat(1024 * 1024 + 2)).contains("longer than 1 MiB"));
    }
}
