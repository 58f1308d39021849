//! Reading frames.

use super::run::CodeHolder;
use super::store::StoreOpaque;
use super::values;
use crate::{Val, WasmFrame};
use riser_abi::{GlobalCell, Slot};
use riser_interp::{FrameInfo, FrameSource, FrameValue};
use riser_ops::{FuncIdx, ValType};
use riser_vm::instance_of;

/// The frames that are active now, with their values.
pub(crate) fn wasm_frames(store: &mut StoreOpaque) -> Vec<WasmFrame> {
    let mut frames: Vec<(FrameInfo, *mut Slot)> = Vec::new();
    // SAFETY: the runtime block lives as long as the store, which is borrowed: code waits for the host.
    unsafe {
        riser_interp::visit_frames(store.vm.runtime(), &mut |frame, fp| frames.push((frame, fp)));
    }
    // SAFETY: the frames are those of this moment, and nothing has run since.
    frames.into_iter().filter_map(|(frame, fp)| unsafe { wasm_frame(store, frame, fp) }).collect()
}

/// # Safety
/// The frame is active, and begins at `fp`.
unsafe fn wasm_frame(
    store: &mut StoreOpaque,
    frame: FrameInfo,
    fp: *mut Slot,
) -> Option<WasmFrame> {
    // SAFETY: frames are of instances of this store.
    let instance = unsafe { instance_of(frame.vmctx) }?;
    let module = store.modules.get(instance.index() as usize)?.clone();
    let holder = module.vm().code().as_any().downcast_ref::<CodeHolder>()?;
    let state = holder.interp.frame_state(frame.func, frame.pc)?;
    let mut read = |values: &[FrameValue]| -> Vec<Val> {
        // SAFETY: the map says where values of these types are.
        values.iter().map(|value| unsafe { value_of(store, value, fp) }).collect()
    };
    let (locals, operands) = (read(&state.locals), read(&state.operands));
    let func = FuncIdx(module.decoded().imported.funcs + frame.func);
    Some(WasmFrame { func, offset: state.wasm_offset, locals, operands, module: module.clone() })
}

/// # Safety
/// A value of the type is where `value` says in the frame at `fp`.
unsafe fn value_of(store: &mut StoreOpaque, value: &FrameValue, fp: *mut Slot) -> Val {
    let slots = match value.source {
        FrameSource::Const(bits) => [bits, 0],
        // SAFETY: the caller's promise; a vector takes two slots.
        FrameSource::Slot(slot) => unsafe {
            let at = fp.add(slot as usize);
            [*at, if value.ty == ValType::V128 { *at.add(1) } else { 0 }]
        },
    };
    // SAFETY: the caller's promise.
    unsafe { values::from_cell(store, GlobalCell { slots }, value.ty) }
}
