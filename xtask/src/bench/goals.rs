//! The goals: what is compared with what, and how the ratio should be at most, or at least. Groups report what they measured by
//! name; the table says of each goal whether it is met.

use super::table::aligned;

/// What a group of measurements ends with.
#[derive(Default)]
pub struct Outcome {
    /// What failed in Riser.
    pub failed: Vec<String>,
    /// What was measured of the goals, by their names.
    pub measured: Vec<(String, f64)>,
}

impl Outcome {
    /// Notes a ratio, if there is one.
    pub fn note(&mut self, name: &str, ratio: Option<f64>) {
        self.measured.extend(ratio.map(|ratio| (name.to_string(), ratio)));
    }
}

/// On which side of the bound a ratio should be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

use Bound::{AtLeast, AtMost};

/// What is measured, against what, and the goal.
const GOALS: &[(&str, &str, Bound)] = &[
    ("cold start: hello", "wasmtime", AtMost(0.20)),
    ("cold start: python", "wasmtime", AtMost(0.08)),
    ("cold start: ruby", "wasmtime", AtMost(0.08)),
    ("cold start: yosys", "wasmtime", AtMost(0.015)),
    ("cold start: hello", "node", AtMost(0.2)),
    ("cold start: python", "node", AtMost(0.8)),
    ("cold start: ruby", "node", AtMost(0.8)),
    ("warm start: python", "wasmtime ahead", AtMost(1.0)),
    ("peak memory, cold: python", "wasmtime cached", AtMost(1.0)),
    ("total, cold: geometric mean", "best of the others", AtMost(0.90)),
    ("total, cold: worst", "best of the others", AtMost(1.10)),
    ("total, warm: geometric mean", "best of the others", AtMost(1.00)),
    ("total, warm: worst", "best of the others", AtMost(1.10)),
    ("one long loop, cold: worst", "riser ahead", AtMost(1.15)),
    ("baseline code: geometric mean", "winch", AtMost(0.80)),
    ("baseline code: geometric mean", "wasmtime", AtMost(1.60)),
    ("counting: geometric mean", "without", AtMost(1.05)),
    ("rate of validation", "wasmparser", AtLeast(1.5)),
    ("rate of baseline code, trusted", "winch", AtLeast(8.0)),
    ("rate of both", "winch", AtLeast(6.0)),
];

/// The name by which a measurement is noted: what, and against what.
pub fn key(what: &str, against: &str) -> String {
    format!("{what} / {against}")
}

/// The table of the goals of which something was measured; empty without any.
pub fn table(measured: &[(String, f64)]) -> String {
    let row = |texts: [&str; 5]| texts.map(String::from).to_vec();
    let mut lines = vec![row(["goal", "against", "ratio", "goal", "met"])];
    for (what, against, bound) in GOALS {
        let key = key(what, against);
        let Some((_, ratio)) = measured.iter().find(|(name, _)| *name == key) else { continue };
        let (word, goal, is_met) = match bound {
            AtMost(goal) => ("at most", goal, ratio <= goal),
            AtLeast(goal) => ("at least", goal, ratio >= goal),
        };
        let met = if is_met { "yes" } else { "no" };
        lines.push(row([what, against, &format!("{ratio:.3}"), &format!("{word} {goal}"), met]));
    }
    if lines.len() > 1 { aligned(&lines) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_met_on_their_side_of_the_bound() {
        let noted = |what: &str, against: &str, ratio| (key(what, against), ratio);
        let text = table(&[
            noted("cold start: hello", "wasmtime", 0.21),
            noted("rate of both", "winch", 6.5),
            noted("total, warm: worst", "best of the others", 1.1),
            noted("something else", "winch", 1.0),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(lines[2].contains("0.210") && lines[2].ends_with("  no |"), "{text}");
        assert!(lines[3].contains("1.100") && lines[3].ends_with(" yes |"), "{text}");
        assert!(lines[4].contains("6.500") && lines[4].ends_with(" yes |"), "{text}");
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn no_goal_stands_twice() {
        for (at, (what, against, _)) in GOALS.iter().enumerate() {
            let same = |other: &&(&str, &str, Bound)| other.0 == *what && other.1 == *against;
            assert_eq!(GOALS.iter().filter(same).count(), 1, "{at}: {what}");
        }
    }
}
