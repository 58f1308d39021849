//! Expressions of every type, as text.

use super::{Func, Ty};

/// Floats stay so small that no operation in here gives an infinity or a NaN, whose bits may differ.
const FLOAT_MAX: &str = "1e6";

/// An expression with a float made small.
pub fn clamped(ty: Ty, value: &str) -> String {
    match ty {
        Ty::F32 | Ty::F64 => {
            let t = ty.name();
            format!("({t}.min ({t}.const {FLOAT_MAX}) ({t}.max ({t}.const -{FLOAT_MAX}) {value}))")
        }
        _ => value.into(),
    }
}

/// An `i64` that depends on a value.
pub fn digest(ty: Ty, value: &str) -> String {
    match ty {
        Ty::I32 => format!("(i64.extend_i32_s {value})"),
        Ty::I64 => value.into(),
        Ty::F32 => format!("(i64.extend_i32_u (i32.reinterpret_f32 {value}))"),
        Ty::F64 => format!("(i64.reinterpret_f64 {value})"),
        Ty::V128 => format!("(call $fold {value})"),
        Ty::Struct => format!("(i64.extend_i32_s (call $sum {value}))"),
        Ty::Array => format!("(call $peek {value})"),
        _ => format!("(i64.extend_i32_u (ref.is_null {value}))"),
    }
}

/// A value that needs nothing.
pub fn simplest(ty: Ty) -> String {
    match ty {
        Ty::I32 | Ty::I64 | Ty::F32 | Ty::F64 => format!("({}.const 3)", ty.name()),
        Ty::V128 => "(v128.const i32x4 1 2 3 4)".into(),
        Ty::Func => "(ref.null func)".into(),
        Ty::Extern => "(ref.null extern)".into(),
        Ty::Any | Ty::I31 => "(ref.null none)".into(),
        Ty::Struct => "(ref.null $s)".into(),
        Ty::Array => "(ref.null $a)".into(),
    }
}

impl Func<'_> {
    /// An expression of a type.
    pub fn value(&mut self, ty: Ty, depth: u32) -> String {
        // Most operands are locals: those are what has to be carried over.
        let leaf = depth == 0 || self.choose(4) == 0;
        if leaf && self.choose(5) != 0 {
            return self.local(ty).unwrap_or_else(|| simplest(ty));
        }
        let inner = depth.saturating_sub(1);
        if depth > 0 && self.choose(12) == 0 {
            return self.structured(ty, inner);
        }
        match ty {
            Ty::I32 => self.int(inner, leaf),
            Ty::I64 => self.long(inner, leaf),
            Ty::F32 => self.float(inner, leaf),
            Ty::F64 => self.double(inner, leaf),
            Ty::V128 => self.vector(inner, leaf),
            _ => self.reference(ty, inner, leaf),
        }
    }

    /// Values of types, one after the other.
    pub fn values(&mut self, types: &[Ty], depth: u32) -> String {
        types.iter().map(|&ty| self.value(ty, depth) + " ").collect()
    }

    /// A value that control brings: with statements, perhaps loops, while operands wait below.
    fn structured(&mut self, ty: Ty, depth: u32) -> String {
        let t = ty.name();
        match self.choose(4) {
            0 => {
                let (condition, yes) = (self.value(Ty::I32, depth), self.value(ty, depth));
                let no = self.value(ty, depth);
                format!("(if (result {t}) {condition} (then {yes}) (else {no}))")
            }
            1 => {
                let (yes, no) = (self.value(ty, depth), self.value(ty, depth));
                format!("(select (result {t}) {yes} {no} {})", self.value(Ty::I32, depth))
            }
            2 => {
                let label = self.label();
                let (early, late) = (self.value(ty, depth), self.value(ty, depth));
                let condition = self.value(Ty::I32, depth);
                let statement = self.statement(depth);
                format!(
                    "(block $b{label} (result {t}) (drop (br_if $b{label} {early} {condition})) {statement} {late})"
                )
            }
            _ => {
                let statement = self.statement(depth);
                format!("(block (result {t}) {statement} {})", self.value(ty, depth))
            }
        }
    }

    fn int(&mut self, depth: u32, leaf: bool) -> String {
        if leaf {
            return match self.choose(3) {
                0 => "(global.get $turns)".into(),
                1 => "(memory.size)".into(),
                _ => format!("(i32.const {})", self.random.interesting() as i32),
            };
        }
        let choice = self.choose(16);
        if choice < 6 {
            let ops = ["add", "sub", "mul", "xor", "shl", "rotr", "shr_s", "and", "or", "lt_u"];
            let op = self.one_of(&ops);
            let (a, b) = (self.value(Ty::I32, depth), self.value(Ty::I32, depth));
            return format!("(i32.{op} {a} {b})");
        }
        let ty = match choice {
            6 | 7 => Ty::I64,
            8 => Ty::F32,
            9 => Ty::F64,
            10 => Ty::V128,
            11 => Ty::Struct,
            12 => self.any_reference(),
            _ => Ty::I32,
        };
        let a = self.value(ty, depth);
        match choice {
            6 => format!("(i32.wrap_i64 {a})"),
            7 => format!("(i64.lt_s {a} {})", self.value(Ty::I64, depth)),
            8 => format!("(i32.trunc_sat_f32_s {a})"),
            9 => format!("(f64.ge {a} {})", self.value(Ty::F64, depth)),
            10 => format!(
                "({} {a})",
                self.one_of(&["i8x16.bitmask", "v128.any_true", "i16x8.extract_lane_s 3"])
            ),
            11 => {
                let other = [Ty::Struct, Ty::Array, Ty::I31][self.choose(3) as usize];
                format!("(ref.eq {a} {})", self.value(other, depth))
            }
            12 => format!("(ref.is_null {a})"),
            13 => format!("({} {})", self.load("i32"), self.address(depth)),
            14 => format!(
                "({} {a})",
                self.one_of(&["i32.clz", "i32.popcnt", "i32.eqz", "i32.extend8_s"])
            ),
            _ => format!("(call $sum {})", self.value(Ty::Struct, depth)),
        }
    }

    fn long(&mut self, depth: u32, leaf: bool) -> String {
        if leaf {
            return match self.choose(2) {
                0 => "(global.get $trace)".into(),
                _ => format!("(i64.const {})", self.random.interesting() as i64),
            };
        }
        match self.choose(8) {
            0..4 => {
                let op = self.one_of(&["add", "sub", "mul", "xor", "rotl", "shr_u", "or"]);
                let (a, b) = (self.value(Ty::I64, depth), self.value(Ty::I64, depth));
                format!("(i64.{op} {a} {b})")
            }
            4 => format!("({} {})", self.load("i64"), self.address(depth)),
            5 => {
                let address = self.value(Ty::I64, depth);
                let offset = self.choose(1000);
                format!("(i64.load $wide offset={offset} (i64.and (i64.const 0xfff8) {address}))")
            }
            6 => {
                let ty = self.any_type();
                let value = self.value(ty, depth);
                digest(ty, &value)
            }
            _ => {
                // A result that does not fit one register.
                let (a, b) = (self.value(Ty::I64, depth), self.value(Ty::I64, depth));
                format!("(block (result i64) (i64.mul_wide_u {a} {b}) (i64.xor))")
            }
        }
    }

    fn float(&mut self, depth: u32, leaf: bool) -> String {
        if leaf {
            return format!("(f32.const {}.5)", self.choose(99));
        }
        match self.choose(6) {
            0 | 1 => {
                let op = self.one_of(&["add", "sub", "min", "max", "copysign"]);
                let (a, b) = (self.value(Ty::F32, depth), self.value(Ty::F32, depth));
                format!("(f32.{op} {a} {b})")
            }
            2 => format!("(f32.convert_i32_s {})", self.value(Ty::I32, depth)),
            3 => format!("(f32.demote_f64 {})", self.value(Ty::F64, depth)),
            4 => format!("(f32.sqrt (f32.abs {}))", self.value(Ty::F32, depth)),
            _ => format!("(f32.neg {})", self.value(Ty::F32, depth)),
        }
    }

    fn double(&mut self, depth: u32, leaf: bool) -> String {
        if leaf {
            return format!("(f64.const -{}.25)", self.choose(99));
        }
        match self.choose(6) {
            0 | 1 => {
                let op = self.one_of(&["add", "sub", "min", "max", "copysign"]);
                let (a, b) = (self.value(Ty::F64, depth), self.value(Ty::F64, depth));
                format!("(f64.{op} {a} {b})")
            }
            2 => format!("(f64.convert_i64_u {})", self.value(Ty::I64, depth)),
            3 => format!("(f64.promote_f32 {})", self.value(Ty::F32, depth)),
            4 => format!("(f64.mul (f64.const 1.5) {})", self.value(Ty::F64, depth)),
            _ => format!("(f64.nearest {})", self.value(Ty::F64, depth)),
        }
    }

    fn vector(&mut self, depth: u32, leaf: bool) -> String {
        if leaf {
            let (a, b) = (self.random.interesting(), self.random.next());
            return format!("(v128.const i64x2 {a} {b})");
        }
        match self.choose(9) {
            0..3 => {
                let ops = ["i32x4.add", "i16x8.mul", "v128.xor", "i8x16.swizzle", "i64x2.sub"];
                let op = self.one_of(&ops);
                let (a, b) = (self.value(Ty::V128, depth), self.value(Ty::V128, depth));
                format!("({op} {a} {b})")
            }
            3 => format!("(i64x2.splat {})", self.value(Ty::I64, depth)),
            4 => {
                let (a, b) = (self.value(Ty::V128, depth), self.value(Ty::I32, depth));
                let op =
                    self.one_of(&["i32x4.replace_lane 2", "i8x16.replace_lane 9", "i32x4.shl"]);
                format!("({op} {a} {b})")
            }
            5 => {
                let (a, b) = (self.value(Ty::V128, depth), self.value(Ty::F32, depth));
                format!("(f32x4.add (f32x4.convert_i32x4_s {a}) (f32x4.splat {b}))")
            }
            6 => format!("(v128.load offset={} {})", self.choose(99), self.address(depth)),
            7 => "(global.get $vector)".into(),
            _ => {
                let (a, b) = (self.value(Ty::V128, depth), self.value(Ty::V128, depth));
                format!("(v128.bitselect {a} {b} {})", self.value(Ty::V128, depth))
            }
        }
    }

    fn reference(&mut self, ty: Ty, depth: u32, leaf: bool) -> String {
        match (ty, self.choose(4)) {
            (Ty::Func, 0) => format!("(table.get $funcs (i32.const {})) ", self.choose(8)),
            (Ty::Func, 1 | 2) => format!("(ref.func $f{})", self.choose(super::FUNCS)),
            (Ty::Extern, 0) => format!("(table.get $others (i32.const {}))", self.choose(4)),
            (Ty::Extern, 1) if !leaf => {
                format!("(extern.convert_any {})", self.value(Ty::Any, depth))
            }
            (Ty::Extern, 2) => "(global.get $other)".into(),
            (Ty::Any, 3) if !leaf => {
                format!("(any.convert_extern {})", self.value(Ty::Extern, depth))
            }
            (Ty::Any, 0) if !leaf => self.value(Ty::Struct, depth),
            (Ty::Any, 1) if !leaf => self.value(Ty::I31, depth),
            (Ty::Any, 2) if !leaf => self.value(Ty::Array, depth),
            (Ty::I31, 0..3) => format!("(ref.i31 {})", self.value(Ty::I32, depth.min(1))),
            (Ty::Struct, 0) => "(global.get $chain)".into(),
            (Ty::Struct, 1) if !leaf => {
                // Never trapping: null gives null.
                let label = self.label();
                let from = self.value(Ty::Struct, depth);
                format!(
                    "(block $n{label} (result (ref null $s)) (br_on_null $n{label} (ref.null $s) {from}) (struct.get $s 1) (br $n{label}))"
                )
            }
            (Ty::Struct, _) if !leaf => {
                let (number, next) = (self.value(Ty::I32, depth), self.value(Ty::Struct, depth));
                let any = self.value(Ty::Any, depth);
                format!("(struct.new $s {number} (call $short {next}) {any})")
            }
            (Ty::Array, _) if !leaf => {
                let value = self.value(Ty::I64, depth);
                match self.choose(2) {
                    0 => format!("(array.new $a {value} (i32.const {}))", 1 + self.choose(20)),
                    _ => format!("(array.new_fixed $a 2 {value} {})", self.value(Ty::I64, depth)),
                }
            }
            _ => self.local(ty).unwrap_or_else(|| simplest(ty)),
        }
    }

    /// An address in the first memory, with room for what is there.
    pub fn address(&mut self, depth: u32) -> String {
        format!("(i32.and (i32.const 0xfff0) {})", self.value(Ty::I32, depth))
    }

    fn load(&mut self, ty: &str) -> String {
        let kinds: &[&str] = match ty {
            "i32" => &["load", "load8_s", "load16_u"],
            _ => &["load", "load32_s", "load8_u"],
        };
        let kind = self.one_of(kinds);
        format!("{ty}.{kind} offset={}", self.choose(8))
    }
}
