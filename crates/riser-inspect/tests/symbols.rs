//! Backtraces of a program with debug information: functions, those that were inlined, files and lines.

#[path = "../examples/explain.rs"]
mod explain;

use riser::{Config, Engine, Instance, Module, Store, WasmBacktrace};

const AVERAGE: &[u8] = include_bytes!("fixtures/average.wasm");
const SOURCE: &str = include_str!("fixtures/average.rs");

/// The line of the fixture that contains a text.
fn line_of(text: &str) -> u32 {
    let position = SOURCE.lines().position(|line| line.contains(text));
    u32::try_from(position.expect(text)).unwrap() + 1
}

fn trap(config: &Config, bytes: &[u8]) -> riser::Error {
    let engine = Engine::new(config).unwrap();
    let module = Module::new(&engine, bytes).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let main = instance.get_typed_func::<i32, i32>(&mut store, "main").unwrap();
    assert_eq!(main.call(&mut store, 3).unwrap(), 3);
    main.call(&mut store, 0).unwrap_err()
}

#[test]
fn a_trap_is_found_in_the_source_through_inlined_functions() {
    let mut config = Config::new();
    config.symbolizer(riser_inspect::symbolizer());
    let error = trap(&config, AVERAGE);
    let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
    // The innermost is the library's function for the instruction.
    let symbols = &frames[0].symbols()[1..];
    let seen: Vec<_> = symbols
        .iter()
        .map(|symbol| (symbol.name().unwrap(), symbol.file().unwrap(), symbol.line().unwrap()))
        .collect();
    let file = "/src/average.rs";
    assert_eq!(
        seen,
        [
            ("average::stats::divide", file, line_of("if count == 0") + 1),
            ("average::stats::average", file, line_of("divide(sum, values.len()")),
            ("average::report", file, line_of("stats::average(&VALUES")),
        ]
    );
    assert!(symbols[1].column().is_some());
    let main = frames[1].symbols().last().unwrap();
    assert_eq!((main.name(), main.line()), (Some("main"), Some(line_of("report(count) + 1"))));
    let text = format!("{error:?}");
    assert!(text.contains("at /src/average.rs:"), "{text}");
}

#[test]
fn without_the_hook_or_without_sections_there_are_no_symbols() {
    let error = trap(&Config::new(), AVERAGE);
    let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
    assert!(frames.iter().all(|frame| frame.symbols().is_empty()));

    let mut config = Config::new();
    config.symbolizer(riser_inspect::symbolizer());
    // The sections keep their places and get names that nobody looks for.
    let mut stripped = AVERAGE.to_vec();
    let name = b".debug_";
    while let Some(at) = stripped.windows(name.len()).position(|window| window == name) {
        stripped[at] = b'x';
    }
    let error = trap(&config, &stripped);
    let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
    assert!(frames.iter().all(|frame| frame.symbols().is_empty()));
}

/// The debug sections of the fixture, by name.
fn sections() -> Vec<(String, Vec<u8>)> {
    let module = Module::new(&Engine::default(), AVERAGE).unwrap();
    let sections = module.custom_sections().filter(|(name, _)| name.starts_with(".debug_"));
    sections.map(|(name, bytes)| (name.to_string(), bytes.to_vec())).collect()
}

fn look(sections: &[(String, Vec<u8>)], addresses: &[u64]) -> Vec<Vec<riser::FrameSymbol>> {
    riser_inspect::find(
        |name| {
            let section = sections.iter().find(|section| section.0 == name);
            section.map_or(&[], |section| section.1.as_slice())
        },
        addresses,
    )
}

#[test]
fn damaged_sections_do_no_harm() {
    let addresses: Vec<u64> = (0..300).chain([u64::MAX, u64::from(u32::MAX)]).collect();
    let whole = sections();
    assert!(whole.iter().any(|section| section.0 == ".debug_info"));
    assert!(look(&whole, &addresses).iter().any(|symbols| symbols.len() == 4));
    let mut state = 1u64;
    let mut random = || {
        // A generator after Marsaglia, "Xorshift RNGs" (2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for _ in 0..2000 {
        let mut damaged = whole.clone();
        for _ in 0..1 + random() % 6 {
            let section = random() % damaged.len();
            let bytes = &mut damaged[section].1;
            if bytes.is_empty() {
                continue;
            }
            let at = random() % bytes.len();
            match random() % 3 {
                0 => bytes[at] = random() as u8,
                1 => bytes[at] ^= 1 << (random() % 8),
                _ => bytes.truncate(at),
            }
        }
        assert_eq!(look(&damaged, &addresses).len(), addresses.len());
    }
}

#[test]
fn sections_that_ask_for_endless_work_are_given_up() {
    // Many units, each of which is the smallest there can be and refers to the whole of a long list of ranges.
    let abbreviations = [1, 0x11, 0, 0x55, 0x17, 0, 0, 0].to_vec();
    let unit = [12, 0, 0, 0, 4, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0];
    let info = unit.repeat(200_000);
    let ranges: Vec<u8> = (0..200_000u32).flat_map(|_| [1, 0, 0, 0, 2, 0, 0, 0]).collect();
    let sections = [
        (".debug_abbrev".to_string(), abbreviations),
        (".debug_info".to_string(), info),
        (".debug_ranges".to_string(), ranges),
    ];
    let began = std::time::Instant::now();
    assert_eq!(look(&sections, &[1, 5]), [vec![], vec![]]);
    // Without a limit it would be forty thousand million steps.
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[test]
fn tables_that_would_fill_the_memory_are_given_up() {
    // A line table of version 5 with two million files, each a byte; and as many abbreviations.
    let abbreviations = [1u8, 0x11, 0, 0x11, 0x01, 0x12, 0x06, 0x10, 0x17, 0, 0];
    let mut abbreviations = abbreviations.to_vec();
    abbreviations.extend([2, 0x2e, 0, 0, 0].repeat(2_000_000));
    let info = [21, 0, 0, 0, 4, 0, 0, 0, 0, 0, 4, 1, 1, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0];
    // One kind of content for a file: its path (1), as one byte (0x0b).
    let mut header = vec![1, 1, 1, 0xfb, 14, 1, 0, 1, 1, 0x0b, 0x80, 0x89, 0x7a];
    header.resize(header.len() + 2_000_000, 7);
    let mut line = Vec::new();
    line.extend((header.len() as u32 + 8).to_le_bytes());
    line.extend([5, 0, 4, 0]);
    line.extend((header.len() as u32).to_le_bytes());
    line.extend(header);
    let mut sections = vec![
        (".debug_abbrev".to_string(), abbreviations),
        (".debug_info".to_string(), info.to_vec()),
        (".debug_line".to_string(), line),
    ];
    assert_eq!(look(&sections, &[5]), [vec![]]);
    // With few abbreviations it is the files that are too many.
    sections[0].1.truncate(12);
    assert_eq!(look(&sections, &[5]), [vec![]]);
}

#[test]
fn the_example_runs() {
    explain::main().unwrap();
}
