//! `riser compile`: makes the code of all functions ahead of time.

use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use riser::Module;

use crate::decoded::{count, size};
use crate::engine;
use crate::errors::{Report, module_failed};
use crate::input::Input;
use crate::options::{CompileOptions, General};
use crate::style;

/// What takes less than this is done before somebody has read a bar.
const DELAY: Duration = Duration::from_millis(300);

/// Runs the command.
pub fn run(options: &CompileOptions, general: &General) -> Result<i32, Report> {
    let begun = Instant::now();
    let engine = engine::engine(&engine::compile_config(options)?)?;
    let input = Input::load(&options.file)?;
    let output = output(options, &input)?;
    let module = Module::from_binary(&engine, &input.bytes)
        .map_err(|error| module_failed(&input, &error))?;
    let failed =
        |error: riser::Error| Report::new(format!("{} cannot be compiled: {error:#}", input.name));
    let bar = Bar::new(&input.name, general.quiet);
    let outcome = module.compile_all(|done, all| bar.show(done, all));
    bar.end();
    outcome.map_err(failed)?;
    let bytes = module.serialize().map_err(failed)?;
    replace(&output, &bytes)?;
    if general.verbose {
        style::eprint(&format!(
            "riser: {}: {}, {} in {:.2} s\n",
            output.display(),
            count(module.decoded().bodies.len() as u64, "function"),
            size(bytes.len() as u64),
            begun.elapsed().as_secs_f64(),
        ));
    }
    Ok(0)
}

/// Where the code goes: beside the module, unless something else is said.
fn output(options: &CompileOptions, input: &Input) -> Result<PathBuf, Report> {
    match &options.output {
        Some(path) => Ok(path.clone()),
        None if options.file.as_os_str() == "-" => {
            Err(Report::usage("standard input has no name that the code could have")
                .help("name the file for it with -o OUT"))
        }
        None if input.from_compiled => {
            Err(Report::usage(format!("{} is compiled already", input.name))
                .help("to compile it anew, name the file for it with -o OUT"))
        }
        None => Ok(options.file.with_extension("rsr")),
    }
}

/// Puts a file in the place of another one. That one may be running, so it is not written to.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Report> {
    let failed = |error: std::io::Error| {
        Report::new(format!("{} cannot be written: {error}", path.display()))
    };
    let Some(name) = path.file_name() else {
        return Err(Report::usage(format!("{} is not the name of a file", path.display())));
    };
    let mut unfinished = name.to_os_string();
    unfinished.push(format!(".tmp-{}", std::process::id()));
    let unfinished = path.with_file_name(unfinished);
    let written = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&unfinished);
        failed(error)
    })
}

/// How far it is, on a terminal.
struct Bar {
    bar: ProgressBar,
    begun: Instant,
}

impl Bar {
    fn new(name: &str, quiet: bool) -> Bar {
        let shown = !quiet && stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if shown {
            let template = "riser: {msg} {wide_bar} {pos} of {len} functions, {eta} left";
            let style = ProgressStyle::with_template(template);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(crate::errors::clean(name));
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        Bar { bar, begun: Instant::now() }
    }

    fn show(&self, done: usize, all: usize) {
        if !self.bar.is_hidden() && self.begun.elapsed() > DELAY {
            self.bar.set_length(all as u64);
            self.bar.set_position(done as u64);
        }
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}
