//! Baskets, and the question that they ask: one product left out, which was it?
//!
//! Read from a table of lines, tab-separated, plain or gzip, whose first line names the columns; needed are `basket_id`,
//! `product_id` and `transaction_timestamp` (seconds). Baskets are in the order of their times, products within one in the
//! order of the file, each once. Nothing of the measured baskets is learned, not even which products count.

use super::dataset::Case;
use super::error::TrainError;
use super::split::Split;
use flate2::read::MultiGzDecoder;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The newest share of the baskets, which is measured.
const HELD: f64 = 0.1;
/// Learned baskets that a product must be in to be ranked.
const LEAST: u32 = 10;
/// The longest line taken, in bytes, and the most lines.
const BOUNDS: (u64, usize) = (64 * 1024, 100_000_000);
/// The columns.
const COLUMNS: [&str; 3] = ["basket_id", "product_id", "transaction_timestamp"];

/// Baskets, oldest first, of products numbered from 0 in the order of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Baskets {
    baskets: Vec<Vec<u32>>,
    products: usize,
}

impl Baskets {
    /// Reads a table.
    ///
    /// # Errors
    /// The file cannot be read, a column is missing, a line does not fit.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let failed = |source| TrainError::File { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let packed = path.extension().is_some_and(|end| end == "gz");
        let source: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let mut source = BufReader::new(source);
        let (mut numbers, mut products) = (HashMap::<Box<str>, usize>::new(), HashMap::<Box<str>, u32>::new());
        let mut baskets: Vec<(i64, Vec<u32>)> = Vec::new();
        let (mut places, mut line, mut at) = ([0; 3], String::new(), 0);
        loop {
            line.clear();
            if source.by_ref().take(BOUNDS.0).read_line(&mut line).map_err(failed)? == 0 {
                break;
            }
            at += 1;
            let wrong = |why: String| TrainError::Line { path: path.to_owned(), line: at, why };
            if at > BOUNDS.1 || line.len() as u64 >= BOUNDS.0 {
                return Err(wrong("the line is too long, or there are too many".into()));
            }
            let fields: Vec<&str> = line.trim_end_matches(['\n', '\r']).split('\t').collect();
            if at == 1 {
                for (place, column) in places.iter_mut().zip(COLUMNS) {
                    let found = fields.iter().position(|name| *name == column);
                    *place = found.ok_or_else(|| wrong(format!("the first line names no column {column}")))?;
                }
                continue;
            }
            let field = |place: usize| fields.get(place).copied().filter(|field| !field.is_empty());
            let [Some(basket), Some(product), Some(time)] = places.map(field) else {
                return Err(wrong(format!("a value of {} is missing", COLUMNS.join(", "))));
            };
            let time: i64 = time.parse().map_err(|_| wrong("the time is no whole number of seconds".into()))?;
            let product = match (products.get(product).copied(), u32::try_from(products.len())) {
                (Some(known), _) => known,
                (None, Ok(next)) => *products.entry(product.into()).or_insert(next),
                (None, Err(_)) => return Err(wrong("there are too many products".into())),
            };
            let number = numbers.get(basket).copied().unwrap_or(baskets.len());
            if number == baskets.len() {
                numbers.insert(basket.into(), number);
                baskets.push((time, Vec::new()));
            }
            let basket = &mut baskets[number].1;
            if !basket.contains(&product) {
                basket.push(product);
            }
        }
        // A stable order: baskets of one second stay as the file has them.
        baskets.sort_by_key(|(time, _)| *time);
        let baskets = baskets.into_iter().map(|(_, basket)| basket).collect();
        Ok(Self { baskets, products: products.len() })
    }

    /// Parts them by time: the newest tenth is measured, the rest learned. Products of fewer than ten learned baskets are left
    /// out of both. Of each measured basket with at least two products left one is taken out by lot, and is the target.
    ///
    /// # Errors
    /// There are too few.
    pub fn split(&self, seed: u64) -> Result<Split, TrainError> {
        let date = (self.baskets.len() as f64 * (1.0 - HELD)) as usize;
        let (learned, measured) = self.baskets.split_at(date);
        let mut counts = vec![0u32; self.products];
        learned.iter().flatten().for_each(|product| counts[*product as usize] += 1);
        let mut rows = 0;
        let mut row = |count: &u32| {
            rows += u32::from(*count >= LEAST);
            if *count >= LEAST { Some(rows) } else { None }
        };
        let numbers: Vec<Option<u32>> = counts.iter().map(&mut row).collect();
        let kept = |basket: &Vec<u32>| basket.iter().filter_map(|product| numbers[*product as usize]).collect();
        let train: Vec<Vec<u32>> = learned.iter().map(kept).filter(|basket: &Vec<u32>| basket.len() > 1).collect();
        let mut lot = ChaCha8Rng::seed_from_u64(seed);
        let measured = measured.iter().map(kept).filter(|basket: &Vec<u32>| basket.len() > 1);
        let case = |mut history: Vec<u32>| Case { target: history.remove(lot.random_range(0..history.len())), history };
        let test: Vec<Case> = measured.map(case).collect();
        if train.is_empty() || test.is_empty() {
            return Err(TrainError::Unfit("there are too few baskets to part them by date".into()));
        }
        let refit = train.clone();
        Ok(Split {
            rows: rows as usize + 1,
            train,
            validation: Vec::new(),
            refit,
            retrain: false,
            test,
            mask_seen: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn baskets_are_read_in_the_order_of_their_times_packed_or_not() {
        let text = "basket_id\tx\tproduct_id\ttransaction_timestamp\nb\t1\tmilk\t20\na\t1\tmilk\t10\nb\t1\tegg\t20\nb\t2\tmilk\t20\n";
        let (_folder, path) = written("small.tsv", text.as_bytes());
        let read = Baskets::read(&path).unwrap();
        assert_eq!(read, Baskets { baskets: vec![vec![0], vec![0, 1]], products: 2 });
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        let (_folder, path) = written("small.tsv.gz", &packed);
        assert_eq!(Baskets::read(&path).unwrap(), read);
        let (_folder, path) = written("cut.tsv.gz", &packed[..packed.len() / 2]);
        assert!(Baskets::read(&path).is_err());
    }

    #[test]
    fn a_wrong_line_is_named() {
        let head = "basket_id\tproduct_id\ttransaction_timestamp\n";
        let long = format!("{head}{}", "x".repeat(70_000));
        let (late, empty) = (format!("{head}1\t2\tsoon\n"), format!("{head}1\t\t3\n"));
        let cases: [(&str, &str); 4] =
            [("a\tb\n", "no column basket_id"), (&late, "line 2"), (&empty, "missing"), (&long, "too long")];
        for (text, said) in cases {
            let (_folder, path) = written("bad.tsv", text.as_bytes());
            assert!(Baskets::read(&path).unwrap_err().to_string().contains(said), "{said}");
        }
    }

    fn pairs(measured: &[[u32; 2]]) -> Baskets {
        let learned = (0..180u32).map(|at| [at % 6, (at + 1) % 6]);
        let baskets = learned.chain(measured.iter().copied()).map(Vec::from).collect();
        Baskets { baskets, products: 9 }
    }

    #[test]
    fn what_is_measured_changes_nothing_of_what_is_learned() {
        let one = pairs(&[[0, 1]; 20]).split(1).unwrap();
        let mut other = [[2, 5]; 20];
        other[3] = [7, 8];
        let other = pairs(&other).split(1).unwrap();
        assert_eq!((&one.train, one.rows), (&other.train, other.rows));
        // A product that nobody bought before is not ranked, and no basket is left of it.
        assert_eq!((one.rows, one.test.len(), other.test.len()), (7, 20, 19));
        assert!(one.test.iter().all(|case| case.history.len() == 1 && !case.history.contains(&case.target)));
        assert_ne!(one.test, pairs(&[[0, 1]; 20]).split(2).unwrap().test, "the lot is drawn by the seed");
        assert!(Baskets::default().split(1).is_err());
    }
}
