//! What debuggers are told of compiled functions: object files with a symbol, frames, source lines, and functions that were inlined.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use gimli::{EndianSlice, LittleEndian, constants as dw};
use riser::{
    CodeLine, CompiledCode, Config, DescribeCode, DescribeFunctions, Engine, Instance, Module,
    ModuleSections, Store,
};

const AVERAGE: &[u8] = include_bytes!("fixtures/average.wasm");

/// A function as it was described.
struct Described {
    name: String,
    address: u64,
    bytes: Vec<u8>,
    lines: Vec<CodeLine>,
    object: Vec<u8>,
}

/// Passes everything on to the real hook, and keeps the answers.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Described>>>);

impl Recorder {
    fn keep(&self, code: &CompiledCode<'_>, lines: Vec<CodeLine>, object: Vec<u8>) {
        let (name, address) = (code.name().to_string(), code.address() as u64);
        let bytes = code.bytes().to_vec();
        self.0.lock().unwrap().push(Described { name, address, bytes, lines, object });
    }
}

impl DescribeCode for Recorder {
    fn module(&self, module: &ModuleSections<'_>) -> Box<dyn DescribeFunctions> {
        Box::new(RecorderOf(riser_inspect::describer().module(module), self.clone()))
    }

    fn trampoline(&self, code: &CompiledCode<'_>) -> Vec<u8> {
        let object = riser_inspect::describer().trampoline(code);
        self.keep(code, Vec::new(), object.clone());
        object
    }
}

struct RecorderOf(Box<dyn DescribeFunctions>, Recorder);

impl DescribeFunctions for RecorderOf {
    fn lines(&self, module: &ModuleSections<'_>, code: &CompiledCode<'_>) -> Vec<CodeLine> {
        self.0.lines(module, code)
    }

    fn object(&self, module: &ModuleSections<'_>, code: &CompiledCode<'_>) -> Vec<u8> {
        let object = self.0.object(module, code);
        self.1.keep(code, self.lines(module, code), object.clone());
        object
    }
}

/// Compiles all functions of a module: what was described. `None` where nothing is compiled.
fn describe(bytes: &[u8]) -> Option<Vec<Described>> {
    let recorder = Recorder::default();
    let mut config = Config::new();
    config.code_describer(Arc::new(recorder.clone())).debug_info(true);
    let engine = Engine::new(&config).ok()?;
    let module = Module::new(&engine, bytes).ok()?;
    module.compile_all(|_, _| ()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let main = instance.get_typed_func::<i32, i32>(&mut store, "main").unwrap();
    assert_eq!(main.call(&mut store, 3).unwrap(), 3);
    drop((store, module, engine, config));
    let mut described = recorder.0.lock().unwrap();
    Some(std::mem::take(&mut *described))
}

/// The sections of an object file: address, and contents.
fn sections(object: &[u8]) -> HashMap<String, (u64, &[u8])> {
    let number = |at: usize, bytes: usize| {
        let digits = object[at..at + bytes].iter().rev();
        digits.fold(0_u64, |sum, digit| sum << 8 | u64::from(*digit))
    };
    let (at, count, names) =
        (number(40, 8) as usize, number(60, 2) as usize, number(62, 2) as usize);
    let contents = |header: usize| {
        let (kind, offset, len) =
            (number(header + 4, 4), number(header + 24, 8), number(header + 32, 8));
        // The code itself is elsewhere.
        let len = if kind == 8 { 0 } else { len };
        (number(header + 16, 8), &object[offset as usize..][..len as usize])
    };
    let names = contents(at + 64 * names).1;
    let name = |header: usize| {
        let rest = &names[number(header, 4) as usize..];
        let end = rest.iter().position(|byte| *byte == 0).unwrap();
        String::from_utf8(rest[..end].to_vec()).unwrap()
    };
    (0..count).map(|row| at + 64 * row).map(|header| (name(header), contents(header))).collect()
}

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

fn dwarf<'a>(sections: &HashMap<String, (u64, &'a [u8])>) -> gimli::Dwarf<Bytes<'a>> {
    let load = |id: gimli::SectionId| {
        let bytes = sections.get(id.name()).map_or(&[][..], |section| section.1);
        Ok::<_, gimli::Error>(EndianSlice::new(bytes, LittleEndian))
    };
    gimli::Dwarf::load(load).unwrap()
}

/// The names of the functions that were inlined, and where, from an object file.
fn inlined(dwarf: &gimli::Dwarf<Bytes<'_>>) -> Vec<(String, u64, u64)> {
    let header = dwarf.units().next().unwrap().unwrap();
    let unit = dwarf.unit(header).unwrap();
    let mut entries = unit.entries();
    let mut found = Vec::new();
    while let Some(entry) = entries.next_dfs().unwrap() {
        if entry.tag() != dw::DW_TAG_inlined_subroutine {
            continue;
        }
        let Some(gimli::AttributeValue::UnitRef(origin)) =
            entry.attr_value(dw::DW_AT_abstract_origin)
        else {
            panic!("an inlined function has an origin")
        };
        let name = unit.entry(origin).unwrap().attr_value(dw::DW_AT_name).unwrap();
        let name = dwarf.attr_string(&unit, name).unwrap().to_string().unwrap().to_string();
        let low = dwarf.attr_address(&unit, entry.attr_value(dw::DW_AT_low_pc).unwrap());
        let len = entry.attr_value(dw::DW_AT_high_pc).unwrap().udata_value().unwrap();
        found.push((name, low.unwrap().unwrap(), len));
    }
    found
}

#[test]
fn functions_are_described_by_lines_and_object_files() {
    let Some(described) = describe(AVERAGE) else { return };
    assert!(described.iter().any(|code| code.name == "riser_enter_wasm"));
    let mut names = Vec::new();
    for code in &described {
        let sections = sections(&code.object);
        assert_eq!(sections[".text"].0, code.address);
        let strings = std::str::from_utf8(sections[".strtab"].1).unwrap();
        assert_eq!(strings.trim_matches('\0'), code.name);
        let symbol = &sections[".symtab"].1[24..];
        assert_eq!(symbol[8..16], code.address.to_le_bytes());
        assert_eq!(symbol[16..24], (code.bytes.len() as u64).to_le_bytes());
        assert!(sections.contains_key(".debug_frame"), "{} has no frame", code.name);
        let dwarf = dwarf(&sections);
        let range = code.address..code.address + code.bytes.len() as u64;
        for (name, low, len) in inlined(&dwarf) {
            assert!(range.contains(&low) && low + len <= range.end && len > 0);
            names.push(name);
        }
    }
    assert!(names.iter().any(|name| name.contains("divide")), "{names:?}");
    let main =
        described.iter().find(|code| code.name == "main").expect("the function that was called");
    assert!(main.lines.iter().all(|line| line.offset() < main.bytes.len()));
    assert!(main.lines.iter().any(|line| line.file().ends_with("average.rs")), "{:?}", main.lines);
}

#[test]
fn rows_of_object_files_are_those_of_the_module() {
    let Some(described) = describe(AVERAGE) else { return };
    let main = described.iter().find(|code| code.name == "main").unwrap();
    let sections = sections(&main.object);
    let dwarf = dwarf(&sections);
    let unit = dwarf.unit(dwarf.units().next().unwrap().unwrap()).unwrap();
    let mut rows = unit.line_program.clone().unwrap().rows();
    let mut found = Vec::new();
    while let Some((_, row)) = rows.next_row().unwrap() {
        if !row.end_sequence() {
            found.push((row.address() - main.address, row.line().unwrap().get()));
        }
    }
    let mut expected: Vec<(u64, u64)> =
        main.lines.iter().map(|line| (line.offset() as u64, line.line().into())).collect();
    // The prologue is of the first line.
    expected[0].0 = 0;
    // There may be several rows of a line, with columns.
    found.dedup_by_key(|row| row.1);
    expected.dedup_by_key(|row| row.1);
    assert_eq!(found, expected);
}

#[test]
fn damaged_debug_information_does_no_harm() {
    if describe(AVERAGE).is_none() {
        return;
    }
    // Debug sections come behind the code.
    let at = |name: &[u8]| AVERAGE.windows(name.len()).position(|bytes| bytes == name);
    let first = [&b".debug_abbrev"[..], b".debug_info", b".debug_line", b".debug_ranges"];
    let start = first.into_iter().filter_map(at).min().unwrap() + 16;
    let mut state = 7_u64;
    let mut random = || {
        // A generator after Marsaglia, "Xorshift RNGs" (2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let mut described = 0;
    for _ in 0..400 {
        let mut damaged = AVERAGE.to_vec();
        for _ in 0..1 + random() % 8 {
            let at = start + random() % (damaged.len() - start);
            damaged[at] = random() as u8;
        }
        // Where the module itself became invalid there is nothing to describe.
        described += usize::from(describe(&damaged).is_some());
    }
    assert!(described > 200, "{described}");
}

#[test]
fn somebody_has_to_write_debug_information() {
    let error = Engine::new(Config::new().debug_info(true)).unwrap_err();
    assert!(error.to_string().contains("code_describer"), "{error}");
}
