//! Statements: loops above all, and what is done in them and around them.

use super::values::{clamped, digest};
use super::{FUNCS, Func, HANDLERS, HOST, LEVELS, Open, SIGNATURES, TAGS, Ty, names};
use crate::attempts::{Attempt, rethrow};
use std::fmt::Write;

impl Func<'_> {
    /// Some statements.
    pub fn statements(&mut self, depth: u32) -> String {
        (0..1 + self.choose(4)).map(|_| self.statement(depth)).collect()
    }

    /// A statement.
    pub fn statement(&mut self, depth: u32) -> String {
        let inner = depth.saturating_sub(1);
        let is_full = self.left == 0;
        self.left = self.left.saturating_sub(1);
        match if depth == 0 || is_full { self.choose(12) } else { self.choose(27) } {
            0..5 => self.assign(inner),
            5 => {
                let ty = self.any_type();
                let value = self.value(ty, inner);
                let digest = digest(ty, &value);
                match self.choose(2) {
                    0 => format!("(call $mix {digest})\n"),
                    _ => format!(
                        "(global.set $trace (i64.rotl (i64.xor (global.get $trace) {digest}) (i64.const 7)))\n"
                    ),
                }
            }
            6 | 7 => self.store(inner),
            8 => self.change(inner),
            9 => self.go_on(inner),
            10 => self.trap(),
            11 => self.throw(inner),
            12..14 => {
                let condition = self.value(Ty::I32, inner);
                let (yes, no) = (self.statements(inner), self.statements(inner));
                format!("(if {condition} (then {yes}) (else {no}))\n")
            }
            14..17 => self.call(inner),
            17 => self.leave(inner),
            18 | 19 => self.attempt(inner),
            20 if !self.handlers.is_empty() => self.rethrow(inner),
            20 => self.choose_one(inner),
            21 | 22 => self.surrounded(inner),
            _ => self.repeat(inner),
        }
    }

    /// Takes values off the stack, into locals or otherwise.
    fn take(&mut self, types: &[Ty]) -> String {
        let mut text = String::new();
        for &ty in types.iter().rev() {
            let places: Vec<usize> =
                (0..self.locals.len()).filter(|&at| self.locals[at] == ty).collect();
            if places.is_empty() || self.choose(5) == 0 {
                // The innermost operand is what is on the stack.
                let digest = digest(ty, "");
                writeln!(text, "{} (call $mix)", digest).unwrap();
            } else {
                let at = places[self.choose(places.len() as u64) as usize];
                let value = clamped(ty, &format!("(local.get $v{at})"));
                writeln!(text, "(local.set $v{at})").unwrap();
                if matches!(ty, Ty::F32 | Ty::F64) {
                    writeln!(text, "(local.set $v{at} {value})").unwrap();
                }
            }
        }
        text
    }

    fn assign(&mut self, depth: u32) -> String {
        let at = self.choose(self.locals.len() as u64) as usize;
        let ty = self.locals[at];
        let value = clamped(ty, &self.value(ty, depth + 1));
        match self.choose(6) {
            0 => format!("(drop (local.tee $v{at} {value}))\n"),
            _ => format!("(local.set $v{at} {value})\n"),
        }
    }

    fn store(&mut self, depth: u32) -> String {
        let (address, offset) = (self.address(depth), self.choose(60));
        let (op, ty) = [
            ("i32.store", Ty::I32),
            ("i32.store8", Ty::I32),
            ("i64.store", Ty::I64),
            ("f32.store", Ty::F32),
            ("f64.store", Ty::F64),
            ("v128.store", Ty::V128),
        ][self.choose(6) as usize];
        let value = self.value(ty, depth);
        match self.choose(4) {
            0 => format!("({op} $wide offset={offset} (i64.extend_i32_u {address}) {value})\n"),
            _ => format!("({op} offset={offset} {address} {value})\n"),
        }
    }

    /// Changes something else than a local.
    fn change(&mut self, depth: u32) -> String {
        match self.choose(9) {
            0 => format!("(global.set $vector {})\n", self.value(Ty::V128, depth)),
            1 => format!("(global.set $chain (call $short {}))\n", self.value(Ty::Struct, depth)),
            2 => format!("(global.set $other {})\n", self.value(Ty::Extern, depth)),
            3 => {
                let (at, value) = (self.choose(8), self.value(Ty::Func, depth));
                format!("(table.set $funcs (i32.const {at}) {value})\n")
            }
            4 => {
                let (at, value) = (self.choose(4), self.value(Ty::Extern, depth));
                format!("(table.set $others (i32.const {at}) {value})\n")
            }
            5 => {
                let value = self.value(Ty::Extern, depth);
                format!(
                    "(call $mix (i64.extend_i32_s (table.grow $others {value} (i32.const 1))))\n"
                )
            }
            6 => {
                let by = self.value(Ty::I32, depth);
                format!(
                    "(call $mix (i64.extend_i32_s (memory.grow (i32.and (i32.const 1) {by}))))\n"
                )
            }
            7 if self.has_sure => {
                let number = self.value(Ty::I32, depth);
                format!("(struct.set $s 0 (local.get $sure) {number})\n")
            }
            _ => {
                let (label, of) = (self.label(), self.value(Ty::Array, depth));
                let value = self.value(Ty::I64, depth);
                format!(
                    "(block $k{label} (br_on_null $k{label} {of}) (i32.const 0) {value} (array.set $a))\n"
                )
            }
        }
    }

    /// The next turn of a loop around, if it is not the last one.
    fn go_on(&mut self, depth: u32) -> String {
        if self.loops.is_empty() {
            return self.assign(depth);
        }
        let at = self.choose(self.loops.len() as u64) as usize;
        let Open { label, level, bound, params } = self.loops[at].clone();
        let (values, condition) = (self.values(&params, depth), self.value(Ty::I32, depth));
        let condition = format!(
            "(i32.and (i32.lt_s (local.get $i{level}) (i32.const {bound})) (i32.eq (i32.const 1) (i32.and (i32.const 3) {condition})))"
        );
        match self.choose(3) {
            0 => format!(
                "{values} (br_if $l{label} {condition}) {}\n",
                "(drop) ".repeat(params.len())
            ),
            1 => format!("(br_if $o{label} {condition})\n"),
            _ => format!("(if {condition} (then (br $l{label} {values})))\n"),
        }
    }

    /// A trap, if a loop is in a certain turn.
    fn trap(&mut self) -> String {
        if self.level == 0 || self.choose(4) != 0 {
            return self.assign(1);
        }
        let (level, turn) = (self.choose(self.level as u64), self.choose(40));
        let trap = self.one_of(&[
            "(unreachable)",
            "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
            "(drop (struct.get $s 0 (ref.null $s)))",
            "(drop (i32.load (i32.const -1)))",
            "(drop (ref.cast (ref $s) (ref.i31 (i32.const 1))))",
            "(drop (array.get $a (array.new_default $a (i32.const 3)) (i32.const 3)))",
            "(drop (table.get $funcs (i32.const 8)))",
            "(call_indirect $funcs (i32.const 0))",
            "(drop (i32.trunc_f64_s (f64.const 1e10)))",
        ]);
        format!("(if (i32.eq (local.get $i{level}) (i32.const {turn})) (then {trap}))\n")
    }

    fn throw(&mut self, depth: u32) -> String {
        let tag = self.choose(TAGS.len() as u64) as usize;
        let (condition, values) = (self.value(Ty::I32, depth), self.values(TAGS[tag], depth));
        // Without a handler it ends the call.
        let mask = if self.handlers.is_empty() { 63 } else { 3 };
        format!(
            "(if (i32.eqz (i32.and (i32.const {mask}) {condition})) (then (throw $t{tag} {values})))\n"
        )
    }

    /// A call of one of the functions, or sometimes of the host.
    fn call(&mut self, depth: u32) -> String {
        if self.choose(6) == 0 {
            let number = self.choose(HOST.len() as u64) as usize;
            let (params, results) = HOST[number];
            let values = self.values(params, depth);
            return format!("(call $h{number} {values})\n{}", self.take(results));
        }
        let callee = self.choose(FUNCS);
        let kind = callee as usize % SIGNATURES;
        let signature = self.signatures[kind].clone();
        let values = self.values(&signature.params, depth.min(1));
        let call = match self.choose(4) {
            0 => format!(
                "(call_indirect $funcs (type $sig{kind}) {values} (i32.const {}))",
                callee + 1
            ),
            1 => format!("(call_ref $sig{kind} {values} (ref.func $f{callee}))"),
            _ => format!("(call $f{callee} {values})"),
        };
        format!("{call}\n{}", self.take(&signature.results))
    }

    /// Leaves the function, by a tail call or otherwise, in a certain turn.
    fn leave(&mut self, depth: u32) -> String {
        let own = self.number as usize % SIGNATURES;
        let signature = self.signatures[own].clone();
        let fitting: Vec<u64> =
            (0..FUNCS).filter(|other| *other as usize % SIGNATURES == own).collect();
        let callee = fitting[self.choose(fitting.len() as u64) as usize];
        let (params, results) = (signature.params, signature.results);
        let leave = match self.choose(4) {
            0 => format!("(return {})", self.values(&results, depth)),
            1 => format!(
                "(return_call_indirect $funcs (type $sig{own}) {} (i32.const {}))",
                self.values(&params, depth),
                callee + 1
            ),
            2 => format!(
                "(return_call_ref $sig{own} {} (ref.func $f{callee}))",
                self.values(&params, depth)
            ),
            _ => format!("(return_call $f{callee} {})", self.values(&params, depth)),
        };
        let condition = self.value(Ty::I32, depth);
        format!("(if (i32.eq (i32.const 5) (i32.and (i32.const 15) {condition})) (then {leave}))\n")
    }

    /// One of some ways.
    fn choose_one(&mut self, depth: u32) -> String {
        let label = self.label();
        let (index, first) = (self.value(Ty::I32, depth), self.statements(depth));
        let second = self.statements(depth);
        let out =
            self.loops.last().map_or(format!("$b{label}"), |open| format!("$o{}", open.label));
        format!(
            "(block $b{label} (block $c{label} (block $d{label}
               (br_table $c{label} $d{label} {out} $b{label} $d{label} (i32.and (i32.const 7) {index})))
             {first} (br $b{label}))
             {second})\n"
        )
    }

    /// A loop in a block that may be left before it, while operands wait below the block.
    fn surrounded(&mut self, depth: u32) -> String {
        let below = self.types(5);
        let waiting = self.values(&below, depth.min(1));
        let label = self.label();
        let condition = format!("(i32.and (i32.const 1) {})", self.value(Ty::I32, depth));
        let first = self.assign(depth);
        let body = first + &self.statements(depth) + &self.repeat(depth);
        let block = match self.choose(6) {
            0 => format!("(block $b{label} (br_if $b{label} {condition}) {body})"),
            1 => format!("(if {condition} (then {body}))"),
            2 => {
                let other = self.statements(depth);
                format!("(if {condition} (then {other}) (else {body}))")
            }
            3 => {
                let value = self.value(Ty::Struct, depth);
                format!("(block $b{label} (br_on_null $b{label} {value}) {body} (drop))")
            }
            4 => {
                let (params, results) = (self.types(4), self.types(4));
                let (given, early) = (self.values(&params, 1), self.values(&results, 1));
                let (taken, late) = (self.take(&params), self.values(&results, 1));
                let left = self.take(&results);
                let drops = "(drop) ".repeat(results.len());
                format!(
                    "{given}
                    (block $b{label} (param {}) (result {})
                      {taken} {early} (br_if $b{label} {condition}) {drops} {body} {late})
                    {left}",
                    names(&params),
                    names(&results)
                )
            }
            _ => self.attempt(depth),
        };
        let rest = self.take(&below);
        format!("{waiting} {block}\n{rest}\n")
    }

    /// A loop.
    pub fn repeat(&mut self, depth: u32) -> String {
        if self.level == LEVELS {
            return self.assign(depth);
        }
        let label = self.label();
        let level = self.level;
        let params = if self.choose(2) == 0 { Vec::new() } else { self.types(6) };
        let most = [3, 10, 40, 150][self.choose(4) as usize];
        let bound = 1 + self.choose(most);
        // Operands of around, which wait below.
        let most = [4, 1][self.choose(2) as usize];
        let below = self.types(most);
        let waiting = self.values(&below, depth.min(1));
        let start = self.values(&params, depth);
        self.level += 1;
        self.loops.push(Open { label, level, bound, params: params.clone() });
        let taken = self.take(&params);
        let body = self.statements(depth);
        let back = self.back(depth);
        self.loops.pop();
        self.level -= 1;
        let rest = self.take(&below);
        let types = names(&params);
        // A loop with other values below it than those of around.
        let (inside, drops) = match self.choose(3) {
            0 => {
                let types = self.types(4);
                (self.values(&types, 1), "(drop) ".repeat(types.len()))
            }
            _ => (String::new(), String::new()),
        };
        let drops = format!("{}{drops}", "(drop) ".repeat(params.len()));
        format!(
            "{waiting}
            (block $o{label}
              (local.set $i{level} (i32.const 0))
              {inside} {start}
              (loop $l{label} (param {types}) (result {types})
                {taken}
                (global.set $turns (i32.sub (global.get $turns) (i32.const 1)))
                (br_if $o{label} (i32.lt_s (global.get $turns) (i32.const 0)))
                (local.set $i{level} (i32.add (local.get $i{level}) (i32.const 1)))
                {body}
                {back})
              {drops})
            {rest}\n"
        )
    }

    /// The way back to the head of the innermost loop, with what it takes, or on with the same values.
    fn back(&mut self, depth: u32) -> String {
        let Some(Open { label, level, bound, params }) = self.loops.last().cloned() else {
            return String::new();
        };
        let values = self.values(&params, depth);
        let types = names(&params);
        let counter = format!("(local.get $i{level})");
        let again = format!("(i32.lt_s {counter} (i32.const {bound}))");
        match self.choose(5) {
            0 => {
                format!(
                    "(block $e{label} (result {types}) {values}
                       (br_table $e{label} $l{label} $e{label} (i32.add {again} (i32.mul (i32.const 2) (i32.eq {counter} (i32.const 77))))))"
                )
            }
            1 => {
                let other = self.values(&params, depth);
                format!("(if {again} (then (br $l{label} {values}))) {other}")
            }
            2 if params.last() == Some(&Ty::Struct) => {
                let other = self.values(&params, depth);
                let drops = "(drop) ".repeat(params.len() - 1);
                format!("(if {again} (then {values} (br_on_non_null $l{label}) {drops})) {other}")
            }
            2 if params.last() == Some(&Ty::Any) => {
                let drops = "(drop) ".repeat(params.len());
                let other = self.values(&params, depth);
                let to = self.one_of(&["(ref $s)", "(ref i31)", "(ref null $a)"]);
                format!(
                    "(if {again} (then {values} (br_on_cast $l{label} anyref {to}) {drops})) {other}"
                )
            }
            2 if params.is_empty() => {
                let value = self.value(Ty::Array, depth);
                format!("(if {again} (then (br_on_null $l{label} {value}) (drop)))")
            }
            3 => {
                // Out of the loop around, too, or on with it.
                let around = self.loops.iter().rev().skip(1).find(|open| open.params.is_empty());
                let Some(around) = around.cloned() else {
                    return format!("{values} (br_if $l{label} {again})");
                };
                let condition = self.value(Ty::I32, depth);
                let Open { label: outer, level: at, bound: most, .. } = around;
                format!(
                    "(br_if $l{outer} (i32.and (i32.lt_s (local.get $i{at}) (i32.const {most})) (i32.eq (i32.const 7) (i32.and (i32.const 31) {condition}))))
                    {values} (br_if $l{label} {again})"
                )
            }
            _ => format!("{values} (br_if $l{label} {again})"),
        }
    }

    /// Throws again what one of the open handlers caught.
    fn rethrow(&mut self, depth: u32) -> String {
        if !self.rethrows {
            return self.assign(depth);
        }
        let condition = self.value(Ty::I32, depth);
        let at = self.choose(self.handlers.len() as u64) as usize;
        let rethrow = rethrow(self.form, self.handlers[at], at);
        format!("(if (i32.eqz (i32.and (i32.const 3) {condition})) (then {rethrow}))\n")
    }

    /// Code with handlers.
    fn attempt(&mut self, depth: u32) -> String {
        let label = self.label();
        let body = self.statements(depth);
        let mut tags: Vec<Option<usize>> = Vec::new();
        for _ in 0..self.choose(3) {
            tags.push(Some(self.choose(TAGS.len() as u64) as usize));
        }
        if tags.is_empty() || self.choose(2) == 0 {
            tags.push(None);
        }
        let own = self.handlers.len();
        let mut handlers = Vec::new();
        for tag in tags {
            let taken = match tag {
                Some(tag) => self.take(TAGS[tag]),
                None => "(call $mix (i64.const 7))\n".into(),
            };
            let inside = if own < HANDLERS {
                self.handlers.push(label);
                let inside = self.statements(depth);
                self.handlers.pop();
                inside
            } else {
                String::new()
            };
            handlers.push((tag, taken + &inside));
        }
        let own = (own < HANDLERS).then_some(own);
        let attempt = Attempt { label, body: &body, handlers: &handlers, own };
        attempt.text(self.form, |tag| names(TAGS[tag]))
    }
}
