//! What was measured, as rows of ratios and as text.
//!
//! The text is a Markdown table whose columns are aligned, so that it reads the same in a terminal and in a document.

use super::measure::Sample;

/// One program: what each runtime took, or why there is no number. The first cell is Riser's.
pub struct Row {
    pub name: String,
    pub cells: Vec<Result<Sample, String>>,
}

impl Row {
    /// Whether it was run in this column and failed.
    pub fn is_failed(&self, column: usize) -> bool {
        self.cells[column].as_ref().is_err_and(|why| why == "failed")
    }

    /// The row of some of its cells.
    pub fn choose(&self, columns: &[usize]) -> Self {
        let cells = columns.iter().map(|&column| self.cells[column].clone()).collect();
        Self { name: self.name.clone(), cells }
    }
}

/// Riser's time or size over that of another column.
pub fn ratio_to(row: &Row, column: usize, unit: Unit) -> Option<f64> {
    ratio(&row.cells[0], row.cells.get(column)?, |sample| unit.of(sample))
}

/// The geometric mean of the ratios to a column.
pub fn mean_to(rows: &[Row], column: usize, unit: Unit) -> Option<f64> {
    let ratios: Vec<f64> = rows.iter().filter_map(|row| ratio_to(row, column, unit)).collect();
    geometric_mean(&ratios)
}

/// The best of the other columns: which one it is, and its sample.
pub fn best_other(row: &Row) -> Option<(usize, &Sample)> {
    let others = row.cells.iter().enumerate().skip(1);
    let measured = others.filter_map(|(column, cell)| Some((column, cell.as_ref().ok()?)));
    measured.min_by_key(|(_, sample)| sample.wall)
}

/// What of a sample is compared, and how it is written.
#[derive(Clone, Copy)]
pub enum Unit {
    /// Wall time.
    Seconds,
    /// Processor time outside of the kernel.
    UserSeconds,
    /// Time to the first output.
    FirstMilliseconds,
    /// Memory.
    Megabytes,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::UserSeconds => "user s",
            Self::FirstMilliseconds => "ms",
            Self::Megabytes => "MB",
        }
    }

    /// What is compared, in seconds or bytes.
    fn of(self, sample: &Sample) -> Option<f64> {
        match self {
            Self::Seconds => Some(sample.wall.as_secs_f64()),
            Self::UserSeconds => user(sample),
            Self::FirstMilliseconds => sample.first.map(|first| first.as_secs_f64()),
            Self::Megabytes => sample.memory.map(|kib| kib as f64 * 1024.0),
        }
    }

    fn text(self, value: f64) -> String {
        match self {
            Self::Seconds => format!("{value:.3}"),
            Self::UserSeconds => format!("{value:.2}"),
            Self::FirstMilliseconds => format!("{:.1}", value * 1e3),
            Self::Megabytes => format!("{:.1}", value / 1e6),
        }
    }
}

/// Puts the rows first that are worst for Riser, by the ratio to the second column; before them those without a ratio.
pub fn worst_first(rows: &mut [Row], unit: Unit) {
    let key = |row: &Row| {
        let cells = row.cells.get(..2)?;
        ratio(&cells[0], &cells[1], |sample| unit.of(sample))
    };
    rows.sort_by(|a, b| match (key(a), key(b)) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (a, b) => a.is_some().cmp(&b.is_some()),
    });
}

/// The geometric mean; none of nothing, or of what is not a positive number.
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() || values.iter().any(|value| !(value.is_finite() && *value > 0.0)) {
        return None;
    }
    let logs: f64 = values.iter().map(|value| value.ln()).sum();
    Some((logs / values.len() as f64).exp())
}

/// The table of `rows`, whose cells belong to the runtimes of these labels; the means of the ratios come last.
pub fn comparison(subject: &str, labels: &[&str], rows: &[Row], unit: Unit) -> String {
    let mut header = vec![subject.to_string(), format!("{} {}", labels[0], unit.name())];
    for label in &labels[1..] {
        header.push(format!("{label} {}", unit.name()));
        header.push("ratio".into());
    }
    let mut lines = vec![header];
    for row in rows {
        let mut line = vec![row.name.clone(), time(&row.cells[0], unit)];
        for peer in &row.cells[1..] {
            line.push(time(peer, unit));
            let ratio = ratio(&row.cells[0], peer, |sample| unit.of(sample));
            line.push(ratio.map_or("-".into(), ratio_text));
        }
        lines.push(line);
    }
    if rows.len() > 1 {
        lines.push(means("geometric mean", labels.len(), rows, |sample| unit.of(sample)));
        // The system counts user time in steps too coarse for what is over in milliseconds.
        if matches!(unit, Unit::Seconds) {
            lines.push(means("the same of user CPU time", labels.len(), rows, user));
        }
    }
    aligned(&lines)
}

fn user(sample: &Sample) -> Option<f64> {
    sample.user.map(|user| user.as_secs_f64())
}

fn time(cell: &Result<Sample, String>, unit: Unit) -> String {
    match cell {
        Ok(sample) => unit.of(sample).map_or("-".into(), |value| unit.text(value)),
        Err(why) => why.clone(),
    }
}

/// Riser's time over the peer's: below one is faster than the peer.
fn ratio(
    riser: &Result<Sample, String>,
    peer: &Result<Sample, String>,
    of: impl Fn(&Sample) -> Option<f64>,
) -> Option<f64> {
    let ratio = of(riser.as_ref().ok()?)? / of(peer.as_ref().ok()?)?;
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

/// How a ratio is written.
pub fn ratio_text(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2}") } else { format!("{ratio:.1}") }
}

/// A line of means; where a row has no ratio, the mean says of how many it is.
fn means(
    name: &str,
    columns: usize,
    rows: &[Row],
    of: impl Fn(&Sample) -> Option<f64>,
) -> Vec<String> {
    let mut line = vec![name.to_string(), String::new()];
    for column in 1..columns {
        let ratios: Vec<f64> =
            rows.iter().filter_map(|row| ratio(&row.cells[0], &row.cells[column], &of)).collect();
        let some = ratios.len() < rows.len();
        line.push(if some { format!("{} of {}", ratios.len(), rows.len()) } else { String::new() });
        line.push(geometric_mean(&ratios).map_or("-".into(), ratio_text));
    }
    line
}

/// Lines of equally many cells as a Markdown table: names to the left, numbers to the right.
pub fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0).max(3)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        text += "|";
        for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            text += &if column == 0 {
                format!(" {cell:<width$} |")
            } else {
                format!(" {cell:>width$} |")
            };
        }
        text += "\n";
        if index == 0 {
            text += "|";
            for (column, width) in widths.iter().enumerate() {
                text += &if column == 0 {
                    format!(" {} |", "-".repeat(*width))
                } else {
                    format!(" {}: |", "-".repeat(width - 1))
                };
            }
            text += "\n";
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn sample(wall: u64, user: u64) -> Result<Sample, String> {
        let user = Some(Duration::from_millis(user));
        let wall = Duration::from_millis(wall);
        Ok(Sample { wall, user, first: Some(wall), memory: Some(wall.as_secs()) })
    }

    #[test]
    fn the_geometric_mean_is_of_positive_numbers() {
        assert_eq!(geometric_mean(&[]), None);
        assert_eq!(geometric_mean(&[1.0, 0.0]), None);
        assert_eq!(geometric_mean(&[1.0, f64::INFINITY]), None);
        assert!((geometric_mean(&[2.0, 8.0]).unwrap() - 4.0).abs() < 1e-12);
    }

    #[test]
    fn ratios_are_below_one_where_riser_is_faster() {
        let rows = [
            Row { name: "calls".into(), cells: vec![sample(500, 450), sample(1000, 900)] },
            Row { name: "regex".into(), cells: vec![sample(2000, 900), sample(1000, 900)] },
        ];
        let expected = "\
| kernel                    | riser s | wasmi s | ratio |
| ------------------------- | ------: | ------: | ----: |
| calls                     |   0.500 |   1.000 |  0.50 |
| regex                     |   2.000 |   1.000 |  2.00 |
| geometric mean            |         |         |  1.00 |
| the same of user CPU time |         |         |  0.71 |
";
        assert_eq!(comparison("kernel", &["riser", "wasmi"], &rows, Unit::Seconds), expected);
    }

    #[test]
    fn the_worst_rows_come_first() {
        let row = |name: &str, ours, theirs| Row { name: name.into(), cells: vec![ours, theirs] };
        let failed = Err("failed".to_string());
        let mut rows = [
            row("good", sample(10, 0), sample(20, 0)),
            row("bad", sample(30, 0), sample(20, 0)),
            row("failed", failed, sample(20, 0)),
        ];
        worst_first(&mut rows, Unit::Seconds);
        assert_eq!(rows.each_ref().map(|row| row.name.as_str()), ["failed", "bad", "good"]);
        assert_eq!(rows[1].choose(&[1]).cells[0].as_ref().unwrap().wall.as_millis(), 20);
    }

    #[test]
    fn memory_is_written_in_megabytes() {
        let cell = |memory| Ok(Sample { memory, ..sample(1, 1).unwrap() });
        let rows = [Row { name: "a".into(), cells: vec![cell(Some(1000)), cell(Some(2000))] }];
        let text = comparison("memory", &["riser", "x"], &rows, Unit::Megabytes);
        assert!(text.ends_with("| a      |      1.0 |  2.0 |  0.50 |\n"), "{text}");
        let rows = [Row { name: "a".into(), cells: vec![cell(None), cell(Some(2000))] }];
        assert!(
            comparison("m", &["r", "x"], &rows, Unit::Megabytes).contains("- |  2.0 |     - |")
        );
    }

    #[test]
    fn what_has_no_number_says_why_and_is_left_out_of_the_mean() {
        let failed = || Err("failed".to_string());
        let rows = [
            Row { name: "a".into(), cells: vec![sample(10, 0), failed(), sample(1, 0)] },
            Row { name: "b".into(), cells: vec![sample(20, 0), sample(10, 0), sample(1, 0)] },
        ];
        let expected = "\
| start          | riser ms |   x ms | ratio | y ms | ratio |
| -------------- | -------: | -----: | ----: | ---: | ----: |
| a              |     10.0 | failed |     - |  1.0 |  10.0 |
| b              |     20.0 |   10.0 |  2.00 |  1.0 |  20.0 |
| geometric mean |          | 1 of 2 |  2.00 |      |  14.1 |
";
        let found = comparison("start", &["riser", "x", "y"], &rows, Unit::FirstMilliseconds);
        assert_eq!(found, expected);
    }
}
