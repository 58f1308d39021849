//! Compiled operators do what interpreted ones do, bit for bit: every simple operator on operands of all kinds, every access at the
//! edges of memories of all kinds. The interpreter's are the functions of `riser-numerics`, which have tests of their own.

use riser::{Config, Engine, Instance, Module, Store, Strategy, Trap, Val};
use riser_ops::{AccessKind, AccessOp, Features, SimpleImmediate, SimpleOp, ValType};
use riser_testkit::strategies;
use std::fmt::Write;

/// A reproducible sequence of numbers that look random (xorshift*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u64) as usize]
    }

    /// An integer or float where something happens: bounds of types, infinities, NaNs, halves; or a small number, or any.
    fn bits32(&mut self) -> u32 {
        const EDGES: [u32; 22] = [
            0x0000_0000,
            0x0000_001F,
            0x0000_0020,
            0x0000_8000,
            0x7FFF_8000,
            0x7FFF_FFFF,
            0x8000_0000,
            0x8080_8080,
            0xFFFF_FFFF,
            0x3F00_0000,
            0xBF00_0000,
            0xBF80_0000,
            0x4B00_0001,
            0x4F00_0000,
            0x4EFF_FFFF,
            0xCF00_0000,
            0x4F80_0000,
            0x5F80_0000,
            0x7F80_0000,
            0xFF80_0000,
            0x7FC0_0000,
            0xFFA0_1234,
        ];
        match self.below(4) {
            0 => self.next() as u32,
            1 => (self.below(41) as u32).wrapping_sub(20),
            2 => (self.below(2001) as f32 / 4.0 - 250.0).to_bits(),
            _ => self.of(&EDGES),
        }
    }

    fn bits64(&mut self) -> u64 {
        const EDGES: [u64; 22] = [
            0,
            63,
            64,
            u64::MAX,
            1 << 63,
            (1 << 63) - 1,
            1 << 31,
            1 << 32,
            0x3FE0_0000_0000_0000,
            0xBFE0_0000_0000_0000,
            0xBFF0_0000_0000_0000,
            0x4330_0000_0000_0001,
            0x41DF_FFFF_FFE0_0000,
            0xC1E0_0000_0020_0000,
            0x41EF_FFFF_FFE0_0000,
            0x43E0_0000_0000_0000,
            0xC3E0_0000_0000_0000,
            0x43F0_0000_0000_0000,
            0x7FF0_0000_0000_0000,
            0xFFF0_0000_0000_0000,
            0x7FF8_0000_0000_0000,
            0xFFF4_0000_0000_1234,
        ];
        match self.below(4) {
            0 => self.next(),
            1 => self.below(41).wrapping_sub(20),
            2 => (self.below(2001) as f64 / 4.0 - 250.0).to_bits(),
            _ => self.of(&EDGES),
        }
    }

    fn bits128(&mut self) -> u128 {
        const BYTES: [u8; 8] = [0, 1, 0x7F, 0x80, 0xFF, 15, 16, 0x55];
        match self.below(3) {
            0 => (0..2).fold(0, |bits, _| bits << 64 | u128::from(self.bits64())),
            1 => (0..4).fold(0, |bits, _| bits << 32 | u128::from(self.bits32())),
            _ => (0..16).fold(0, |bits, _| bits << 8 | u128::from(self.of(&BYTES))),
        }
    }

    fn value(&mut self, ty: ValType) -> Val {
        match ty {
            ValType::I32 => Val::I32(self.bits32() as i32),
            ValType::F32 => Val::F32(self.bits32()),
            ValType::I64 => Val::I64(self.bits64() as i64),
            ValType::F64 => Val::F64(self.bits64()),
            _ => Val::V128(self.bits128().into()),
        }
    }
}

/// An instance, run in one of the ways.
struct Machine {
    store: Store<()>,
    instance: Instance,
}

/// What a call gave: bits of results, or a trap.
type Outcome = Result<Vec<u128>, Trap>;

impl Machine {
    fn new(bytes: &[u8], strategy: Strategy) -> Machine {
        let mut config = Config::new();
        config.wasm_features_by_name(Features::ALL.names()).unwrap();
        config.strategy(strategy).cranelift_nan_canonicalization(true);
        let engine = Engine::new(&config).unwrap();
        let module = Module::new(&engine, bytes).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        Machine { store, instance }
    }

    /// The first one interprets.
    fn all(text: &str) -> Vec<Machine> {
        let bytes = wat::parse_str(text).unwrap();
        strategies().into_iter().map(|way| Machine::new(&bytes, way)).collect()
    }

    fn call(&mut self, name: &str, args: &[Val]) -> Outcome {
        let func = self.instance.get_func(&mut self.store, name).unwrap();
        let count = func.ty(&self.store).results().len();
        let mut results = vec![Val::I32(0); count];
        match func.call(&mut self.store, args, &mut results) {
            Ok(()) => Ok(results.iter().map(bits).collect()),
            Err(error) => Err(*error.downcast_ref::<Trap>().expect("a trap")),
        }
    }
}

fn bits(value: &Val) -> u128 {
    match *value {
        Val::I32(n) => u128::from(n as u32),
        Val::I64(n) => u128::from(n as u64),
        Val::F32(bits) => bits.into(),
        Val::F64(bits) => bits.into(),
        Val::V128(v) => v.into(),
        _ => unreachable!("no references here"),
    }
}

fn name(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        _ => "v128",
    }
}

fn names(types: &[ValType]) -> String {
    types.iter().map(|&ty| format!("{} ", name(ty))).collect()
}

fn same(machines: &mut [Machine], export: &str, args: &[Val]) -> Outcome {
    let (interpreted, compiled) = machines.split_first_mut().expect("there are some");
    let expected = interpreted.call(export, args);
    for (number, machine) in compiled.iter_mut().enumerate() {
        let outcome = machine.call(export, args);
        assert_eq!(outcome, expected, "{export} {args:x?}, compiler {number}");
    }
    expected
}

/// Constants of a type, for the last operand.
fn constants(ty: ValType) -> &'static [&'static str] {
    match ty {
        ValType::I32 => &["0", "1", "7", "8", "31", "-1", "0x12345678"],
        ValType::I64 => &["0", "3", "64", "-1", "0x123456789ABCDEF"],
        ValType::F32 | ValType::F64 => &["-0", "1.5", "-inf", "nan"],
        _ => &[],
    }
}

/// An operand that is the result of something else.
fn computed(local: usize) -> String {
    format!("(select (local.get {local}) (local.get {local}) (i32.const 1)) ")
}

/// Bodies of functions whose parameters are the operands of an operator. Where these are makes other code: they are in locals; in
/// locals that are used often, which compilers keep in registers; the results of something else; or constants.
fn bodies(params: &[ValType], results: &[ValType], op: &str) -> Vec<String> {
    let all = |form: &dyn Fn(usize) -> String| (0..params.len()).map(form).collect::<String>();
    let get = |i| format!("(local.get {i}) ");
    let gets = all(&get);
    let used = all(&|i| format!("(drop (local.get {i})) ").repeat(4));
    let mut bodies = vec![
        format!("{gets} {op}"),
        format!("{used} {gets} {op}"),
        format!("{} {op}", all(&computed)),
        crowded(params, results, op),
    ];
    if let Some((&last, others)) = params.split_last() {
        let others: String = (0..others.len()).map(get).collect();
        let body = |value: &&str| format!("{others} ({}.const {value}) {op}", name(last));
        bodies.extend(constants(last).iter().map(body));
    }
    bodies
}

/// A body that computes so much before the operator that registers do not suffice, and traps if the operator changed any of it.
fn crowded(params: &[ValType], results: &[ValType], op: &str) -> String {
    let kept: String = results.iter().map(|&ty| format!("(local {}) ", name(ty))).collect();
    let ints: String =
        (1..=12).map(|i| format!("(i32.add (local.get $i) (i32.const {i})) ")).collect();
    let floats: String =
        (1..=12).map(|i| format!("(f64.add (local.get $f) (f64.const {i})) ")).collect();
    let operands: String = (0..params.len()).map(computed).collect();
    let locals = params.len() + 2..params.len() + 2 + results.len();
    let sets: String = locals.clone().rev().map(|i| format!("(local.set {i}) ")).collect();
    let gets: String = locals.map(|i| format!("(local.get {i}) ")).collect();
    let sum = |ty: &str| {
        let adds = format!("({ty}.add) ").repeat(11);
        format!("{adds} ({ty}.const 78) ({ty}.ne) (if (then unreachable)) ")
    };
    let sums = sum("f64") + &sum("i32");
    format!(
        "(local $i i32) (local $f f64) {kept} {ints} {floats} {operands} {op} {sets} {sums} {gets}"
    )
}

/// Immediates of an operator.
fn immediates(immediate: SimpleImmediate) -> Vec<String> {
    let lanes = |lane: &dyn Fn(u32) -> u32| (0..16).map(|i| format!("{} ", lane(i))).collect();
    match immediate {
        SimpleImmediate::None => vec![String::new()],
        SimpleImmediate::Lane(count) => (0..count).map(|lane| lane.to_string()).collect(),
        SimpleImmediate::Shuffle => vec![
            lanes(&|i| i),
            lanes(&|i| 31 - i),
            lanes(&|i| i / 2 + i % 2 * 16),
            lanes(&|i| i / 4 * 4 + 3 - i % 4),
            lanes(&|i| i * 11 % 32),
            lanes(&|i| i + 5),
            lanes(&|_| 21),
        ],
    }
}

#[test]
fn compiled_simple_operators_compute_what_interpreted_ones_do() {
    let mut text = String::from("(module\n");
    for row in SimpleOp::ROWS {
        let (params, results) = (names(row.params), names(row.results));
        for (n, immediate) in immediates(row.immediate).iter().enumerate() {
            let op = format!("{} {immediate}", row.mnemonic);
            for (form, body) in bodies(row.params, row.results, &op).iter().enumerate() {
                let ty = format!("(param {params}) (result {results})");
                let export = format!("(export \"{} {n} {form}\")", row.name);
                writeln!(text, "(func {export} {ty} {body})").unwrap();
            }
        }
    }
    text.push(')');
    let mut machines = Machine::all(&text);
    let mut random = Random(0x0123_4567_89AB_CDEF);
    let mut traps = 0;
    for row in SimpleOp::ROWS {
        let forms = bodies(row.params, row.results, "").len();
        for export in 0..immediates(row.immediate).len() * forms {
            let export = format!("{} {} {}", row.name, export / forms, export % forms);
            for _ in 0..60 {
                let args: Vec<Val> = row.params.iter().map(|&ty| random.value(ty)).collect();
                traps += u32::from(same(&mut machines, &export, &args).is_err());
            }
        }
    }
    assert!(traps > 500, "only {traps} traps");
}

/// A page, so that every memory has the same length.
const LEN: u64 = 65536;

/// Memories of all kinds: type, whether addresses are wide.
const MEMORIES: [(&str, bool); 5] = [
    ("1 2", false),
    ("1 2 shared", false),
    ("i64 1 2", true),
    ("i64 1 2 shared", true),
    ("65536 70000 (pagesize 1)", false),
];

/// Offsets within the guard, at its end, behind it, and beyond what there is.
const OFFSETS_32: [u64; 7] = [0, 1, 16, LEN - 1, 1 << 25, u32::MAX as u64 - 15, u32::MAX as u64];
const OFFSETS_64: [u64; 7] = [0, 1, 16, LEN - 1, 1 << 33, u64::MAX - 15, u64::MAX];

fn offsets(is_wide: bool) -> [u64; 7] {
    if is_wide { OFFSETS_64 } else { OFFSETS_32 }
}

fn address(is_wide: bool, address: u64) -> Val {
    if is_wide { Val::I64(address as i64) } else { Val::I32(address as i32) }
}

/// An access and two functions to see what is around where it writes.
fn access_module(op: AccessOp) -> String {
    let row = op.row();
    let (operands, result) = row.signature();
    let mut text = String::from("(module\n");
    for (memory, (ty, is_wide)) in MEMORIES.into_iter().enumerate() {
        let index = if is_wide { "i64" } else { "i32" };
        writeln!(text, "(memory {ty})").unwrap();
        // What is in memory at first: bytes of which no two neighbours are equal, at both ends.
        let bytes: String = (0..48).map(|i| format!("\\{:02x}", (i * 37 + 131) % 256)).collect();
        for at in [0, LEN - 48] {
            writeln!(text, "(data (memory {memory}) ({index}.const {at}) \"{bytes}\")").unwrap();
        }
        let (params, results) = (names(operands), result.map_or("", name));
        let lane = if row.kind.has_lane() { "0" } else { "" };
        let index_type = if is_wide { ValType::I64 } else { ValType::I32 };
        let operands: Vec<ValType> = [index_type].iter().chain(operands).copied().collect();
        for (number, offset) in offsets(is_wide).into_iter().enumerate() {
            let export = format!("(export \"{memory} {offset}\")");
            let ty = format!("(param {index} {params}) (result {results})");
            let op = format!("{} {memory} offset={offset} {lane}", row.mnemonic);
            // Each of them with some offset of some memory.
            let bodies = bodies(&operands, result.as_slice(), &op);
            let body = &bodies[(number + 7 * memory) % bodies.len()];
            writeln!(text, "(func {export} {ty} {body})").unwrap();
        }
        let load = format!("(v128.load {memory} (local.get 0))");
        writeln!(text, "(func (export \"{memory}\") (param {index}) (result v128) {load})")
            .unwrap();
    }
    text.push(')');
    text
}

#[test]
fn compiled_accesses_do_what_interpreted_ones_do() {
    let mut random = Random(0x0123_4567_89AB_CDEF);
    let (mut traps, mut calls) = (0, 0);
    // Waiting takes time.
    for row in AccessOp::ROWS.iter().filter(|row| row.kind != AccessKind::Wait) {
        let mut machines = Machine::all(&access_module(row.op));
        for (memory, (_, is_wide)) in MEMORIES.into_iter().enumerate() {
            for offset in offsets(is_wide) {
                for _ in 0..12 {
                    // Around the start, around the end, so that the offset leads there if it can; or anywhere.
                    let target = [random.below(20), LEN - 24 + random.below(32), random.next()];
                    let target = random.of(&target) & random.of(&[!0, !15]);
                    let at = target.wrapping_sub(offset);
                    let mut args = vec![address(is_wide, at)];
                    args.extend(row.signature().0.iter().map(|&ty| random.value(ty)));
                    let outcome = same(&mut machines, &format!("{memory} {offset}"), &args);
                    traps += u32::from(outcome.is_err());
                    calls += 1;
                }
            }
            for at in [0, 16, 32, LEN - 48, LEN - 32, LEN - 16] {
                let args = [address(is_wide, at)];
                same(&mut machines, &memory.to_string(), &args).expect("it is in bounds");
            }
        }
    }
    assert!(traps > 1000 && calls - traps > 1000, "{traps} of {calls} trapped");
}

/// Copies and fills of constant lengths, some of which are done in place.
const LENGTHS: [u64; 16] = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 40, 100, 128, 129];

fn bulk_module() -> String {
    let mut text = String::from("(module\n");
    for (memory, (ty, is_wide)) in MEMORIES.into_iter().enumerate() {
        let index = if is_wide { "i64" } else { "i32" };
        writeln!(text, "(memory {ty})").unwrap();
        let gets = "(local.get 0) (local.get 1)";
        for len in LENGTHS {
            let op = format!("{gets} ({index}.const {len}) memory.copy {memory} {memory}");
            let export = format!("(export \"copy {memory} {len}\")");
            writeln!(text, "(func {export} (param {index} {index}) {op})").unwrap();
            let op = format!("{gets} ({index}.const {len}) memory.fill {memory}");
            let export = format!("(export \"fill {memory} {len}\")");
            writeln!(text, "(func {export} (param {index} i32) {op})").unwrap();
        }
        let load = format!("(v128.load {memory} (local.get 0))");
        writeln!(text, "(func (export \"{memory}\") (param {index}) (result v128) {load})")
            .unwrap();
        let store = format!("(v128.store {memory} {gets})");
        writeln!(text, "(func (export \"set {memory}\") (param {index} v128) {store})").unwrap();
    }
    text.push(')');
    text
}

#[test]
fn compiled_copies_and_fills_of_constant_lengths_do_what_interpreted_ones_do() {
    let mut machines = Machine::all(&bulk_module());
    let mut random = Random(0x0123_4567_89AB_CDEF);
    let (mut traps, mut calls) = (0, 0);
    for (memory, (_, is_wide)) in MEMORIES.into_iter().enumerate() {
        let places: Vec<u64> = (0..20).chain((LEN / 16) - 20..LEN / 16).map(|at| 16 * at).collect();
        for len in LENGTHS {
            for _ in 0..20 {
                for &at in &places {
                    let args = [address(is_wide, at), random.value(ValType::V128)];
                    same(&mut machines, &format!("set {memory}"), &args).expect("it is in bounds");
                }
                // Around the ends, and such that what is copied overlaps.
                let start = [random.below(40), LEN - len - 4 + random.below(8), random.next()];
                let to = random.of(&start);
                let near = to.wrapping_add(random.below(9));
                let from = random.of(&[near, to.wrapping_sub(5), start[0], start[1]]);
                let args = [address(is_wide, to), address(is_wide, from)];
                let copied = same(&mut machines, &format!("copy {memory} {len}"), &args);
                let args = [address(is_wide, random.of(&start)), Val::I32(random.next() as i32)];
                let filled = same(&mut machines, &format!("fill {memory} {len}"), &args);
                traps += u32::from(copied.is_err()) + u32::from(filled.is_err());
                calls += 2;
                for &at in &places {
                    let args = [address(is_wide, at)];
                    same(&mut machines, &memory.to_string(), &args).expect("it is in bounds");
                }
            }
        }
    }
    assert!(traps > 500 && calls - traps > 500, "{traps} of {calls} trapped");
}
