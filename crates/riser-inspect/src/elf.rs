//! An object file in the format of Linux, with one function, whose code is elsewhere.
//!
//! Source: "System V Application Binary Interface", chapter 4.

/// Machines, by their numbers in the header.
pub(crate) const X86_64: u16 = 62;
pub(crate) const AARCH64: u16 = 183;

const HEADER_BYTES: usize = 64;
const SECTION_HEADER_BYTES: usize = 64;
const SYMBOL_BYTES: u64 = 24;

/// Kinds of files and sections, and flags of sections.
const EXECUTABLE: u16 = 2;
const CONTENTS: u32 = 1;
const SYMBOLS: u32 = 2;
const STRINGS: u32 = 3;
const NO_CONTENTS: u32 = 8;
const ALLOCATED: u64 = 2;
const INSTRUCTIONS: u64 = 4;

/// Where `.text` stands in the list of sections, and the strings that the symbols refer to.
const TEXT: u16 = 1;
const STRTAB: u32 = 3;

/// A row of the list of sections.
#[derive(Default)]
struct Section {
    name: u32,
    kind: u32,
    flags: u64,
    address: u64,
    offset: u64,
    len: u64,
    link: u32,
    /// For symbols: how many are local.
    locals: u32,
    align: u64,
    entry_bytes: u64,
}

/// The file, for code of so many bytes at an address. `name` contains no zero.
pub(crate) fn object(
    name: &str,
    address: u64,
    len: u64,
    contents: &[(&'static str, Vec<u8>)],
) -> Vec<u8> {
    let mut file = vec![0; HEADER_BYTES];
    let mut names = vec![0];
    let mut sections = vec![Section::default()];
    let text = Section {
        name: add_name(&mut names, ".text"),
        kind: NO_CONTENTS,
        flags: ALLOCATED | INSTRUCTIONS,
        address,
        offset: HEADER_BYTES as u64,
        len,
        align: 1,
        ..Section::default()
    };
    sections.push(text);
    let mut add = |name: &str, kind: u32, bytes: &[u8]| {
        file.resize(file.len().next_multiple_of(8), 0);
        let (offset, len) = (file.len() as u64, bytes.len() as u64);
        let name = add_name(&mut names, name);
        let mut section = Section { name, kind, offset, len, align: 1, ..Section::default() };
        if kind == SYMBOLS {
            (section.link, section.locals) = (STRTAB, 1);
            (section.align, section.entry_bytes) = (8, SYMBOL_BYTES);
        }
        file.extend_from_slice(bytes);
        sections.push(section);
    };
    add(".symtab", SYMBOLS, &symbols(address, len));
    let mut strings = vec![0];
    add_name(&mut strings, name);
    add(".strtab", STRINGS, &strings);
    for (name, bytes) in contents {
        add(name, CONTENTS, bytes);
    }
    let shstrtab = add_name(&mut names, ".shstrtab");
    let (offset, len) = (file.len() as u64, names.len() as u64);
    let own =
        Section { name: shstrtab, kind: STRINGS, offset, len, align: 1, ..Section::default() };
    sections.push(own);
    file.extend_from_slice(&names);
    file.resize(file.len().next_multiple_of(8), 0);
    let header = header(file.len() as u64, sections.len() as u16);
    file[..HEADER_BYTES].copy_from_slice(&header);
    sections.iter().for_each(|section| write_section(&mut file, section));
    file
}

/// Adds a string that ends with a zero: where it begins.
fn add_name(names: &mut Vec<u8>, name: &str) -> u32 {
    let at = names.len() as u32;
    names.extend_from_slice(name.as_bytes());
    names.push(0);
    at
}

/// The first symbol, which every list has, and the function, whose name is at 1.
fn symbols(address: u64, len: u64) -> Vec<u8> {
    /// A function that other files see.
    const GLOBAL_FUNCTION: u8 = 1 << 4 | 2;
    let mut bytes = vec![0; SYMBOL_BYTES as usize];
    bytes.extend_from_slice(&1_u32.to_le_bytes());
    bytes.extend_from_slice(&[GLOBAL_FUNCTION, 0]);
    bytes.extend_from_slice(&TEXT.to_le_bytes());
    bytes.extend_from_slice(&address.to_le_bytes());
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes
}

fn header(sections_at: u64, sections: u16) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    // 64 bits, little-endian, version 1.
    put(0, b"\x7FELF\x02\x01\x01");
    put(16, &EXECUTABLE.to_le_bytes());
    put(18, &riser_sys::ELF_MACHINE.to_le_bytes());
    put(20, &1_u32.to_le_bytes());
    put(40, &sections_at.to_le_bytes());
    put(52, &(HEADER_BYTES as u16).to_le_bytes());
    put(58, &(SECTION_HEADER_BYTES as u16).to_le_bytes());
    put(60, &sections.to_le_bytes());
    // The last one has the names.
    put(62, &(sections - 1).to_le_bytes());
    header
}

fn write_section(file: &mut Vec<u8>, section: &Section) {
    file.extend_from_slice(&section.name.to_le_bytes());
    file.extend_from_slice(&section.kind.to_le_bytes());
    for long in [section.flags, section.address, section.offset, section.len] {
        file.extend_from_slice(&long.to_le_bytes());
    }
    file.extend_from_slice(&section.link.to_le_bytes());
    file.extend_from_slice(&section.locals.to_le_bytes());
    file.extend_from_slice(&section.align.to_le_bytes());
    file.extend_from_slice(&section.entry_bytes.to_le_bytes());
}
