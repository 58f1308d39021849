//! The plain operators, most of all code: locals, constants, loads, stores, scalar arithmetic.
//!
//! Nothing here is needed for a walk to be right: each of these operators also has its ordinary way, in the
//! file of its topic. Here are only the cases in which everything fits at the first look (operands of exactly
//! the right types, short immediates), with the position and the height of the stack in local variables,
//! where the compiler keeps them in registers. At the first thing that does not fit, [`Walk::plain`] leaves
//! the operator, unread, to the ordinary way, which also has the error messages. Measured on the 21.6 MB of
//! code of GCC's cc1: 63 ms without, 52 ms with; on DuckDB 69 and 58. With more operators here (globals,
//! `drop`, `i64.const`) it is slower, 56 and 61: the compiler then makes a jump table of the few comparisons.

use crate::access::{FIRST_PLAIN, PLAIN};
use crate::cursor::{short, short_signed};
use crate::simple::{FIRST_SCALAR, SCALARS};
use crate::sink::{BodySink, MemArg, SimpleImm};
use crate::walker::Walk;
use riser_ops::{LocalIdx, MemoryIdx, ValType};

/// The state of a walk while it is among plain operators. It lives in one function, where it falls apart into
/// registers: all methods are inlined there.
struct Lane<'l, S, const LIVE: bool> {
    sink: &'l mut S,
    bytes: &'l [u8],
    operands: &'l mut [ValType],
    /// See [`crate::locals::Locals::near`].
    near: &'l [ValType],
    height: usize,
    /// The address type; of no operand's type if there is no memory.
    memory0: ValType,
    pos: usize,
    len: usize,
}

impl<S: BodySink, const CHECK: bool> Walk<'_, S, CHECK> {
    /// Walks over plain operators up to the first operator that is not one, or that does not fit.
    #[inline(always)]
    pub(crate) fn plain(&mut self) {
        if self.live { self.plain_as::<true>() } else { self.plain_as::<false>() }
    }

    /// The same for live code, or for dead code, which the sink does not hear of.
    #[inline(always)]
    fn plain_as<const LIVE: bool>(&mut self) {
        let mut lane = Lane::<S, LIVE> {
            sink: &mut *self.sink,
            bytes: self.reader.bytes(),
            operands: &mut self.operands[..],
            near: self.locals.near(),
            height: self.height,
            memory0: match self.memory0 {
                // Without a memory no address fits, not even one of unknown type.
                ValType::BOTTOM => ValType::from_bits(1),
                ty => ty,
            },
            pos: self.reader.pos(),
            len: self.len,
        };
        while let Some(&[byte, first, ..]) = lane.bytes.get(lane.pos..) {
            let fits = match byte {
                0x20 => lane.local_get(first),
                // One arm for both: with two, the compiler's order of comparisons costs a tenth more.
                0x21 | 0x22 => lane.local_set(first, byte == 0x21),
                0x41 => lane.i32_const(),
                0x45..=0xBF => lane.scalar::<CHECK>(byte),
                0x28..=0x3E => lane.access(byte, first),
                _ => false,
            };
            if !fits {
                break;
            }
        }
        let (pos, len) = (lane.pos, lane.len);
        self.reader.seek(pos);
        self.len = len;
    }
}

impl<S: BodySink, const LIVE: bool> Lane<'_, S, LIVE> {
    /// Tells the sink of an operator, if it is live.
    #[inline(always)]
    fn emit(&mut self, tell: impl FnOnce(&mut S)) {
        if LIVE {
            self.sink.at(self.pos as u32);
            tell(self.sink);
        }
    }

    #[inline(always)]
    fn push(&mut self, ty: ValType) -> bool {
        let Some(slot) = self.operands.get_mut(self.len) else { return false };
        *slot = ty;
        self.len += 1;
        true
    }

    #[inline(always)]
    fn local_get(&mut self, local: u8) -> bool {
        let Some(&ty) = self.near.get(usize::from(local)) else { return false };
        if !self.push(ty) {
            return false;
        }
        self.emit(|sink| sink.local_get(LocalIdx(u32::from(local)), ty));
        self.pos += 2;
        true
    }

    /// `local.set`, or `local.tee` if the operand is not to be popped.
    #[inline(always)]
    fn local_set(&mut self, local: u8, pops: bool) -> bool {
        let Some(&ty) = self.near.get(usize::from(local)) else { return false };
        if self.len <= self.height || self.operands.get(self.len - 1) != Some(&ty) {
            return false;
        }
        self.len -= usize::from(pops);
        let index = LocalIdx(u32::from(local));
        self.emit(|sink| match pops {
            true => sink.local_set(index, ty),
            false => sink.local_tee(index, ty),
        });
        self.pos += 2;
        true
    }

    #[inline(always)]
    fn i32_const(&mut self) -> bool {
        let Some((value, value_len)) = short_signed(self.bytes, self.pos + 1) else { return false };
        if !self.push(ValType::I32) {
            return false;
        }
        self.emit(|sink| sink.i32_const(value));
        self.pos += 1 + value_len;
        true
    }

    #[inline(always)]
    fn scalar<const CHECK: bool>(&mut self, byte: u8) -> bool {
        let scalar = &SCALARS[usize::from(byte) - FIRST_SCALAR];
        let arity = usize::from(scalar.arity);
        if self.len < self.height + arity {
            return false;
        }
        let base = self.len - arity;
        let Some(last) = self.operands.get(self.len - 1).copied() else { return false };
        let Some(deepest) = self.operands.get_mut(base) else { return false };
        if CHECK && (*deepest != scalar.operand || last != scalar.operand) {
            return false;
        }
        *deepest = scalar.result;
        self.len = base + 1;
        self.emit(|sink| sink.simple(scalar.op, SimpleImm::None));
        self.pos += 1;
        true
    }

    #[inline(always)]
    fn access(&mut self, byte: u8, align_log2: u8) -> bool {
        let plain = &PLAIN[usize::from(byte) - FIRST_PLAIN];
        let Some((offset, offset_len)) = short(self.bytes, self.pos + 2) else { return false };
        let pops = 1 + usize::from(plain.is_store);
        if u32::from(align_log2) > plain.max_align_log2 || self.len < self.height + pops {
            return false;
        }
        let base = self.len - pops;
        let Some(last) = self.operands.get(self.len - 1).copied() else { return false };
        let Some(address) = self.operands.get_mut(base) else { return false };
        if *address != self.memory0 || (plain.is_store && last != plain.ty) {
            return false;
        }
        // A store writes above the stack, where nothing is.
        *address = plain.ty;
        self.len = base + usize::from(!plain.is_store);
        let arg = MemArg {
            memory: MemoryIdx(0),
            offset: u64::from(offset),
            align_log2,
            lane: 0,
            memory64: self.memory0 == ValType::I64,
        };
        self.emit(|sink| sink.access(plain.op, arg));
        self.pos += 2 + offset_len;
        true
    }
}
