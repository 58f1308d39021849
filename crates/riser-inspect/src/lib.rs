//! What places in a module are in its source: functions, files and lines from the debug information (DWARF), and
//! names as they were before compilers mangled them.
//!
//! Install it in an engine, and backtraces know the source:
//!
//! ```
//! let mut config = riser::Config::new();
//! config.symbolizer(riser_inspect::symbolizer());
//! let engine = riser::Engine::new(&config)?;
//! # riser::Result::<()>::Ok(())
//! ```
//!
//! [`describer`] does the same for compiled code, which debuggers and profilers of the system then show with the names and lines of the
//! source: `describe.rs`, `object.rs`, `elf.rs`.
//!
//! Debug information comes with the guest and is as hostile as the rest of it. Everything that is read is metered
//! (`meter.rs`), so that a lookup ends after a fixed amount of work whatever the sections say; `dwarf.rs` follows them,
//! `names.rs` demangles.
#![forbid(unsafe_code)]

mod describe;
mod dwarf;
mod elf;
mod meter;
mod names;
mod object;

use std::collections::HashMap;
use std::sync::Arc;

use riser::{FrameSymbol, Module, Symbolize};

pub use describe::describer;
pub use dwarf::find;
pub use names::demangle;

/// The hook for [`riser::Config::symbolizer`].
pub fn symbolizer() -> Arc<dyn Symbolize> {
    Arc::new(Dwarf)
}

/// Looks into the custom sections of modules for DWARF.
struct Dwarf;

/// The id of the code section. DWARF counts addresses from the start of its contents.
/// Source: DWARF for WebAssembly, "Source Code Addresses".
const CODE_SECTION: u8 = 10;

impl Symbolize for Dwarf {
    fn symbolize(&self, module: &Module, offsets: &[usize]) -> Vec<Vec<FrameSymbol>> {
        let mut sections = HashMap::new();
        for (name, bytes) in
            module.custom_sections().filter(|(name, _)| name.starts_with(".debug_"))
        {
            sections.entry(name).or_insert(bytes);
        }
        let code = module.decoded().sections.iter().find(|section| section.id == CODE_SECTION);
        let Some(code) = code.filter(|_| sections.contains_key(".debug_info")) else {
            return Vec::new();
        };
        // No code is at u64::MAX, so what lies before the section is not found.
        let address =
            |offset: &usize| offset.checked_sub(code.range.start).map_or(u64::MAX, |at| at as u64);
        let addresses: Vec<u64> = offsets.iter().map(address).collect();
        find(|name| sections.get(name).copied().unwrap_or_default(), &addresses)
    }
}
