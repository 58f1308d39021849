//! The operand stack as lowering follows it.

use super::emit::Last;
use super::{Lowerer, NONE};
use crate::frame_map::FrameMap;
use riser_ops::ValType;

/// What an operand is stored and computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Integers and references.
    Int,
    F32,
    F64,
    V128,
}

impl Class {
    pub(super) fn of(ty: ValType) -> Class {
        match ty {
            ValType::F32 => Class::F32,
            ValType::F64 => Class::F64,
            ValType::V128 => Class::V128,
            _ => Class::Int,
        }
    }

    /// The slots that a value takes.
    pub(super) fn width(self) -> u32 {
        if self == Class::V128 { 2 } else { 1 }
    }

    /// Which accumulator values of this class use.
    pub(super) fn acc(self) -> Option<usize> {
        match self {
            Class::Int => Some(0),
            Class::F32 => Some(1),
            Class::F64 => Some(2),
            Class::V128 => None,
        }
    }

    /// Whether an instruction's immediate can have this value.
    pub(super) fn fits_immediate(self, bits: u64) -> bool {
        self != Class::Int || bits as i64 == i64::from(bits as i32)
    }
}

/// Where an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In its canonical slot.
    Slot,
    /// It is the value of a local.
    Local(u32),
    /// It is a constant (never a vector). An `i32` is sign-extended.
    Const(u64),
}

/// An operand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand {
    pub(super) place: Place,
    pub(super) class: Class,
    pub(super) ty: ValType,
    /// Its canonical slot.
    pub(super) slot: u32,
    /// If it is a local: the next operand below that is the same local, or [`NONE`].
    below: u32,
    /// If places are recorded: the first one at which it is in its slot.
    since: u32,
}

/// Whether a local must be zero when the function is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zeroing {
    /// It is a parameter, or written before anyone can read it.
    No,
    /// It was neither read nor written yet.
    Unknown,
    Yes,
}

/// A local.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    pub(super) slot: u32,
    pub(super) class: Class,
    pub(super) ty: ValType,
    /// The topmost operand that is this local, or [`NONE`].
    pub(super) operand: u32,
    /// Whether it must be zero when the function is entered.
    pub(super) zeroing: Zeroing,
}

/// An operand as an instruction names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enc {
    S(u16),
    A,
    I(u64),
    /// An immediate of 64 bits.
    W(u64),
}

impl Lowerer<'_> {
    /// Pushes an operand. Gives its canonical slot.
    pub(super) fn push(&mut self, place: Place, ty: ValType) -> u32 {
        let (slot, class) = (self.top, Class::of(ty));
        let mut below = NONE;
        if let Place::Local(local) = place {
            let number = self.operands.len() as u32;
            below = core::mem::replace(&mut self.locals[local as usize].operand, number);
        }
        let since = self.next_point();
        self.operands.push(Operand { place, class, ty, slot, below, since });
        self.top += class.width();
        self.out.frame_slots = self.out.frame_slots.max(self.top);
        slot
    }

    /// Pushes a value that is in its canonical slot. Gives the slot.
    pub(super) fn push_slot(&mut self, ty: ValType) -> u32 {
        self.push(Place::Slot, ty)
    }

    /// Pushes a constant.
    pub(super) fn push_const(&mut self, ty: ValType, bits: u64) {
        self.push(Place::Const(bits), ty);
    }

    /// Takes the top operand.
    pub(super) fn pop(&mut self) -> Operand {
        let Some(operand) = self.operands.pop() else {
            debug_assert!(false, "the body was validated");
            let (place, ty) = (Place::Const(0), ValType::I32);
            return Operand { place, class: Class::Int, ty, slot: 0, below: NONE, since: 0 };
        };
        self.top = operand.slot;
        self.flushed = self.flushed.min(self.operands.len());
        if let Place::Local(local) = operand.place {
            self.locals[local as usize].operand = operand.below;
        }
        if let (Some(map), Place::Slot) = (&mut self.map, operand.place)
            && operand.ty.is_heap_reference()
        {
            map.held(operand.slot, operand.since);
        }
        operand
    }

    /// The number of the next place that is recorded.
    fn next_point(&self) -> u32 {
        self.map.as_ref().map_or(0, FrameMap::next_point)
    }

    /// Removes all operands above the lowest `height`.
    pub(super) fn cut(&mut self, height: u32) {
        while self.operands.len() > height as usize {
            self.pop();
        }
    }

    /// The canonical slot of the operand number `height`, or of the next one.
    pub(super) fn slot_at(&self, height: u32) -> u32 {
        self.operands.get(height as usize).map_or(self.top, |operand| operand.slot)
    }

    /// Writes a virtual operand to its canonical slot.
    fn settle(&mut self, number: usize) {
        let operand = self.operands[number];
        if operand.place != Place::Slot {
            self.copy(operand.slot, &operand);
            self.operands[number].place = Place::Slot;
            self.operands[number].since = self.next_point();
        }
    }

    /// Writes the operands from `height` up to their canonical slots. Below, no local may be virtual.
    pub(super) fn settle_from(&mut self, height: u32) {
        for number in height as usize..self.operands.len() {
            if let Place::Local(local) = self.operands[number].place {
                self.locals[local as usize].operand = NONE;
            }
            self.settle(number);
        }
        self.flushed = self.operands.len();
    }

    /// Writes the top `count` operands to their canonical slots, topmost first, so that each virtual local is
    /// the first of its list.
    pub(super) fn settle_top(&mut self, count: usize) {
        for number in (self.operands.len() - count..self.operands.len()).rev() {
            if let Operand { place: Place::Local(local), below, .. } = self.operands[number] {
                self.locals[local as usize].operand = below;
            }
            self.settle(number);
        }
    }

    /// Writes all virtual locals to their canonical slots.
    pub(super) fn flush_locals(&mut self) {
        let from = self.flushed;
        let has_any = |operand: &Operand| matches!(operand.place, Place::Local(_));
        if !self.operands[from..].iter().any(has_any) {
            self.flushed = self.operands.len();
            return;
        }
        self.settle_before_last(|this| {
            for number in from..this.operands.len() {
                if let Place::Local(local) = this.operands[number].place {
                    this.locals[local as usize].operand = NONE;
                    this.settle(number);
                }
            }
        });
        self.flushed = self.operands.len();
    }

    /// A local is about to be overwritten: writes the operands that are this local to their slots, before the
    /// last instruction if that is what overwrites it.
    pub(super) fn release(&mut self, local: u32, overwrites: Option<Last>) {
        let head = core::mem::replace(&mut self.locals[local as usize].operand, NONE);
        if head == NONE {
            return;
        }
        let settle_all = |this: &mut Self| {
            let mut number = head;
            while number != NONE {
                let below = this.operands[number as usize].below;
                this.settle(number as usize);
                number = below;
            }
        };
        match overwrites {
            Some(_) => self.before_last(settle_all),
            None => settle_all(self),
        }
    }
}
