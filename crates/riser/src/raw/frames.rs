//! Reading frames.

use super::run::{CodeHolder, module_of};
use super::store::StoreOpaque;
use super::values;
use crate::gc::Place;
use crate::{Rooted, Val, WasmFrame};
use riser_abi::{GlobalCell, Slot};
use riser_heap::{HeapRef, Referent};
use riser_interp::{FrameInfo, FrameSource, FrameValue};
use riser_ops::{FuncIdx, ValType};
use riser_vm::{CodeFrame, instance_of, visit_frames_with_references};

/// The frames that are active now, with their values.
pub(crate) fn wasm_frames(store: &mut StoreOpaque) -> Vec<WasmFrame> {
    if store.engine().is_compiled() {
        return compiled_frames(store);
    }
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
    let CodeHolder::Interp(interp) = CodeHolder::of(&module)? else { return None };
    let state = interp.frame_state(frame.func, frame.pc)?;
    let mut read = |values: &[FrameValue]| -> Vec<Val> {
        // SAFETY: the map says where values of these types are.
        values.iter().map(|value| unsafe { value_of(store, value, fp) }).collect()
    };
    let (locals, operands) = (read(&state.locals), read(&state.operands));
    let func = FuncIdx(module.decoded().imported.funcs + frame.func);
    let (offset, has_values) = (state.wasm_offset, true);
    let references =
        locals.iter().chain(&operands).filter(|val| is_reference(val)).cloned().collect();
    let module = module.clone();
    Some(WasmFrame { func, offset, locals, operands, has_values, references, module })
}

/// Whether a value refers to something in the heap.
fn is_reference(val: &Val) -> bool {
    matches!(val, Val::ExternRef(Some(_)) | Val::AnyRef(Some(_)) | Val::ExnRef(Some(_)))
}

/// A reference as it stands in a compiled frame, by what it refers to: its type is not kept. `None` for null.
fn held(store: &mut StoreOpaque, bits: u32) -> Option<Val> {
    let at = HeapRef::from_bits(bits)?;
    let referent = store.vm.heap.referent(at).ok()?;
    let place = Place::new(store, at);
    Some(match referent {
        Referent::Extern => Val::ExternRef(Some(Rooted::at(place))),
        Referent::Exn(_) => Val::ExnRef(Some(Rooted::at(place))),
        Referent::I31(_) | Referent::Struct(_) | Referent::Array(_) => {
            Val::AnyRef(Some(Rooted::at(place)))
        }
    })
}

/// The frames of compiled code, whose values are not known.
fn compiled_frames(store: &mut StoreOpaque) -> Vec<WasmFrame> {
    let mut frames = Vec::new();
    // SAFETY: the store's code waits for the host, or there is none.
    unsafe {
        visit_frames_with_references(store.vm.runtime(), &mut |frame, references| {
            frames.push((frame, references.to_vec()));
        });
    }
    let frame = |(frame, references): (CodeFrame, Vec<u32>)| {
        let module = module_of(store, &frame)?;
        let func = FuncIdx(module.decoded().imported.funcs + frame.func);
        let (locals, operands, has_values) = (Vec::new(), Vec::new(), false);
        let offset = frame.wasm_offset?;
        let references = references.into_iter().filter_map(|bits| held(store, bits)).collect();
        Some(WasmFrame { func, offset, locals, operands, has_values, references, module })
    };
    frames.into_iter().filter_map(frame).collect()
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
