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
    best: (f64, usize),
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
        Self { bar, epochs, last: String::new(), best: (f64::NEG_INFINITY, 0), began: Instant::now() }
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
        if pass.metric > self.best.0 {
            self.best = (pass.metric, pass.epoch);
        }
        let line = format!(
            "pass {}: loss {:.4}, validation {:.4}, {:.1} s; best {:.4} in pass {}; {:.0} s so far",
            pass.epoch,
            pass.loss,
            pass.metric,
            pass.seconds,
            self.best.0,
            self.best.1,
            self.began.elapsed().as_secs_f64()
        );
        self.last = format!(", validation {:.4}, best {:.4} in pass {}", pass.metric, self.best.0, self.best.1);
        if self.bar.is_hidden() { complain(&line) } else { self.bar.println(line) }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
