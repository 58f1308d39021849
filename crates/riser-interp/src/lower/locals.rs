//! Locals, globals, constants, `drop` and `select`.

use super::Lowerer;
use super::emit::Acc;
use super::operands::{Class, Enc, Local, Operand, Place, Zeroing};
use crate::code::{Misc, Opcode, binary, region, select as at};
use crate::exec::WORD;
use riser_ops::{FuncType, GlobalIdx, LocalIdx, SimpleOp, ValType};

/// The bytes of the instruction that zeroes locals.
const ZERO_BYTES: u32 = WORD as u32 + 8;

impl Lowerer<'_> {
    /// Lays the frame out and zeroes the declared locals.
    pub(super) fn begin_frame(&mut self, ty: &FuncType, locals: &[(u32, ValType)]) {
        self.results.extend(ty.results());
        for &param in ty.params() {
            self.add_local(param, Zeroing::No);
        }
        let results: u32 = ty.results().iter().map(|ty| ty.slots()).sum();
        if self.scratch.is_some() {
            // Behind the results as well, which are written one after the other when the function ends.
            let first = self.top.max(results);
            self.scratch = Some(first);
            self.top = first + super::SCRATCH;
        }
        let first = self.top;
        for &(count, ty) in locals {
            for _ in 0..count {
                // References are seen by the collector at any time.
                self.add_local(ty, if ty.is_ref() { Zeroing::Yes } else { Zeroing::Unknown });
            }
        }
        self.add_caught();
        self.out.frame_slots = self.top.max(results);
        self.begin_zeroing(self.top - first);
    }

    fn add_local(&mut self, ty: ValType, zeroing: Zeroing) {
        let class = Class::of(ty);
        let slot = self.top;
        self.locals.push(Local { slot, class, ty, operand: super::NONE, zeroing });
        if let Some(map) = &mut self.map {
            map.local(slot, ty);
        }
        self.top += class.width();
    }

    /// Makes room for the instruction that zeroes `count` slots of locals. Which of them it must be known
    /// only at the end of the prefix.
    fn begin_zeroing(&mut self, count: u32) {
        if count > 0 {
            self.emit(Misc::ZeroN);
            self.u32(0);
            self.u32(0);
        }
    }

    /// The prefix is over: from here on, nothing is known of the order in which locals are used. Settles which
    /// slots are zeroed when the function is entered: all from the first to the last one that must be.
    pub(super) fn end_prefix(&mut self) {
        if !core::mem::replace(&mut self.prefix, false) {
            return;
        }
        let is_needed = |local: &Local| local.zeroing != Zeroing::No;
        let (Some(first), Some(last)) =
            (self.locals.iter().position(is_needed), self.locals.iter().rposition(is_needed))
        else {
            // Whatever stands at the start is not executed.
            let has_zeroing = self
                .out
                .instrs
                .first()
                .is_some_and(|instr| instr.at == 0 && instr.opcode == Misc::ZeroN.into());
            self.out.entry = if has_zeroing { ZERO_BYTES } else { 0 };
            return;
        };
        let first = self.locals[first].slot;
        let last = &self.locals[last];
        let count = last.slot + last.class.width() - first;
        // Some more slots may be zeroed: nothing is in them yet.
        let ops = [
            (Misc::Zero1, 1),
            (Misc::Zero2, 2),
            (Misc::Zero3, 3),
            (Misc::Zero4, 4),
            (Misc::Zero6, 6),
            (Misc::Zero8, 8),
            (Misc::Zero12, 12),
            (Misc::Zero16, 16),
        ];
        let op = ops.into_iter().find(|&(_, zeroed)| count <= zeroed);
        let at = WORD as u32;
        if let Some((op, zeroed)) = op {
            self.out.instrs[0].opcode = op.into();
            self.out.frame_slots = self.out.frame_slots.max(first + zeroed);
        }
        self.set_word_at(at, first);
        self.set_word_at(at + 4, count);
    }

    pub(super) fn op_local_get(&mut self, local: LocalIdx) {
        let Local { ty, zeroing, .. } = &mut self.locals[local.index()];
        if *zeroing == Zeroing::Unknown {
            *zeroing = Zeroing::Yes;
        }
        let ty = *ty;
        self.push(Place::Local(local.0), ty);
    }

    pub(super) fn op_local_set(&mut self, local: LocalIdx) {
        self.set_local(local);
    }

    pub(super) fn op_local_tee(&mut self, local: LocalIdx) {
        match self.set_local(local) {
            Place::Const(bits) => self.push_const(self.locals[local.index()].ty, bits),
            _ => self.op_local_get(local),
        }
    }

    /// Takes the top operand and makes it the value of a local. Gives where the operand was.
    fn set_local(&mut self, local: LocalIdx) -> Place {
        let operand = self.pop();
        if operand.place == Place::Local(local.0) {
            return operand.place;
        }
        let zeroing = &mut self.locals[local.index()].zeroing;
        if self.prefix && *zeroing == Zeroing::Unknown {
            *zeroing = Zeroing::No;
        }
        let Local { slot, class, .. } = self.locals[local.index()];
        let width = class.width();
        let last = self.last.filter(|last| {
            let is_near = slot + width <= u32::from(u16::MAX);
            operand.place == Place::Slot && last.dst == operand.slot && is_near
        });
        self.release(local.0, last);
        if last.is_none() {
            self.copy(slot, &operand);
            return operand.place;
        }
        // The instruction that computed the operand can write the local itself.
        let Some(instr) = self.out.instrs.last() else { return operand.place };
        let field = instr.at as usize + WORD;
        self.out.code[field..field + 2].copy_from_slice(&(slot as u16).to_ne_bytes());
        for i in 0..width {
            self.wrote(slot + i);
        }
        for acc in &mut self.accs {
            if acc.slot == operand.slot {
                *acc = Acc { slot, producer: super::NONE };
            }
        }
        self.last = None;
        operand.place
    }

    pub(super) fn op_global_get(&mut self, global: GlobalIdx, ty: ValType) {
        let class = Class::of(ty);
        let slot = self.push_slot(ty);
        let dest = self.dest(slot, class.width());
        let number = self.emit(match class {
            Class::Int => Opcode(region::GLOBAL),
            Class::F32 => Misc::GlobalGetF32.into(),
            Class::F64 => Misc::GlobalGetF64.into(),
            Class::V128 => Misc::GlobalGetV128.into(),
        });
        self.u16(dest.field);
        self.u32(self.layout.global(global));
        let number = (class != Class::V128).then_some(number);
        self.written(dest, class, class.width(), number);
        if class != Class::Int {
            self.keep_slots();
        }
    }

    pub(super) fn op_global_set(&mut self, global: GlobalIdx) {
        let operand = self.pop();
        let cell = self.layout.global(global);
        if self.move_global(cell, &operand) || self.set_sum(cell, &operand) {
            return;
        }
        let enc = match operand.class {
            Class::Int => self.use_any(&operand),
            _ => Enc::S(self.use_slot(&operand)),
        };
        self.emit(match enc {
            Enc::S(_) if operand.class == Class::V128 => Misc::GlobalSetV128,
            Enc::S(_) | Enc::W(_) => Misc::GlobalSetS,
            Enc::A => Misc::GlobalSetIntA,
            Enc::I(_) => Misc::GlobalSetI,
        });
        self.enc(enc, operand.class);
        self.u32(cell);
    }

    /// If the operand is the global's old value and a constant, added by the last instruction (the prologue of
    /// a function with a frame in memory), lets that instruction write the global.
    fn move_global(&mut self, cell: u32, operand: &Operand) -> bool {
        let Some(instr) = self.last_instr() else { return false };
        let slot = self.slot_of(operand);
        if instr.opcode != Opcode(region::GLOBAL_ADD)
            || matches!(operand.place, Place::Const(_))
            || u32::from(self.slot_field(instr.at, 0)) != slot
            || self.word_at(instr.at + WORD as u32 + 2) != cell
        {
            return false;
        }
        if let Some(instr) = self.out.instrs.last_mut() {
            instr.opcode = Misc::GlobalMove.into();
        }
        self.keep_slots();
        self.last = None;
        true
    }

    /// If the operand is a slot and a constant, added by the last instruction, takes that instruction back and
    /// writes the sum to the global.
    fn set_sum(&mut self, cell: u32, operand: &Operand) -> bool {
        let add = Opcode::scalar(SimpleOp::I32Add, binary::SI);
        if self.computed_by(operand) != Some(add) {
            return false;
        }
        let sum = self.take_last();
        self.emit(Misc::GlobalSetSum);
        self.copy_fields(&sum);
        self.u32(cell);
        true
    }

    pub(super) fn op_v128_const(&mut self, bits: u128) {
        let slot = self.push_slot(ValType::V128);
        let dest = self.dest(slot, 2);
        self.emit(Misc::Const128);
        self.u16(dest.field);
        self.u64(bits as u64);
        self.u64((bits >> 64) as u64);
        self.written(dest, Class::V128, 2, None);
    }

    pub(super) fn op_select(&mut self, ty: ValType) {
        let cond = self.pop();
        let second = self.pop();
        let first = self.pop();
        let class = Class::of(ty);
        if class == Class::V128 {
            return self.select_vector(&[cond, first, second]);
        }
        let cond = self.use_slot_or_acc(&cond);
        let [first, second] = [first, second].map(|operand| match operand.place {
            Place::Const(bits) if class == Class::Int && class.fits_immediate(bits) => Enc::I(bits),
            _ => Enc::S(self.use_slot(&operand)),
        });
        let mut variant = match class {
            Class::F32 => 16,
            Class::F64 => 32,
            Class::Int | Class::V128 => 0,
        };
        variant |= if cond == Enc::A { at::COND_ACC } else { 0 };
        variant |= if matches!(first, Enc::I(_)) { at::FIRST_IMM } else { 0 };
        variant |= if matches!(second, Enc::I(_)) { at::SECOND_IMM } else { 0 };
        let slot = self.push_slot(ty);
        let dest = self.dest(slot, 1);
        let number = self.emit(Opcode(region::SELECT + variant));
        self.u16(dest.field);
        self.enc(cond, Class::Int);
        self.enc(first, class);
        self.enc(second, class);
        self.written(dest, class, 1, Some(number));
    }

    fn select_vector(&mut self, operands: &[Operand; 3]) {
        let fields = operands.map(|operand| self.use_slot(&operand));
        let slot = self.push_slot(ValType::V128);
        let dest = self.dest(slot, 2);
        self.emit(Misc::SelectV128);
        self.u16(dest.field);
        self.u16s(&fields);
        self.written(dest, Class::V128, 2, None);
    }
}
