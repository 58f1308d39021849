//! How functions of compiled code call each other: in which register or place of the stack each parameter and result is, for many
//! types, on the machines on which code runs. All compilers must agree on that, and on what the runtime's instructions expect, so another version
//! of Cranelift that decides otherwise must not go unnoticed. The golden file is `convention.txt`; `BLESS=1` rewrites it.
//!
//! Cranelift does not say where it puts values. So small functions store each parameter, or each result of a call, to a global of its
//! own, and the text of their code is followed from there: every move of it is one of a few forms.

mod stages;

use riser_testkit::golden;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::Path;

/// Types of functions: a letter for each parameter and each result.
const TYPES: [(&str, &str); 35] = [
    ("", ""),
    ("i", ""),
    ("l", ""),
    ("f", ""),
    ("d", ""),
    ("v", ""),
    ("e", ""),
    ("r", ""),
    ("iiiiii", ""),
    ("llllllll", ""),
    ("eeeeeeee", ""),
    ("ffffffffff", ""),
    ("dddddddddd", ""),
    ("vvvvvvvvvv", ""),
    ("ifldver", ""),
    ("vdflire", ""),
    ("ididididid", ""),
    ("iiiiiiiiiiii", ""),
    ("lvlvlvlvlvlvlvlv", ""),
    ("iiiiiiiiffffffffffiiff", ""),
    ("llllllvvvvvvvvvlv", ""),
    ("", "i"),
    ("", "l"),
    ("", "f"),
    ("", "v"),
    ("", "e"),
    ("", "r"),
    ("", "iiii"),
    ("", "lele"),
    ("ld", "idldifrf"),
    ("", "fdvf"),
    ("", "ifldvier"),
    ("", "iiiii"),
    ("ii", "ddddd"),
    ("iiiiii", "lllll"),
];

fn type_name(letter: char) -> &'static str {
    match letter {
        'i' => "i32",
        'l' => "i64",
        'f' => "f32",
        'd' => "f64",
        'v' => "v128",
        'e' => "externref",
        'r' => "funcref",
        other => panic!("no type is called {other}"),
    }
}

fn zero(letter: char) -> &'static str {
    match letter {
        'i' => "(i32.const 0)",
        'l' => "(i64.const 0)",
        'f' => "(f32.const 0)",
        'd' => "(f64.const 0)",
        'v' => "(v128.const i64x2 0 0)",
        'e' => "(ref.null extern)",
        _ => "(ref.null func)",
    }
}

fn names(letters: &str) -> String {
    letters.chars().map(type_name).collect::<Vec<_>>().join(" ")
}

/// A module whose function 1 stores its parameters, and whose function 2 stores the results of a call.
fn probe(params: &str, results: &str) -> String {
    let mut text = String::from("(module ");
    for letter in params.chars().chain(results.chars()) {
        write!(text, "(import \"\" \"\" (global (mut {})))", type_name(letter)).unwrap();
    }
    let (from, to) = (names(params), names(results));
    write!(text, "(func (result {to}) unreachable)(func (param {from}) (result {to})").unwrap();
    for at in 0..params.len() {
        write!(text, "(global.set {at} (local.get {at}))").unwrap();
    }
    results.chars().for_each(|letter| text += zero(letter));
    text += ")(func (call 0)";
    for at in (params.len()..params.len() + results.len()).rev() {
        write!(text, "(global.set {at})").unwrap();
    }
    text + "))"
}

/// What a move is between.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Operand {
    /// By the name of the whole register.
    Register(String),
    Memory {
        base: String,
        offset: i64,
        /// Whether the offset is from the end of what the caller put on the stack.
        is_argument: bool,
    },
    Other,
}

struct Machine {
    name: &'static str,
    triple: &'static str,
    /// Source and target, if a line is a move.
    parse: fn(&str) -> Option<(Operand, Operand)>,
    call: &'static str,
    /// The registers by which values on the stack are found.
    stack_registers: [&'static str; 2],
}

const MACHINES: [Machine; 2] = [
    Machine {
        name: "x86-64",
        triple: "x86_64-unknown-linux-gnu",
        parse: x86_64,
        call: "call",
        stack_registers: ["rsp", "rbp"],
    },
    Machine {
        name: "aarch64",
        triple: "aarch64-unknown-linux-gnu",
        parse: aarch64,
        call: "blr",
        stack_registers: ["sp", "fp"],
    },
];

fn number(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let value = match digits.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    Some(sign * value.ok()?)
}

/// `movq 0x20(%rdi), %rax` and its like.
fn x86_64(line: &str) -> Option<(Operand, Operand)> {
    let (mnemonic, operands) = line.split_once(' ')?;
    if !mnemonic.trim_start_matches('v').starts_with("mov") {
        return None;
    }
    let register = |name: &str| {
        let whole = name.strip_prefix('e').map(|rest| format!("r{rest}"));
        let whole = whole.unwrap_or_else(|| name.trim_end_matches('d').to_string());
        Operand::Register(whole)
    };
    let operand = |text: &str| -> Option<Operand> {
        if let Some(name) = text.strip_prefix('%') {
            return Some(register(name));
        }
        let Some((offset, base)) = text.strip_suffix(')').and_then(|text| text.split_once("(%"))
        else {
            return Some(Operand::Other);
        };
        let (offset, is_argument) = match offset.split_once("<offset:0>+") {
            Some((_, offset)) => (offset, true),
            None => (offset.split_once(">+").map_or(offset, |place| place.1), false),
        };
        let offset = if offset.is_empty() { 0 } else { number(offset)? };
        Some(Operand::Memory { base: base.into(), offset, is_argument })
    };
    let (from, to) = operands.trim().rsplit_once(", ")?;
    Some((operand(from)?, operand(to)?))
}

/// `ldr x0, [x2, #32]` and its like.
fn aarch64(line: &str) -> Option<(Operand, Operand)> {
    let (mnemonic, operands) = line.split_once(' ')?;
    let (first, second) = operands.trim().split_once(", ")?;
    let register = |name: &str| {
        let (class, number) = name.split_at(1);
        match class {
            _ if name == "sp" || name == "fp" => Operand::Register(name.into()),
            "w" | "x" => Operand::Register(format!("x{number}")),
            "s" | "d" | "q" | "v" => {
                Operand::Register(format!("v{}", number.split('.').next().unwrap_or_default()))
            }
            _ => Operand::Other,
        }
    };
    let memory = |text: &str| -> Option<Operand> {
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        let (base, offset) = inside.split_once(", #").unwrap_or((inside, "0"));
        let offset = number(offset)?;
        // The frame's link lies between.
        let is_argument = base == "sp" && offset >= 16;
        Some(Operand::Memory { base: base.into(), offset, is_argument })
    };
    match mnemonic {
        "ldr" | "ldur" => Some((memory(second)?, register(first))),
        "str" | "stur" => Some((register(first), memory(second)?)),
        "mov" | "fmov" => Some((register(second), register(first))),
        _ => None,
    }
}

/// Where values are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Still in the register in which they came.
    Register(String),
    /// In what the caller put on the stack.
    Argument(i64),
    /// The address of a global, which is at an offset in the instance whose address came in a register.
    Global(i64, String),
    Unknown,
}

/// What a function stores where.
#[derive(Default)]
struct Stores {
    /// By the offset of the global's address.
    globals: BTreeMap<i64, Place>,
    /// The register in which the address of the results' area came.
    area: Option<String>,
    vmctx: Option<String>,
}

/// Follows the moves of a function. What came in registers are the parameters, or, behind a call, its results.
fn follow(machine: &Machine, code: &str) -> Stores {
    let mut stores = Stores::default();
    let mut registers: HashMap<String, Place> = HashMap::new();
    let mut spilled: HashMap<(String, i64), Place> = HashMap::new();
    let is_stack = |base: &str| machine.stack_registers.contains(&base);
    for line in code.lines().map(str::trim) {
        if line.starts_with(machine.call) {
            registers.clear();
            spilled.clear();
            stores.globals.clear();
            continue;
        }
        let Some((from, to)) = (machine.parse)(line) else { continue };
        let of = |name: &String| {
            registers.get(name).cloned().unwrap_or_else(|| Place::Register(name.clone()))
        };
        let value = match from {
            Operand::Register(name) => of(&name),
            Operand::Memory { base, offset, is_argument } if is_stack(&base) => {
                let unknown = if is_argument { Place::Argument(offset) } else { Place::Unknown };
                spilled.get(&(base, offset)).cloned().unwrap_or(unknown)
            }
            Operand::Memory { base, offset, .. } => match of(&base) {
                Place::Register(instance) => Place::Global(offset, instance),
                _ => Place::Unknown,
            },
            Operand::Other => Place::Unknown,
        };
        match to {
            Operand::Register(name) => {
                registers.insert(name, value);
            }
            Operand::Memory { base, offset, .. } if is_stack(&base) => {
                spilled.insert((base, offset), value);
            }
            Operand::Memory { base, .. } => match of(&base) {
                Place::Global(at, instance) => {
                    stores.vmctx = Some(instance);
                    stores.globals.insert(at, value);
                }
                Place::Register(area) => stores.area = Some(area),
                _ => {}
            },
            Operand::Other => {}
        }
    }
    stores
}

/// What a caller puts on the stack for a function, in bytes, as far as the function takes it away.
fn argument_bytes(code: &str) -> i64 {
    let last = code.lines().map(str::trim).find_map(|line| line.strip_prefix("retq $"));
    last.and_then(number).unwrap_or(0)
}

/// A line about the places of parameters or results.
fn places<'p>(places: impl Iterator<Item = &'p Place>, origin: i64) -> String {
    let name = |place: &Place| match place {
        Place::Register(name) => name.clone(),
        Place::Argument(offset) => format!("[{}]", offset + origin),
        other => panic!("a value came from nowhere: {other:?}"),
    };
    places.map(name).collect::<Vec<_>>().join(" ")
}

/// Where functions of a type have their parameters and results.
fn describe(machine: &Machine, params: &str, results: &str) -> String {
    let bytes = wat::parse_str(probe(params, results)).expect("the probe is well-formed");
    let module = stages::decode(&bytes);
    riser_front::validate_bodies(&module).expect("the probe is valid");
    let compiler = stages::compiler(machine.triple);
    let code = |defined| compiler.assembly(&mut compiler.new_context(), &module, defined).unwrap();
    let (taker, caller) = (code(1), code(2));
    let (taken, given) = (follow(machine, &taker), follow(machine, &caller));
    // Arguments begin behind the link of the frame, or are found from their end.
    let origin = if machine.name == "aarch64" { -16 } else { argument_bytes(&taker) };
    let mut text = format!("({}) -> ({})\n", names(params), names(results));
    if let Some(vmctx) = &taken.vmctx {
        writeln!(text, "  instance  {vmctx}").unwrap();
        assert_eq!(taken.globals.len(), params.len(), "{taker}");
        writeln!(text, "  params    {}", places(taken.globals.values(), origin)).unwrap();
    }
    if let Some(area) = &taken.area {
        writeln!(text, "  area      {area}").unwrap();
    } else if !results.is_empty() {
        assert_eq!(given.globals.len(), results.len(), "{caller}");
        writeln!(text, "  results   {}", places(given.globals.values(), 0)).unwrap();
    }
    text
}

#[test]
fn values_are_passed_as_recorded() {
    let mut text = String::from(
        "The instance of the callee, the parameters, and the results, or the area that the caller provides for them. [N] is N bytes \
         from the start of what\nthe caller puts on the stack.\n",
    );
    for machine in &MACHINES {
        writeln!(text, "\n== {}\n", machine.name).unwrap();
        for (params, results) in TYPES {
            text += &describe(machine, params, results);
        }
    }
    golden::check(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/convention.txt"), &text);
}
