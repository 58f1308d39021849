//! Generated functions of any size: one long body in a module, and what it must compute.
//!
//! A compiler whose time or memory grows faster than the body is an open door: whoever sends a module chooses its bodies. These
//! are the shapes in which compilers have met such growth. `cargo xtask bench compile` measures it; a test compiles and runs
//! them. The result is computed here, beside the body, so that no runtime need be trusted.

/// How a body is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Arithmetic on a few locals, without a branch.
    StraightLine,
    /// Blocks inside of each other, and a branch to each.
    Nesting,
    /// One `br_table` with a label for each case.
    BranchTable,
    /// As many locals as a function may have, all of them alive at the end.
    ManyLocals,
    /// Calls of small functions.
    ManyCalls,
}

impl Shape {
    /// All of them.
    pub const ALL: [Shape; 5] = [
        Shape::StraightLine,
        Shape::Nesting,
        Shape::BranchTable,
        Shape::ManyLocals,
        Shape::ManyCalls,
    ];

    /// What it is called in a table.
    pub fn name(self) -> &'static str {
        match self {
            Shape::StraightLine => "straight line",
            Shape::Nesting => "nesting",
            Shape::BranchTable => "br_table",
            Shape::ManyLocals => "many locals",
            Shape::ManyCalls => "many calls",
        }
    }

    /// A module with a function `f(i32) -> i64` of this shape, whose body has about so many bytes.
    pub fn generate(self, body_bytes: usize) -> Generated {
        match self {
            Shape::StraightLine => straight_line(body_bytes),
            Shape::Nesting => nesting(body_bytes),
            Shape::BranchTable => branch_table(body_bytes),
            Shape::ManyLocals => many_locals(body_bytes),
            Shape::ManyCalls => many_calls(body_bytes),
        }
    }
}

/// A module, and what it computes.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The binary; it imports nothing and exports `f`.
    pub wasm: Vec<u8>,
    /// How long the body of `f` is.
    pub body_bytes: usize,
    /// Arguments for `f`, and the results.
    pub results: Vec<(i32, i64)>,
}

const I32: u8 = 0x7f;
const I64: u8 = 0x7e;
const EMPTY: u8 = 0x40;

const BLOCK: u8 = 0x02;
const END: u8 = 0x0b;
const BR: u8 = 0x0c;
const BR_IF: u8 = 0x0d;
const BR_TABLE: u8 = 0x0e;
const CALL: u8 = 0x10;
const LOCAL_GET: u8 = 0x20;
const LOCAL_SET: u8 = 0x21;
const I32_CONST: u8 = 0x41;
const I64_CONST: u8 = 0x42;
const I32_EQ: u8 = 0x46;
const I64_ADD: u8 = 0x7c;
const I64_MUL: u8 = 0x7e;
const I64_XOR: u8 = 0x85;
const I64_ROTL: u8 = 0x89;
const I64_EXTEND_I32_S: u8 = 0xac;

/// The bytes of a module in the making.
#[derive(Clone, Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn op(&mut self, op: u8) -> &mut Self {
        self.0.push(op);
        self
    }

    /// An operator and its index.
    fn with(&mut self, op: u8, index: usize) -> &mut Self {
        self.op(op).unsigned(index)
    }

    fn unsigned(&mut self, mut value: usize) -> &mut Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.op(value as u8)
    }

    /// A constant operator and its value.
    fn constant(&mut self, op: u8, mut value: i64) -> &mut Self {
        self.0.push(op);
        while !(-0x40..0x40).contains(&value) {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.op(value as u8 & 0x7f)
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Bytes behind their length.
    fn sized(&mut self, bytes: &[u8]) -> &mut Self {
        self.unsigned(bytes.len()).bytes(bytes)
    }

    fn section(&mut self, id: u8, contents: &Bytes) -> &mut Self {
        self.op(id).sized(&contents.0)
    }

    /// `sum = sum * 31 + value`.
    fn fold(&mut self, sum: usize, value: i64) -> &mut Self {
        self.with(LOCAL_GET, sum).constant(I64_CONST, 31).op(I64_MUL);
        self.constant(I64_CONST, value).op(I64_ADD).with(LOCAL_SET, sum)
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

fn fold(sum: i64, value: i64) -> i64 {
    sum.wrapping_mul(31).wrapping_add(value)
}

/// The module of `f`, with some locals of type i64 behind its parameter, and of helpers `(i64) -> i64` before it.
fn module(locals: usize, code: Bytes, helpers: &[Bytes], results: Vec<(i32, i64)>) -> Generated {
    let mut body = Bytes::default();
    body.unsigned(1).unsigned(locals).op(I64).bytes(&code.0).op(END);
    let mut types = Bytes::default();
    types.bytes(&[2, 0x60, 1, I32, 1, I64, 0x60, 1, I64, 1, I64]);
    let (mut funcs, mut bodies) = (Bytes::default(), Bytes::default());
    funcs.unsigned(helpers.len() + 1);
    bodies.unsigned(helpers.len() + 1);
    for helper in helpers {
        funcs.unsigned(1);
        let mut body = Bytes::default();
        body.unsigned(0).bytes(&helper.0).op(END);
        bodies.sized(&body.0);
    }
    funcs.unsigned(0);
    bodies.sized(&body.0);
    let mut exports = Bytes::default();
    exports.unsigned(1).sized(b"f").with(0, helpers.len());
    let mut wasm = Bytes::default();
    wasm.bytes(b"\0asm\x01\0\0\0");
    wasm.section(1, &types).section(3, &funcs).section(7, &exports).section(10, &bodies);
    Generated { wasm: wasm.0, body_bytes: body.len(), results }
}

/// Numbers without a pattern that a compiler could find: a linear congruence.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % below
    }
}

fn straight_line(size: usize) -> Generated {
    const LOCALS: usize = 8;
    let mut code = Bytes::default();
    code.with(LOCAL_GET, 0).op(I64_EXTEND_I32_S).with(LOCAL_SET, 1);
    let mut steps = Vec::new();
    let mut numbers = Numbers(1);
    while code.len() + 16 < size {
        let mut local = || numbers.next(LOCALS as u64) as usize;
        let (a, b, to) = (local(), local(), local());
        let (number, op) = (numbers.next(1 << 20) as i64, numbers.next(4));
        code.with(LOCAL_GET, a + 1).with(LOCAL_GET, b + 1);
        code.op([I64_ADD, I64_MUL, I64_XOR, I64_ROTL][op as usize]);
        code.constant(I64_CONST, number).op(I64_ADD).with(LOCAL_SET, to + 1);
        steps.push((a, b, to, number, op));
    }
    code.with(LOCAL_GET, 1);
    let run = |argument: i32| {
        let mut locals = [0i64; LOCALS];
        locals[0] = argument.into();
        for &(a, b, to, number, op) in &steps {
            let (a, b) = (locals[a], locals[b]);
            let value = match op {
                0 => a.wrapping_add(b),
                1 => a.wrapping_mul(b),
                2 => a ^ b,
                _ => a.rotate_left(b as u32 & 63),
            };
            locals[to] = value.wrapping_add(number);
        }
        // The last step may have gone anywhere; the first local is what is returned.
        locals[0]
    };
    let results = [1, -7].map(|argument| (argument, run(argument)));
    module(LOCALS, code, &[], results.to_vec())
}

/// Argument `n` leaves the n-th block from the inside; behind each block something is added.
fn nesting(size: usize) -> Generated {
    let depth = (size / 26).max(2);
    let mut code = Bytes::default();
    for _ in 0..depth {
        code.op(BLOCK).op(EMPTY);
    }
    for level in 0..depth {
        code.with(LOCAL_GET, 0).constant(I32_CONST, level as i64).op(I32_EQ).with(BR_IF, level);
    }
    for level in 0..depth {
        code.op(END).fold(1, level as i64);
    }
    code.with(LOCAL_GET, 1);
    let run = |from: usize| (from..depth).fold(0, |sum, level| fold(sum, level as i64));
    let results = [0, 1, depth / 2, depth - 1].map(|from| (from as i32, run(from)));
    let mut results = results.to_vec();
    results.push((-1, run(0)));
    module(1, code, &[], results)
}

/// Argument `n` is case `n`, a larger one the last; a case goes to the end.
fn branch_table(size: usize) -> Generated {
    let cases = (size / 21).max(2);
    let mut code = Bytes::default();
    for _ in 0..=cases {
        code.op(BLOCK).op(EMPTY);
    }
    code.with(LOCAL_GET, 0).with(BR_TABLE, cases - 1);
    for case in 0..cases {
        code.unsigned(case);
    }
    for case in 0..cases {
        code.op(END).fold(1, case as i64 + 1);
        if case % 4 == 3 {
            // Most cases fall through to the next one, so that values meet.
            code.with(BR, cases - 1 - case);
        }
    }
    code.op(END).with(LOCAL_GET, 1);
    let run = |from: usize| {
        let last = (from | 3).min(cases - 1);
        (from..=last).fold(0, |sum, case| fold(sum, case as i64 + 1))
    };
    let mut results: Vec<(i32, i64)> =
        [0, 1, cases / 2, cases - 1].map(|case| (case as i32, run(case))).to_vec();
    results.push((-1, run(cases - 1)));
    module(1, code, &[], results)
}

/// How many locals a function may have, its parameter included.
const LOCALS_MAX: usize = 50_000;

fn many_locals(size: usize) -> Generated {
    // What each is made of, and what adds it at the end, takes about so many bytes.
    let locals = (size / 17).clamp(2, LOCALS_MAX - 2);
    let mut code = Bytes::default();
    code.with(LOCAL_GET, 0).op(I64_EXTEND_I32_S).with(LOCAL_SET, 1);
    let mut steps = Vec::new();
    let mut numbers = Numbers(2);
    for local in 1..locals {
        let from = numbers.next(local as u64) as usize;
        let number = numbers.next(1000) as i64;
        code.with(LOCAL_GET, from + 1).constant(I64_CONST, number).op(I64_MUL);
        code.with(LOCAL_SET, local + 1);
        steps.push((from, number));
    }
    code.with(LOCAL_GET, 1);
    for local in 1..locals {
        code.with(LOCAL_GET, local + 1).op(I64_XOR);
    }
    let run = |argument: i32| {
        let mut values = vec![i64::from(argument)];
        for &(from, number) in &steps {
            values.push(values[from].wrapping_mul(number));
        }
        values.iter().fold(0, |sum, value| sum ^ value)
    };
    let results = [1, -7].map(|argument| (argument, run(argument)));
    module(locals, code, &[], results.to_vec())
}

fn many_calls(size: usize) -> Generated {
    const HELPERS: usize = 64;
    let helpers: Vec<Bytes> = (0..HELPERS)
        .map(|helper| {
            let mut code = Bytes::default();
            code.with(LOCAL_GET, 0).constant(I64_CONST, helper as i64 * 2 + 3).op(I64_MUL);
            code.constant(I64_CONST, helper as i64).op(I64_ADD).clone()
        })
        .collect();
    let mut code = Bytes::default();
    code.with(LOCAL_GET, 0).op(I64_EXTEND_I32_S).with(LOCAL_SET, 1);
    let mut steps = Vec::new();
    let mut numbers = Numbers(3);
    while code.len() + 16 < size {
        let helper = numbers.next(HELPERS as u64) as usize;
        let (from, to) = (numbers.next(4) as usize, numbers.next(4) as usize);
        code.with(LOCAL_GET, from + 1).with(CALL, helper);
        code.with(LOCAL_GET, to + 1).op(I64_XOR).with(LOCAL_SET, to + 1);
        steps.push((helper, from, to));
    }
    code.with(LOCAL_GET, 1);
    let run = |argument: i32| {
        let mut locals = [i64::from(argument), 0, 0, 0];
        for &(helper, from, to) in &steps {
            let helper = helper as i64;
            locals[to] ^= locals[from].wrapping_mul(helper * 2 + 3).wrapping_add(helper);
        }
        locals[0]
    };
    let results = [1, -7].map(|argument| (argument, run(argument)));
    module(4, code, &helpers, results.to_vec())
}
