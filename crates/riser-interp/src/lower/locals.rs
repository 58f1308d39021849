//! Locals, globals, constants, `drop` and `select`.

use super::Lowerer;
use super::emit::Acc;
use super::operands::{Class, Enc, Local, Place};
use crate::code::{Misc, Opcode, region, select as at};
use crate::exec::WORD;
use riser_ops::{FuncType, GlobalIdx, LocalIdx, ValType};

impl Lowerer<'_> {
    /// Lays the frame out and zeroes the declared locals.
    pub(super) fn begin_frame(&mut self, ty: &FuncType, locals: &[(u32, ValType)]) {
        self.results.extend(ty.results());
        for &param in ty.params() {
            self.add_local(param);
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
                self.add_local(ty);
            }
        }
        self.out.frame_slots = self.top.max(results);
        self.zero(first, self.top - first);
    }

    fn add_local(&mut self, ty: ValType) {
        let class = Class::of(ty);
        self.locals.push(Local { slot: self.top, class, operand: super::NONE });
        self.top += class.width();
    }

    /// Zeroes slots at the start of the function. Slots behind them may be zeroed as well.
    fn zero(&mut self, mut first: u32, mut count: u32) {
        let near = first + count <= u32::from(u16::MAX);
        if count > 32 || !near {
            self.emit(Misc::ZeroN);
            self.u32(first);
            self.u32(count);
            return;
        }
        while count > 0 {
            let (op, zeroed) = match count {
                1 => (Misc::Zero1, 1),
                2 => (Misc::Zero2, 2),
                3 | 4 => (Misc::Zero4, 4),
                _ => (Misc::Zero8, 8),
            };
            self.emit(op);
            self.u16(first as u16);
            first += zeroed;
            count = count.saturating_sub(zeroed);
        }
        self.out.frame_slots = self.out.frame_slots.max(first);
    }

    pub(super) fn op_local_get(&mut self, local: LocalIdx) {
        let class = self.locals[local.index()].class;
        self.push(Place::Local(local.0), class);
    }

    pub(super) fn op_local_set(&mut self, local: LocalIdx) {
        self.set_local(local);
    }

    pub(super) fn op_local_tee(&mut self, local: LocalIdx) {
        match self.set_local(local) {
            Place::Const(bits) => self.push_const(self.locals[local.index()].class, bits),
            _ => self.op_local_get(local),
        }
    }

    /// Takes the top operand and makes it the value of a local. Gives where the operand was.
    fn set_local(&mut self, local: LocalIdx) -> Place {
        let operand = self.pop();
        if operand.place == Place::Local(local.0) {
            return operand.place;
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
        let enc = match operand.class {
            Class::Int => self.use_any(&operand),
            _ => Enc::S(self.use_slot(&operand)),
        };
        self.emit(match enc {
            Enc::S(_) if operand.class == Class::V128 => Misc::GlobalSetV128,
            Enc::S(_) => Misc::GlobalSetS,
            Enc::A => Misc::GlobalSetIntA,
            Enc::I(_) => Misc::GlobalSetI,
        });
        self.enc(enc, operand.class);
        self.u32(self.layout.global(global));
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

    fn select_vector(&mut self, operands: &[super::Operand; 3]) {
        let fields = operands.map(|operand| self.use_slot(&operand));
        let slot = self.push_slot(ValType::V128);
        let dest = self.dest(slot, 2);
        self.emit(Misc::SelectV128);
        self.u16(dest.field);
        self.u16s(&fields);
        self.written(dest, Class::V128, 2, None);
    }
}
