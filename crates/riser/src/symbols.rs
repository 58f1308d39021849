//! What a place in a module is in the source: found by a hook, since reading debug information is not this
//! crate's business. `riser-inspect` has the hook that most want.

use crate::Module;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A function of the source, and the place in it. One Wasm frame may be several: functions that were inlined.
///
/// ```
/// use riser::FrameSymbol;
///
/// let symbol = FrameSymbol::new(Some("main".into()), Some("main.c".into()), Some(3), None);
/// assert_eq!((symbol.file(), symbol.line(), symbol.column()), (Some("main.c"), Some(3), None));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameSymbol {
    name: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
}

impl FrameSymbol {
    /// What was found. Lines and columns count from 1.
    pub fn new(
        name: Option<String>,
        file: Option<String>,
        line: Option<u32>,
        column: Option<u32>,
    ) -> FrameSymbol {
        FrameSymbol { name, file, line, column }
    }

    /// The function's name as in the source, if that is known.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The file of the source.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The line, from 1.
    pub fn line(&self) -> Option<u32> {
        self.line
    }

    /// The column, from 1.
    pub fn column(&self) -> Option<u32> {
        self.column
    }
}

/// Finds the places of a backtrace in the source. [`Config::symbolizer`](crate::Config::symbolizer) installs it; it
/// is asked when somebody looks at [`FrameInfo::symbols`](crate::FrameInfo::symbols), once per backtrace and module.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// # use std::sync::Arc;
/// /// Takes each byte of the module for a line.
/// struct Bytes;
///
/// impl Symbolize for Bytes {
///     fn symbolize(&self, _: &Module, offsets: &[usize]) -> Vec<Vec<FrameSymbol>> {
///         let symbol = |&at: &usize| vec![FrameSymbol::new(None, None, Some(at as u32), None)];
///         offsets.iter().map(symbol).collect()
///     }
/// }
///
/// let engine = Engine::new(Config::new().symbolizer(Arc::new(Bytes)))?;
/// let module = Module::new(&engine, r#"(module (func (export "f") unreachable))"#)?;
/// let mut store = Store::new(&engine, ());
/// let f = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&mut store, "f")?;
/// let error = f.call(&mut store, ()).unwrap_err();
/// let frame = &error.downcast_ref::<WasmBacktrace>().unwrap().frames()[0];
/// assert_eq!(frame.symbols()[0].line().map(|at| at as usize), frame.module_offset());
/// # Ok(()) }
/// ```
pub trait Symbolize: Send + Sync {
    /// For each offset in the module's bytes, in the same order: the functions that were inlined there, innermost
    /// first, and at last the function itself. Empty where nothing is known.
    fn symbolize(&self, module: &Module, offsets: &[usize]) -> Vec<Vec<FrameSymbol>>;
}

/// A hook, to be shown as nothing more.
#[derive(Clone)]
pub(crate) struct Symbolizer(pub(crate) Arc<dyn Symbolize>);

impl fmt::Debug for Symbolizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Symbolizer")
    }
}

/// The symbols of all frames of a backtrace, looked up when somebody asks.
pub(crate) struct TraceSymbols {
    places: Vec<(Module, usize)>,
    found: OnceLock<Vec<Vec<FrameSymbol>>>,
}

impl fmt::Debug for TraceSymbols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.found.fmt(f)
    }
}

impl TraceSymbols {
    pub(crate) fn new(places: Vec<(Module, usize)>) -> TraceSymbols {
        TraceSymbols { places, found: OnceLock::new() }
    }

    /// The symbols of the frame at a position.
    pub(crate) fn of(&self, frame: usize) -> &[FrameSymbol] {
        let found = self.found.get_or_init(|| find_all(&self.places));
        found.get(frame).map_or(&[], Vec::as_slice)
    }
}

fn find_all(places: &[(Module, usize)]) -> Vec<Vec<FrameSymbol>> {
    let mut found = vec![Vec::new(); places.len()];
    let mut done = vec![false; places.len()];
    for (first, (module, _)) in places.iter().enumerate() {
        let Some(hook) = &module.engine().config().symbolizer else { continue };
        if done[first] {
            continue;
        }
        let same: Vec<usize> =
            (first..places.len()).filter(|at| Module::same(&places[*at].0, module)).collect();
        let offsets: Vec<usize> = same.iter().map(|at| places[*at].1).collect();
        let symbols = hook.0.symbolize(module, &offsets);
        for (at, symbols) in same.iter().zip(symbols) {
            found[*at] = symbols;
        }
        same.iter().for_each(|at| done[*at] = true);
    }
    found
}
