//! What is printed: tables of Markdown, and numbers of which the spread is known.

use std::fmt::Write as _;
use std::time::Duration;

/// Several readings of one thing.
#[derive(Default)]
pub struct Readings(Vec<f64>);

impl Readings {
    /// Adds a duration, in milliseconds.
    pub fn add(&mut self, duration: Duration) {
        self.0.push(duration.as_secs_f64() * 1_000.0);
    }

    /// Returns the median.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Returns the median and the middle half, in milliseconds: `6.9 (6.6–7.7)`.
    pub fn milliseconds(&self) -> String {
        let (low, high) = (self.quantile(0.25), self.quantile(0.75));
        let digits = if self.median() < 1.0 { 2 } else { 1 };
        format!(
            "{:.digits$} ({low:.digits$}–{high:.digits$})",
            self.median()
        )
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an index between nought and the number of readings"
    )]
    fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = (sorted.len().saturating_sub(1)) as f64 * part;
        sorted.get(at.round() as usize).copied().unwrap_or(f64::NAN)
    }
}

/// A table.
pub struct Table {
    text: String,
}

impl Table {
    /// Begins a table below a heading, with a sentence that says how it was measured.
    pub fn new(heading: &str, how: &str, columns: &[&str]) -> Self {
        let mut text = format!("\n### {heading}\n\n{how}\n\n");
        let _ = writeln!(text, "| {} |", columns.join(" | "));
        let _ = writeln!(text, "|{}", " --- |".repeat(columns.len()));
        Self { text }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: &[String]) {
        let _ = writeln!(self.text, "| {} |", cells.join(" | "));
    }

    /// Returns the table as Markdown.
    pub fn finish(self) -> String {
        self.text
    }
}

/// Returns bytes as megabytes of a million: `14.2 MB`.
#[allow(clippy::cast_precision_loss, reason = "megabytes with one digit")]
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
