//! Public data sets in their usual text forms.
//!
//! `NAME.seq.txt`: a user a line, item ids oldest first. `NAME.train.txt`: a session a line; beside it `NAME.test.txt`: the
//! beginning of a session, a tab, the item that came next. Where they are there, `NAME.attrs.json` (an object from item to a
//! list of attributes) and `NAME.text.txt` (line i the text of item i) say what is known of the items.

use super::error::TrainError;
use super::history::History;
use crate::features::{Attributes, PADDING, Vocabulary, words};
use crate::text;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// One question: after this history, which item came next?
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Rows, oldest first.
    pub history: History,
    /// The row that came next; padding where training never saw it.
    pub target: u32,
}

/// What a data set holds, in rows of its vocabulary.
pub struct Dataset {
    /// The items: of users' sequences all, of sessions those of the training file.
    pub vocabulary: Vocabulary,
    /// Users or training sessions, oldest first.
    pub sequences: Vec<History>,
    /// Test cases, where the data set brings its own; a target that training never saw is padding: always a miss.
    pub test: Option<Vec<Case>>,
    /// What is known of the items; nothing of any where the data set says nothing.
    pub attributes: Arc<Attributes>,
    /// Texts of the items by row, empty for padding; none where the data set has none.
    pub titles: Vec<Box<str>>,
}

impl Dataset {
    /// Reads a data set by the end of its file's name.
    ///
    /// # Errors
    /// The file cannot be read, a line is not of item ids, or the name ends otherwise.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let name = path.to_string_lossy();
        if let Some(stem) = name.strip_suffix(".seq.txt") {
            let mut data = Self::of(&lines(path)?, None)?;
            data.titles = titles(stem, &data.vocabulary)?;
            let attributes = attributes(stem, &data.vocabulary)?;
            data.attributes = Arc::new(match text::vectors(&data.titles).filter(|_| !data.titles.is_empty()) {
                Some((width, vectors)) => attributes.with_texts(width, vectors),
                None => attributes,
            });
            return Ok(data);
        }
        let Some(stem) = name.strip_suffix(".train.txt") else {
            let why = format!("{name}: the name of a data set ends in .seq.txt or .train.txt");
            return Err(TrainError::Unfit(why));
        };
        let train = lines(path)?;
        let test = cases(Path::new(&format!("{stem}.test.txt")))?;
        Self::of(&train, Some(&test))
    }

    /// Takes sequences of ids and test cases of ids.
    ///
    /// # Errors
    /// There is no item.
    pub fn of(sequences: &[Vec<u32>], test: Option<&[(Vec<u32>, u32)]>) -> Result<Self, TrainError> {
        let vocabulary = Vocabulary::new(sequences.iter().flatten().map(|id| id.to_string()))?;
        if vocabulary.rows() < 2 {
            return Err(TrainError::Unfit("the data set holds no item".into()));
        }
        let row = |id: &u32| vocabulary.row(&id.to_string());
        let rows = |ids: &Vec<u32>| ids.iter().filter_map(row).collect::<History>();
        let case = |(history, target): &(Vec<u32>, u32)| Case {
            history: rows(history),
            target: row(target).unwrap_or(PADDING),
        };
        let test = test.map(|test| test.iter().map(case).collect());
        let sequences = sequences.iter().map(rows).collect();
        Ok(Self { vocabulary, sequences, test, attributes: Arc::default(), titles: Vec::new() })
    }
}

/// What the files beside a data set say of its items; names of a kind that no file tells are missing.
fn attributes(stem: &str, vocabulary: &Vocabulary) -> Result<Attributes, TrainError> {
    let mut names = vec![Vec::new(); vocabulary.rows()];
    let mut found = false;
    let path = format!("{stem}.attrs.json");
    let path = Path::new(&path);
    if path.exists() {
        let of: BTreeMap<String, Vec<serde_json::Value>> = serde_json::from_str(&text(path)?).map_err(|error| {
            let why = format!("an object from items to lists is expected: {error}");
            TrainError::Line { path: path.to_owned(), line: error.line(), why }
        })?;
        for (key, values) in of {
            let Some(row) = vocabulary.row(&key) else { continue };
            names[row as usize].extend(values.iter().map(|value| format!("attribute:{value}")));
        }
        found = true;
    }
    let path = format!("{stem}.text.txt");
    let path = Path::new(&path);
    if path.exists() {
        for (text, item) in text(path)?.lines().zip(1u64..) {
            let Some(row) = vocabulary.row(&item.to_string()) else { continue };
            names[row as usize].extend(words(text).into_iter().map(|word| format!("word:{word}")));
        }
        found = true;
    }
    Ok(if found { Attributes::new(&names) } else { Attributes::default() })
}

fn titles(stem: &str, vocabulary: &Vocabulary) -> Result<Vec<Box<str>>, TrainError> {
    let path = format!("{stem}.text.txt");
    let path = Path::new(&path);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut titles: Vec<Box<str>> = vec![Box::default(); vocabulary.rows()];
    for (text, item) in text(path)?.lines().zip(1u64..) {
        if let Some(title) = vocabulary.row(&item.to_string()).and_then(|row| titles.get_mut(row as usize)) {
            *title = text.into();
        }
    }
    Ok(titles)
}

fn text(path: &Path) -> Result<String, TrainError> {
    fs::read_to_string(path).map_err(|source| TrainError::File { path: path.to_owned(), source })
}

fn ids(path: &Path, line: usize, text: &str) -> Result<Vec<u32>, TrainError> {
    let wrong = |word: &str| {
        let word: String = word.chars().take(40).collect();
        TrainError::Line { path: path.to_owned(), line, why: format!("{word:?} is no item id, a whole number from 1") }
    };
    let parse = |word: &str| word.parse().ok().filter(|id| *id > 0).ok_or_else(|| wrong(word));
    text.split_whitespace().map(parse).collect()
}

fn lines(path: &Path) -> Result<Vec<Vec<u32>>, TrainError> {
    text(path)?.lines().zip(1..).map(|(text, line)| ids(path, line, text)).collect()
}

fn cases(path: &Path) -> Result<Vec<(Vec<u32>, u32)>, TrainError> {
    let case = |(text, line): (&str, usize)| {
        let (history, target) = text.split_once('\t').unwrap_or((text, ""));
        match ids(path, line, target)?[..] {
            [target] => Ok((ids(path, line, history)?, target)),
            _ => {
                let why = "a beginning, a tab and one target are expected".into();
                Err(TrainError::Line { path: path.to_owned(), line, why })
            }
        }
    };
    text(path)?.lines().zip(1..).map(case).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_read_with_their_test_and_unknown_items_fall_out_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.train.txt");
        fs::write(&path, "10 20\n20 30 20\n").unwrap();
        fs::write(folder.path().join("small.test.txt"), "10 99\t20\n20\t99\n").unwrap();
        let read = Dataset::read(&path).unwrap();
        assert_eq!(read.vocabulary.rows(), 4);
        assert_eq!(read.sequences, [vec![1, 2], vec![2, 3, 2]]);
        let test = read.test.unwrap();
        assert_eq!((&test[0].history[..], test[0].target), (&[1][..], 2));
        assert_eq!((&test[1].history[..], test[1].target), (&[2][..], PADDING));
    }

    #[test]
    fn what_stands_beside_a_data_set_says_what_its_items_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.seq.txt");
        fs::write(&path, "1 2 3\n").unwrap();
        assert_eq!(Dataset::read(&path).unwrap().attributes.names().len(), 0);
        fs::write(folder.path().join("small.attrs.json"), r#"{"1": [7, 8], "3": [7], "unknown": [7]}"#).unwrap();
        fs::write(folder.path().join("small.text.txt"), "red hat\nred shoe\n\n").unwrap();
        let Dataset { attributes, titles, .. } = Dataset::read(&path).unwrap();
        assert_eq!(titles.iter().map(|title| &**title).collect::<Vec<_>>(), ["", "red hat", "red shoe", ""]);
        assert_eq!(attributes.names(), ["attribute:7", "word:red"]);
        assert_eq!((attributes.of(1), attributes.of(2), attributes.of(3)), (&[0, 1][..], &[1][..], &[0][..]));
        fs::write(folder.path().join("small.attrs.json"), "[]").unwrap();
        assert!(Dataset::read(&path).is_err());
    }

    #[test]
    fn a_wrong_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.seq.txt");
        for (text, said) in [("1 2\n3 x\n", "line 2"), ("0\n", "line 1"), ("-1", "line 1"), ("", "no item")] {
            fs::write(&path, text).unwrap();
            assert!(Dataset::read(&path).err().unwrap().to_string().contains(said), "{text:?}");
        }
        assert!(Dataset::read(&folder.path().join("other.csv")).is_err());
        assert!(Dataset::read(&folder.path().join("missing.seq.txt")).is_err());
    }
}
