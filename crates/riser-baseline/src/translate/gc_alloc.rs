//! Making small objects without a call.
//!
//! Code takes bytes from where the heap would ([`riser_abi::BumpArea`]), and writes the object in full. Without room, or before
//! the first object of a type, it calls the runtime, which may collect, and gives an object of zeros. What the fields get is
//! written behind that, to the one object or the other; there is no call between, so that no collection sees what was not
//! written yet.
//!
//! Both ways join, so nothing may be moved between registers and slots on one of them: operands are in their slots before, and
//! all registers are there before the ways part.

use super::vm::Arg;
use super::{ColdCode, Translator};
use crate::asm::{Alu, Cond, Gpr, Label, Mem, Shift, Width};
use crate::convention::{C_PARAMS, Kind, RESULT};
use crate::frame::{Frame, OWN_VMCTX};
use crate::operands::{At, SCRATCH, XMM_SCRATCH};
use core::mem::offset_of;
use riser_abi::{
    ARRAY_ELEMENTS, ARRAY_LENGTH, BuiltinSignature, BumpArea, Repr, StructLayout, TypeRow, VmCtx,
    VmRuntime, builtin,
};
use riser_ops::{StorageType, TrapCode, TypeIdx};

/// Objects of more bytes are made by the runtime.
const INLINE_BYTES: u32 = 256;

/// Arrays of more elements are.
const INLINE_ELEMENTS: u32 = 32;

/// The registers of an allocation.
struct Taken {
    /// The reference to the object.
    object: Gpr,
    /// The distance of its end from the heap's start.
    next: Gpr,
    /// Its header.
    header: Gpr,
    /// The heap's first byte.
    base: Gpr,
    /// Where the runtime makes the object.
    slow: Label,
}

/// How many bytes an object has.
#[derive(Clone, Copy)]
enum Size {
    Known(u32),
    /// What the register for its end has.
    Next,
}

impl Taken {
    /// A place in the object.
    fn at(&self, offset: u32) -> Mem {
        Mem::indexed(self.base, self.object, 0, offset as i32)
    }
}

impl Translator<'_> {
    /// Makes a structure of operands or of zeros and nulls. `false` if code cannot do that.
    pub(super) fn make_struct(
        &mut self,
        ty: TypeIdx,
        layout: &StructLayout,
        with_values: bool,
    ) -> bool {
        let (fields, size) = (&layout.fields, layout.size);
        if size > INLINE_BYTES {
            return false;
        }
        let count = if with_values { fields.len() } else { 0 };
        self.settle_values(fields[..count].iter().map(|&(storage, _)| storage));
        let taken = self.taken();
        self.take_bytes(&taken, ty, Size::Known(size));
        if !with_values {
            self.write_zeros(&taken, size);
        }
        let done = self.begin_slow(&taken);
        self.make_slowly(&taken, builtin::struct_new_default, ty, None, &[]);
        self.asm.bind(done);
        for &(storage, offset) in fields[..count].iter().rev() {
            let value = self.pop();
            self.write(taken.at(offset), storage, value);
        }
        self.push_taken(taken);
        true
    }

    /// Makes an array of operands. `false` if code cannot do that.
    pub(super) fn make_fixed_array(&mut self, ty: TypeIdx, count: u32) -> bool {
        let element = self.element_type(ty);
        let width = Repr::of(element).size() as u32;
        if count > INLINE_ELEMENTS || ARRAY_ELEMENTS + count * width > INLINE_BYTES {
            return false;
        }
        self.settle_values((0..count).map(|_| element));
        let size = (ARRAY_ELEMENTS + count * width).next_multiple_of(8);
        let taken = self.taken();
        self.take_bytes(&taken, ty, Size::Known(size));
        self.may_trap(TrapCode::HeapCorrupted);
        self.asm.store_imm(Width::W32, taken.at(ARRAY_LENGTH), count as i32);
        let done = self.begin_slow(&taken);
        self.frame.need_row(8);
        self.asm.store_imm(Width::W64, Frame::row_at(0, 0), count as i32);
        self.make_slowly(&taken, builtin::array_new_default, ty, None, &[]);
        self.asm.bind(done);
        for index in (0..count).rev() {
            let value = self.pop();
            self.write(taken.at(ARRAY_ELEMENTS + index * width), element, value);
        }
        self.push_taken(taken);
        true
    }

    /// Makes an array of a length that is an operand, of one value, which is an operand, or of zeros and nulls. `false` if code
    /// cannot do that.
    pub(super) fn make_array(&mut self, ty: TypeIdx, with_value: bool) -> bool {
        let repr = Repr::of(self.element_type(ty));
        if with_value && matches!(repr, Repr::Func | Repr::V128) {
            return false;
        }
        self.settle_for_call();
        let operands = if with_value { 2 } else { 1 };
        let first = self.height() - operands;
        let len = self.operands.stack[self.height() - 1];
        let (taken, at) = (self.taken(), self.alloc());
        self.move_to(len, at);
        self.asm.alu_imm(Alu::Cmp, Width::W32, at, INLINE_ELEMENTS as i32);
        self.asm.jcc(Cond::A, taken.slow);
        self.asm.mov(Width::W32, taken.next, at);
        self.asm.shift_imm(Shift::Shl, Width::W32, taken.next, repr.size().ilog2() as u8);
        self.asm.alu_imm(Alu::Add, Width::W32, taken.next, ARRAY_ELEMENTS as i32 + 7);
        self.asm.alu_imm(Alu::And, Width::W32, taken.next, -8);
        self.take_bytes(&taken, ty, Size::Next);
        self.may_trap(TrapCode::HeapCorrupted);
        self.asm.store(Width::W32, taken.at(ARRAY_LENGTH), at);
        self.eight_bytes(with_value.then_some(first), repr, taken.header);
        self.fill_words(&taken, at);
        let done = self.begin_slow(&taken);
        let (_, references) = self.copy_to_row(first);
        match with_value {
            true => self.make_slowly(&taken, builtin::array_new, ty, Some(1), &references),
            false => self.make_slowly(&taken, builtin::array_new_default, ty, None, &references),
        }
        self.asm.bind(done);
        self.free(at);
        self.cut(first as u32);
        self.push_taken(taken);
        true
    }

    /// Puts values for fields or elements, which are the top operands, where they survive a call: functions by their numbers. All
    /// other operands are in their slots then.
    fn settle_values(&mut self, storages: impl ExactSizeIterator<Item = StorageType>) {
        let first = self.height() - storages.len();
        for (number, storage) in (first..).zip(storages) {
            if Repr::of(storage) == Repr::Func {
                self.number_operand(number);
            }
        }
        self.settle_below(self.height() - first);
        for number in first..self.height() {
            let operand = self.operands.stack[number];
            let survives = matches!(operand.at, At::Const(_) | At::Local(_));
            if operand.kind == Kind::Ref || !survives {
                self.settle(number);
            }
        }
        self.clean();
    }

    /// The registers of an allocation.
    fn taken(&mut self) -> Taken {
        let [object, next, header, base] = [(); 4].map(|()| self.alloc());
        Taken { object, next, header, base, slow: self.asm.new_label() }
    }

    /// The object is made: pushes the reference to it.
    fn push_taken(&mut self, taken: Taken) {
        self.free(taken.next);
        self.free(taken.header);
        self.free(taken.base);
        self.push_gpr(Kind::Ref, taken.object);
    }

    /// Takes so many bytes for an object of a type, and writes its header. Goes to the slow way if there are none.
    fn take_bytes(&mut self, taken: &Taken, ty: TypeIdx, size: Size) {
        let Taken { object, next, header, base, slow } = *taken;
        let bump = |field: usize| Mem::at(base, (offset_of!(VmRuntime, bump) + field) as i32);
        let next_at = bump(offset_of!(BumpArea, next));
        self.asm.load(Width::W64, header, OWN_VMCTX);
        self.asm.load(Width::W64, base, Mem::at(header, offset_of!(VmCtx, runtime) as i32));
        self.asm.load(Width::W32, object, next_at);
        match size {
            Size::Known(bytes) => self.asm.lea(Width::W64, next, Mem::at(object, bytes as i32)),
            Size::Next => self.asm.alu(Alu::Add, Width::W64, next, object),
        }
        self.asm.load(Width::W32, SCRATCH, bump(offset_of!(BumpArea, end)));
        self.asm.alu(Alu::Cmp, Width::W64, next, SCRATCH);
        self.asm.jcc(Cond::A, slow);
        // Before the first object of the type its header is 0: the runtime must get to know the type.
        let ids = Mem::at(header, offset_of!(VmCtx, type_ids) as i32);
        self.asm.load(Width::W64, header, ids);
        self.asm.load(Width::W32, header, Mem::at(header, 4 * ty.0 as i32));
        self.row_of(header, base);
        self.asm.load(Width::W32, header, Mem::at(header, offset_of!(TypeRow, header) as i32));
        self.asm.test(Width::W32, header, header);
        self.asm.jcc(Cond::E, slow);
        self.asm.store(Width::W32, next_at, next);
        self.asm.load(Width::W64, base, Mem::at(base, offset_of!(VmRuntime, heap_base) as i32));
        self.may_trap(TrapCode::HeapCorrupted);
        self.asm.store(Width::W32, taken.at(0), header);
    }

    /// Zeros behind the header of an object of so many bytes, a multiple of 8.
    fn write_zeros(&mut self, taken: &Taken, size: u32) {
        self.asm.zero_xmm(XMM_SCRATCH);
        self.may_trap(TrapCode::HeapCorrupted);
        self.asm.store_f32(taken.at(4), XMM_SCRATCH);
        let mut at = 8;
        while at < size {
            self.may_trap(TrapCode::HeapCorrupted);
            if size - at >= 16 {
                self.asm.store_v128(taken.at(at), XMM_SCRATCH);
                at += 16;
            } else {
                self.asm.store_f64(taken.at(at), XMM_SCRATCH);
                at += 8;
            }
        }
    }

    /// Eight bytes of equal elements, which an operand in its slot says, or zeros.
    fn eight_bytes(&mut self, operand: Option<usize>, repr: Repr, to: Gpr) {
        let Some(number) = operand else { return self.asm.zero(to) };
        let operand = self.operands.stack[number];
        let from = self.frame.slot(operand.slot, operand.kind);
        let times = match repr {
            Repr::I8 => 0x0101_0101_0101_0101,
            Repr::I16 => 0x0001_0001_0001_0001,
            Repr::B64 => return self.asm.load(Width::W64, to, from),
            _ => 0x0000_0001_0000_0001,
        };
        let width = match repr {
            Repr::I8 => Width::W8,
            Repr::I16 => Width::W16,
            _ => Width::W32,
        };
        self.asm.load(width, to, from);
        self.asm.mov_imm(SCRATCH, times);
        self.asm.imul(Width::W64, to, SCRATCH);
    }

    /// Writes the word in the register for the header to all places of eight bytes behind an array's length. Changes `at`.
    fn fill_words(&mut self, taken: &Taken, at: Gpr) {
        self.asm.lea(Width::W64, at, taken.at(ARRAY_ELEMENTS));
        self.asm.alu(Alu::Add, Width::W64, taken.next, taken.base);
        let [again, end] = [(); 2].map(|()| self.asm.new_label());
        self.asm.bind(again);
        self.asm.alu(Alu::Cmp, Width::W64, at, taken.next);
        self.asm.jcc_short(Cond::Ae, end);
        self.may_trap(TrapCode::HeapCorrupted);
        self.asm.store(Width::W64, Mem::at(at, 0), taken.header);
        self.asm.alu_imm(Alu::Add, Width::W64, at, 8);
        self.asm.jmp(again);
        self.asm.bind(end);
    }

    /// The bytes are an object: goes on where the runtime makes one. Gives where both ways join.
    fn begin_slow(&mut self, taken: &Taken) -> Label {
        let done = self.asm.new_label();
        self.asm.jmp(done);
        self.asm.bind(taken.slow);
        done
    }

    /// Has the runtime make the object, of what is in the row.
    fn make_slowly(
        &mut self,
        taken: &Taken,
        builtin: BuiltinSignature,
        ty: TypeIdx,
        more: Option<u32>,
        references: &[u32],
    ) {
        self.frame.need_row(8);
        self.make_arg(C_PARAMS[1], Arg::TypeId(ty, 0));
        self.make_arg(C_PARAMS[2], Arg::Row(0));
        if let Some(more) = more {
            self.make_arg(C_PARAMS[3], Arg::Imm(more.into()));
        }
        self.call_builtin(builtin, references);
        self.reload(false);
        self.asm.test(Width::W32, RESULT, RESULT);
        let failed = self.cold(ColdCode::Raise);
        self.asm.jcc(Cond::Ne, failed);
        self.asm.load(Width::W32, taken.object, Frame::row_at(0, 0));
        let base = taken.base;
        self.asm.load(Width::W64, base, OWN_VMCTX);
        self.asm.load(Width::W64, base, Mem::at(base, offset_of!(VmCtx, runtime) as i32));
        self.asm.load(Width::W64, base, Mem::at(base, offset_of!(VmRuntime, heap_base) as i32));
    }
}
