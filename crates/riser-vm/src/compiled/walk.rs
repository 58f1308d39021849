//! Along the frames of compiled code.

use super::activation::Activation;
use super::registry::{self, CodeKind, CodeOwner, Function};
use core::ops::ControlFlow;
use core::ptr;
use riser_abi::{EXIT_ON_STACK, VmRuntime};

/// A frame of a compiled function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeFrame {
    /// Whose code it is.
    pub owner: CodeOwner,
    /// The function, counted from the first defined one.
    pub func: u32,
    /// The operator, as an offset in the module's bytes, if known.
    pub wasm_offset: Option<u32>,
}

/// The slots of a frame that waits at a call, where its code keeps locals and operands during calls.
#[derive(Clone, Copy, Debug)]
pub struct FrameSlots {
    /// The address above the first slot. Slots go down from here.
    top: usize,
    /// How many there are at most.
    count: u32,
    /// The slot of the first operand.
    pub first_operand: u32,
}

impl FrameSlots {
    /// What is in a slot, and in the next one if a vector is there. `None` beyond the frame.
    ///
    /// # Safety
    /// The frame waits, and nothing has run since it was visited.
    pub unsafe fn read(&self, slot: u32, is_vector: bool) -> Option<[u64; 2]> {
        let slots = 1 + u32::from(is_vector);
        let end = slot.checked_add(slots).filter(|&end| end <= self.count)?;
        let at = self.top - 8 * end as usize;
        // SAFETY: between the stack pointer and the frame pointer of a frame that waits.
        unsafe { Some([word(at) as u64, if is_vector { word(at + 8) as u64 } else { 0 }]) }
    }
}

/// A frame of a compiled function, and what it has.
#[derive(Clone, Copy, Debug)]
pub struct VisitedFrame<'a> {
    /// Where it is.
    pub frame: CodeFrame,
    /// The references into the heap that it keeps (or null), by their bits.
    pub references: &'a [u32],
    /// Its slots, if it waits at a call and its code has slots.
    pub slots: Option<FrameSlots>,
}

/// A frame as the machine has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MachineFrame {
    /// Where its frame pointer points to.
    pub fp: usize,
    /// Where it goes on; one more than the address of the instruction that trapped.
    pub pc: usize,
    pub function: Function,
}

/// The word at an address of the stack.
///
/// # Safety
/// It is one.
unsafe fn word(at: usize) -> usize {
    // SAFETY: the caller's promise. Addresses of frames come from registers and from the stack itself.
    unsafe { ptr::with_exposed_provenance::<usize>(at).read() }
}

impl MachineFrame {
    /// A frame that goes on at `pc`; `None` if that is not in compiled code.
    pub fn new(fp: usize, pc: usize) -> Option<MachineFrame> {
        Some(MachineFrame { fp, pc, function: registry::find_return(pc)? })
    }

    /// The frame in which code was left, as that is noted.
    ///
    /// # Safety
    /// `fp` and `pc` are what was noted (`VmRuntime::exit_fp`, `VmRuntime::exit_pc`), and who noted it has not returned.
    pub unsafe fn left(fp: usize, pc: usize) -> Option<MachineFrame> {
        if pc != EXIT_ON_STACK {
            return MachineFrame::new(fp, pc);
        }
        // SAFETY: a host trampoline has noted where its frame is, which is a link of the chain like those of functions.
        unsafe { MachineFrame::new(word(fp), word(fp + size_of::<usize>())) }
    }

    /// The frame of the caller.
    ///
    /// # Safety
    /// The frame is active, and not that of an entry.
    pub unsafe fn caller(&self) -> Option<MachineFrame> {
        // SAFETY: fact 1 of the module's documentation.
        unsafe { MachineFrame::new(word(self.fp), word(self.fp + size_of::<usize>())) }
    }

    /// Gives each place that holds a reference into the heap (or null) to `visit`, once.
    ///
    /// # Safety
    /// The frame is active, and waits.
    unsafe fn references(&self, visit: &mut dyn FnMut(*mut u32)) {
        // SAFETY: the code of a frame is registered; fact 3 of the module's documentation.
        let tables = unsafe { self.function.tables() };
        if let Some(call) = tables.call_at(self.function.offset(self.pc)) {
            let sp = self.fp - call.frame_bytes as usize;
            for at in call.references() {
                visit(ptr::with_exposed_provenance_mut(sp + at as usize));
            }
        }
    }

    /// Its slots, if it has some and waits at a call.
    ///
    /// # Safety
    /// The frame is active, and waits.
    unsafe fn slots(&self) -> Option<FrameSlots> {
        // SAFETY: the code of a frame is registered.
        let tables = unsafe { self.function.tables() };
        let call = tables.call_at(self.function.offset(self.pc))?;
        let layout = tables.slots()?;
        let count = call.frame_bytes.checked_sub(layout.below)? / 8;
        let top = self.fp - layout.below as usize;
        Some(FrameSlots { top, count, first_operand: layout.first_operand })
    }

    /// As a frame of a function, if it is one.
    fn code_frame(&self) -> Option<CodeFrame> {
        let CodeKind::Function(func) = self.function.kind else { return None };
        // SAFETY: the code of a frame is registered.
        let tables = unsafe { self.function.tables() };
        // What goes on at the next instruction may be of another operator.
        let wasm_offset = tables.position_at(self.function.offset(self.pc - 1));
        Some(CodeFrame { owner: self.function.owner, func, wasm_offset })
    }
}

/// Gives each frame of a store to `visit`, innermost first. Trampolines are among them.
///
/// # Safety
/// `runtime` is that of a live store that runs on this thread (or does not run), whose code waits: its exit is recorded.
pub(crate) unsafe fn machine_frames(
    runtime: *const VmRuntime,
    visit: &mut dyn FnMut(MachineFrame) -> ControlFlow<()>,
) {
    // SAFETY: facts 1 and 2 of the module's documentation.
    unsafe {
        let mut activation = (*runtime).activation.cast::<Activation>().cast_const();
        let (mut fp, mut pc) = ((*runtime).exit_fp, (*runtime).exit_pc);
        while !activation.is_null() {
            let mut next = MachineFrame::left(fp, pc);
            while let Some(frame) = next.filter(|frame| frame.function.kind != CodeKind::Entry) {
                if visit(frame).is_break() {
                    return;
                }
                // Who is interrupted where a function begins or ends may have the frame pointer of its caller.
                next = if frame.fp == (*activation).entry_fp { None } else { frame.caller() };
            }
            (fp, pc) = ((*activation).exit_fp, (*activation).exit_pc);
            activation = (*activation).outer;
        }
    }
}

/// Gives each frame of a Wasm function of a store to `visit`, innermost first.
///
/// # Safety
/// `runtime` is that of a live store of a compiled engine that runs on this thread, or does not run; its code waits for
/// the host or for a builtin.
pub unsafe fn visit_compiled_frames(
    runtime: *const VmRuntime,
    visit: &mut dyn FnMut(CodeFrame) -> ControlFlow<()>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        machine_frames(runtime, &mut |frame| {
            frame.code_frame().map_or(ControlFlow::Continue(()), &mut *visit)
        });
    }
}

/// As [`visit_compiled_frames`], with what each frame has.
///
/// # Safety
/// As for [`visit_compiled_frames`].
pub unsafe fn visit_compiled_values(
    runtime: *const VmRuntime,
    visit: &mut dyn FnMut(VisitedFrame<'_>),
) {
    let mut found = Vec::new();
    // SAFETY: the caller's promise; what a frame keeps lies in it.
    unsafe {
        machine_frames(runtime, &mut |frame| {
            if let Some(of) = frame.code_frame() {
                found.clear();
                frame.references(&mut |at| found.push(at.read()));
                visit(VisitedFrame { frame: of, references: &found, slots: frame.slots() });
            }
            ControlFlow::Continue(())
        });
    }
}

/// Gives each place in active frames that holds a reference into the heap (or null) to `visit`, once.
///
/// # Safety
/// As for [`visit_compiled_frames`].
pub unsafe fn visit_compiled_references(
    runtime: *const VmRuntime,
    visit: &mut dyn FnMut(*mut u32),
) {
    // SAFETY: the caller's promise; fact 3 of the module's documentation.
    unsafe {
        machine_frames(runtime, &mut |frame| {
            frame.references(visit);
            ControlFlow::Continue(())
        });
    }
}
