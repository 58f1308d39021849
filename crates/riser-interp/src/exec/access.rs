//! Handlers of loads and stores.
//!
//! The fast forms access memory 0 with 32-bit addresses: address and offset are both below 2^32, so that
//! their sum cannot wrap around in 64 bits, and `len` is compared with it. The far forms take any memory
//! and any offset. A handler that finds its access out of bounds looks again with the memory's present
//! size before it traps, since another thread may have grown a shared memory.

use super::operand::{A, I, S, SLOT, Src, Value};
use super::simple::{NONE, SCALED, scaled};
use super::{
    APART, At, Cx, Flow, Handler, Regs, Slot, Unaligned, divert, handler, next, next_after, trap,
};
use crate::code::{ACCESSES, store as at};
use core::sync::atomic::Ordering;
use riser_abi::MemoryDef;
use riser_numerics as numerics;
use riser_numerics::V128;
use riser_ops::{AccessKind, AccessOp, AccessRow, Extension, TrapCode, ValType};

/// The row of the access with this number.
pub(super) const fn row(op: usize) -> &'static AccessRow {
    &AccessOp::ROWS[op]
}

/// The bytes that an access touches.
pub(super) const fn width(op: usize) -> usize {
    row(op).width as usize
}

/// Where an access of `width` bytes at `address + offset` begins, if it lies within the memory.
#[inline(always)]
fn in_bounds(address: u64, offset: u64, width: usize, len: usize) -> Option<usize> {
    let first = address.checked_add(offset)?;
    let end = first.checked_add(width as u64)?;
    (end <= len as u64).then_some(first as usize)
}

/// The first byte of an access of `width` bytes to memory 0 with a 32-bit address.
#[inline(always)]
unsafe fn near(r: &Regs, address: u32, offset: u32, width: usize) -> Option<*mut u8> {
    let first = u64::from(address) + u64::from(offset);
    if first + width as u64 > r.len as u64 {
        return None;
    }
    // SAFETY: the access lies within the memory (fact 5).
    Some(unsafe { r.mem.add(first as usize) })
}

/// The first byte of an access to any memory; the fields at `at` name the memory and the offset.
#[inline(always)]
unsafe fn far(r: &Regs, address: u64, at: usize, width: usize) -> Option<*mut u8> {
    // SAFETY: the field holds the place of a pointer to a memory in `VmCtx` (fact 4).
    unsafe {
        let def = *r.vmctx_at::<*const MemoryDef>(r.field::<u32>(at));
        let len = (*def).len.load(Ordering::Relaxed);
        let first = in_bounds(address, r.field::<u64>(at + 4), width, len)?;
        Some((*def).base.add(first))
    }
}

/// Reads memory as an integer.
#[inline(always)]
unsafe fn read<T: Copy>(p: *const u8) -> T {
    // SAFETY: the caller's bounds check. Memory is shared with nothing that Rust knows of.
    unsafe { (*p.cast::<Unaligned<T>>()).0 }
}

#[inline(always)]
unsafe fn write<T: Copy>(p: *mut u8, value: T) {
    // SAFETY: as for `read`.
    unsafe { (*p.cast::<Unaligned<T>>()).0 = value }
}

/// The integer that a load gives, as the bits of a slot.
#[inline(always)]
unsafe fn load_bits<const OP: usize>(p: *const u8) -> u64 {
    let is_i32 = matches!(row(OP).ty, ValType::I32);
    // SAFETY: `p` was checked for the access's width.
    let bits = unsafe {
        match (row(OP).width, row(OP).extension) {
            (1, Extension::Sign) => i64::from(read::<i8>(p)) as u64,
            (1, _) => u64::from(read::<u8>(p)),
            (2, Extension::Sign) => i64::from(i16::from_le(read(p))) as u64,
            (2, _) => u64::from(u16::from_le(read(p))),
            (4, Extension::Sign) => i64::from(i32::from_le(read(p))) as u64,
            (4, _) => u64::from(u32::from_le(read(p))),
            _ => u64::from_le(read(p)),
        }
    };
    if is_i32 { bits & 0xFFFF_FFFF } else { bits }
}

/// Stores the low bytes of `bits`.
#[inline(always)]
unsafe fn store_bits<const OP: usize>(p: *mut u8, bits: u64) {
    // SAFETY: `p` was checked for the access's width.
    unsafe {
        match row(OP).width {
            1 => write(p, bits as u8),
            2 => write(p, (bits as u16).to_le()),
            4 => write(p, (bits as u32).to_le()),
            _ => write(p, bits.to_le()),
        }
    }
}

/// Where the result of a load goes.
pub(super) trait LoadDst {
    unsafe fn put<const OP: usize>(r: &mut Regs, p: *const u8);
}

impl LoadDst for S {
    #[inline(always)]
    unsafe fn put<const OP: usize>(r: &mut Regs, p: *const u8) {
        // SAFETY: `p` was checked; a load begins with a slot.
        unsafe {
            match row(OP).ty {
                ValType::F32 => {
                    <S as super::operand::Dst>::write(r, f32::from_bits(u32::from_le(read(p))))
                }
                ValType::F64 => {
                    <S as super::operand::Dst>::write(r, f64::from_bits(u64::from_le(read(p))))
                }
                ValType::V128 if APART => load_vector_apart::<OP>(p, r.slot(0)),
                ValType::V128 => load_vector::<OP>(p).store(r.slot(0)),
                _ => <S as super::operand::Dst>::write(r, load_bits::<OP>(p) as i64),
            }
        }
    }
}

impl LoadDst for A {
    #[inline(always)]
    unsafe fn put<const OP: usize>(r: &mut Regs, p: *const u8) {
        // SAFETY: `p` was checked.
        unsafe {
            match row(OP).ty {
                ValType::F32 => r.s = f32::from_bits(u32::from_le(read(p))),
                ValType::F64 => r.d = f64::from_bits(u64::from_le(read(p))),
                _ => r.acc = load_bits::<OP>(p),
            }
        }
    }
}

/// The vector that a load gives.
#[inline(always)]
unsafe fn load_vector<const OP: usize>(p: *const u8) -> V128 {
    // SAFETY: `p` was checked for the access's width.
    unsafe {
        match (row(OP).kind, row(OP).width) {
            (AccessKind::LoadSplat, 1) => V128::from_u8x16([read(p); 16]),
            (AccessKind::LoadSplat, 2) => V128::from_u16x8([u16::from_le(read(p)); 8]),
            (AccessKind::LoadSplat, 4) => V128::from_u32x4([u32::from_le(read(p)); 4]),
            (AccessKind::LoadSplat, _) => V128::from_u64x2([u64::from_le(read(p)); 2]),
            (AccessKind::LoadZero, 4) => V128::from_bits(u32::from_le(read(p)).into()),
            (AccessKind::LoadZero, _) => V128::from_bits(u64::from_le(read(p)).into()),
            (AccessKind::LoadWiden, _) => {
                widen(row(OP).op, V128::from_bits(u64::from_le(read(p)).into()))
            }
            _ => V128::from_le_bytes(read(p)),
        }
    }
}

/// Loads a vector, in a function of its own.
#[inline(never)]
unsafe fn load_vector_apart<const OP: usize>(p: *const u8, slot: *mut Slot) {
    // SAFETY: as the caller's.
    unsafe { load_vector::<OP>(p).store(slot) }
}

/// The low half of `v` with lanes of twice their width.
#[inline(always)]
fn widen(op: AccessOp, v: V128) -> V128 {
    match op {
        AccessOp::V128Load8x8S => numerics::i16x8_extend_low_i8x16_s(v),
        AccessOp::V128Load8x8U => numerics::i16x8_extend_low_i8x16_u(v),
        AccessOp::V128Load16x4S => numerics::i32x4_extend_low_i16x8_s(v),
        AccessOp::V128Load16x4U => numerics::i32x4_extend_low_i16x8_u(v),
        AccessOp::V128Load32x2S => numerics::i64x2_extend_low_i32x4_s(v),
        _ => numerics::i64x2_extend_low_i32x4_u(v),
    }
}

/// The value of a store as bits.
pub(super) trait StoreSrc {
    const SIZE: usize;
    unsafe fn bits<const OP: usize>(r: &Regs, at: usize) -> u64;
}

impl StoreSrc for S {
    const SIZE: usize = SLOT;

    #[inline(always)]
    unsafe fn bits<const OP: usize>(r: &Regs, at: usize) -> u64 {
        // SAFETY: the handler's instruction has a slot there.
        unsafe { *r.slot(at) }
    }
}

impl StoreSrc for A {
    const SIZE: usize = 0;

    #[inline(always)]
    unsafe fn bits<const OP: usize>(r: &Regs, _: usize) -> u64 {
        match row(OP).ty {
            ValType::F32 => r.s.to_bits().into(),
            ValType::F64 => r.d.to_bits(),
            _ => r.acc,
        }
    }
}

impl StoreSrc for I {
    const SIZE: usize = 4;

    #[inline(always)]
    unsafe fn bits<const OP: usize>(r: &Regs, at: usize) -> u64 {
        // SAFETY: the handler's instruction has an immediate there.
        unsafe { i64::imm(r, at) as u64 }
    }
}

/// Where the address of a fast access comes from.
pub(super) trait Address {
    const SIZE: usize;
    unsafe fn read(r: &Regs, at: usize) -> u32;
}

impl Address for S {
    const SIZE: usize = SLOT;

    #[inline(always)]
    unsafe fn read(r: &Regs, at: usize) -> u32 {
        // SAFETY: the handler's instruction has a slot there.
        unsafe { <S as Src<i32>>::read(r, at) as u32 }
    }
}

impl Address for A {
    const SIZE: usize = 0;

    #[inline(always)]
    unsafe fn read(r: &Regs, _: usize) -> u32 {
        r.acc as u32
    }
}

/// A constant address is part of the offset.
impl Address for I {
    const SIZE: usize = 0;

    #[inline(always)]
    unsafe fn read(_: &Regs, _: usize) -> u32 {
        0
    }
}

/// The width of addresses of a far access.
pub(super) trait FarAddress {
    unsafe fn read(r: &Regs, at: usize) -> u64;
}

/// 32-bit addresses.
pub(super) struct Narrow;
/// 64-bit addresses.
pub(super) struct Wide;

impl FarAddress for Narrow {
    #[inline(always)]
    unsafe fn read(r: &Regs, at: usize) -> u64 {
        // SAFETY: the handler's instruction has a slot there.
        unsafe { *r.slot(at) & 0xFFFF_FFFF }
    }
}

impl FarAddress for Wide {
    #[inline(always)]
    unsafe fn read(r: &Regs, at: usize) -> u64 {
        // SAFETY: the handler's instruction has a slot there.
        unsafe { *r.slot(at) }
    }
}

/// What is behind the fields of a fast access, and of a far one.
const NEAR: usize = 4;
const FAR: usize = 4 + 8;

handler! {
    /// A fast access was out of bounds: tries again if the memory has grown meanwhile, else traps.
    #[cold]
    #[inline(never)]
    fn out_of_bounds[](r) {
        let seen = r.len;
        r.reload_memory();
        if r.len > seen { next(r) } else { trap(r, TrapCode::MemoryOutOfBounds) }
    }
    fn load[X: Address, D: LoadDst, const OP: usize](r) {
        let address = X::read(&r, SLOT);
        let offset = r.field::<u32>(SLOT + X::SIZE);
        let Some(p) = near(&r, address, offset, width(OP)) else { return divert(r, out_of_bounds) };
        D::put::<OP>(&mut r, p);
        next_after(r, SLOT + X::SIZE + NEAR)
    }
    fn load_indexed[X: Src<i32>, Y: Src<i32>, D: LoadDst, const OP: usize](r) {
        let address = X::read(&r, SLOT).wrapping_add(Y::read(&r, SLOT + X::SIZE)) as u32;
        let offset = r.field::<u32>(SLOT + X::SIZE + Y::SIZE);
        let Some(p) = near(&r, address, offset, width(OP)) else { return divert(r, out_of_bounds) };
        D::put::<OP>(&mut r, p);
        next_after(r, SLOT + X::SIZE + Y::SIZE + NEAR)
    }
    fn load_scaled[X: Src<i32>, D: LoadDst, const OP: usize](r) {
        let address = scaled::<X>(&r, SLOT) as u32;
        let offset = r.field::<u32>(SLOT + X::SIZE + SCALED);
        let Some(p) = near(&r, address, offset, width(OP)) else { return divert(r, out_of_bounds) };
        D::put::<OP>(&mut r, p);
        next_after(r, SLOT + X::SIZE + SCALED + NEAR)
    }
    fn store[X: Address, Y: StoreSrc, const OP: usize](r) {
        let address = X::read(&r, 0);
        let offset = r.field::<u32>(X::SIZE + Y::SIZE);
        let Some(p) = near(&r, address, offset, width(OP)) else { return divert(r, out_of_bounds) };
        store_bits::<OP>(p, Y::bits::<OP>(&r, X::SIZE));
        next_after(r, X::SIZE + Y::SIZE + NEAR)
    }
    fn store_vector[const OP: usize](r) {
        let address = <S as Address>::read(&r, 0);
        let offset = r.field::<u32>(2 * SLOT);
        let Some(p) = near(&r, address, offset, width(OP)) else { return divert(r, out_of_bounds) };
        write(p, V128::load(r.slot(SLOT)).to_le_bytes());
        next_after(r, 2 * SLOT + NEAR)
    }
    fn far_load[X: FarAddress, const OP: usize](r) {
        let address = X::read(&r, SLOT);
        let Some(p) = far(&r, address, 2 * SLOT, width(OP)) else {
            return trap(r, TrapCode::MemoryOutOfBounds);
        };
        <S as LoadDst>::put::<OP>(&mut r, p);
        next_after(r, 2 * SLOT + FAR)
    }
    fn far_store[X: FarAddress, const OP: usize](r) {
        let address = X::read(&r, 0);
        let Some(p) = far(&r, address, 2 * SLOT, width(OP)) else {
            return trap(r, TrapCode::MemoryOutOfBounds);
        };
        match row(OP).ty {
            ValType::V128 => write(p, V128::load(r.slot(SLOT)).to_le_bytes()),
            _ => store_bits::<OP>(p, *r.slot(SLOT)),
        }
        next_after(r, 2 * SLOT + FAR)
    }
    fn load_lane[const OP: usize](r) {
        let address = <S as Address>::read(&r, SLOT);
        let Some(p) = near(&r, address, r.field(3 * SLOT + 2), width(OP)) else {
            return divert(r, out_of_bounds);
        };
        load_into_lane::<OP>(&r, p);
        next_after(r, 3 * SLOT + 2 + NEAR)
    }
    fn far_load_lane[X: FarAddress, const OP: usize](r) {
        let address = X::read(&r, SLOT);
        let Some(p) = far(&r, address, 3 * SLOT + 2, width(OP)) else {
            return trap(r, TrapCode::MemoryOutOfBounds);
        };
        load_into_lane::<OP>(&r, p);
        next_after(r, 3 * SLOT + 2 + FAR)
    }
    fn store_lane[const OP: usize](r) {
        let address = <S as Address>::read(&r, 0);
        let Some(p) = near(&r, address, r.field(2 * SLOT + 2), width(OP)) else {
            return divert(r, out_of_bounds);
        };
        store_from_lane::<OP>(&r, p);
        next_after(r, 2 * SLOT + 2 + NEAR)
    }
    fn far_store_lane[X: FarAddress, const OP: usize](r) {
        let address = X::read(&r, 0);
        let Some(p) = far(&r, address, 2 * SLOT + 2, width(OP)) else {
            return trap(r, TrapCode::MemoryOutOfBounds);
        };
        store_from_lane::<OP>(&r, p);
        next_after(r, 2 * SLOT + 2 + FAR)
    }
}

/// Fields: result, address, vector, lane. In a function of its own where that must be.
#[inline(always)]
unsafe fn load_into_lane<const OP: usize>(r: &Regs, p: *const u8) {
    // SAFETY: as the caller's.
    unsafe {
        if APART { load_into_lane_apart::<OP>(At::of(r), p) } else { load_lane_at::<OP>(r, p) }
    }
}

#[inline(never)]
unsafe fn load_into_lane_apart<const OP: usize>(at: At, p: *const u8) {
    // SAFETY: as the caller's.
    unsafe { load_lane_at::<OP>(&at.regs(), p) }
}

#[inline(always)]
unsafe fn load_lane_at<const OP: usize>(r: &Regs, p: *const u8) {
    // SAFETY: `p` was checked; the handler's instruction has these fields.
    unsafe {
        let v = V128::load(r.slot(2 * SLOT));
        let lane = r.field::<u16>(3 * SLOT) as u8;
        let bits = load_bits::<OP>(p);
        let v = match row(OP).width {
            1 => numerics::i8x16_replace_lane(v, bits as i32, lane),
            2 => numerics::i16x8_replace_lane(v, bits as i32, lane),
            4 => numerics::i32x4_replace_lane(v, bits as i32, lane),
            _ => numerics::i64x2_replace_lane(v, bits as i64, lane),
        };
        v.store(r.slot(0));
    }
}

/// Fields: address, vector, lane. In a function of its own where that must be.
#[inline(always)]
unsafe fn store_from_lane<const OP: usize>(r: &Regs, p: *mut u8) {
    // SAFETY: as the caller's.
    unsafe {
        if APART { store_from_lane_apart::<OP>(At::of(r), p) } else { store_lane_at::<OP>(r, p) }
    }
}

#[inline(never)]
unsafe fn store_from_lane_apart<const OP: usize>(at: At, p: *mut u8) {
    // SAFETY: as the caller's.
    unsafe { store_lane_at::<OP>(&at.regs(), p) }
}

#[inline(always)]
unsafe fn store_lane_at<const OP: usize>(r: &Regs, p: *mut u8) {
    // SAFETY: `p` was checked; the handler's instruction has these fields.
    unsafe {
        let v = V128::load(r.slot(SLOT));
        let lane = r.field::<u16>(2 * SLOT) as u8;
        let bits = match row(OP).width {
            1 => numerics::i8x16_extract_lane_u(v, lane) as u64,
            2 => numerics::i16x8_extract_lane_u(v, lane) as u64,
            4 => numerics::i32x4_extract_lane(v, lane) as u64,
            _ => numerics::i64x2_extract_lane(v, lane) as u64,
        };
        store_bits::<OP>(p, bits);
    }
}

/// The handlers of a load from a sum for all places of its operands and result (see `code.rs`).
const fn indexed_block<const OP: usize>() -> [Handler; 16] {
    use AccessKind as K;
    let mut block = NONE;
    if matches!(row(OP).kind, K::Load | K::LoadSplat | K::LoadZero | K::LoadWiden) {
        block[0] = load_indexed::<S, S, S, OP>;
        block[1] = load_indexed::<A, S, S, OP>;
        block[2] = load_indexed::<S, I, S, OP>;
        block[3] = load_indexed::<A, I, S, OP>;
        block[4] = load_scaled::<S, S, OP>;
        block[5] = load_scaled::<A, S, OP>;
    }
    if matches!(row(OP).kind, K::Load) && !matches!(row(OP).ty, ValType::V128) {
        block[8] = load_indexed::<S, S, A, OP>;
        block[9] = load_indexed::<A, S, A, OP>;
        block[10] = load_indexed::<S, I, A, OP>;
        block[11] = load_indexed::<A, I, A, OP>;
        block[12] = load_scaled::<S, A, OP>;
        block[13] = load_scaled::<A, A, OP>;
    }
    block
}

/// The handlers of an access for all places of its operands and result (see `code.rs`).
const fn block<const OP: usize>() -> [Handler; 16] {
    let mut block = NONE;
    match row(OP).kind {
        AccessKind::Load | AccessKind::LoadSplat | AccessKind::LoadZero | AccessKind::LoadWiden => {
            block[0] = load::<S, S, OP>;
            block[1] = load::<A, S, OP>;
            block[2] = load::<I, S, OP>;
            block[3] = far_load::<Narrow, OP>;
            block[4] = far_load::<Wide, OP>;
            block[8] = load::<S, A, OP>;
            block[9] = load::<A, A, OP>;
            block[10] = load::<I, A, OP>;
        }
        AccessKind::Store if matches!(row(OP).ty, ValType::V128) => {
            block[at::SS as usize] = store_vector::<OP>;
            block[at::FAR32 as usize] = far_store::<Narrow, OP>;
            block[at::FAR64 as usize] = far_store::<Wide, OP>;
        }
        AccessKind::Store => {
            block[at::SS as usize] = store::<S, S, OP>;
            block[at::SA as usize] = store::<S, A, OP>;
            block[at::SI as usize] = store::<S, I, OP>;
            block[at::AS as usize] = store::<A, S, OP>;
            block[at::AA as usize] = store::<A, A, OP>;
            block[at::AI as usize] = store::<A, I, OP>;
            block[at::IS as usize] = store::<I, S, OP>;
            block[at::IA as usize] = store::<I, A, OP>;
            block[at::II as usize] = store::<I, I, OP>;
            block[at::FAR32 as usize] = far_store::<Narrow, OP>;
            block[at::FAR64 as usize] = far_store::<Wide, OP>;
        }
        AccessKind::LoadLane => {
            block[0] = load_lane::<OP>;
            block[3] = far_load_lane::<Narrow, OP>;
            block[4] = far_load_lane::<Wide, OP>;
        }
        AccessKind::StoreLane => {
            block[at::SS as usize] = store_lane::<OP>;
            block[at::FAR32 as usize] = far_store_lane::<Narrow, OP>;
            block[at::FAR64 as usize] = far_store_lane::<Wide, OP>;
        }
        _ => return super::atomics::block::<OP>(),
    }
    block
}

macro_rules! access_blocks {
    ($($op:ident $name:ident $mnemonic:literal $opcode:literal $kind:ident $ty:ident
       $width:literal $extension:ident $feature:ident $cost:literal;)*) => {
        /// The handlers of each access.
        pub(super) static ACCESS: &[[Handler; 16]] = &[$(block::<{ AccessOp::$op as usize }>()),*];
        /// The handlers of each load from a sum.
        pub(super) static INDEXED: &[[Handler; 16]] =
            &[$(indexed_block::<{ AccessOp::$op as usize }>()),*];
    };
}
riser_ops::for_each_access!(access_blocks);
const _: () = assert!(ACCESSES == ACCESS.len());
