//! What was measured, as rows of ratios and as text.
//!
//! The text is a Markdown table whose columns are aligned, so that it reads the same in a terminal and in a document.

use super::measure::Sample;

/// One program: what each runtime took, or why there is no number. The first cell is Riser's.
pub struct Row {
    pub name: String,
    pub cells: Vec<Result<Sample, String>>,
}

/// How times are written.
#[derive(Clone, Copy)]
pub enum Unit {
    Seconds,
    Milliseconds,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
        }
    }

    fn text(self, seconds: f64) -> String {
        match self {
            Self::Seconds => format!("{seconds:.3}"),
            Self::Milliseconds => format!("{:.1}", seconds * 1000.0),
        }
    }
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
            line.push(ratio(&row.cells[0], peer, wall).map_or("-".into(), ratio_text));
        }
        lines.push(line);
    }
    if rows.len() > 1 {
        lines.push(means("geometric mean", labels.len(), rows, wall));
        // The system counts user time in steps too coarse for what is over in milliseconds.
        if matches!(unit, Unit::Seconds) {
            lines.push(means("the same of user CPU time", labels.len(), rows, user));
        }
    }
    aligned(&lines)
}

fn wall(sample: &Sample) -> Option<f64> {
    Some(sample.wall.as_secs_f64())
}

fn user(sample: &Sample) -> Option<f64> {
    sample.user.map(|user| user.as_secs_f64())
}

fn time(cell: &Result<Sample, String>, unit: Unit) -> String {
    match cell {
        Ok(sample) => unit.text(sample.wall.as_secs_f64()),
        Err(why) => why.clone(),
    }
}

/// Riser's time over the peer's: below one is faster than the peer.
fn ratio(
    riser: &Result<Sample, String>,
    peer: &Result<Sample, String>,
    of: fn(&Sample) -> Option<f64>,
) -> Option<f64> {
    let ratio = of(riser.as_ref().ok()?)? / of(peer.as_ref().ok()?)?;
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

fn ratio_text(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2}") } else { format!("{ratio:.1}") }
}

/// A line of means; where a row has no ratio, the mean says of how many it is.
fn means(name: &str, columns: usize, rows: &[Row], of: fn(&Sample) -> Option<f64>) -> Vec<String> {
    let mut line = vec![name.to_string(), String::new()];
    for column in 1..columns {
        let ratios: Vec<f64> =
            rows.iter().filter_map(|row| ratio(&row.cells[0], &row.cells[column], of)).collect();
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
        Ok(Sample { wall: Duration::from_millis(wall), user })
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
        let found = comparison("start", &["riser", "x", "y"], &rows, Unit::Milliseconds);
        assert_eq!(found, expected);
    }
}
