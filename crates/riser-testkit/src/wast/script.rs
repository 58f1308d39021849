//! Walks the directives of a script and checks that each does what it says.

use super::folded::unfold;
use super::report::{Failure, Report};
use super::state::{Observer, Refused, State};
use super::{traps, values};
use riser::{Config, Error, HostObserver, Result, ThrownException, Val, bail, format_err};
use riser_module::{ErrorKind, ModuleError};
use std::collections::HashMap;
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::Id;
use wast::{QuoteWat, Wast, WastDirective, WastExecute, WastThread, Wat};

/// Runs the script `text`, called `name` in messages, with engines of the given configuration.
pub fn run_script(name: &str, text: &str, config: &Config) -> Report {
    run_all(name, text, config, None)
}

/// As [`run_script`]; `observer` hears of the calls of host functions.
pub fn run_script_observed(
    name: &str,
    text: &str,
    config: &Config,
    observer: Arc<dyn HostObserver<()>>,
) -> Report {
    run_all(name, text, config, Some(observer))
}

fn run_all(name: &str, text: &str, config: &Config, observer: Observer) -> Report {
    let text = &*unfold(text);
    let mut report = Report::default();
    if let Err((offset, error)) = run(name, text, State::new(config, observer), &mut report) {
        report.parsed += 1;
        report.failures.push(failure(name, text, offset, error.to_string()));
    }
    report
}

/// An error that ends the whole script, with the place.
type Fatal = (usize, Error);

fn run(name: &str, text: &str, state: Result<State>, report: &mut Report) -> Result<(), Fatal> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let parsed = |e: wast::Error| (e.span().offset(), Error::msg(e.message()));
    let buffer = ParseBuffer::new_with_lexer(lexer).map_err(parsed)?;
    let script = parser::parse::<Wast<'_>>(&buffer).map_err(parsed)?;
    let state = state.map_err(|e| (0, e))?;
    thread::scope(|scope| {
        *report =
            Thread { name, text, scope, state, started: HashMap::new() }.run(script.directives);
    });
    Ok(())
}

/// A thread of a script, and the threads that it started.
struct Thread<'scope, 'env> {
    name: &'env str,
    text: &'env str,
    scope: &'scope thread::Scope<'scope, 'env>,
    state: State,
    started: HashMap<String, ScopedJoinHandle<'scope, Report>>,
}

impl<'env> Thread<'_, 'env> {
    fn run(mut self, directives: Vec<WastDirective<'env>>) -> Report {
        let mut report = Report::default();
        for directive in directives {
            let offset = directive.span().offset();
            report.parsed += 1;
            let outcome = match directive {
                WastDirective::Thread(thread) => self.start(thread),
                WastDirective::Wait { thread, .. } => self.wait(thread, &mut report),
                directive => run_directive(&mut self.state, directive),
            };
            match outcome {
                Ok(()) => report.passed += 1,
                Err(e) => {
                    report.failures.push(failure(self.name, self.text, offset, format!("{e:#}")));
                }
            }
        }
        for (thread, _) in std::mem::take(&mut self.started) {
            report.parsed += 1;
            let message = format!("nobody waits for the thread `{thread}`");
            report.failures.push(failure(self.name, self.text, 0, message));
        }
        report
    }

    fn start(&mut self, thread: WastThread<'env>) -> Result<()> {
        let state = self.state.for_thread(thread.shared_module)?;
        let Thread { name, text, scope, .. } = *self;
        let started = Thread { name, text, scope, state, started: HashMap::new() };
        let handle = scope.spawn(move || started.run(thread.directives));
        match self.started.insert(thread.name.name().into(), handle) {
            None => Ok(()),
            Some(_) => bail!("there are two threads `{}`", thread.name.name()),
        }
    }

    /// Waits for a thread and adds what it reports.
    fn wait(&mut self, thread: Id<'_>, report: &mut Report) -> Result<()> {
        let Some(handle) = self.started.remove(thread.name()) else {
            bail!("no thread `{}`", thread.name());
        };
        let Ok(found) = handle.join() else { bail!("the thread `{}` panicked", thread.name()) };
        *report += found;
        Ok(())
    }
}

fn failure(name: &str, text: &str, offset: usize, message: String) -> Failure {
    let before = &text[..text.floor_char_boundary(offset)];
    let line = before.matches('\n').count() + 1;
    let column = before.len() - before.rfind('\n').map_or(0, |i| i + 1) + 1;
    Failure { file: name.into(), line, column, message }
}

fn run_directive(state: &mut State, directive: WastDirective<'_>) -> Result<()> {
    match directive {
        WastDirective::Module(module) => define_and_instantiate(state, module),
        WastDirective::ModuleDefinition(mut module) => {
            let id = module.name();
            let module = state.compile(&encode(&mut module)?)?;
            state.define_module(id, module);
            Ok(())
        }
        WastDirective::ModuleInstance { instance, module, .. } => {
            state.instantiate_defined(instance, module)
        }
        WastDirective::Register { name, module, .. } => state.register(name, module),
        WastDirective::Invoke(invoke) => state.invoke(&invoke).map(drop),
        WastDirective::AssertReturn { exec, results, .. } => {
            let found = execute(state, exec)?;
            values::check_results(&mut state.store, &found, &results)
        }
        WastDirective::AssertTrap { exec, message, .. } => {
            expect_trap(execute(state, exec), message)
        }
        WastDirective::AssertExhaustion { call, message, .. } => {
            expect_trap(state.invoke(&call), message)
        }
        WastDirective::AssertException { exec, .. } => expect_exception(execute(state, exec)),
        WastDirective::AssertMalformed { module, message, .. } => {
            expect_refused(state, module, ErrorKind::Malformed, message)
        }
        WastDirective::AssertInvalid { module, message, .. } => {
            expect_refused(state, module, ErrorKind::Invalid, message)
        }
        // Custom sections that scripts call malformed or invalid are annotations, which only exist in
        // text: refusing the text is refusing the section.
        WastDirective::AssertMalformedCustom { module, message, .. }
        | WastDirective::AssertInvalidCustom { module, message, .. } => {
            expect_text_refused(module, message)
        }
        WastDirective::AssertUnlinkable { module, message, .. } => {
            expect_unlinkable(state, module, message)
        }
        WastDirective::Thread(_) | WastDirective::Wait { .. } => {
            bail!("threads are started and waited for elsewhere")
        }
        WastDirective::AssertSuspension { .. } => bail!("stack switching is not supported"),
    }
}

/// The binary of a module, or why its text is refused.
fn encode(module: &mut QuoteWat<'_>) -> Result<Vec<u8>> {
    module.encode().map_err(|e| Error::msg(e.message()))
}

fn define_and_instantiate(state: &mut State, mut module: QuoteWat<'_>) -> Result<()> {
    let id = module.name();
    state.forget_latest();
    let module = state.compile(&encode(&mut module)?)?;
    state.define_module(id, module.clone());
    let made = state.instantiate(&module);
    let instance = made.map_err(Refused::into_error)?;
    state.remember(id, instance);
    Ok(())
}

fn execute(state: &mut State, exec: WastExecute<'_>) -> Result<Vec<Val>> {
    match exec {
        WastExecute::Invoke(invoke) => state.invoke(&invoke),
        WastExecute::Get { module, global, .. } => Ok(vec![state.global(module, global)?]),
        WastExecute::Wat(wat) => {
            let module = state.compile(&encode(&mut QuoteWat::Wat(wat))?)?;
            let made = state.instantiate(&module);
            made.map_err(Refused::into_error).map(|_| Vec::new())
        }
    }
}

fn expect_trap(outcome: Result<Vec<Val>>, text: &str) -> Result<()> {
    let error = match outcome {
        Ok(values) => bail!("expected the trap `{text}`, found the results {values:?}"),
        Err(error) => error,
    };
    match traps::trap_of(&error) {
        Some(trap) if traps::matches(trap, text) => Ok(()),
        Some(trap) => bail!("expected the trap `{text}`, found `{trap}`"),
        None => Err(error.context(format!("expected the trap `{text}`, found an error"))),
    }
}

fn expect_exception(outcome: Result<Vec<Val>>) -> Result<()> {
    let error = match outcome {
        Ok(values) => bail!("expected an exception, found the results {values:?}"),
        Err(error) => error,
    };
    match error.is::<ThrownException>() {
        true => Ok(()),
        false => Err(error.context("expected an exception, found an error")),
    }
}

/// Expects that a module is refused in the sense of `kind`: in parsing or decoding if malformed, in
/// validation if invalid. Exceeding a limit is either; what is not a module at all is malformed.
fn expect_refused(
    state: &State,
    mut module: QuoteWat<'_>,
    kind: ErrorKind,
    text: &str,
) -> Result<()> {
    let binary = match module.encode() {
        Ok(binary) => binary,
        Err(_) if kind == ErrorKind::Malformed => return Ok(()),
        Err(e) => bail!("expected an invalid module (`{text}`), but its text is refused: {e}"),
    };
    let error = match state.compile(&binary) {
        Ok(_) => bail!("expected a module to be refused ({kind:?}: `{text}`), but it is accepted"),
        Err(error) => error,
    };
    match error.downcast_ref::<ModuleError>() {
        Some(e) if e.kind() == kind || e.kind() == ErrorKind::LimitExceeded => Ok(()),
        Some(e) if e.kind() == ErrorKind::NotAModule && kind == ErrorKind::Malformed => Ok(()),
        Some(e) => bail!("expected {kind:?} (`{text}`), found {:?} (`{e}`)", e.kind()),
        None => Err(error.context(format!("expected {kind:?} (`{text}`), found another error"))),
    }
}

fn expect_text_refused(mut module: QuoteWat<'_>, text: &str) -> Result<()> {
    match module.encode() {
        Ok(_) => bail!("expected the text to be refused (`{text}`), but it is accepted"),
        Err(_) => Ok(()),
    }
}

fn expect_unlinkable(state: &mut State, module: Wat<'_>, text: &str) -> Result<()> {
    let module = state.compile(&encode(&mut QuoteWat::Wat(module))?)?;
    match state.instantiate(&module) {
        Ok(_) => bail!("expected the module not to link (`{text}`), but it does"),
        Err(Refused::Link(_)) => Ok(()),
        Err(Refused::Start(error)) => {
            Err(format_err!("expected the module not to link (`{text}`), but it starts: {error:#}"))
        }
    }
}
