//! Lowered code as text: one instruction a line, with its place, its name and its fields; then what it catches.

use crate::catches::{Catches, NONE};
use crate::code::{
    COMPARISONS, Field, Lowered, Misc, Opcode, SCALARS, TO_ACC, WIDE_COMPARISONS, add_branch,
    branch, region, select,
};
use crate::exec::WORD;
use alloc::format;
use alloc::string::String;
use core::fmt::Write;
use riser_ops::{AccessKind, AccessOp, AccessRow, SimpleImmediate, SimpleOp, ValType};

/// The text of a function.
pub(crate) fn text(lowered: &Lowered) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "; frame {}", lowered.frame_slots);
    for (i, instr) in lowered.instrs.iter().enumerate() {
        if instr.at < lowered.entry {
            continue;
        }
        let end = lowered.instrs.get(i + 1).map_or(lowered.code.len(), |next| next.at as usize);
        let start = instr.at as usize + WORD;
        let mut line = Line { out: &mut out, code: &lowered.code[..end], at: start };
        let _ = write!(line.out, "{:4} ", instr.at);
        line.instruction(instr.opcode);
        let complete = line.at == end;
        debug_assert!(complete, "fields and name agree: {:?} {}", instr.opcode, line.at);
        out.push('\n');
    }
    catches(&mut out, &lowered.catches);
    out
}

/// What is caught: a line for each piece of code with the clause that is tried first, then a line for each clause.
fn catches(out: &mut String, table: &Catches) {
    let link = |clause: u32| match clause {
        NONE => String::from("the caller"),
        clause => format!("c{clause}"),
    };
    for mark in &table.marks {
        let _ = writeln!(out, "; from {:4}: {}", mark.from, link(mark.first));
    }
    for (number, clause) in table.clauses.iter().enumerate() {
        let _ = match clause.tag {
            NONE => write!(out, "; c{number}: all"),
            tag => write!(out, "; c{number}: tag {tag} s{}.. <-", clause.payload),
        };
        if clause.reference != NONE {
            let _ = write!(out, ", exception s{} <-", clause.reference);
        }
        let _ = writeln!(out, " -> {}, else {}", clause.target, link(clause.next));
    }
}

/// A line under construction.
struct Line<'a> {
    out: &'a mut String,
    code: &'a [u8],
    at: usize,
}

impl Line<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let bytes = self.code.get(self.at..self.at + N).and_then(|bytes| bytes.try_into().ok());
        self.at += N;
        bytes.unwrap_or([0; N])
    }

    fn jump(&mut self) -> String {
        let from = self.at as i64;
        format!("-> {}", from + i64::from(i32::from_ne_bytes(self.take())))
    }

    fn field(&mut self, field: Field) {
        let text = match field {
            Field::D => format!("s{} <-", u16::from_ne_bytes(self.take())),
            Field::S => format!("s{}", u16::from_ne_bytes(self.take())),
            Field::B => format!("s{}..", u16::from_ne_bytes(self.take())),
            Field::N16 => format!("{}", u16::from_ne_bytes(self.take())),
            Field::N32 => format!("{}", u32::from_ne_bytes(self.take())),
            Field::I32 => format!("#{}", i32::from_ne_bytes(self.take())),
            Field::I64 => format!("#{:#x}", u64::from_ne_bytes(self.take())),
            Field::I128 => format!("#{:#x}", u128::from_ne_bytes(self.take())),
            Field::J => self.jump(),
            Field::Jumps => {
                let count = u32::from_ne_bytes(self.take());
                let mut all = String::new();
                for _ in 0..count {
                    let jump = self.jump();
                    let _ = write!(all, "{jump} ");
                }
                String::from(all.trim_end())
            }
        };
        let _ = write!(self.out, " {text}");
    }

    fn fields(&mut self, name: &str, fields: &[Field]) {
        self.out.push_str(name);
        for &field in fields {
            self.field(field);
        }
    }

    fn instruction(&mut self, Opcode(opcode): Opcode) {
        match opcode {
            region::VECTOR.. => self.vector(opcode - region::VECTOR),
            region::MUL_ADD.. => {
                self.result("i32.mul_add", opcode - region::MUL_ADD);
                self.scaled(opcode - region::MUL_ADD);
            }
            region::ADD_BRANCH.. => self.add_branch(opcode - region::ADD_BRANCH),
            region::WIDE_BRANCH.. => self.wide_branch(opcode - region::WIDE_BRANCH),
            region::WIDE.. => self.wide(opcode - region::WIDE),
            region::INDEXED.. => self.indexed(opcode - region::INDEXED),
            region::ACCESS.. => self.access(opcode - region::ACCESS),
            region::BRANCH.. => self.branch(opcode - region::BRANCH),
            region::SCALAR.. => self.scalar(opcode - region::SCALAR),
            region::GLOBAL_ADD.. => {
                self.result("global.add", opcode - region::GLOBAL_ADD);
                self.field(Field::N32);
                self.field(Field::I32);
            }
            region::GLOBAL.. => {
                self.result("global.get", opcode - region::GLOBAL);
                self.field(Field::N32);
            }
            region::SELECT.. => self.select(opcode - region::SELECT),
            _ => {
                let (name, fields) = Misc::ROWS[usize::from(opcode)];
                self.fields(name, fields);
            }
        }
    }

    /// A name, and where the result goes.
    fn result(&mut self, name: &str, variant: u16) {
        self.out.push_str(name);
        if variant & TO_ACC == 0 {
            self.field(Field::D);
        } else {
            let _ = self.take::<2>();
            self.out.push_str(" a <-");
        }
    }

    /// An operand at a place: 's', 'a' or 'i'.
    fn operand(&mut self, place: char, ty: ValType) {
        match (place, ty) {
            ('s', _) => self.field(Field::S),
            ('a', _) => self.out.push_str(" a"),
            (_, ValType::F64) => self.field(Field::I64),
            _ => self.field(Field::I32),
        }
    }

    fn operands(&mut self, op: SimpleOp, variant: u16) {
        const PLACES: [&str; 8] = ["ss", "as", "sa", "si", "ai", "aa", "is", "ia"];
        let params = op.row().params;
        let places = PLACES[usize::from(variant & 7)];
        for (place, &ty) in places.chars().zip(params) {
            self.operand(place, ty);
        }
    }

    fn scalar(&mut self, at: u16) {
        let row = &SimpleOp::ROWS[usize::from(at / 16)];
        self.result(row.mnemonic, at);
        if row.results.len() == 2 {
            row.params.iter().for_each(|_| self.field(Field::S));
        } else {
            self.operands(row.op, at % 8);
        }
    }

    fn branch(&mut self, at: u16) {
        let op = match at / 16 {
            branch::AND => SimpleOp::I32And,
            comparison => SimpleOp::ROWS[usize::from(comparison)].op,
        };
        debug_assert!(usize::from(at / 16) <= COMPARISONS);
        self.out.push_str(if at & branch::NOT == 0 { "br_if " } else { "br_unless " });
        self.out.push_str(op.row().mnemonic);
        self.operands(op, at % 8);
        self.field(Field::J);
    }

    fn vector(&mut self, at: u16) {
        let row = &SimpleOp::ROWS[SCALARS + usize::from(at)];
        self.result(row.mnemonic, 0);
        row.params.iter().for_each(|_| self.field(Field::S));
        match row.immediate {
            SimpleImmediate::None => {}
            SimpleImmediate::Lane(_) => {
                let [lane] = self.take();
                let _ = write!(self.out, " lane {lane}");
            }
            SimpleImmediate::Shuffle => {
                let lanes: [u8; 16] = self.take();
                let _ = write!(self.out, " {lanes:?}");
            }
        }
    }

    /// The fields of a product with a constant, added to a slot.
    fn scaled(&mut self, variant: u16) {
        self.operand(if variant & 1 == 1 { 'a' } else { 's' }, ValType::I32);
        self.field(Field::I32);
        self.field(Field::S);
    }

    fn add_branch(&mut self, at: u16) {
        let row = &SimpleOp::ROWS[usize::from(at / 16)];
        self.result("i32.add", 0);
        self.field(Field::S);
        self.field(Field::I32);
        self.out.push_str(if at & branch::NOT == 0 { ", br_if " } else { ", br_unless " });
        self.out.push_str(row.mnemonic);
        match (row.params.len(), at % 8) {
            (1, _) => {}
            (_, add_branch::S) => self.field(Field::S),
            _ => self.field(Field::I32),
        }
        self.field(Field::J);
    }

    fn wide(&mut self, at: u16) {
        let op = match usize::from(at / 16) {
            comparison @ 0..WIDE_COMPARISONS => SimpleOp::I64Eq as usize + comparison,
            other => SimpleOp::I64Add as usize + other - WIDE_COMPARISONS,
        };
        self.result(SimpleOp::ROWS[op].mnemonic, at);
        self.operand(if at & 1 == 1 { 'a' } else { 's' }, ValType::I64);
        self.field(Field::I64);
    }

    fn wide_branch(&mut self, at: u16) {
        let op = SimpleOp::I64Eq as usize + usize::from(at / 16);
        self.out.push_str(if at & branch::NOT == 0 { "br_if " } else { "br_unless " });
        self.out.push_str(SimpleOp::ROWS[op].mnemonic);
        self.operand(if at & 1 == 1 { 'a' } else { 's' }, ValType::I64);
        self.field(Field::I64);
        self.field(Field::J);
    }

    fn indexed(&mut self, at: u16) {
        const PLACES: [&str; 4] = ["ss", "as", "si", "ai"];
        self.result(AccessOp::ROWS[usize::from(at / 16)].mnemonic, at);
        match usize::from(at % 8) {
            sum @ 0..4 => PLACES[sum].chars().for_each(|place| self.operand(place, ValType::I32)),
            _ => self.scaled(at),
        }
        self.field(Field::N32);
    }

    fn select(&mut self, at: u16) {
        let (name, ty) = match at / 16 {
            0 => ("select", ValType::I32),
            1 => ("select.f32", ValType::F32),
            _ => ("select.f64", ValType::F64),
        };
        self.result(name, at);
        let is = |bit: u16| at & bit != 0;
        self.operand(if is(select::COND_ACC) { 'a' } else { 's' }, ValType::I32);
        self.operand(if is(select::FIRST_IMM) { 'i' } else { 's' }, ty);
        self.operand(if is(select::SECOND_IMM) { 'i' } else { 's' }, ty);
    }

    fn atomic(&mut self, row: &AccessRow) {
        let (operands, result) = row.signature();
        self.out.push_str(row.mnemonic);
        if result.is_some() {
            self.field(Field::D);
        }
        (0..1 + operands.len()).for_each(|_| self.field(Field::S));
        self.field(Field::N32);
        self.field(Field::I64);
    }

    fn access(&mut self, at: u16) {
        const LOADS: [&str; 5] = ["s", "a", "", "s", "s"];
        const STORES: [&str; 11] = ["ss", "sa", "si", "as", "aa", "ai", "s", "a", "i", "ss", "ss"];
        let row = &AccessOp::ROWS[usize::from(at / 16)];
        let variant = at % 16;
        if row.kind.is_atomic() {
            return self.atomic(row);
        }
        let is_store = matches!(row.kind, AccessKind::Store | AccessKind::StoreLane);
        let places = if is_store {
            self.out.push_str(row.mnemonic);
            STORES[usize::from(variant)]
        } else {
            self.result(row.mnemonic, variant);
            LOADS[usize::from(variant % 8)]
        };
        places.chars().for_each(|place| self.operand(place, ValType::I32));
        if row.kind == AccessKind::LoadLane {
            self.field(Field::S);
        }
        if row.kind.has_lane() {
            self.field(Field::N16);
        }
        let is_far = if is_store { variant >= 9 } else { matches!(variant % 8, 3 | 4) };
        self.field(Field::N32);
        if is_far {
            self.field(Field::I64);
        }
    }
}
