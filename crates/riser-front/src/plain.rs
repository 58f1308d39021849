//! The plain operators, most of all code: locals, constants, loads, stores, scalar arithmetic.
//!
//! Nothing here is needed for a walk to be right: each of these operators also has its ordinary way, in the
//! file of its topic. Here are only the cases in which everything fits at the first look (operands of exactly
//! the right types, short immediates), with the position and the height of the stack in local variables,
//! where the compiler keeps them in registers. At the first thing that does not fit, [`Walk::plain`] leaves
//! the operator, unread, to the ordinary way, which also has the error messages. Measured on the 21.6 MB of
//! code of GCC's cc1: 63 ms without, 55 ms with; on Duckdb 69 and 58.

use crate::access::{FIRST_PLAIN, PLAIN};
use crate::cursor::{short, short_signed};
use crate::simple::{FIRST_SCALAR, SCALARS};
use crate::sink::{BodySink, MemArg, SimpleImm};
use crate::walker::Walk;
use riser_ops::{LocalIdx, MemoryIdx, ValType};

impl<S: BodySink, const CHECK: bool> Walk<'_, S, CHECK> {
    /// Walks over plain operators up to the first operator that is not one, or that does not fit.
    #[inline(always)]
    pub(crate) fn plain(&mut self) {
        // tidy: flat match
        let bytes = self.reader.bytes();
        let operands = &mut self.operands[..];
        let near = self.locals.near();
        let (height, live) = (self.height, self.live);
        // Without a memory no address fits, not even one of unknown type.
        let memory0 = match self.memory0 {
            ValType::BOTTOM => ValType::from_bits(1),
            ty => ty,
        };
        let (mut pos, mut len) = (self.reader.pos(), self.len);
        while let Some(&[byte, first, ..]) = bytes.get(pos..) {
            match byte {
                0x20 => {
                    let Some(&ty) = near.get(usize::from(first)) else { break };
                    let Some(slot) = operands.get_mut(len) else { break };
                    *slot = ty;
                    len += 1;
                    if live {
                        self.sink.at(pos as u32);
                        self.sink.local_get(LocalIdx(u32::from(first)), ty);
                    }
                    pos += 2;
                }
                0x21 | 0x22 => {
                    let Some(&ty) = near.get(usize::from(first)) else { break };
                    if len <= height || operands.get(len - 1) != Some(&ty) {
                        break;
                    }
                    let is_set = byte == 0x21;
                    len -= usize::from(is_set);
                    if live {
                        self.sink.at(pos as u32);
                        let local = LocalIdx(u32::from(first));
                        if is_set {
                            self.sink.local_set(local, ty);
                        } else {
                            self.sink.local_tee(local, ty);
                        }
                    }
                    pos += 2;
                }
                0x41 => {
                    let Some((value, value_len)) = short_signed(bytes, pos + 1) else { break };
                    let Some(slot) = operands.get_mut(len) else { break };
                    *slot = ValType::I32;
                    len += 1;
                    if live {
                        self.sink.at(pos as u32);
                        self.sink.i32_const(value);
                    }
                    pos += 1 + value_len;
                }
                0x45..=0xBF => {
                    let scalar = &SCALARS[usize::from(byte) - FIRST_SCALAR];
                    let arity = usize::from(scalar.arity);
                    if len < height + arity {
                        break;
                    }
                    let base = len - arity;
                    let Some(last) = operands.get(len - 1).copied() else { break };
                    let Some(deepest) = operands.get_mut(base) else { break };
                    if CHECK && (*deepest != scalar.operand || last != scalar.operand) {
                        break;
                    }
                    *deepest = scalar.result;
                    len = base + 1;
                    if live {
                        self.sink.at(pos as u32);
                        self.sink.simple(scalar.op, SimpleImm::None);
                    }
                    pos += 1;
                }
                0x28..=0x3E => {
                    let plain = &PLAIN[usize::from(byte) - FIRST_PLAIN];
                    let Some((offset, offset_len)) = short(bytes, pos + 2) else { break };
                    let pops = 1 + usize::from(plain.is_store);
                    if u32::from(first) > plain.max_align_log2 || len < height + pops {
                        break;
                    }
                    let base = len - pops;
                    let Some(last) = operands.get(len - 1).copied() else { break };
                    let Some(address) = operands.get_mut(base) else { break };
                    if *address != memory0 || (plain.is_store && last != plain.ty) {
                        break;
                    }
                    // A store writes above the stack, where nothing is.
                    *address = plain.ty;
                    len = base + usize::from(!plain.is_store);
                    if live {
                        self.sink.at(pos as u32);
                        let arg = MemArg {
                            memory: MemoryIdx(0),
                            offset: u64::from(offset),
                            align_log2: first,
                            lane: 0,
                            memory64: memory0 == ValType::I64,
                        };
                        self.sink.access(plain.op, arg);
                    }
                    pos += 2 + offset_len;
                }
                _ => break,
            }
        }
        self.reader.seek(pos);
        self.len = len;
    }
}
