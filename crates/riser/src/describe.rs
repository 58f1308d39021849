//! What debuggers and profilers of the system should know of compiled code beside its addresses: source lines, and object files with
//! symbols. Found by a hook, since reading and writing debug information is not this crate's business. `riser-inspect` has the hook
//! that most want.

use riser_code::CodeTables;
use std::fmt;
use std::sync::Arc;

/// The debug sections of a module.
///
/// ```
/// use riser::ModuleSections;
///
/// /// Whether there are source lines.
/// fn has_lines(module: &ModuleSections<'_>) -> bool {
///     !module.custom_section(".debug_line").is_empty()
/// }
/// ```
#[derive(Clone, Copy)]
pub struct ModuleSections<'a> {
    pub(crate) module: &'a riser_module::Module,
}

/// The id of the code section.
const CODE_SECTION: u8 = 10;

impl<'a> ModuleSections<'a> {
    /// The contents of the first custom section of that name; nothing if there is none.
    pub fn custom_section(&self, name: &str) -> &'a [u8] {
        let custom = self.module.customs.iter().find(|custom| &*custom.name == name);
        custom.and_then(|custom| self.module.bytes.get(custom.range.clone())).unwrap_or_default()
    }

    /// Where the contents of the code section begin in the module's bytes: what DWARF counts addresses from.
    pub fn code_start(&self) -> Option<usize> {
        let code = self.module.sections.iter().find(|section| section.id == CODE_SECTION);
        code.map(|section| section.range.start)
    }
}

impl fmt::Debug for ModuleSections<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleSections").finish_non_exhaustive()
    }
}

/// The machine code of a function, or of a trampoline between functions and the host.
///
/// ```
/// use riser::CompiledCode;
///
/// /// As a line of `/tmp/perf-PID.map`.
/// fn line(code: &CompiledCode<'_>) -> String {
///     format!("{:x} {:x} {}", code.address(), code.bytes().len(), code.name().escape_debug())
/// }
/// ```
#[derive(Clone, Copy)]
pub struct CompiledCode<'a> {
    pub(crate) name: &'a str,
    pub(crate) address: usize,
    pub(crate) bytes: &'a [u8],
    pub(crate) tables: CodeTables<'a>,
}

impl<'a> CompiledCode<'a> {
    /// The function's name, as compilers mangled it. It is the guest's, and may have any characters.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Where the code is.
    pub fn address(&self) -> usize {
        self.address
    }

    /// The code itself.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where in the code what belongs to an operator begins, in bytes from its start and ascending; and the operator, as
    /// an offset in the module's bytes, or `None` for code that is of none. What comes before the first place is of none.
    pub fn places(&self) -> impl Iterator<Item = (usize, Option<usize>)> + use<'a> {
        self.tables.positions().map(|(offset, wasm)| (offset as usize, wasm.map(|at| at as usize)))
    }
}

impl fmt::Debug for CompiledCode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompiledCode").field("name", &self.name).finish_non_exhaustive()
    }
}

/// From a place in machine code on, what runs is of a line of the source.
///
/// ```
/// use riser::CodeLine;
///
/// let line = CodeLine::new(16, "main.c".into(), 3, 0);
/// assert_eq!((line.offset(), line.file(), line.line(), line.column()), (16, "main.c", 3, 0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeLine {
    offset: usize,
    file: Arc<str>,
    line: u32,
    column: u32,
}

impl CodeLine {
    /// Begins at an offset in the code. Lines and columns count from 1; 0 is not known.
    pub fn new(offset: usize, file: Arc<str>, line: u32, column: u32) -> CodeLine {
        CodeLine { offset, file, line, column }
    }

    /// Where it begins, in bytes from the start of the code.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The file of the source.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The column.
    pub fn column(&self) -> u32 {
        self.column
    }
}

/// Describes compiled code to debuggers and profilers. [`Config::code_describer`](crate::Config::code_describer) installs it.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// # use std::sync::{Arc, Mutex};
/// /// Describes nothing, and notes the names of functions that get code.
/// #[derive(Clone, Default)]
/// struct Names(Arc<Mutex<Vec<String>>>);
///
/// impl DescribeCode for Names {
///     fn module(&self, _: &ModuleSections<'_>) -> Box<dyn DescribeFunctions> {
///         Box::new(self.clone())
///     }
///     fn trampoline(&self, _: &CompiledCode<'_>) -> Vec<u8> {
///         Vec::new()
///     }
/// }
///
/// impl DescribeFunctions for Names {
///     fn lines(&self, _: &ModuleSections<'_>, _: &CompiledCode<'_>) -> Vec<CodeLine> {
///         Vec::new()
///     }
///     fn object(&self, _: &ModuleSections<'_>, code: &CompiledCode<'_>) -> Vec<u8> {
///         self.0.lock().unwrap().push(code.name().into());
///         Vec::new()
///     }
/// }
///
/// let names = Names::default();
/// let mut config = Config::new();
/// config.code_describer(Arc::new(names.clone())).debug_info(true);
/// // There is no such engine where nothing is compiled.
/// let Ok(engine) = Engine::new(&config) else { return Ok(()) };
/// let module = Module::new(&engine, r#"(module (func $f (export "f")) (func $g))"#)?;
/// let mut store = Store::new(&engine, ());
/// let f = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&mut store, "f")?;
/// f.call(&mut store, ())?;
/// assert_eq!(*names.0.lock().unwrap(), ["f"]);
/// # Ok(()) }
/// ```
pub trait DescribeCode: Send + Sync {
    /// For the functions of a module; asked once, when the first of them gets code.
    fn module(&self, module: &ModuleSections<'_>) -> Box<dyn DescribeFunctions>;

    /// An object file about code that is of no function.
    fn trampoline(&self, code: &CompiledCode<'_>) -> Vec<u8>;
}

/// Describes the functions of one module. Several threads may ask. It must not use the engine, which waits for it: an example stands at
/// [`DescribeCode`].
///
/// ```
/// use riser::{CodeLine, CompiledCode, DescribeFunctions, ModuleSections};
///
/// /// Takes each byte of the module for a line of a file.
/// struct Bytes;
///
/// impl DescribeFunctions for Bytes {
///     fn lines(&self, _: &ModuleSections<'_>, code: &CompiledCode<'_>) -> Vec<CodeLine> {
///         let line = |(offset, at): (usize, Option<usize>)| {
///             Some(CodeLine::new(offset, "module.wasm".into(), at? as u32, 0))
///         };
///         code.places().filter_map(line).collect()
///     }
///     fn object(&self, _: &ModuleSections<'_>, _: &CompiledCode<'_>) -> Vec<u8> {
///         Vec::new()
///     }
/// }
/// ```
pub trait DescribeFunctions: Send + Sync {
    /// The source lines of a function's code, ascending.
    fn lines(&self, module: &ModuleSections<'_>, code: &CompiledCode<'_>) -> Vec<CodeLine>;

    /// An object file about a function, in the format of the platform: with symbols and debug information for the addresses that the
    /// code has. Empty if it cannot be made.
    fn object(&self, module: &ModuleSections<'_>, code: &CompiledCode<'_>) -> Vec<u8>;
}

/// A hook, to be shown as nothing more.
#[derive(Clone)]
pub(crate) struct Describer(pub(crate) Arc<dyn DescribeCode>);

impl fmt::Debug for Describer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Describer")
    }
}
