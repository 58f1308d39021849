//! Loads and stores of parts of vectors.

use super::Translator;
use super::access::{Place, Reach, width_of};
use crate::asm::{Sse, SseImm, Width};
use riser_front::MemArg;
use riser_ops::{AccessOp, AccessRow, TrapCode};

impl Translator<'_> {
    /// Where an access goes whose address is the top operand.
    fn pop_place(&mut self, row: &AccessRow, arg: MemArg) -> Place {
        let address = self.pop();
        self.place(Reach::of(row, arg), address)
    }

    pub(super) fn load_splat(&mut self, row: &AccessRow, arg: MemArg) {
        let place = self.pop_place(row, arg);
        let xmm = self.alloc_xmm();
        let width = width_of(row);
        if matches!(width, Width::W8 | Width::W16) {
            // The instruction keeps the other lanes, and so would wait for them.
            self.asm.zero_xmm(xmm);
        }
        self.may_trap(TrapCode::MemoryOutOfBounds);
        match width {
            Width::W8 | Width::W16 => {
                self.asm.pinsr(width, xmm, place.at, 0);
                self.repeat_lowest(width, xmm);
            }
            Width::W32 => {
                self.asm.load_f32(xmm, place.at);
                self.asm.sse_imm(SseImm::Pshufd, xmm, xmm, 0);
            }
            Width::W64 => self.asm.sse(Sse::Movddup, xmm, place.at),
        }
        self.free_place(place);
        self.push_vector(xmm);
    }

    /// The first lane; the others are zero.
    pub(super) fn load_zero(&mut self, row: &AccessRow, arg: MemArg) {
        let place = self.pop_place(row, arg);
        let xmm = self.alloc_xmm();
        self.may_trap(TrapCode::MemoryOutOfBounds);
        match width_of(row) {
            Width::W64 => self.asm.load_f64(xmm, place.at),
            _ => self.asm.load_f32(xmm, place.at),
        }
        self.free_place(place);
        self.push_vector(xmm);
    }

    /// Half a vector, whose lanes are extended.
    pub(super) fn load_widen(&mut self, op: AccessOp, arg: MemArg) {
        let widen = match op {
            AccessOp::V128Load8x8S => Sse::Pmovsxbw,
            AccessOp::V128Load8x8U => Sse::Pmovzxbw,
            AccessOp::V128Load16x4S => Sse::Pmovsxwd,
            AccessOp::V128Load16x4U => Sse::Pmovzxwd,
            AccessOp::V128Load32x2S => Sse::Pmovsxdq,
            AccessOp::V128Load32x2U => Sse::Pmovzxdq,
            _ => unreachable!("the table has no other loads that widen"),
        };
        let place = self.pop_place(op.row(), arg);
        let xmm = self.alloc_xmm();
        self.may_trap(TrapCode::MemoryOutOfBounds);
        self.asm.sse(widen, xmm, place.at);
        self.free_place(place);
        self.push_vector(xmm);
    }

    pub(super) fn load_lane(&mut self, row: &AccessRow, arg: MemArg) {
        let xmm = self.pop_owned_vector();
        let place = self.pop_place(row, arg);
        self.may_trap(TrapCode::MemoryOutOfBounds);
        self.asm.pinsr(width_of(row), xmm, place.at, arg.lane);
        self.free_place(place);
        self.push_vector(xmm);
    }

    pub(super) fn store_lane(&mut self, row: &AccessRow, arg: MemArg) {
        let vector = self.pop();
        let xmm = self.xmm(vector);
        let place = self.pop_place(row, arg);
        self.may_trap(TrapCode::MemoryOutOfBounds);
        self.asm.pextr(width_of(row), place.at, xmm, arg.lane);
        self.free_xmm(xmm);
        self.free_place(place);
    }
}
