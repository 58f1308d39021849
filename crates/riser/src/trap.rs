//! Traps, and where they happened.

use crate::store::AsContext;
use crate::symbols::TraceSymbols;
use crate::{FrameSymbol, Module};
use core::fmt;
use riser_ops::{FuncIdx, TrapCode};
use std::sync::Arc;

/// Declares [`Trap`] from the table of codes: which variant stands for which code.
macro_rules! traps {
    ($(#[$enum:meta])* $vis:vis enum Trap; $($(#[$doc:meta])* $name:ident = $code:ident,)*) => {
        $(#[$enum])*
        $vis enum Trap { $($(#[$doc])* $name,)* }

        const TABLE: &[(Trap, TrapCode)] = &[$((Trap::$name, TrapCode::$code)),*];
    };
}

traps! {
    /// Why execution stopped abnormally. Found in an [`Error`](crate::Error) by `downcast_ref`.
    ///
    /// ```
    /// # use riser::*;
    /// # fn main() -> Result<()> {
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"(module (func (export "div") (param i32 i32) (result i32)
    ///     (i32.div_s (local.get 0) (local.get 1))))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// let instance = Instance::new(&mut store, &module, &[])?;
    /// let div = instance.get_typed_func::<(i32, i32), i32>(&mut store, "div")?;
    /// let error = div.call(&mut store, (1, 0)).unwrap_err();
    /// assert_eq!(error.downcast_ref(), Some(&Trap::IntegerDivisionByZero));
    /// # Ok(()) }
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum Trap;
    /// The stack of the guest, or that of the host below it, is exhausted.
    StackOverflow = StackOverflow,
    /// An access left its memory.
    MemoryOutOfBounds = MemoryOutOfBounds,
    /// An atomic access whose address is not a multiple of its size.
    HeapMisaligned = UnalignedAtomic,
    /// A table operator left its table.
    TableOutOfBounds = TableOutOfBounds,
    /// An indirect call used an index that is not in the table.
    UndefinedElement = UndefinedElement,
    /// An indirect call met a null entry.
    IndirectCallToNull = UninitializedElement,
    /// An indirect call met a function of another type.
    BadSignature = IndirectCallTypeMismatch,
    /// The result of a division or conversion does not fit.
    IntegerOverflow = IntegerOverflow,
    /// An integer was divided by zero.
    IntegerDivisionByZero = IntegerDivideByZero,
    /// A NaN or infinity was converted to an integer.
    BadConversionToInteger = InvalidConversionToInteger,
    /// `unreachable` was executed.
    UnreachableCodeReached = Unreachable,
    /// The embedder interrupted execution.
    Interrupt = Interrupt,
    /// The store has no fuel left.
    OutOfFuel = OutOfFuel,
    /// `memory.atomic.wait` on a memory that is not shared.
    AtomicWaitNonSharedMemory = AtomicWaitOnUnsharedMemory,
    /// A reference was null where it must not be.
    NullReference = NullReference,
    /// An access left its array.
    ArrayOutOfBounds = ArrayOutOfBounds,
    /// An allocation is larger than can be.
    AllocationTooLarge = AllocationTooLarge,
    /// A cast met a reference of another type.
    CastFailure = CastFailure,
    /// An import that stands for a missing one was called.
    UnknownImport = UnknownImport,
    /// The store's garbage-collected heap is damaged: a bug of the runtime or of the host.
    HeapCorrupted = HeapCorrupted,
    /// `memory.atomic.wait` would have to wait, where threads cannot: inside another runtime of WebAssembly.
    CannotWait = CannotWait,
}

impl Trap {
    fn code(self) -> Option<TrapCode> {
        TABLE.iter().find(|row| row.0 == self).map(|row| row.1)
    }
}

impl From<TrapCode> for Trap {
    fn from(code: TrapCode) -> Trap {
        // A code without a row would be a new one; a test goes through all.
        TABLE.iter().find(|row| row.1 == code).map_or(Trap::Interrupt, |row| row.0)
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.code().map_or("unknown", |code| code.message());
        write!(f, "wasm trap: {message}")
    }
}

impl core::error::Error for Trap {}

/// The Wasm frames that were active, innermost first. Errors of calls carry one as context.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (func $inner unreachable)
///     (func (export "outer") call $inner))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let outer = instance.get_typed_func::<(), ()>(&mut store, "outer")?;
/// let error = outer.call(&mut store, ()).unwrap_err();
/// let trace = error.downcast_ref::<WasmBacktrace>().unwrap();
/// assert_eq!(trace.frames()[0].func_name(), Some("inner"));
/// assert_eq!(trace.frames()[1].func_index(), 1);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct WasmBacktrace {
    frames: Vec<FrameInfo>,
}

impl WasmBacktrace {
    /// The frames that are active now: those below the host function that asks. Empty if the engine was told
    /// not to collect any.
    pub fn capture(store: impl AsContext) -> WasmBacktrace {
        let store = store.as_context();
        if store.engine().config().backtrace_max == 0 {
            return WasmBacktrace { frames: Vec::new() };
        }
        WasmBacktrace::force_capture(store)
    }

    /// The frames that are active now, whatever the engine was told.
    pub fn force_capture(store: impl AsContext) -> WasmBacktrace {
        crate::raw::capture_backtrace(store.as_context().opaque())
    }

    /// From the frames' modules, functions and offsets.
    pub(crate) fn new(frames: Vec<(Module, FuncIdx, u32)>) -> WasmBacktrace {
        let place = |(module, _, offset): &(Module, _, u32)| (module.clone(), *offset as usize);
        let symbols = Arc::new(TraceSymbols::new(frames.iter().map(place).collect()));
        let info = |(position, (module, func, offset))| FrameInfo {
            module,
            func,
            offset,
            symbols: Arc::clone(&symbols),
            position,
        };
        WasmBacktrace { frames: frames.into_iter().enumerate().map(info).collect() }
    }

    /// The frames, innermost first.
    pub fn frames(&self) -> &[FrameInfo] {
        &self.frames
    }
}

impl fmt::Display for WasmBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error while executing at wasm backtrace:")?;
        for (at, frame) in self.frames.iter().enumerate() {
            let name = frame.module.name().unwrap_or("<unknown>");
            write!(f, "\n    {at}: ")?;
            if let Some(offset) = frame.module_offset() {
                write!(f, "{offset:#8x} - ")?;
            }
            match frame.func_name() {
                Some(func) => write!(f, "{name}!{func}")?,
                None => write!(f, "{name}!<wasm function {}>", frame.func_index())?,
            }
            for symbol in frame.symbols() {
                let Some(file) = symbol.file() else { continue };
                write!(f, "\n                    at {file}")?;
                if let Some(line) = symbol.line() {
                    write!(f, ":{line}")?;
                }
            }
        }
        Ok(())
    }
}

/// A frame of a [`WasmBacktrace`].
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (func $f (export "f") nop unreachable))"#)?;
/// let mut store = Store::new(&engine, ());
/// let f = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&mut store, "f")?;
/// let error = f.call(&mut store, ()).unwrap_err();
/// let frame = &error.downcast_ref::<WasmBacktrace>().unwrap().frames()[0];
/// assert_eq!((frame.func_index(), frame.func_name()), (0, Some("f")));
/// // The number of locals and the `nop` come first.
/// assert_eq!(frame.func_offset(), Some(2));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct FrameInfo {
    module: Module,
    func: FuncIdx,
    offset: u32,
    /// Those of the whole backtrace, of which this frame is the one at `position`.
    symbols: Arc<TraceSymbols>,
    position: usize,
}

impl FrameInfo {
    /// The function's position in its module's index space.
    pub fn func_index(&self) -> u32 {
        self.func.0
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The function's name, from the name section.
    pub fn func_name(&self) -> Option<&str> {
        self.module.names().func(self.func)
    }

    /// The offset of the current instruction in the module's bytes.
    pub fn module_offset(&self) -> Option<usize> {
        Some(self.offset as usize)
    }

    /// The offset of the current instruction from the start of the function's body.
    pub fn func_offset(&self) -> Option<usize> {
        let body = self.module.decoded().body(self.func)?;
        self.module_offset()?.checked_sub(body.start as usize)
    }

    /// What the frame is in the source: the functions that were inlined there, innermost first, and at last the
    /// function itself. Empty unless [`Config::symbolizer`](crate::Config::symbolizer) is set and the module has
    /// debug information.
    pub fn symbols(&self) -> &[FrameSymbol] {
        self.symbols.of(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_trap_of_its_own() {
        for code in TrapCode::ALL {
            let trap = Trap::from(code);
            assert_eq!(trap.code(), Some(code));
            assert!(trap.to_string().ends_with(code.message()));
        }
    }
}
