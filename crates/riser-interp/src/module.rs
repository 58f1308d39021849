//! What the instances of a module share: the headers of its functions, and the code of those that were called.

use crate::code::Lowered;
use crate::exec::{FuncHeader, HeaderTable, link};
use crate::frame_map::{FrameMap, FrameState};
use crate::lower::{Lowerer, Needs};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use riser_abi::VmCtxLayout;
use riser_front::Walker;
use riser_module::Module;
use riser_ops::{FuncIdx, MemoryIdx, TypeId};
use spin::Mutex;

/// How functions are lowered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterpOptions {
    /// Replace each NaN that an operator computes by the canonical one.
    pub canonicalize_nans: bool,
    /// Watch the epoch: at each entry of a function, at each turn of a loop.
    pub epochs: bool,
    /// Count fuel: see `docs/fuel.md`.
    pub fuel: bool,
}

/// A module as the interpreter runs it. All instances of the module share it.
#[derive(Debug)]
pub struct InterpModule {
    /// In a box, since the headers point to it.
    shared: Box<Shared>,
}

/// What the headers point to.
pub(crate) struct Shared {
    module: Arc<Module>,
    options: InterpOptions,
    layout: VmCtxLayout,
    headers: HeaderTable,
    code: Mutex<Code>,
}

/// The lowered functions, and what lowering needs again and again.
struct Code {
    blocks: Vec<Box<[u8]>>,
    bytes: usize,
    walker: Walker,
    maps: BTreeMap<usize, Arc<FrameMap>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("options", &self.options).finish_non_exhaustive()
    }
}

/// How far headers are apart.
const STRIDE: usize = size_of::<FuncHeader>();

impl InterpModule {
    /// Prepares a module whose bodies were validated. Nothing is lowered yet.
    pub fn new(module: Arc<Module>, options: InterpOptions) -> InterpModule {
        let layout = module.vmctx_layout();
        let headers = HeaderTable::new(module.bodies.len());
        let memory0 = (!module.memories.is_empty()).then(|| layout.memory(MemoryIdx(0)));
        let maps = BTreeMap::new();
        let code = Code { blocks: Vec::new(), bytes: 0, walker: Walker::new(), maps };
        let mut shared =
            Box::new(Shared { module, options, layout, headers, code: Mutex::new(code) });
        let owner = &raw const *shared;
        shared.headers.set_owner(owner, memory0);
        InterpModule { shared }
    }

    /// The module.
    pub fn module(&self) -> &Arc<Module> {
        &self.shared.module
    }

    /// What goes to `VmCtx.code`: the entry of defined function 0; the others follow.
    pub fn code_table(&self) -> *const u8 {
        self.shared.headers.first()
    }

    /// What goes to `FuncRef.entry` of a defined function.
    ///
    /// # Panics
    ///
    /// If there is no such function.
    pub fn entry(&self, defined: u32) -> *const u8 {
        assert!((defined as usize) < self.shared.module.bodies.len(), "a defined function");
        self.shared.headers.first().wrapping_add(defined as usize * STRIDE)
    }

    /// The bytes of code made so far.
    pub fn code_bytes(&self) -> usize {
        self.shared.code.lock().bytes
    }

    /// How many functions were lowered so far: those that were called, unless somebody asked for others.
    pub fn functions_lowered(&self) -> usize {
        self.shared.code.lock().blocks.len()
    }

    /// Lowers a function that was not called yet. Otherwise its first call does.
    pub fn lower(&self, defined: u32) {
        self.shared.lower(defined as usize);
    }

    /// The offset in the module of the operator that the lowered code of a defined function executes at `pc`.
    /// It is found by lowering the function again.
    pub fn wasm_offset(&self, defined: u32, pc: u32) -> u32 {
        let mut code = self.shared.code.lock();
        self.shared.lowered(&mut code.walker, defined as usize).wasm_offset(pc)
    }

    /// Where locals and operands are in a frame of a defined function that waits at `pc` (see
    /// [`FrameInfo::pc`](crate::FrameInfo::pc)). It is found by lowering the function again. `None` if no frame can wait there.
    pub fn frame_state(&self, defined: u32, pc: u32) -> Option<FrameState> {
        self.shared.frame_state(defined as usize, pc)
    }

    /// The lowered code of a defined function as text.
    pub fn disassemble(&self, defined: u32) -> alloc::string::String {
        let mut code = self.shared.code.lock();
        crate::disasm::text(&self.shared.lowered(&mut code.walker, defined as usize))
    }
}

impl Shared {
    /// Makes the code of a function, unless somebody has.
    pub(crate) fn lower(&self, defined: usize) {
        let mut code = self.code.lock();
        let Some(header) = self.headers.get(defined) else { return };
        if !header.code().is_null() {
            return;
        }
        let mut lowered = self.lowered(&mut code.walker, defined);
        let (block, catches) = link(&mut lowered);
        let entry = &block[lowered.entry as usize..];
        header.publish(entry.as_ptr(), lowered.frame_slots, catches);
        code.bytes += block.len();
        code.blocks.push(block);
    }

    fn lowered(&self, walker: &mut Walker, defined: usize) -> Lowered {
        let (sink, is_complete) = self.walked(walker, defined, || None);
        sink.into_lowered(is_complete)
    }

    /// Walks a body, recording frames if `record` says how. Gives also whether its end was reached, as it should be.
    fn walked(
        &self,
        walker: &mut Walker,
        defined: usize,
        record: impl Fn() -> Option<FrameMap>,
    ) -> (Lowerer<'_>, bool) {
        let func = FuncIdx(self.module.imported.funcs + defined as u32);
        let mut needs = Needs::default();
        loop {
            let mut sink = Lowerer::new(&self.module, self.options, self.layout, needs);
            if let Some(map) = record() {
                sink.record(map);
            }
            let outcome = walker.trusted(&self.module, func, &mut sink);
            debug_assert!(outcome.is_ok(), "the body was validated: {outcome:?}");
            if sink.needs() == needs || outcome.is_err() {
                return (sink, outcome.is_ok());
            }
            // More hidden locals can make it a huge one, but a huge one stays one, and has as many `rethrow`.
            needs = sink.needs();
        }
    }

    /// Where references are in the frames of a function.
    pub(crate) fn frame_map(&self, defined: usize) -> Arc<FrameMap> {
        let mut code = self.code.lock();
        if let Some(map) = code.maps.get(&defined) {
            return map.clone();
        }
        let map = Arc::new(self.recorded(&mut code.walker, defined, None));
        code.maps.insert(defined, map.clone());
        map
    }

    /// Where all values are in a frame of a function.
    fn frame_state(&self, defined: usize, pc: u32) -> Option<FrameState> {
        let wanted = self.frame_map(defined).number(pc)?;
        let mut code = self.code.lock();
        self.recorded(&mut code.walker, defined, Some(wanted)).into_state()
    }

    fn recorded(&self, walker: &mut Walker, defined: usize, wanted: Option<u32>) -> FrameMap {
        self.walked(walker, defined, || Some(FrameMap::new(wanted))).0.into_map()
    }

    /// Whether a function of type `actual` may be called as `expected`.
    pub(crate) fn is_subtype(&self, actual: TypeId, expected: TypeId) -> bool {
        self.module.registration.registry().is_subtype(actual, expected)
    }
}

// `FrameInfo` and the code table are only addresses to others; the threads that share a module synchronise
// through its lock and the headers' atomics.
const _: () = {
    const fn shareable<T: Send + Sync>() {}
    shareable::<InterpModule>();
};
