//! What is in the frames of running code.

use crate::{AsContextMut, Module, Val, raw};
use riser_ops::FuncIdx;

/// A Wasm frame that waits for a host function: where it is, and all its values. For debuggers, dumps and tests.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let engine = Engine::new(Config::new().strategy(Strategy::Interpreter))?;
/// let module = Module::new(&engine, r#"(module
///     (import "host" "look" (func $look))
///     (func (export "f") (param i32) (result i32)
///         (i32.mul (local.get 0) (i32.const 3))
///         call $look))"#)?;
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "look", |mut caller: Caller<'_, ()>| {
///     let frames = WasmFrame::capture(&mut caller);
///     assert_eq!(frames[0].locals()[0].unwrap_i32(), 7);
///     assert_eq!(frames[0].operands()[0].unwrap_i32(), 21);
/// })?;
/// let mut store = Store::new(&engine, ());
/// let instance = linker.instantiate(&mut store, &module)?;
/// let f = instance.get_typed_func::<i32, i32>(&mut store, "f")?;
/// assert_eq!(f.call(&mut store, 7)?, 21);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct WasmFrame {
    pub(crate) module: Module,
    pub(crate) func: FuncIdx,
    pub(crate) offset: u32,
    pub(crate) locals: Vec<Val>,
    pub(crate) operands: Vec<Val>,
    pub(crate) has_values: bool,
    pub(crate) references: Vec<Val>,
}

impl WasmFrame {
    /// The frames that are active now, innermost first: those below the host function that asks. References are handles
    /// that live until the present scope ends.
    pub fn capture(mut store: impl AsContextMut) -> Vec<WasmFrame> {
        raw::wasm_frames(store.as_context_mut().opaque_mut())
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The function's position in its module's index space.
    pub fn func_index(&self) -> u32 {
        self.func.0
    }

    /// The function's name, from the name section.
    pub fn func_name(&self) -> Option<&str> {
        self.module.names().func(self.func)
    }

    /// The offset in the module's bytes of the operator that is being executed.
    pub fn module_offset(&self) -> usize {
        self.offset as usize
    }

    /// Whether the values are known. They are where guests are interpreted, and in the code of the baseline compiler while it calls something. Optimized code keeps only
    /// what it still needs, wherever it likes, and code that was interrupted between two calls has values anywhere: [`WasmFrame::locals`] and
    /// [`WasmFrame::operands`] are empty then.
    pub fn has_values(&self) -> bool {
        self.has_values
    }

    /// The references into the heap that the frame holds, by what they refer to; null ones, and those to functions, are left out. They are what the collector
    /// finds. In a frame whose values are known they are those among the locals and operands; in another one those that are needed later, and one may be there
    /// more than once.
    ///
    /// ```
    /// # use riser::*;
    /// # fn main() -> Result<()> {
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"(module
    ///     (import "host" "look" (func $look))
    ///     (func (export "f") (param externref) (result externref)
    ///         call $look
    ///         local.get 0))"#)?;
    /// let mut linker = Linker::new(&engine);
    /// linker.func_wrap("host", "look", |mut caller: Caller<'_, ()>| -> Result<()> {
    ///     let frames = WasmFrame::capture(&mut caller);
    ///     let held = frames[0].references()[0].unwrap_externref().expect("not null");
    ///     assert_eq!(held.data(&caller)?.unwrap().downcast_ref(), Some(&"mine"));
    ///     Ok(())
    /// })?;
    /// let mut store = Store::new(&engine, ());
    /// let mine = ExternRef::new(&mut store, "mine")?;
    /// let f = linker.instantiate(&mut store, &module)?.get_func(&mut store, "f").unwrap();
    /// f.call(&mut store, &[mine.into()], &mut [Val::null_extern_ref()])?;
    /// # Ok(()) }
    /// ```
    pub fn references(&self) -> &[Val] {
        &self.references
    }

    /// The locals, parameters first.
    pub fn locals(&self) -> &[Val] {
        &self.locals
    }

    /// The operand stack, the lowest first, without the operands of the operator that is being executed.
    pub fn operands(&self) -> &[Val] {
        &self.operands
    }
}
