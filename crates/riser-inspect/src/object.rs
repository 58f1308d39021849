//! Object files about one function each, for debuggers: a symbol, how to find the caller's frame, and, where the module has debug
//! information, the lines of the source and the functions that were inlined. `elf.rs` puts the sections into a file.
//!
//! Source: DWARF 5, sections 3.3 (functions), 6.2 (lines), 6.4 (frames).

use gimli::write::{
    Address, AttributeValue, CallFrameInstruction, CommonInformationEntry, DwarfUnit, EndianVec,
    FileId, FrameDescriptionEntry, FrameTable, LineProgram, LineString, Sections, UnitEntryId,
};
use gimli::{
    AArch64, DwLang, Encoding, Format, LineEncoding, LittleEndian, Register, X86_64,
    constants as dw,
};
use riser::{CompiledCode, FrameSymbol};

use crate::demangle;
use crate::elf;

/// A place in code, and what it is of in the source: at least one function, the innermost first.
pub(crate) struct Place {
    pub offset: usize,
    pub symbols: Vec<FrameSymbol>,
}

/// The object file. Empty if that much cannot be written.
pub(crate) fn of(code: &CompiledCode<'_>, places: &[Place]) -> Vec<u8> {
    let name = clean(code.name());
    let mut sections = Sections::new(EndianVec::new(LittleEndian));
    if write_dwarf(code, &name, places, &mut sections).is_err() {
        return Vec::new();
    }
    let mut contents: Vec<(&'static str, Vec<u8>)> = Vec::new();
    let _ = sections.for_each_mut(|id, section| {
        if !section.slice().is_empty() {
            contents.push((id.name(), section.take()));
        }
        Ok::<(), ()>(())
    });
    elf::object(&name, code.address() as u64, code.bytes().len() as u64, &contents)
}

/// Names and paths are the guest's: what ends a string or a line becomes something else. Never empty.
fn clean(text: &str) -> String {
    if text.is_empty() {
        return "?".into();
    }
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn write_dwarf(
    code: &CompiledCode<'_>,
    name: &str,
    places: &[Place],
    sections: &mut Sections<EndianVec<LittleEndian>>,
) -> gimli::write::Result<()> {
    let encoding = Encoding { format: Format::Dwarf32, version: 4, address_size: 8 };
    if let Some(frames) = frames(code, encoding) {
        frames.write_debug_frame(&mut sections.debug_frame)?;
    }
    let mut unit = DwarfUnit::new(encoding);
    if !places.is_empty() {
        unit.unit.line_program = lines(code, places, encoding);
    }
    entries(code, name, places, &mut unit);
    unit.write(sections)
}

/// How the frame of the caller is found: all code keeps a chain of frame pointers, and begins with the instructions that make
/// its link. `None` if it does not.
fn frames(code: &CompiledCode<'_>, encoding: Encoding) -> Option<FrameTable> {
    let mut ours = PROLOGUES.iter().filter(|prologue| prologue.machine == riser_sys::ELF_MACHINE);
    let prologue = ours.find(|prologue| code.bytes().starts_with(prologue.bytes))?;
    let Prologue { stack_pointer, frame_pointer, return_address, .. } = *prologue;
    let mut cie = CommonInformationEntry::new(encoding, 1, -8, return_address);
    cie.add_instruction(CallFrameInstruction::Cfa(stack_pointer, prologue.entry_offset));
    if prologue.entry_offset != 0 {
        cie.add_instruction(CallFrameInstruction::Offset(return_address, -8));
    }
    let len = u32::try_from(code.bytes().len()).ok()?;
    let mut fde = FrameDescriptionEntry::new(Address::Constant(code.address() as u64), len);
    let pushed = prologue.pushed_at;
    fde.add_instruction(pushed, CallFrameInstruction::CfaOffset(16));
    fde.add_instruction(pushed, CallFrameInstruction::Offset(frame_pointer, -16));
    fde.add_instruction(pushed, CallFrameInstruction::Offset(return_address, -8));
    let set = prologue.bytes.len() as u32;
    fde.add_instruction(set, CallFrameInstruction::CfaRegister(frame_pointer));
    let mut frames = FrameTable::default();
    let cie = frames.add_cie(cie);
    frames.add_fde(cie, fde);
    Some(frames)
}

/// How functions of a machine begin.
struct Prologue {
    machine: u16,
    bytes: &'static [u8],
    stack_pointer: Register,
    frame_pointer: Register,
    return_address: Register,
    /// How far the stack pointer is below the caller's frame when the function is entered.
    entry_offset: i32,
    /// Where both registers are on the stack.
    pushed_at: u32,
}

/// push rbp; mov rbp, rsp
const X86_64_PROLOGUE: Prologue = Prologue {
    machine: elf::X86_64,
    bytes: &[0x55, 0x48, 0x89, 0xE5],
    stack_pointer: X86_64::RSP,
    frame_pointer: X86_64::RBP,
    return_address: X86_64::RA,
    entry_offset: 8,
    pushed_at: 1,
};

const PROLOGUES: [Prologue; 3] = [
    X86_64_PROLOGUE,
    // The same, as the baseline compiler encodes it.
    Prologue { bytes: &[0x55, 0x48, 0x8B, 0xEC], ..X86_64_PROLOGUE },
    Prologue {
        machine: elf::AARCH64,
        // stp x29, x30, [sp, #-16]!; mov x29, sp
        bytes: &[0xFD, 0x7B, 0xBF, 0xA9, 0xFD, 0x03, 0x00, 0x91],
        stack_pointer: AArch64::SP,
        frame_pointer: AArch64::X29,
        return_address: AArch64::X30,
        entry_offset: 0,
        pushed_at: 4,
    },
];

/// Folder and name of a path.
fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some((folder, name)) if !name.is_empty() => {
            (if folder.is_empty() { "/" } else { folder }, name)
        }
        _ => (".", path),
    }
}

/// The entry of a path in the list of files.
fn file(program: &mut LineProgram, path: &str) -> FileId {
    let path = clean(path);
    let (folder, name) = split(&path);
    let string = |text: &str| LineString::String(text.as_bytes().to_vec());
    let folder = program.add_directory(string(folder));
    program.add_file(string(name), folder, None)
}

fn lines(code: &CompiledCode<'_>, places: &[Place], encoding: Encoding) -> LineProgram {
    let string = |text: &str| LineString::String(text.as_bytes().to_vec());
    let line_encoding = LineEncoding::default();
    let mut program =
        LineProgram::new(encoding, line_encoding, string("."), None, string("?"), None);
    program.begin_sequence(Some(Address::Constant(code.address() as u64)));
    let mut last = None;
    for place in places {
        let symbol = &place.symbols[0];
        let (Some(path), Some(line)) = (symbol.file(), symbol.line()) else { continue };
        let here = (path, line, symbol.column());
        if last == Some(here) {
            continue;
        }
        let id = file(&mut program, path);
        // What comes before the first operator, where the frame is made, is of its line.
        let offset = if last.is_none() { 0 } else { place.offset };
        let row = program.row();
        (row.address_offset, row.file) = (offset as u64, id);
        (row.line, row.column) = (line.into(), symbol.column().unwrap_or(0).into());
        program.generate_row();
        last = Some(here);
    }
    program.end_sequence(code.bytes().len() as u64);
    program
}

/// Which language has names that are mangled like this one: debuggers take them apart accordingly.
fn language(name: &str) -> DwLang {
    match (demangle(name), name.starts_with("_Z")) {
        (None, _) => dw::DW_LANG_C11,
        (Some(_), true) if rustc_demangle::try_demangle(name).is_err() => {
            dw::DW_LANG_C_plus_plus_14
        }
        (Some(_), _) => dw::DW_LANG_Rust,
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::String(clean(text).into_bytes())
}

/// A function that was inlined, as far as it is open while places are gone through.
struct Scope<'p> {
    entry: UnitEntryId,
    name: Option<&'p str>,
    /// The place of the call.
    call: &'p FrameSymbol,
}

/// The first line of the function that is known. Who sets a breakpoint at a line before it means another function, which may have
/// no code yet.
fn first_line(places: &[Place], path: &str) -> Option<u32> {
    let outermost = places.iter().filter_map(|place| place.symbols.last());
    outermost.filter(|symbol| symbol.file() == Some(path)).filter_map(FrameSymbol::line).min()
}

fn entries(code: &CompiledCode<'_>, name: &str, places: &[Place], unit: &mut DwarfUnit) {
    let (address, len) = (code.address() as u64, code.bytes().len() as u64);
    let outermost = places.first().and_then(|place| place.symbols.last());
    let shown = outermost.and_then(|symbol| symbol.name()).map(clean);
    let shown = shown.or_else(|| demangle(name)).unwrap_or_else(|| name.into());
    let path = outermost.and_then(FrameSymbol::file).unwrap_or("?");
    let low = AttributeValue::Address(Address::Constant(address));
    let root = unit.unit.root();
    let whole = unit.unit.get_mut(root);
    whole.set(dw::DW_AT_producer, AttributeValue::String(b"riser".to_vec()));
    whole.set(dw::DW_AT_language, AttributeValue::Language(language(name)));
    whole.set(dw::DW_AT_name, text(path));
    if !places.is_empty() {
        whole.set(dw::DW_AT_stmt_list, AttributeValue::LineProgramRef);
    }
    whole.set(dw::DW_AT_low_pc, low.clone());
    whole.set(dw::DW_AT_high_pc, AttributeValue::Udata(len));
    let function = unit.unit.add(root, dw::DW_TAG_subprogram);
    let entry = unit.unit.get_mut(function);
    if shown != name {
        entry.set(dw::DW_AT_linkage_name, text(name));
    }
    entry.set(dw::DW_AT_name, text(&shown));
    entry.set(dw::DW_AT_external, AttributeValue::Flag(true));
    if let Some(line) = first_line(places, path) {
        entry.set(dw::DW_AT_decl_line, AttributeValue::Udata(line.into()));
    }
    entry.set(dw::DW_AT_low_pc, low);
    entry.set(dw::DW_AT_high_pc, AttributeValue::Udata(len));
    inlined(code, places, function, unit);
}

/// Adds an entry for each stretch of code that is of a function that was inlined. The code of one may be in many, since compilers mix
/// what belongs to several.
fn inlined(code: &CompiledCode<'_>, places: &[Place], function: UnitEntryId, unit: &mut DwarfUnit) {
    let mut open: Vec<Scope<'_>> = Vec::new();
    let mut origins = Origins::default();
    for place in places {
        // Outermost first, each with the place at which it was called, which the function around has.
        let chain = place.symbols.windows(2).rev().map(|pair| (pair[0].name(), &pair[1]));
        let same = chain
            .clone()
            .zip(&open)
            .take_while(|((name, call), scope)| {
                *name == scope.name
                    && call.file() == scope.call.file()
                    && call.line() == scope.call.line()
            })
            .count();
        close(unit, code, &mut open, same, place.offset);
        for (name, call) in chain.skip(same) {
            let parent = open.last().map_or(function, |scope| scope.entry);
            let origin = origins.of(unit, name);
            let entry = unit.unit.add(parent, dw::DW_TAG_inlined_subroutine);
            let at = Address::Constant((code.address() + place.offset) as u64);
            let file = call.file().map(|path| file(&mut unit.unit.line_program, path));
            let attributes = unit.unit.get_mut(entry);
            attributes.set(dw::DW_AT_abstract_origin, AttributeValue::UnitRef(origin));
            attributes.set(dw::DW_AT_low_pc, AttributeValue::Address(at));
            if let (Some(file), Some(line)) = (file, call.line()) {
                attributes.set(dw::DW_AT_call_file, AttributeValue::FileIndex(Some(file)));
                attributes.set(dw::DW_AT_call_line, AttributeValue::Udata(line.into()));
            }
            open.push(Scope { entry, name, call });
        }
    }
    close(unit, code, &mut open, 0, code.bytes().len());
}

/// Ends the innermost open functions at an offset in the code, up to so many.
fn close(
    unit: &mut DwarfUnit,
    code: &CompiledCode<'_>,
    open: &mut Vec<Scope<'_>>,
    left: usize,
    offset: usize,
) {
    let end = (code.address() + offset) as u64;
    for scope in open.drain(left..) {
        let entry = unit.unit.get_mut(scope.entry);
        let begin = match entry.get(dw::DW_AT_low_pc) {
            Some(AttributeValue::Address(Address::Constant(begin))) => *begin,
            _ => end,
        };
        entry.set(dw::DW_AT_high_pc, AttributeValue::Udata(end - begin));
    }
}

/// The entries of functions that were inlined somewhere, by their names.
#[derive(Default)]
struct Origins {
    entries: std::collections::HashMap<Option<String>, UnitEntryId>,
}

impl Origins {
    fn of(&mut self, unit: &mut DwarfUnit, name: Option<&str>) -> UnitEntryId {
        *self.entries.entry(name.map(String::from)).or_insert_with(|| {
            let entry = unit.unit.add(unit.unit.root(), dw::DW_TAG_subprogram);
            let attributes = unit.unit.get_mut(entry);
            attributes.set(dw::DW_AT_name, text(name.unwrap_or("?")));
            attributes.set(dw::DW_AT_inline, AttributeValue::Inline(dw::DW_INL_inlined));
            entry
        })
    }
}
