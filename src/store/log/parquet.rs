//! Decisions as Parquet: a row for each product of each slate, with what came of it.
//!
//! Written column by column with the low-level writer; Arrow is not needed for a dozen flat columns.

use super::line::{propensities, word};
use crate::domain::audit::{DecisionRecord, Outcome};
use crate::domain::event::EventType;
use crate::domain::slate::SlateItem;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;

/// Rows gathered before they are written as one group.
const GROUP: usize = 50_000;

const SCHEMA: &str = "message decisions {
    required binary decision (STRING); required int64 decided_at (TIMESTAMP(MILLIS,true));
    required binary shopper (STRING); optional binary country (STRING); optional binary language (STRING);
    required binary placement (STRING); optional binary intent (STRING); required binary served_by (STRING);
    optional binary fallback (STRING); optional binary model (STRING); optional binary experiment (STRING);
    optional binary variant (STRING); required double sample; required int64 wanted;
    required binary product (STRING); required int64 position; required double score; optional double propensity;
    required binary reason (STRING); optional binary because (STRING);
    required int64 viewed; required int64 clicked; required int64 carted; required int64 purchased;
    optional int64 amount; optional binary currency (STRING); }";

/// A column's values, without those that are missing, and for each row whether it has one.
enum Column {
    Text(Vec<ByteArray>, Vec<i16>),
    Whole(Vec<i64>, Vec<i16>),
    Real(Vec<f64>, Vec<i16>),
}

/// One value of a row.
enum Value<'a> {
    Text(Option<Cow<'a, str>>),
    Whole(Option<i64>),
    Real(Option<f64>),
}

/// Writes decisions into a file.
pub struct Rows<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Column>,
    rows: usize,
}

impl<W: Write + Send> Rows<W> {
    /// Begins the file. Errors: it cannot be written.
    pub fn begin(out: W) -> Result<Self> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        Ok(Self { writer: SerializedFileWriter::new(out, schema, Arc::new(properties))?, columns: Vec::new(), rows: 0 })
    }

    /// Adds the rows of a decision. Errors: the file cannot be written.
    pub fn add(&mut self, record: &DecisionRecord, outcomes: &[Outcome], sample: f64) -> Result<()> {
        for ((position, item), propensity) in (1_i64..).zip(&record.slate.items).zip(propensities(record)) {
            let values = row(record, (position, item, propensity), outcomes, sample);
            if self.columns.is_empty() {
                self.columns = values.iter().map(Column::of).collect();
            }
            self.columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
            self.rows += 1;
        }
        if self.rows >= GROUP { self.flush() } else { Ok(()) }
    }

    /// Ends the file. Errors: it cannot be written.
    pub fn end(mut self) -> Result<()> {
        self.flush()?;
        self.writer.close().map(drop)
    }

    fn flush(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for column in std::mem::take(&mut self.columns) {
            match column {
                Column::Text(values, there) => write::<ByteArrayType, _>(&mut group, &values, &there)?,
                Column::Whole(values, there) => write::<Int64Type, _>(&mut group, &values, &there)?,
                Column::Real(values, there) => write::<DoubleType, _>(&mut group, &values, &there)?,
            }
        }
        self.rows = 0;
        group.close().map(drop)
    }
}

fn write<T: DataType, W: Write + Send>(
    group: &mut parquet::file::writer::SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    there: &[i16],
) -> Result<()> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    // Ignored for columns that are required.
    column.typed::<T>().write_batch(values, Some(there), None)?;
    column.close()
}

impl Column {
    fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Text(_) => Self::Text(Vec::new(), Vec::new()),
            Value::Whole(_) => Self::Whole(Vec::new(), Vec::new()),
            Value::Real(_) => Self::Real(Vec::new(), Vec::new()),
        }
    }

    fn push(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Text(values, there), Value::Text(value)) => {
                there.push(value.is_some().into());
                values.extend(value.map(|text| ByteArray::from(&*text)));
            }
            (Self::Whole(values, there), Value::Whole(value)) => {
                there.push(value.is_some().into());
                values.extend(value);
            }
            (Self::Real(values, there), Value::Real(value)) => {
                there.push(value.is_some().into());
                values.extend(value);
            }
            // Every row has the same kinds in the same order.
            _ => {}
        }
    }
}

/// The values of one row, in the order of the schema.
fn row<'a>(
    record: &'a DecisionRecord,
    (position, item, propensity): (i64, &'a SlateItem, Option<f64>),
    outcomes: &'a [Outcome],
    sample: f64,
) -> Vec<Value<'a>> {
    use EventType::{CheckoutCompleted, ProductAddedToCart, RecommendationClicked, RecommendationViewed};
    use Value::{Real, Text, Whole};
    let decision = &record.slate.decision;
    // An event without a product is about the whole slate, which only seeing is.
    let about = |outcome: &&Outcome| match &outcome.product {
        Some(product) => *product == item.product,
        None => outcome.kind == RecommendationViewed,
    };
    let own = || outcomes.iter().filter(about);
    let count = |kind: EventType| Whole(i64::try_from(own().filter(|outcome| outcome.kind == kind).count()).ok());
    let bought =
        || own().filter(|outcome| outcome.kind == CheckoutCompleted).filter_map(|outcome| outcome.value.as_ref());
    let currency = bought().next().map(|value| &value.currency);
    // Orders in other currencies than the first are not added to it.
    let same = bought().filter(|value| Some(&value.currency) == currency);
    let amount = currency.map(|_| same.fold(0_i64, |sum, value| sum.saturating_add(value.minor)));
    let experiment = decision.experiment.as_ref();
    let text = |text: &'a str| Text(Some(Cow::Borrowed(text)));
    let maybe = |text: Option<&'a str>| Text(text.map(Cow::Borrowed));
    vec![
        text(decision.id.as_str()),
        Whole(Some(decision.decided_at.as_millisecond())),
        text(record.shopper.as_str()),
        maybe(record.market.country.as_deref()),
        maybe(record.market.language.as_deref()),
        text(&record.slate.placement),
        Text(record.made.as_ref().map(|made| word(&made.intent).into())),
        Text(Some(word(&decision.served_by).into())),
        Text(decision.fallback.map(|reason| word(&reason).into())),
        maybe(decision.model.as_deref()),
        maybe(experiment.map(|(key, _)| &**key)),
        maybe(experiment.map(|(_, variant)| &**variant)),
        Real(Some(sample)),
        Whole(i64::try_from(record.slate.wanted).ok()),
        text(item.product.as_str()),
        Whole(Some(position)),
        Real(Some(item.score)),
        Real(propensity),
        Text(Some(word(&item.reason).into())),
        maybe(item.because.as_ref().map(|because| because.as_str())),
        count(RecommendationViewed),
        count(RecommendationClicked),
        count(ProductAddedToCart),
        count(CheckoutCompleted),
        Whole(amount),
        maybe(currency.map(|currency| currency.as_str())),
    ]
}
