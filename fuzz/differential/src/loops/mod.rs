//! Programs that are in loops most of the time, as text.
//!
//! The generator that other modules come from makes few loops that turn often. Here a seed decides a program of loops in loops, with
//! values of all types live around them: in locals, as operands that wait below them and below blocks around them that may be left early,
//! and as parameters of the loops. Handlers are around loops and in them, loops call and are called again by what they call, results are
//! many. So wherever a loop goes on in other code, something would be missed that is lost on the way. `values.rs` has the expressions,
//! `statements.rs` what they are for.
//!
//! Each program ends: turns and calls are counted in globals.

mod statements;
mod values;

use crate::attempts::Form;
use crate::generate::Random;
use std::fmt::Write;
use values::{clamped, digest, simplest};

/// How many functions a program has, each with an export that calls it.
const FUNCS: u64 = 5;
/// Their types are fewer, so that they can take each other's place.
const SIGNATURES: usize = 3;
/// Loops are nested so deep at most.
const LEVELS: usize = 5;
/// And handlers, as far as their exceptions are thrown again.
const HANDLERS: usize = 3;

/// The types of values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ty {
    I32,
    I64,
    F32,
    F64,
    V128,
    Func,
    Extern,
    Any,
    I31,
    Struct,
    Array,
}

impl Ty {
    const ALL: [Ty; 11] = [
        Ty::I32,
        Ty::I64,
        Ty::F32,
        Ty::F64,
        Ty::V128,
        Ty::Func,
        Ty::Extern,
        Ty::Any,
        Ty::I31,
        Ty::Struct,
        Ty::Array,
    ];

    fn name(self) -> &'static str {
        match self {
            Ty::I32 => "i32",
            Ty::I64 => "i64",
            Ty::F32 => "f32",
            Ty::F64 => "f64",
            Ty::V128 => "v128",
            Ty::Func => "funcref",
            Ty::Extern => "externref",
            Ty::Any => "anyref",
            Ty::I31 => "i31ref",
            Ty::Struct => "(ref null $s)",
            Ty::Array => "(ref null $a)",
        }
    }
}

fn names(types: &[Ty]) -> String {
    types.iter().map(|ty| format!("{} ", ty.name())).collect()
}

/// The tags, by what they carry.
const TAGS: [&[Ty]; 4] =
    [&[], &[Ty::I32], &[Ty::F64, Ty::V128, Ty::I64], &[Ty::Struct, Ty::I32, Ty::Extern]];

/// The functions of the host: parameters and results.
const HOST: [(&[Ty], &[Ty]); 2] = [
    (&[Ty::I32, Ty::Struct, Ty::V128], &[Ty::I64]),
    (&[Ty::I64, Ty::F64, Ty::Any, Ty::Func, Ty::F32], &[Ty::V128, Ty::I32, Ty::Struct]),
];

/// The type of a function.
#[derive(Clone)]
struct Signature {
    params: Vec<Ty>,
    results: Vec<Ty>,
}

/// What all programs have.
const COMMON: &str = "
    (type $s (struct (field (mut i32)) (field (mut (ref null $s))) (field anyref)))
    (type $a (array (mut i64)))
    (global $turns (mut i32) (i32.const 0))
    (global $calls (mut i32) (i32.const 0))
    (global $trace (export \"trace\") (mut i64) (i64.const 0))
    (global $vector (export \"vector\") (mut v128) (v128.const i64x2 1 2))
    (global $chain (export \"chain\") (mut (ref null $s)) (ref.null $s))
    (global $other (export \"other\") (mut externref) (ref.null extern))
    (memory (export \"memory\") 2 4)
    (memory $wide (export \"wide\") i64 2 2)
    (table $funcs (export \"funcs\") 8 funcref)
    (table $others (export \"others\") 4 40 externref)
    (func $sum (param $at (ref null $s)) (result i32) (local $sum i32) (local $left i32)
      (local.set $left (i32.const 4))
      (block $end
        (loop $next
          (br_if $end (ref.is_null (local.get $at)))
          (br_if $end (i32.eqz (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
          (local.set $sum (i32.add (i32.mul (i32.const 31) (local.get $sum)) (struct.get $s 0 (local.get $at))))
          (local.set $at (struct.get $s 1 (local.get $at)))
          (br $next)))
      (local.get $sum))
    ;; A chain that has not grown too long.
    (func $short (param $at (ref null $s)) (result (ref null $s)) (local $from (ref null $s)) (local $left i32)
      (local.set $from (local.get $at))
      (local.set $left (i32.const 9))
      (loop $next
        (if (ref.is_null (local.get $at)) (then (return (local.get $from))))
        (local.set $at (struct.get $s 1 (local.get $at)))
        (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (ref.null $s))
    (func $peek (param $of (ref null $a)) (result i64)
      (if (ref.is_null (local.get $of)) (then (return (i64.const 77))))
      (array.get $a (local.get $of) (i32.const 0)))
    (func $fold (param v128) (result i64)
      (i64.xor (i64x2.extract_lane 0 (local.get 0)) (i64.rotl (i64x2.extract_lane 1 (local.get 0)) (i64.const 9))))
    (func $mix (param i64)
      (global.set $trace (i64.add (local.get 0) (i64.mul (global.get $trace) (i64.const 1000003)))))
";

/// The program of a seed.
pub fn binary(seed: u64, form: Form) -> Vec<u8> {
    let text = program(seed, form);
    wat::parse_str(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"))
}

/// The program of a seed, as text.
fn program(seed: u64, form: Form) -> String {
    let mut random = Random::new(seed ^ 0x100B_100B);
    let mut text = String::from("(module\n");
    for (number, (params, results)) in HOST.iter().enumerate() {
        let (params, results) = (names(params), names(results));
        // The types of the module come first.
        writeln!(
            text,
            "(import \"host\" \"h{number}\" (func $h{number} (param {params}) (result {results})))"
        )
        .unwrap();
    }
    text.push_str(COMMON);
    for (number, types) in TAGS.iter().enumerate() {
        writeln!(text, "(tag $t{number} (param {}))", names(types)).unwrap();
    }
    let mut signatures = Vec::new();
    for number in 0..SIGNATURES {
        let signature = signature(&mut random);
        let (params, results) = (names(&signature.params), names(&signature.results));
        writeln!(text, "(type $sig{number} (func (param {params}) (result {results})))").unwrap();
        signatures.push(signature);
    }
    let funcs: Vec<String> = (0..FUNCS).map(|number| format!("$f{number}")).collect();
    writeln!(text, "(elem (table $funcs) (i32.const 1) func {})", funcs.join(" ")).unwrap();
    for number in 0..FUNCS {
        text.push_str(&function(&mut random, form, &signatures, number));
    }
    text.push(')');
    text
}

/// Few values or many.
fn signature(random: &mut Random) -> Signature {
    let mut some = |most: [u64; 4]| -> Vec<Ty> {
        let count = random.next() % most[(random.next() % 4) as usize];
        (0..count).map(|_| Ty::ALL[(random.next() % Ty::ALL.len() as u64) as usize]).collect()
    };
    Signature { params: some([4, 5, 8, 16]), results: some([2, 3, 4, 12]) }
}

/// A function, and the export that calls it.
fn function(random: &mut Random, form: Form, signatures: &[Signature], number: u64) -> String {
    let kind = number as usize % SIGNATURES;
    let signature = &signatures[kind];
    let mut locals: Vec<Ty> = signature.params.clone();
    let most = [6, 12, 12, 40][(random.next() % 4) as usize];
    for _ in 0..4 + random.next() % most {
        locals.push(Ty::ALL[(random.next() % Ty::ALL.len() as u64) as usize]);
    }
    // In some functions exceptions are thrown again.
    let rethrows = random.next().is_multiple_of(4);
    let left = [8, 20, 50][(random.next() % 3) as usize];
    let turns = 20 << (random.next() % 7);
    let mut func = Func {
        random,
        form,
        signatures,
        number,
        locals,
        has_sure: false,
        labels: 0,
        level: 0,
        loops: Vec::new(),
        handlers: Vec::new(),
        rethrows,
        left,
    };
    let body = func.body();
    let locals: String = (signature.params.len()..)
        .zip(&func.locals[signature.params.len()..])
        .map(|(at, ty)| format!("(local $v{at} {}) ", ty.name()))
        .collect();
    let params: String = (0..)
        .zip(&signature.params)
        .map(|(at, ty)| format!("(param $v{at} {}) ", ty.name()))
        .collect();
    let counters: String = (0..LEVELS).map(|level| format!("(local $i{level} i32) ")).collect();
    let kept: String = (0..HANDLERS).map(|at| format!("(local $x{at} exnref) ")).collect();
    let results = names(&signature.results);
    let args: String = (0..signature.params.len()).map(|at| format!("(local.get {at}) ")).collect();
    format!(
        "(func $f{number} (type $sig{kind}) {params} (result {results}) {locals} {counters} {kept} (local $sure (ref $s))
        {body})
        (func (export \"f{number}\") (type $sig{kind})
          (global.set $calls (i32.const 25)) (global.set $turns (i32.const {turns}))
          (call $f{number} {args}))\n"
    )
}

/// A loop that is open.
#[derive(Clone)]
struct Open {
    label: u32,
    level: usize,
    /// It goes on while its counter is less.
    bound: u64,
    /// What it takes.
    params: Vec<Ty>,
}

/// A function under construction.
struct Func<'r> {
    random: &'r mut Random,
    form: Form,
    signatures: &'r [Signature],
    number: u64,
    /// Parameters and other locals.
    locals: Vec<Ty>,
    /// Whether the local that cannot be null has a value.
    has_sure: bool,
    labels: u32,
    /// How many loops are around.
    level: usize,
    loops: Vec<Open>,
    /// The labels of the handlers that are open.
    handlers: Vec<u32>,
    rethrows: bool,
    /// So many statements more, or it would become too long.
    left: u32,
}

impl Func<'_> {
    fn choose(&mut self, count: u64) -> u64 {
        self.random.next() % count
    }

    fn one_of(&mut self, names: &[&'static str]) -> &'static str {
        names[self.choose(names.len() as u64) as usize]
    }

    fn label(&mut self) -> u32 {
        self.labels += 1;
        self.labels
    }

    fn any_type(&mut self) -> Ty {
        Ty::ALL[self.choose(Ty::ALL.len() as u64) as usize]
    }

    fn any_reference(&mut self) -> Ty {
        Ty::ALL[5 + self.choose(Ty::ALL.len() as u64 - 5) as usize]
    }

    fn types(&mut self, most: u64) -> Vec<Ty> {
        (0..self.choose(most)).map(|_| self.any_type()).collect()
    }

    /// A local of a type, if there is one.
    fn local(&mut self, ty: Ty) -> Option<String> {
        if ty == Ty::Struct && self.has_sure && self.choose(3) == 0 {
            return Some("(local.get $sure)".into());
        }
        if ty == Ty::I32 && self.level > 0 && self.choose(3) == 0 {
            return Some(format!("(local.get $i{})", self.choose(self.level as u64)));
        }
        let count = self.locals.len();
        let from = self.choose(count as u64) as usize;
        let places = (from..count).chain(0..from);
        let place = places.into_iter().find(|&place| self.locals[place] == ty)?;
        Some(format!("(local.get $v{place})"))
    }

    /// Everything that the function does.
    fn body(&mut self) -> String {
        let signature = self.signatures[self.number as usize % SIGNATURES].clone();
        let early: String = signature.results.iter().map(|&ty| simplest(ty) + " ").collect();
        let mut text = format!(
            "(global.set $calls (i32.sub (global.get $calls) (i32.const 1)))
            (if (i32.lt_s (global.get $calls) (i32.const 0)) (then (return {early})))\n"
        );
        for (at, &ty) in signature.params.iter().enumerate() {
            if matches!(ty, Ty::F32 | Ty::F64) {
                let value = clamped(ty, &format!("(local.get $v{at})"));
                writeln!(text, "(local.set $v{at} {value})").unwrap();
            }
        }
        // Values that differ, before the first loop.
        for at in signature.params.len()..self.locals.len() {
            if self.choose(4) != 0 {
                let ty = self.locals[at];
                let value = clamped(ty, &self.value(ty, 2));
                writeln!(text, "(local.set $v{at} {value})").unwrap();
            }
        }
        text.push_str(&self.statements(2));
        text.push_str(&self.repeat(3));
        if self.choose(2) == 0 {
            let value = self.value(Ty::Struct, 1);
            writeln!(text, "(local.set $sure (struct.new $s (i32.const 8) (call $short {value}) (ref.null none)))").unwrap();
            self.has_sure = true;
            text.push_str(&self.statements(2));
            text.push_str(&self.repeat(3));
        }
        for at in 0..self.locals.len() {
            let value = digest(self.locals[at], &format!("(local.get $v{at})"));
            writeln!(text, "(call $mix {value})").unwrap();
        }
        text + &self.values(&signature.results, 1)
    }
}
