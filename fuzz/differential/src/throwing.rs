//! Programs that throw and catch all the time, as text, in both forms of exceptions.
//!
//! The generator that other modules come from seldom throws. Here a seed decides a program, whose `try`s are then written
//! with `try_table` (for both runtimes) and with the legacy instructions (for Riser alone): all three must do the same.

use crate::attempts::{Attempt, Form, rethrow};
use crate::generate::Random;
use std::fmt::Write;

/// The functions of a program, each of type `(i32 i64) -> i32`.
const FUNCS: u64 = 6;
/// The tags, with the constants that stand for their values, and code that takes the values off the stack.
const TAGS: [(&str, &str, &str); 6] = [
    ("", "", "(call $mix (i64.const 1))"),
    ("i32", "(i32.const 4)", "(call $mix (i64.extend_i32_s))"),
    ("i64 f64", "(i64.const 5) (f64.const 6)", "(i64.trunc_sat_f64_s) (call $mix) (call $mix)"),
    (
        "v128 i32",
        "(v128.const i64x2 7 8) (i32.const 9)",
        "(call $mix (i64.extend_i32_s)) (call $mix (i64x2.extract_lane 1))",
    ),
    (
        "i32 funcref f32 i64 i32 externref",
        "(i32.const 1) (ref.null func) (f32.const 2) (i64.const 3) (i32.const 4) (ref.null extern)",
        "(call $mix (i64.extend_i32_u (ref.is_null))) (call $mix (i64.extend_i32_s)) (call $mix)
         (call $mix (i64.extend_i32_u (i32.reinterpret_f32)))
         (call $mix (i64.extend_i32_u (ref.is_null))) (call $mix (i64.extend_i32_s))",
    ),
    (
        "(ref null $pair) i32",
        "(struct.new $pair (i32.const 5) (struct.new $pair (i32.const 6) (ref.null $pair))) (i32.const 7)",
        "(call $mix (i64.extend_i32_s)) (call $mix (i64.extend_i32_s (call $sum)))",
    ),
];

/// The program of a seed.
pub fn binary(seed: u64, form: Form) -> Vec<u8> {
    wat::parse_str(program(seed, form)).expect("well-formed text")
}

/// The program of a seed, as text.
fn program(seed: u64, form: Form) -> String {
    let mut text =
        String::from("(module (type $pair (struct (field i32) (field (ref null $pair))))\n");
    for (number, (types, ..)) in TAGS.iter().enumerate() {
        writeln!(text, "(tag $t{number} (export \"t{number}\") (param {types}))").unwrap();
    }
    text.push_str(
        "(type $f (func (param i32 i64) (result i32)))
        (global $budget (mut i32) (i32.const 0))
        (global $trace (export \"trace\") (mut i64) (i64.const 0))
        (memory (export \"memory\") 1)
        (func $sum (param $at (ref null $pair)) (result i32) (local $sum i32)
          (block $end
            (loop $next
              (br_if $end (ref.is_null (local.get $at)))
              (local.set $sum (i32.add (local.get $sum) (struct.get $pair 0 (local.get $at))))
              (local.set $at (struct.get $pair 1 (local.get $at)))
              (br $next)))
          (local.get $sum))
        (func $mix (param i64)
          (global.set $trace (i64.add (local.get 0) (i64.mul (global.get $trace) (i64.const 1000003)))))\n",
    );
    let funcs: Vec<String> = (0..FUNCS).map(|number| format!("$f{number}")).collect();
    writeln!(text, "(table funcref (elem {}))", funcs.join(" ")).unwrap();
    writeln!(text, "(elem declare func {})", funcs.join(" ")).unwrap();
    let mut random = Random::new(seed ^ 0x5EED_0F00);
    for number in 0..FUNCS {
        let mut func = Func { random: &mut random, form, labels: 0, handlers: Vec::new() };
        let body = func.statements(4);
        let result = func.int(2);
        let locals: String = (0..DEPTH).map(|depth| format!("(local $x{depth} exnref)")).collect();
        writeln!(
            text,
            "(func $f{number} (type $f) (local $a i32) (local $b i64) (local $c f64) {locals}
              (global.set $budget (i32.sub (global.get $budget) (i32.const 1)))
              (if (i32.lt_s (global.get $budget) (i32.const 0)) (then (return (i32.const 0))))
              {body} {result})
            (func (export \"f{number}\") (type $f)
              (global.set $budget (i32.const 60))
              (call $f{number} (local.get 0) (local.get 1)))"
        )
        .unwrap();
    }
    text.push(')');
    text
}

/// Handlers are nested at most so deep.
const DEPTH: usize = 4;

/// A function under construction.
struct Func<'r> {
    random: &'r mut Random,
    form: Form,
    labels: u32,
    /// The labels of the handlers that are open.
    handlers: Vec<u32>,
}

impl Func<'_> {
    fn choose(&mut self, count: u64) -> u64 {
        self.random.next() % count
    }

    /// An expression of type `i32`.
    fn int(&mut self, depth: u32) -> String {
        let choice = if depth == 0 { self.choice_of_leaf() } else { self.choose(9) };
        let inner = depth.saturating_sub(1);
        match choice {
            0 => "(local.get 0)".into(),
            1 => "(local.get $a)".into(),
            2 => format!("(i32.const {})", self.choose(9)),
            3 => "(i32.wrap_i64 (local.get 1))".into(),
            4 => format!("(i32.add {} {})", self.int(inner), self.int(inner)),
            5 => format!("(i32.xor {} {})", self.int(inner), self.int(inner)),
            6 => {
                let add = self.int(inner);
                format!("(i32.add {add} {})", self.call(inner))
            }
            7 => format!("(i32.wrap_i64 {})", self.long(inner)),
            _ => {
                let (first, second) = (self.int(inner), self.int(inner));
                format!("(i32.sub {first} (block (result i32) {} {second}))", self.statement(inner))
            }
        }
    }

    fn choice_of_leaf(&mut self) -> u64 {
        self.choose(4)
    }

    /// An expression of type `i64`.
    fn long(&mut self, depth: u32) -> String {
        match self.choose(4) {
            0 => "(local.get 1)".into(),
            1 => "(local.get $b)".into(),
            2 => "(global.get $trace)".into(),
            _ => format!("(i64.extend_i32_s {})", self.int(depth.saturating_sub(1))),
        }
    }

    /// A call with an `i32` as result.
    fn call(&mut self, depth: u32) -> String {
        let (callee, first, second) =
            (self.choose(FUNCS), self.int(depth.min(1)), self.long(depth.min(1)));
        match self.choose(3) {
            0 => format!("(call_indirect (type $f) {first} {second} (i32.const {callee}))"),
            1 => format!("(call_ref $f {first} {second} (ref.func $f{callee}))"),
            _ => format!("(call $f{callee} {first} {second})"),
        }
    }

    fn statements(&mut self, depth: u32) -> String {
        let count = 1 + self.choose(3);
        (0..count).map(|_| self.statement(depth)).collect()
    }

    fn statement(&mut self, depth: u32) -> String {
        let inner = depth.saturating_sub(1);
        let choice = if depth == 0 { self.choose(5) } else { self.choose(14) };
        match choice {
            0 => format!("(local.set $a {})\n", self.int(inner)),
            1 => format!("(local.set $b {})\n", self.long(inner)),
            2 => format!("(call $mix {})\n", self.long(inner)),
            3 => format!("(local.set 0 {})\n", self.int(inner)),
            4 | 5 => self.throw(inner),
            6 => format!("(i32.store (i32.const {}) {})\n", self.choose(60), self.call(inner)),
            7 => self.leave(inner),
            8 => format!("(if {} (then {}))\n", self.int(inner), self.statements(inner)),
            9 if !self.handlers.is_empty() => self.rethrow(inner),
            _ => self.attempt(inner),
        }
    }

    /// Throws, most times.
    fn throw(&mut self, depth: u32) -> String {
        let tag = self.choose(TAGS.len() as u64) as usize;
        let condition = self.int(depth);
        let values = match tag {
            1 => self.int(depth),
            2 => format!("{} (f64.convert_i32_s {})", self.long(depth), self.int(depth)),
            3 => format!("(i64x2.splat {}) {}", self.long(depth), self.int(depth)),
            5 => format!(
                "(struct.new $pair {} (struct.new $pair {} (ref.null $pair))) {}",
                self.int(depth),
                self.int(depth),
                self.int(depth)
            ),
            _ => TAGS[tag].1.into(),
        };
        format!("(if {condition} (then (throw $t{tag} {values})))\n")
    }

    /// Leaves the function, by a tail call or otherwise.
    fn leave(&mut self, depth: u32) -> String {
        let (condition, callee) = (self.int(depth), self.choose(FUNCS));
        let (first, second) = (self.int(depth), self.long(depth));
        let leave = match self.choose(4) {
            0 => format!("(return {first})"),
            1 => format!("(return_call_indirect (type $f) {first} {second} (i32.const {callee}))"),
            2 => format!("(return_call_ref $f {first} {second} (ref.func $f{callee}))"),
            _ => format!("(return_call $f{callee} {first} {second})"),
        };
        format!("(if (i32.eq (i32.const 3) (i32.and (i32.const 3) {condition})) (then {leave}))\n")
    }

    /// Throws again what one of the open handlers caught.
    fn rethrow(&mut self, depth: u32) -> String {
        let condition = self.int(depth);
        let at = self.choose(self.handlers.len() as u64) as usize;
        let rethrow = rethrow(self.form, self.handlers[at], at);
        format!("(if {condition} (then {rethrow}))\n")
    }

    /// Code with handlers.
    fn attempt(&mut self, depth: u32) -> String {
        self.labels += 1;
        let label = self.labels;
        let body = self.statements(depth);
        let mut tags: Vec<usize> = Vec::new();
        for _ in 0..self.choose(3) {
            tags.push(self.choose(TAGS.len() as u64) as usize);
        }
        let catches_all = tags.is_empty() || self.choose(2) == 0;
        let own = self.handlers.len();
        let mut handlers = Vec::new();
        for place in 0..tags.len() + usize::from(catches_all) {
            let take = tags.get(place).map_or("(call $mix (i64.const 77))", |tag| TAGS[*tag].2);
            let inside = if own < DEPTH {
                self.handlers.push(label);
                let inside = self.statements(depth);
                self.handlers.pop();
                inside
            } else {
                String::new()
            };
            handlers.push((tags.get(place).copied(), format!("{take} {inside}")));
        }
        let own = (own < DEPTH).then_some(own);
        let attempt = Attempt { label, body: &body, handlers: &handlers, own };
        attempt.text(self.form, |tag| TAGS[tag].0.into())
    }
}
