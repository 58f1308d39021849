//! Reading frames.

use super::run::{CodeHolder, module_of};
use super::store::StoreOpaque;
use super::values;
use crate::gc::Place;
use crate::{Rooted, Val, WasmFrame};
use riser_abi::{GlobalCell, Slot};
use riser_front::Walker;
use riser_heap::{HeapRef, Referent};
use riser_interp::{FrameInfo, FrameSource, FrameValue};
use riser_module::Module;
use riser_ops::{FuncIdx, ValType};
use riser_vm::{CodeFrame, FrameSlots, instance_of, visit_compiled_values};

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
    let references = held_by(&locals, &operands);
    let module = module.clone();
    Some(WasmFrame { func, offset, locals, operands, has_values, references, module })
}

/// The values that refer to something in the heap.
fn held_by(locals: &[Val], operands: &[Val]) -> Vec<Val> {
    let is_reference = |val: &&Val| {
        matches!(val, Val::ExternRef(Some(_)) | Val::AnyRef(Some(_)) | Val::ExnRef(Some(_)))
    };
    locals.iter().chain(operands).filter(is_reference).cloned().collect()
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

/// The frames of compiled code. Where code keeps values in slots, they are known.
fn compiled_frames(store: &mut StoreOpaque) -> Vec<WasmFrame> {
    let mut frames = Vec::new();
    // SAFETY: the store's code waits for the host, or there is none.
    unsafe {
        visit_compiled_values(store.vm.runtime(), &mut |visited| {
            frames.push((visited.frame, visited.references.to_vec(), visited.slots));
        });
    }
    let mut walker = Walker::new();
    let frame = |(frame, references, slots): (CodeFrame, Vec<u32>, Option<FrameSlots>)| {
        let module = module_of(store, &frame)?;
        let func = FuncIdx(module.decoded().imported.funcs + frame.func);
        let offset = frame.wasm_offset?;
        // SAFETY: the frames are those of this moment, and nothing has run since.
        let values = slots.and_then(|slots| unsafe {
            slot_values(store, &mut walker, module.decoded(), func, offset, slots)
        });
        let has_values = values.is_some();
        let (locals, operands) = values.unwrap_or_default();
        let references = match has_values {
            true => held_by(&locals, &operands),
            false => references.into_iter().filter_map(|bits| held(store, bits)).collect(),
        };
        Some(WasmFrame { func, offset, locals, operands, has_values, references, module })
    };
    frames.into_iter().filter_map(frame).collect()
}

/// The locals and operands of a frame that waits in an operator, unless nobody knows them there.
///
/// # Safety
/// The slots are those of an active frame of the function, which waits at that operator; nothing has run since.
unsafe fn slot_values(
    store: &mut StoreOpaque,
    walker: &mut Walker,
    module: &Module,
    func: FuncIdx,
    offset: u32,
    slots: FrameSlots,
) -> Option<(Vec<Val>, Vec<Val>)> {
    let waiting = walker.waiting(module, func, offset)?;
    let params = module.func_type(func)?.params().iter().copied();
    let declared = waiting.locals.iter();
    let declared = declared.flat_map(|&(count, ty)| core::iter::repeat_n(ty, count as usize));
    let mut read = |mut slot: u32, types: &mut dyn Iterator<Item = ValType>| {
        let mut values = Vec::new();
        for ty in types {
            // SAFETY: the caller's promise: a value of the type is in the slot.
            values.push(unsafe {
                let slots = slots.read(slot, ty == ValType::V128)?;
                values::from_cell(store, GlobalCell { slots }, ty)
            });
            slot += ty.slots();
        }
        Some(values)
    };
    let locals = read(0, &mut params.chain(declared))?;
    let operands = read(slots.first_operand, &mut waiting.operands.iter().copied())?;
    Some((locals, operands))
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
