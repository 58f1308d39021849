//! Compiled code described to debuggers and profilers: the lines of its operators in the source, and object files (`object.rs`).

use std::sync::Arc;

use riser::{CodeLine, CompiledCode, DescribeCode, DescribeFunctions, FrameSymbol, ModuleSections};

use crate::dwarf::UnitIndex;
use crate::object::{self, Place};

/// The hook for [`riser::Config::code_describer`].
///
/// ```
/// let mut config = riser::Config::new();
/// config.code_describer(riser_inspect::describer());
/// // `gdb` shows names and source lines of what runs in this engine, if it is compiled.
/// config.debug_info(true);
/// ```
pub fn describer() -> Arc<dyn DescribeCode> {
    Arc::new(Describer)
}

struct Describer;

impl DescribeCode for Describer {
    fn module(&self, module: &ModuleSections<'_>) -> Box<dyn DescribeFunctions> {
        Box::new(Functions { units: UnitIndex::new(|name| module.custom_section(name)) })
    }

    fn trampoline(&self, code: &CompiledCode<'_>) -> Vec<u8> {
        object::of(code, &[])
    }
}

/// The functions of a module.
struct Functions {
    units: UnitIndex,
}

/// Of how many places of a function the source is looked for. CPython's largest function has 30,000.
const PLACES_MAX: usize = 1 << 16;

impl Functions {
    /// The places of which something is known.
    fn places(&self, module: &ModuleSections<'_>, code: &CompiledCode<'_>) -> Vec<Place> {
        let Some(start) = module.code_start() else { return Vec::new() };
        let address = |wasm: usize| wasm.checked_sub(start).map(|at| at as u64);
        let mut next = 0;
        let of_operators = code.places().filter_map(|(offset, wasm)| {
            // Nothing is said of tables that are damaged.
            let is_ascending = offset >= next && offset < code.bytes().len();
            next = next.max(offset.saturating_add(1));
            Some((offset, address(wasm?)?)).filter(|_| is_ascending)
        });
        let (offsets, addresses): (Vec<usize>, Vec<u64>) = of_operators.take(PLACES_MAX).unzip();
        let found = self.units.find(|name| module.custom_section(name), &addresses);
        let place = |(offset, symbols): (usize, Vec<FrameSymbol>)| Place { offset, symbols };
        offsets.into_iter().zip(found).map(place).filter(|at| !at.symbols.is_empty()).collect()
    }
}

impl DescribeFunctions for Functions {
    fn lines(&self, module: &ModuleSections<'_>, code: &CompiledCode<'_>) -> Vec<CodeLine> {
        let mut lines: Vec<CodeLine> = Vec::new();
        for place in self.places(module, code) {
            let symbol = &place.symbols[0];
            let (Some(file), Some(line)) = (symbol.file(), symbol.line()) else { continue };
            let last = lines.last();
            if last.is_none_or(|last| last.file() != file || last.line() != line) {
                let column = symbol.column().unwrap_or(0);
                lines.push(CodeLine::new(place.offset, file.into(), line, column));
            }
        }
        lines
    }

    fn object(&self, module: &ModuleSections<'_>, code: &CompiledCode<'_>) -> Vec<u8> {
        object::of(code, &self.places(module, code))
    }
}
