//! Files of registered documents, in the forms that build tools write.
//!
//! * Apollo's persisted query manifest: `{"format": "apollo-persisted-query-manifest", "operations": [{"id", "body", …}]}`
//! * A map of id to text, as Relay and the persisted-documents preset of GraphQL Code Generator write it
//! * A folder: every `.graphql` and `.gql` file in it and below, one document a file
//!
//! Read at start, by operators' hands: a file that is not understood ends the start, with its path and the entry.

use crate::gateway::limits::{self, Limits};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// One registered document.
#[derive(Debug)]
pub struct Entry {
    /// As the file has it; none for files of documents.
    pub id: Option<String>,
    /// The document.
    pub text: String,
    /// Where it stands.
    pub path: PathBuf,
}

/// Why the registered documents could not be read. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file or folder cannot be read.
    #[error("persisted.safelist: {path} cannot be read: {source}; check the path")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not one of the forms.
    #[error(
        "persisted.safelist: {path}: {reason}; write an Apollo persisted query manifest, a JSON object of id to document, or name a folder of .graphql files"
    )]
    Form {
        /// Which.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// An entry that is no document.
    #[error("persisted.safelist: {path}: the entry {entry}: {reason}; correct it or take it out")]
    Entry {
        /// Which file.
        path: PathBuf,
        /// Its id or its place.
        entry: String,
        /// What is wrong.
        reason: String,
    },
    /// One id for two documents.
    #[error("persisted.safelist: {path}: the id {id} stands for two different documents; give each its own")]
    Twice {
        /// The file of the second.
        path: PathBuf,
        /// The id or hash.
        id: String,
    },
    /// Enforcement without documents.
    #[error(
        "persisted.enforce is set but persisted.safelist registers no document: every request would be refused; name a file, or set enforce = \"off\""
    )]
    Nothing,
}

/// The documents of a file or folder.
/// Errors: what cannot be read, has no known form, or is no document within the limits.
pub fn read(path: &Path, limits: &Limits) -> Result<Vec<Entry>, ManifestError> {
    let unread = |source| ManifestError::File { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(unread)?.is_dir() {
        return folder(path, limits);
    }
    let text = std::fs::read_to_string(path).map_err(unread)?;
    let wrong = |reason: String| ManifestError::Form { path: path.to_owned(), reason };
    if is_document(path) {
        return Ok(vec![checked(path, "of the whole file", None, text, limits)?]);
    }
    let value: Value = serde_json::from_str(&text).map_err(|error| wrong(format!("it is not JSON: {error}")))?;
    let Value::Object(members) = value else { return Err(wrong("it is not a JSON object".into())) };
    match members.get("format").and_then(Value::as_str) {
        Some("apollo-persisted-query-manifest") => apollo(path, &members, limits),
        Some(_) if members.contains_key("operations") => Err(wrong("its format is not known".into())),
        _ => map(path, &members, limits),
    }
}

fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "graphql" || extension == "gql")
}

/// Every file of documents below a folder, in the order of their names. Links to folders are not followed.
fn folder(path: &Path, limits: &Limits) -> Result<Vec<Entry>, ManifestError> {
    let unread = |source| ManifestError::File { path: path.to_owned(), source };
    let mut found = Vec::new();
    let mut inside = std::fs::read_dir(path).map_err(unread)?.collect::<Result<Vec<_>, _>>().map_err(unread)?;
    inside.sort_by_key(std::fs::DirEntry::file_name);
    for entry in inside {
        let kind = entry.file_type().map_err(unread)?;
        if kind.is_dir() {
            found.extend(folder(&entry.path(), limits)?);
        } else if is_document(&entry.path()) {
            found.extend(read(&entry.path(), limits)?);
        }
    }
    Ok(found)
}

fn apollo(path: &Path, members: &Map<String, Value>, limits: &Limits) -> Result<Vec<Entry>, ManifestError> {
    let wrong = |reason: &str| ManifestError::Form { path: path.to_owned(), reason: reason.to_owned() };
    let operations = members.get("operations").and_then(Value::as_array);
    let operations = operations.ok_or_else(|| wrong("the manifest has no array \"operations\""))?;
    let entry = |(at, operation): (usize, &Value)| {
        let member = |name: &str| operation.get(name).and_then(Value::as_str);
        let shown =
            member("name").or(member("id")).map_or_else(|| format!("number {at}"), |name| format!("\"{name}\""));
        let missing = |reason: &str| ManifestError::Entry {
            path: path.to_owned(),
            entry: shown.clone(),
            reason: reason.to_owned(),
        };
        let id = member("id").ok_or_else(|| missing("it has no string \"id\""))?;
        let body = member("body").ok_or_else(|| missing("it has no string \"body\""))?;
        checked(path, &shown, Some(id), body.to_owned(), limits)
    };
    operations.iter().enumerate().map(entry).collect()
}

fn map(path: &Path, members: &Map<String, Value>, limits: &Limits) -> Result<Vec<Entry>, ManifestError> {
    let entry = |(id, value): (&String, &Value)| {
        let shown = format!("\"{id}\"");
        let text = value.as_str().ok_or_else(|| ManifestError::Entry {
            path: path.to_owned(),
            entry: shown.clone(),
            reason: "its value is not the text of a document".into(),
        })?;
        checked(path, &shown, Some(id), text.to_owned(), limits)
    };
    members.iter().map(entry).collect()
}

/// An entry whose text is a document within the limits: one beyond them would be refused at every request.
fn checked(path: &Path, shown: &str, id: Option<&str>, text: String, limits: &Limits) -> Result<Entry, ManifestError> {
    let wrong = |reason: String| ManifestError::Entry { path: path.to_owned(), entry: shown.to_owned(), reason };
    // The parser is recursive: what is nested beyond any use is not given to it.
    limits::scan(&text, limits).map_err(|error| wrong(error.to_string()))?;
    match apollo_compiler::ast::Document::parse(&*text, "document.graphql") {
        Ok(document) if !document.definitions.is_empty() => {
            Ok(Entry { id: id.map(str::to_owned), text, path: path.to_owned() })
        }
        Ok(_) => Err(wrong("its text holds no operation".into())),
        Err(invalid) => {
            let first = invalid.errors.iter().next().map(|error| error.to_json().message);
            Err(wrong(format!("its text does not parse: {}", first.unwrap_or_default())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn refused(text: &str) -> String {
        let (_folder, path) = file("operations.json", text);
        read(&path, &Limits::default()).unwrap_err().to_string()
    }

    #[test]
    fn a_manifest_a_map_and_a_folder_are_read() {
        let manifest = r#"{"format":"apollo-persisted-query-manifest","version":1,
            "operations":[{"id":"1","name":"Q","type":"query","body":"query Q { a }"}]}"#;
        let (_folder, path) = file("operations.json", manifest);
        assert_eq!(read(&path, &Limits::default()).unwrap()[0].id.as_deref(), Some("1"));
        let (_folder, path) = file("map.json", r#"{"b":"{ b }","c":"{ c }"}"#);
        assert_eq!(read(&path, &Limits::default()).unwrap().len(), 2);
        let (folder, _) = file("d.graphql", "query D { d }");
        std::fs::create_dir(folder.path().join("more")).unwrap();
        std::fs::write(folder.path().join("more/e.gql"), "query E { e }").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "no document").unwrap();
        assert_eq!(read(folder.path(), &Limits::default()).unwrap().len(), 2);
    }

    #[test]
    fn what_is_not_understood_is_named_with_path_and_entry() {
        let entry =
            |entry: &str| refused(&format!(r#"{{"format":"apollo-persisted-query-manifest","operations":[{entry}]}}"#));
        assert!(entry(r#"{"id":"1","name":"Home"}"#).contains("operations.json: the entry \"Home\": it has no string"));
        assert!(entry("7").contains("the entry number 0"));
        assert!(entry(r#"{"id":"1","name":"Home","body":"query {"}"#).contains("does not parse"));
        let deep = "{a".repeat(100_000);
        assert!(refused(&format!(r#"{{"abc":"{deep}"}}"#)).contains("the entry \"abc\""));
        assert!(refused("{\"abc\": 7}").contains("the entry \"abc\": its value is not"));
        assert!(refused("[]").contains("not a JSON object"));
        assert!(refused("{").contains("not JSON"));
        assert!(
            read(Path::new("/nowhere/a.json"), &Limits::default()).unwrap_err().to_string().contains("/nowhere/a.json")
        );
    }
}
