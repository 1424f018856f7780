//! What is learned, what chooses, what is measured. Nothing that is measured is ever learned.

use super::dataset::{Case, Dataset};
use super::error::TrainError;
use super::history::History;

/// How a data set is parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A: the last item of each user is the test, the last but one chooses; the rest is learned.
    LeaveOneOut,
    /// B: as A, then learned again on all but the last item with what A chose.
    LeaveOneOutRefit,
    /// S: the data set's own test of session beginnings; the last twentieth of the training sessions chooses.
    Sessions,
}

/// A data set in parts.
#[derive(Debug, PartialEq)]
pub struct Split {
    /// Rows of the item table.
    pub rows: usize,
    /// What is learned.
    pub train: Vec<History>,
    /// What chooses: when to stop, how to blend.
    pub validation: Vec<Case>,
    /// What is learned once all is chosen; the same as `train` in protocol A.
    pub refit: Vec<History>,
    /// Whether the model's weights are learned again on `refit`; counted baselines always are.
    pub retrain: bool,
    /// What is measured.
    pub test: Vec<Case>,
    /// Whether items of the history are taken out of the ranking.
    pub mask_seen: bool,
}

impl Protocol {
    /// Parts the data set.
    ///
    /// # Errors
    /// The data set is not of the kind that the protocol takes, or too small.
    pub fn split(self, data: &Dataset) -> Result<Split, TrainError> {
        let split = match (self, &data.test) {
            (Self::LeaveOneOut | Self::LeaveOneOutRefit, None) => leave_one_out(data, self == Self::LeaveOneOutRefit),
            (Self::Sessions, Some(test)) => sessions(data, test),
            (Self::LeaveOneOut | Self::LeaveOneOutRefit, Some(_)) => {
                return Err(TrainError::Unfit("leave-one-out takes a data set of users (.seq.txt)".into()));
            }
            (Self::Sessions, None) => {
                return Err(TrainError::Unfit(
                    "the protocol of sessions takes a data set with a test (.train.txt)".into(),
                ));
            }
        };
        if split.validation.is_empty() || split.test.is_empty() {
            return Err(TrainError::Unfit("the data set is too small to be parted".into()));
        }
        Ok(split)
    }
}

fn leave_one_out(data: &Dataset, retrain: bool) -> Split {
    let long = || data.sequences.iter().filter(|sequence| sequence.len() >= 3);
    let before = |left: usize| long().map(move |sequence| sequence.part(0..sequence.len() - left));
    let cases = |left: usize| {
        long().map(move |sequence| {
            let end = sequence.len() - left;
            Case { history: sequence.part(0..end), target: sequence[end] }
        })
    };
    Split {
        rows: data.vocabulary.rows(),
        train: before(2).collect(),
        validation: cases(2).collect(),
        refit: before(if retrain { 1 } else { 2 }).collect(),
        retrain,
        test: cases(1).collect(),
        mask_seen: true,
    }
}

fn sessions(data: &Dataset, test: &[Case]) -> Split {
    // The files are in the order of time.
    let (train, held) = data.sequences.split_at(data.sequences.len() * 95 / 100);
    let beginnings = |session: &History| {
        let session = session.clone();
        (1..session.len()).map(move |at| Case { history: session.part(0..at), target: session[at] })
    };
    Split {
        rows: data.vocabulary.rows(),
        train: train.to_vec(),
        validation: held.iter().flat_map(beginnings).collect(),
        refit: data.sequences.clone(),
        retrain: false,
        test: test.to_vec(),
        mask_seen: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Vec<Vec<u32>> {
        (0..30u32).map(|user| (0..5).map(|at| (user * 7 + at * 3) % 20 + 1).collect()).collect()
    }

    #[test]
    fn the_last_item_is_the_test_and_the_one_before_chooses() {
        let data = Dataset::of(&[vec![1, 2, 3, 4], vec![5, 6]], None).unwrap();
        let split = Protocol::LeaveOneOut.split(&data).unwrap();
        assert_eq!(split.train, [vec![1, 2]]);
        assert_eq!(split.refit, [vec![1, 2]]);
        assert_eq!(split.validation, [Case { history: vec![1, 2].into(), target: 3 }]);
        assert_eq!(split.test, [Case { history: vec![1, 2, 3].into(), target: 4 }]);
        assert_eq!(Protocol::LeaveOneOutRefit.split(&data).unwrap().refit, [vec![1, 2, 3]]);
    }

    #[test]
    fn whatever_the_future_holds_what_is_learned_is_the_same() {
        let one = users();
        let mut other = users();
        // The last items change places among the users.
        for user in 0..15 {
            let last = (other[user][4], other[29 - user][4]);
            (other[user][4], other[29 - user][4]) = (last.1, last.0);
        }
        assert_ne!(one, other);
        for protocol in [Protocol::LeaveOneOut, Protocol::LeaveOneOutRefit] {
            let parted = |users: &[Vec<u32>]| protocol.split(&Dataset::of(users, None).unwrap()).unwrap();
            let (one, other) = (parted(&one), parted(&other));
            assert_eq!((&one.train, &one.validation, &one.refit), (&other.train, &other.validation, &other.refit));
            assert_ne!(one.test, other.test);
        }
        let parted =
            |test: &[(Vec<u32>, u32)]| Protocol::Sessions.split(&Dataset::of(&users(), Some(test)).unwrap()).unwrap();
        let (one, other) = (parted(&[(vec![1], 2)]), parted(&[(vec![3], 4), (vec![999], 1)]));
        assert_eq!((&one.train, &one.validation, one.rows), (&other.train, &other.validation, other.rows));
    }

    #[test]
    fn sessions_that_choose_are_not_learned() {
        let data = Dataset::of(&users(), Some(&[(vec![1], 2)])).unwrap();
        let split = Protocol::Sessions.split(&data).unwrap();
        assert_eq!((split.train.len(), split.validation.len()), (28, 8));
        assert_eq!(split.train, data.sequences[..28]);
    }

    #[test]
    fn a_data_set_of_the_other_kind_is_refused() {
        let data = Dataset::of(&users(), None).unwrap();
        assert!(Protocol::Sessions.split(&data).is_err());
        let data = Dataset::of(&users(), Some(&[])).unwrap();
        assert!(Protocol::LeaveOneOut.split(&data).is_err());
        assert!(Protocol::LeaveOneOut.split(&Dataset::of(&[vec![1, 2]], None).unwrap()).is_err());
    }
}
