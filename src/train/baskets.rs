//! Baskets, and the question that they ask: one product left out, which was it?
//!
//! Read from a table of lines, tab-separated, plain or gzip, whose first line names the columns; needed are `basket_id`,
//! `product_id` and `transaction_timestamp` (seconds), and where `household_id` or `customer_id` is there, what the shopper
//! bought in earlier baskets counts too. Baskets are in the order of their times, products within one in the order of the
//! file, each once. Nothing of the measured baskets is learned, not even which products count.

use super::dataset::Case;
use super::error::TrainError;
use super::history::{History, Owned};
use super::split::Split;
use flate2::read::MultiGzDecoder;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The newest share of the baskets, which is measured.
const HELD: f64 = 0.1;
/// Learned baskets that a product must be in to be ranked.
const LEAST: u32 = 10;
/// The longest line taken, in bytes, and the most lines.
const BOUNDS: (u64, usize) = (64 * 1024, 100_000_000);
/// The columns that must be there.
const COLUMNS: [&str; 3] = ["basket_id", "product_id", "transaction_timestamp"];
/// Names of the column that tells whose a basket is.
const SHOPPERS: [&str; 2] = ["household_id", "customer_id"];

/// Baskets, oldest first, of products numbered from 0 in the order of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Baskets {
    baskets: Vec<Basket>,
    products: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Basket {
    /// Seconds since 1970.
    at: i64,
    /// Whose it is, where the table tells.
    shopper: Option<u32>,
    products: Vec<u32>,
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
        let (mut shoppers, mut baskets) = (HashMap::<Box<str>, u32>::new(), Vec::<Basket>::new());
        let (mut places, mut whose, mut line, mut at) = ([0; 3], None, String::new(), 0);
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
                whose = fields.iter().position(|name| SHOPPERS.contains(name));
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
                let next = u32::try_from(shoppers.len()).unwrap_or(u32::MAX);
                let shopper = whose.and_then(field).map(|name| *shoppers.entry(name.into()).or_insert(next));
                baskets.push(Basket { at: time, shopper, products: Vec::new() });
            }
            let basket = &mut baskets[number].products;
            if !basket.contains(&product) {
                basket.push(product);
            }
        }
        // A stable order: baskets of one second stay as the file has them.
        baskets.sort_by_key(|basket| basket.at);
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
        self.parted(learned, measured, seed)
    }

    /// The same a tenth earlier, to choose by: of what [`Baskets::split`] measures nothing is in it.
    ///
    /// # Errors
    /// There are too few.
    pub fn earlier(&self, seed: u64) -> Result<Split, TrainError> {
        let date = |held: f64| (self.baskets.len() as f64 * (1.0 - held)) as usize;
        let (learned, rest) = self.baskets.split_at(date(2.0 * HELD));
        self.parted(learned, &rest[..date(HELD) - learned.len()], seed)
    }

    fn parted(&self, learned: &[Basket], measured: &[Basket], seed: u64) -> Result<Split, TrainError> {
        let mut counts = vec![0u32; self.products];
        learned.iter().flat_map(|basket| &basket.products).for_each(|product| counts[*product as usize] += 1);
        let mut rows = 0;
        let mut row = |count: &u32| {
            rows += u32::from(*count >= LEAST);
            if *count >= LEAST { Some(rows) } else { None }
        };
        let numbers: Vec<Option<u32>> = counts.iter().map(&mut row).collect();
        let kept = |basket: &Basket| -> Vec<u32> {
            basket.products.iter().filter_map(|product| numbers[*product as usize]).collect()
        };
        let train: Vec<History> = learned.iter().map(kept).filter(|rows| rows.len() > 1).map(History::from).collect();
        let before = bought(learned, kept);
        let mut lot = ChaCha8Rng::seed_from_u64(seed);
        let mut test = Vec::new();
        for basket in measured {
            let mut rows = kept(basket);
            if rows.len() > 1 {
                let target = rows.remove(lot.random_range(0..rows.len()));
                let before = basket.shopper.and_then(|shopper| before.get(&shopper));
                let owned = |(row, (times, last)): (&u32, &(u32, i64))| Owned {
                    row: *row,
                    times: *times,
                    days: basket.at.saturating_sub(*last) as f32 / 86_400.0,
                };
                let owned = before.into_iter().flatten().map(owned).collect();
                test.push(Case { history: History::from(rows).with_owned(owned), target });
            }
        }
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

/// Of every shopper the rows bought: how often, and when last.
fn bought(baskets: &[Basket], rows: impl Fn(&Basket) -> Vec<u32>) -> HashMap<u32, BTreeMap<u32, (u32, i64)>> {
    let mut bought: HashMap<u32, BTreeMap<u32, (u32, i64)>> = HashMap::new();
    for basket in baskets {
        if let Some(shopper) = basket.shopper {
            let own = bought.entry(shopper).or_default();
            for row in rows(basket) {
                let (times, last) = own.entry(row).or_insert((0, i64::MIN));
                *times = times.saturating_add(1);
                *last = basket.at.max(*last);
            }
        }
    }
    bought
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::Write;

    pub(in crate::train) fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
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
        let basket = |at, products| Basket { at, shopper: None, products };
        assert_eq!(read, Baskets { baskets: vec![basket(10, vec![0]), basket(20, vec![0, 1])], products: 2 });
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
        let basket =
            |(at, products): (i64, [u32; 2])| Basket { at: 86_400 * at, shopper: None, products: products.into() };
        let baskets = (0..).zip(learned.chain(measured.iter().copied())).map(basket).collect();
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

    #[test]
    fn what_a_shopper_bought_in_learned_baskets_is_beside_the_basket_and_nothing_of_others() {
        let mut baskets = pairs(&[[0, 1], [0, 1], [2, 3]]);
        for (at, basket) in baskets.baskets.iter_mut().enumerate() {
            basket.shopper = match at {
                // [0, 1] on day 0, [0, 1] on day 6, [2, 3] on day 8.
                0 | 6 | 8 => Some(7),
                at if at >= 180 => Some(at as u32 - 173),
                _ => None,
            };
        }
        baskets.baskets.drain(60..177);
        let split = baskets.split(1).unwrap();
        let case = split.test.iter().find(|case| !case.history.owned().is_empty()).unwrap();
        let day = |days: f32, row, times| Owned { row, times, days };
        assert_eq!(
            case.history.owned(),
            [day(174.0, 1, 2), day(174.0, 2, 2), day(172.0, 3, 1), day(172.0, 4, 1)],
            "rows are from 1"
        );
        assert_eq!(split.test.iter().filter(|case| case.history.owned().is_empty()).count(), split.test.len() - 1);
    }

    #[test]
    fn what_chooses_holds_nothing_of_what_is_measured() {
        let (one, other) = (pairs(&[[0, 1]; 20]), pairs(&[[4, 5]; 20]));
        let (one, other) = (one.earlier(1).unwrap(), other.earlier(1).unwrap());
        assert_eq!(one, other);
        assert_eq!((one.train.len(), one.test.len()), (160, 20));
    }
}
