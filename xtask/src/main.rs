//! The automation of the project: `cargo xtask TASK`.
//!
//! Everything that is done to the tree as a whole (checks of style and layers, golden files, real programs to try, measurements)
//! is a row of [`TASKS`]; a row's function lives in the module of its name. Nothing here is part of the runtime, and no other crate
//! may depend on it. The tests of this crate call `tidy` and `layers` on the real tree, so that `cargo test` holds them.
#![forbid(unsafe_code)]

mod aarch64;
mod bench;
mod bless;
mod corpus;
mod guest;
mod guests;
mod layers;
mod spec;
mod tidy;
mod tree;

use std::process::ExitCode;

/// One task: what is typed, what the list says, what is called with the remaining arguments.
struct Task {
    name: &'static str,
    help: &'static str,
    run: fn(&[String]) -> Result<(), String>,
}

/// The tasks, in the order in which they are listed.
const TASKS: &[Task] = &[
    Task {
        name: "tidy",
        help: "check the style of the tree; the list of known offenders only shrinks",
        run: tidy::run,
    },
    Task {
        name: "layers",
        help: "check that each crate depends on lower layers only, and foreign crates stay at their border",
        run: layers::run,
    },
    Task {
        name: "spec",
        help: "run the official specification suite and print the counts [FILTER]",
        run: spec::run,
    },
    Task {
        name: "aarch64",
        help: "run the core's tests and the suite in compiled code as programs for aarch64, under qemu",
        run: aarch64::run,
    },
    Task {
        name: "bless",
        help: "rewrite the golden files from what the code does now, and shrink the style list",
        run: bless::run,
    },
    Task {
        name: "corpus",
        help: "install real programs to try: [--all] [--list] [NAME...]",
        run: corpus::run,
    },
    Task {
        name: "guest",
        help: "build Riser for wasm32-unknown-unknown, run it in Riser, and commit it as guests/riser.wasm [--check]",
        run: guest::run,
    },
    Task {
        name: "guests",
        help: "make the modules in guests/ from their sources: [--check] [NAME...]",
        run: guests::run,
    },
    Task {
        name: "bench",
        help: "measure against other runtimes on the PATH: [kernels|peak|gc|start|totals|tiers|goals|rates|...]",
        run: bench::run,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(name) = args.first() else {
        print!("{}", help());
        return ExitCode::SUCCESS;
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprint!("error: there is no task `{name}`\n\n{}", help());
        return ExitCode::from(2);
    };
    match (task.run)(&args[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The list of tasks, as `cargo xtask` alone prints it.
fn help() -> String {
    let mut text = String::from("usage: cargo xtask TASK [ARGS]\n\n");
    for task in TASKS {
        text += &format!("  {:<8} {}\n", task.name, task.help);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_each_task_once_and_fits_a_terminal() {
        let text = help();
        for task in TASKS {
            assert_eq!(
                TASKS.iter().filter(|other| other.name == task.name).count(),
                1,
                "{}",
                task.name
            );
            assert!(text.contains(&format!("  {} ", task.name)), "{}", task.name);
        }
        assert!(text.lines().all(|line| line.len() <= 120), "{text}");
    }
}
