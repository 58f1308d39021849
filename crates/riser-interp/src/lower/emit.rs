//! Writing instructions, and what the accumulators hold.

use super::operands::{Class, Enc, Operand, Place};
use super::{Lowerer, NONE, SCRATCH};
use crate::code::{Instr, Misc, Opcode};
use crate::exec::WORD;
use riser_ops::SimpleOp;

/// What an accumulator holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acc {
    /// The slot whose value it has, too; [`NONE`] for none.
    pub(super) slot: u32,
    /// The instruction that wrote both, if it may still be told to write the accumulator alone.
    pub(super) producer: u32,
}

impl Acc {
    pub(super) const NOTHING: Acc = Acc { slot: NONE, producer: NONE };
}

/// The last instruction, while nothing can jump behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Last {
    /// The slot that it writes, if that can still be changed to another one. The field is the first one.
    pub(super) dst: u32,
    /// If it is a comparison (or `i32.and`): which one.
    pub(super) compare: Option<Compare>,
    /// If it is a copy that can be joined with another one.
    pub(super) is_copy: bool,
    /// The accumulators before it.
    pub(super) accs_before: [Acc; 3],
}

/// A comparison that a branch can be fused with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compare {
    pub(super) op: SimpleOp,
    /// The position in its block.
    pub(super) variant: u16,
    /// Whether it has an immediate of 64 bits.
    pub(super) wide: bool,
    /// Whether an `i32.eqz` follows it, which is the last instruction.
    pub(super) negated: bool,
}

/// The fields of an instruction without the first one: at most two operands and an immediate.
pub(super) type Fields = ([u8; 24], usize);

/// A slot to be written, as an instruction names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dest {
    pub(super) field: u16,
    /// The slot itself.
    pub(super) slot: u32,
}

impl Lowerer<'_> {
    /// Begins an instruction. Its fields follow. Gives its number.
    pub(super) fn emit(&mut self, opcode: impl Into<Opcode>) -> u32 {
        let number = self.out.instrs.len() as u32;
        let at = self.out.code.len() as u32;
        self.out.instrs.push(Instr { at, wasm_offset: self.offset, opcode: opcode.into() });
        self.out.code.extend([0; WORD]);
        self.last = None;
        number
    }

    /// Adds a field.
    pub(super) fn u16(&mut self, value: u16) {
        self.out.code.extend(value.to_ne_bytes());
    }

    /// Adds fields.
    pub(super) fn u16s(&mut self, values: &[u16]) {
        for &value in values {
            self.u16(value);
        }
    }

    /// Adds a field.
    pub(super) fn u32(&mut self, value: u32) {
        self.out.code.extend(value.to_ne_bytes());
    }

    /// Adds a field.
    pub(super) fn u64(&mut self, value: u64) {
        self.out.code.extend(value.to_ne_bytes());
    }

    /// Adds the field of an operand, if it needs one.
    pub(super) fn enc(&mut self, enc: Enc, class: Class) {
        match enc {
            Enc::S(slot) => self.u16(slot),
            Enc::A => {}
            Enc::W(bits) => self.u64(bits),
            Enc::I(bits) if class == Class::F64 => self.u64(bits),
            Enc::I(bits) => self.u32(bits as u32),
        }
    }

    /// Where the next instruction begins.
    pub(super) fn here(&self) -> u32 {
        self.out.code.len() as u32
    }

    /// Reads the four bytes at `at`.
    pub(super) fn word_at(&self, at: u32) -> u32 {
        let bytes = self.out.code[at as usize..].first_chunk().copied();
        u32::from_ne_bytes(bytes.unwrap_or_default())
    }

    /// Overwrites the four bytes at `at`.
    pub(super) fn set_word_at(&mut self, at: u32, word: u32) {
        self.out.code[at as usize..][..4].copy_from_slice(&word.to_ne_bytes());
    }

    /// The field for `width` slots to be read from `slot` on.
    pub(super) fn near(&mut self, slot: u32, width: u32) -> u16 {
        if let Ok(field) = u16::try_from(slot + width - 1) {
            return field - (width as u16 - 1);
        }
        let scratch = self.scratch_slots(width);
        for i in 0..width {
            self.emit(Misc::FarLoad);
            self.u16(scratch + i as u16);
            self.u32(slot + i);
        }
        scratch
    }

    /// Scratch slots side by side.
    fn scratch_slots(&mut self, width: u32) -> u16 {
        let Some(first) = self.scratch else {
            self.needs_huge = true;
            return 0;
        };
        if self.next_scratch + width > SCRATCH {
            self.next_scratch = 0;
        }
        let slot = first + self.next_scratch;
        self.next_scratch += width;
        slot as u16
    }

    /// The field for `width` slots to be written from `slot` on. After the instruction, [`Lowerer::written`]
    /// must be told.
    pub(super) fn dest(&mut self, slot: u32, width: u32) -> Dest {
        let field = match u16::try_from(slot + width - 1) {
            Ok(last) => last - (width as u16 - 1),
            Err(_) => self.scratch_slots(width),
        };
        Dest { field, slot }
    }

    /// An instruction has written a result of `class` to `dest` and, if `number` is given, to the accumulator
    /// of that class, and could do without `dest`.
    pub(super) fn written(&mut self, dest: Dest, class: Class, width: u32, number: Option<u32>) {
        let before = self.accs;
        for i in 0..width {
            self.wrote(dest.slot + i);
        }
        let is_far = dest.slot + width - 1 > u32::from(u16::MAX);
        if is_far {
            for i in 0..width {
                self.emit(Misc::FarStore);
                self.u32(dest.slot + i);
                self.u16(dest.field + i as u16);
            }
        }
        if let Some(producer) = number {
            let producer = if is_far { NONE } else { producer };
            self.set_acc(class, Acc { slot: dest.slot, producer });
        }
        self.last = (!is_far).then_some(Last {
            dst: dest.slot,
            compare: None,
            is_copy: false,
            accs_before: before,
        });
    }

    /// A slot has a new value that is in no accumulator.
    pub(super) fn wrote(&mut self, slot: u32) {
        for acc in &mut self.accs {
            if acc.slot == slot {
                *acc = Acc::NOTHING;
            }
        }
    }

    /// Says what the accumulator of a class holds.
    pub(super) fn set_acc(&mut self, class: Class, acc: Acc) {
        if let Some(index) = class.acc() {
            self.accs[index] = acc;
        }
    }

    /// Whether the accumulator of its class has the value of `slot`.
    fn in_acc(&self, slot: u32, class: Class) -> bool {
        !self.ignore_accs && class.acc().is_some_and(|index| self.accs[index].slot == slot)
    }

    /// Nothing is known of the accumulators: control comes from elsewhere.
    pub(super) fn forget_accs(&mut self) {
        self.accs = [Acc::NOTHING; 3];
        self.last = None;
        self.barrier = self.here();
        self.end_prefix();
    }

    /// The last instruction, while nothing can jump behind it.
    pub(super) fn last_instr(&self) -> Option<Instr> {
        self.out.instrs.last().copied().filter(|instr| instr.at >= self.barrier)
    }

    /// The last instruction, if it computed this operand, which was taken off the stack.
    pub(super) fn computed_by(&self, operand: &Operand) -> Option<Opcode> {
        let last = self.last.filter(|last| !last.is_copy && last.dst == operand.slot)?;
        debug_assert!(
            last.compare.is_none_or(|compare| !compare.negated) || operand.class == Class::Int
        );
        (operand.place == Place::Slot).then(|| self.out.instrs.last().map(|instr| instr.opcode))?
    }

    /// Slots that were written together with an accumulator will be read: no instruction may leave them
    /// out any more.
    pub(super) fn keep_slots(&mut self) {
        for acc in &mut self.accs {
            acc.producer = NONE;
        }
    }

    /// The slot that has an operand which is no constant.
    pub(super) fn slot_of(&self, operand: &Operand) -> u32 {
        match operand.place {
            Place::Local(local) => self.locals[local as usize].slot,
            Place::Slot | Place::Const(_) => operand.slot,
        }
    }

    /// An operand that was taken off the stack, in a slot.
    pub(super) fn use_slot(&mut self, operand: &Operand) -> u16 {
        if let Place::Const(bits) = operand.place {
            self.constant(operand.slot, bits);
        }
        let slot = self.slot_of(operand);
        self.near(slot, operand.class.width())
    }

    /// An operand that was taken off the stack, in a slot or in its accumulator.
    pub(super) fn use_slot_or_acc(&mut self, operand: &Operand) -> Enc {
        let enc = self.peek(operand);
        if let (Enc::A, Place::Slot, Some(index)) = (enc, operand.place, operand.class.acc()) {
            // Nobody else will ask for the slot.
            let producer = core::mem::replace(&mut self.accs[index], Acc::NOTHING).producer;
            if let Some(instr) = self.out.instrs.get_mut(producer as usize) {
                instr.opcode = instr.opcode.to_acc();
            }
        }
        enc
    }

    /// An operand that was taken off the stack, in a slot, in its accumulator, or as an immediate.
    pub(super) fn use_any(&mut self, operand: &Operand) -> Enc {
        match operand.place {
            Place::Const(bits) if operand.class.fits_immediate(bits) => Enc::I(bits),
            _ => self.use_slot_or_acc(operand),
        }
    }

    /// An operand that stays on the stack, in a slot or in its accumulator.
    pub(super) fn peek(&mut self, operand: &Operand) -> Enc {
        let slot = self.slot_of(operand);
        match operand.place {
            Place::Slot | Place::Local(_) if self.in_acc(slot, operand.class) => Enc::A,
            _ => Enc::S(self.use_slot(operand)),
        }
    }

    /// Writes a constant to a slot.
    pub(super) fn constant(&mut self, slot: u32, bits: u64) {
        let dest = self.dest(slot, 1);
        if bits as i64 == i64::from(bits as i32) {
            self.emit(Misc::Const32);
            self.u16(dest.field);
            self.u32(bits as u32);
        } else {
            self.emit(Misc::Const64);
            self.u16(dest.field);
            self.u64(bits);
        }
        self.written(dest, Class::Int, 1, None);
        self.last = None;
    }

    /// Copies an operand to a slot. It stays on the stack.
    pub(super) fn copy(&mut self, slot: u32, operand: &Operand) {
        if let Place::Const(bits) = operand.place {
            return self.constant(slot, bits);
        }
        if self.slot_of(operand) == slot {
            return;
        }
        let width = operand.class.width();
        let enc = self.peek(operand);
        let dest = self.dest(slot, width);
        match (enc, operand.class) {
            (Enc::S(from), Class::V128) => {
                self.emit(Misc::Copy128);
                self.u16(dest.field);
                self.u16(from);
            }
            (Enc::S(from), _) => return self.copy_slot(dest, from),
            (_, class) => {
                self.emit(match class {
                    Class::F32 => Misc::CopyF32A,
                    Class::F64 => Misc::CopyF64A,
                    Class::Int | Class::V128 => Misc::CopyIntA,
                });
                self.u16(dest.field);
            }
        }
        self.written(dest, operand.class, width, None);
        self.last = None;
    }

    /// Copies a slot, together with the last instruction if that is a copy as well.
    fn copy_slot(&mut self, dest: Dest, from: u16) {
        let joins = self.last.is_some_and(|last| last.is_copy);
        match self.out.instrs.last_mut() {
            Some(instr) if joins => instr.opcode = Misc::Copy2.into(),
            _ => _ = self.emit(Misc::CopyS),
        }
        self.u16(dest.field);
        self.u16(from);
        self.written(dest, Class::Int, 1, None);
        if let Some(last) = &mut self.last {
            last.dst = NONE;
            last.is_copy = !joins;
        }
    }

    /// Emits code before the last instruction, if that is one that computes an operand on the stack; else
    /// behind it.
    pub(super) fn before_last(&mut self, code: impl FnOnce(&mut Self)) {
        let Some(last) = self.last.filter(|last| last.dst != NONE) else { return code(self) };
        // A comparison and its negation are one only as long as they are neighbours.
        let last = Last { compare: last.compare.filter(|compare| !compare.negated), ..last };
        let Some(instr) = self.out.instrs.pop() else { return };
        let bytes = self.out.code.split_off(instr.at as usize);
        let old = self.out.instrs.len() as u32;
        self.ignore_accs = true;
        self.last = None;
        code(self);
        self.ignore_accs = false;
        let new = self.emit(instr.opcode);
        self.out.code.truncate(self.out.code.len() - WORD);
        self.out.code.extend(bytes);
        self.out.instrs[new as usize].wasm_offset = instr.wasm_offset;
        for acc in &mut self.accs {
            if acc.producer == old {
                acc.producer = new;
            }
        }
        self.last = Some(last);
    }

    /// As [`Lowerer::before_last`], for code that writes operands to their canonical slots. The last instruction may
    /// read slots from its result's on, where its operands were: if an operand that came after it would be written
    /// there, the code goes behind it.
    pub(super) fn settle_before_last(&mut self, settle: impl FnOnce(&mut Self)) {
        let dst = self.last.map_or(NONE, |last| last.dst);
        let mut above = self.operands.iter().rev().take_while(|operand| operand.slot > dst);
        if dst != NONE && above.any(|operand| operand.place != Place::Slot) {
            return settle(self);
        }
        self.before_last(settle);
    }

    /// Takes the last instruction back, which must be one that [`Lowerer::last`] describes, together with a
    /// comparison that it negates. Gives the bytes of its fields (or the comparison's) behind the first one.
    pub(super) fn take_last(&mut self) -> Fields {
        let mut fields = ([0; 24], 0);
        let Some(last) = self.last.take() else { return fields };
        if last.compare.is_some_and(|compare| compare.negated) {
            self.remove_last();
        }
        if let Some(instr) = self.out.instrs.last() {
            let from = &self.out.code[instr.at as usize + WORD + 2..];
            fields.1 = from.len().min(24);
            fields.0[..fields.1].copy_from_slice(&from[..fields.1]);
        }
        self.remove_last();
        self.accs = last.accs_before;
        fields
    }

    /// Removes the last instruction.
    pub(super) fn remove_last(&mut self) {
        if let Some(instr) = self.out.instrs.pop() {
            self.out.code.truncate(instr.at as usize);
        }
    }

    /// Adds fields that were taken from elsewhere.
    pub(super) fn copy_fields(&mut self, (fields, len): &Fields) {
        self.out.code.extend(&fields[..*len]);
    }

    /// The slot in the field of the instruction at `at` that begins `skip` bytes behind its opcode word.
    pub(super) fn slot_field(&self, at: u32, skip: usize) -> u16 {
        let from = at as usize + WORD + skip;
        let bytes = self.out.code.get(from..).and_then(|bytes| bytes.first_chunk().copied());
        u16::from_ne_bytes(bytes.unwrap_or_default())
    }
}
