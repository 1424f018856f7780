//! How a training is shown: a bar with loss, validation, speed and time left on a terminal; elsewhere a line a pass.

use super::complain;
use crate::train::{Pass, Told};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Instant;

/// The bar of one training.
pub(super) struct Progress {
    bar: ProgressBar,
    epochs: usize,
    /// The last pass with its loss and its validation, for the bar.
    last: String,
    best: Option<(f64, usize)>,
    began: Instant,
}

impl Progress {
    /// For at most so many passes.
    pub(super) fn new(epochs: usize) -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) =
            ProgressStyle::with_template("{elapsed_precise} pass {prefix} [{bar:24}] {per_sec}, {eta} left, {msg}")
        {
            bar.set_style(style);
        }
        Self { bar, epochs, last: String::new(), best: None, began: Instant::now() }
    }

    /// Shows what the training tells.
    pub(super) fn tell(&mut self, told: Told<'_>) {
        match told {
            Told::Step { epoch, done, of, loss } => {
                if done == 1 {
                    self.bar.reset_eta();
                    self.bar.set_length(of as u64);
                    self.bar.set_prefix(format!("{epoch} of at most {}", self.epochs));
                }
                self.bar.set_message(format!("loss {loss:.4}{}", self.last));
                self.bar.set_position(done as u64);
            }
            Told::Pass(pass) => self.pass(pass),
        }
    }

    fn pass(&mut self, pass: &Pass) {
        // Another training begins: what was best in the one before is not of it.
        self.best = self.best.filter(|_| pass.epoch > 1);
        let measured = pass.metric.map(|metric| {
            let better = self.best.filter(|(best, _)| *best >= metric);
            let (best, of) = *self.best.insert(better.unwrap_or((metric, pass.epoch)));
            format!(", validation {metric:.4}, best {best:.4} in pass {of}")
        });
        self.last = measured.unwrap_or_default();
        let (pass, loss, seconds, last) = (pass.epoch, pass.loss, pass.seconds, &self.last);
        let so_far = self.began.elapsed().as_secs_f64();
        let line = format!("pass {pass}: loss {loss:.4}{last}; {seconds:.1} s, {so_far:.0} s so far");
        if self.bar.is_hidden() { complain(&line) } else { self.bar.println(line) }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
