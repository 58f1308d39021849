//! The two stacks of a walk: operand types, and the blocks that are open.
//!
//! Two notions of unreachable code are kept apart. The specification's is a property of the innermost block:
//! after an unconditional branch its stack is *polymorphic* and gives whatever is asked for. A sink's is
//! stricter: code is *live* only if control can reach it, so code behind the `end` of a block that nothing
//! leaves is dead, although it is typed normally.
//! Source: WebAssembly 3.0, appendix "Validation Algorithm".

use crate::messages::{self, UNKNOWN_REF};
use crate::sink::{BlockSignature, BodySink, Target};
use crate::walker::Walk;
use riser_module::{Module, ModuleError};
use riser_ops::{RefType, TypeIdx, ValType};

/// Operands that may lie on the stack at once. No body that pushes one operand per byte comes near; calls
/// with a thousand results could otherwise ask for gigabytes.
const MAX_OPERANDS: usize = 8_000_000;

/// The type of a block, as short as the binary format writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockType {
    /// Takes and leaves nothing.
    Empty,
    /// Leaves one value.
    Value(ValType),
    /// As a function type says.
    Func(TypeIdx),
}

impl BlockType {
    /// What the block takes.
    #[inline(always)]
    pub(crate) fn params<'t>(&'t self, module: &'t Module) -> &'t [ValType] {
        match self {
            BlockType::Empty | BlockType::Value(_) => &[],
            BlockType::Func(ty) => module.func_type_at(*ty).map_or(&[], |ty| ty.params()),
        }
    }

    /// What the block leaves.
    #[inline(always)]
    pub(crate) fn results<'t>(&'t self, module: &'t Module) -> &'t [ValType] {
        match self {
            BlockType::Empty => &[],
            BlockType::Value(ty) => core::slice::from_ref(ty),
            BlockType::Func(ty) => module.func_type_at(*ty).map_or(&[], |ty| ty.results()),
        }
    }
}

/// What opened a block, or its current part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// `block`, or the function's body.
    Block,
    /// `loop`.
    Loop,
    /// The first arm of `if`.
    If,
    /// The second arm of `if`.
    Else,
    /// `try_table`.
    TryTable,
    /// The protected part of a legacy `try`.
    Try,
    /// A legacy `catch`.
    Catch,
    /// A legacy `catch_all`.
    CatchAll,
}

/// An open block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// Its type.
    pub(crate) ty: BlockType,
    /// How many operands lie below its parameters.
    pub(crate) height: u32,
    /// How many locals were set when it was opened.
    pub(crate) locals_set: u32,
    /// What opened it.
    pub(crate) kind: FrameKind,
    /// Whether the stack is polymorphic; of the innermost block, [`Walk::polymorphic`] says so instead.
    pub(crate) polymorphic: bool,
    /// Whether it was opened in live code, so that the sink knows of it.
    pub(crate) sent: bool,
    /// Whether live code reaches its end otherwise than by falling out of its last part.
    pub(crate) end_reached: bool,
}

impl Frame {
    /// The operands that a branch to this block carries.
    #[inline(always)]
    pub(crate) fn label_types<'t>(&'t self, module: &'t Module) -> &'t [ValType] {
        match self.kind {
            FrameKind::Loop => self.ty.params(module),
            _ => self.ty.results(module),
        }
    }

    /// The signature for a sink.
    pub(crate) fn signature<'t>(&'t self, module: &'t Module) -> BlockSignature<'t> {
        BlockSignature {
            params: self.ty.params(module),
            results: self.ty.results(module),
            height: self.height,
        }
    }
}

impl<S: BodySink, const CHECK: bool> Walk<'_, S, CHECK> {
    /// Pushes a type known at compile time not to be a vector, or of a local.
    #[inline(always)]
    pub(crate) fn push(&mut self, ty: ValType) {
        match self.operands.get_mut(self.len) {
            Some(slot) => *slot = ty,
            None => self.push_highest(ty),
        }
        self.len += 1;
    }

    /// The vector's length is the highest the stack ever was: the measurement costs nothing elsewhere.
    #[inline(never)]
    fn push_highest(&mut self, ty: ValType) {
        self.operands.push(ty);
    }

    /// Pushes any type.
    #[inline(always)]
    pub(crate) fn push_any(&mut self, ty: ValType) {
        self.any_vector |= ty == ValType::V128;
        self.push(ty);
    }

    /// Pushes several types.
    #[inline(always)]
    pub(crate) fn push_all(&mut self, types: &[ValType]) -> Result<(), ModuleError> {
        if let [ty] = types {
            self.push_any(*ty);
        } else if !types.is_empty() {
            self.push_many(types)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn push_many(&mut self, types: &[ValType]) -> Result<(), ModuleError> {
        let len = self.len + types.len();
        if len > MAX_OPERANDS {
            return Err(messages::too_many(self.at, "operands", len, MAX_OPERANDS));
        }
        for &ty in types {
            self.push_any(ty);
        }
        Ok(())
    }

    /// Pops an operand that must match `expected`.
    #[inline(always)]
    pub(crate) fn pop(&mut self, expected: ValType) -> Result<(), ModuleError> {
        let len = self.len;
        if len > self.height && self.operands.get(len - 1) == Some(&expected) {
            self.len = len - 1;
            return Ok(());
        }
        self.pop_slow(expected)
    }

    #[inline(never)]
    fn pop_slow(&mut self, expected: ValType) -> Result<(), ModuleError> {
        self.pop_actual(expected).map(|_| ())
    }

    /// Pops an operand that must match `expected` and gives its own type.
    pub(crate) fn pop_actual(&mut self, expected: ValType) -> Result<ValType, ModuleError> {
        if self.len <= self.height {
            if CHECK && !self.polymorphic {
                return Err(messages::nothing_on_stack(self.at, self.module, expected));
            }
            return Ok(ValType::BOTTOM);
        }
        let actual = self.operands[self.len - 1];
        if CHECK && !self.matches(actual, expected) {
            return Err(messages::mismatch(self.at, self.module, expected, actual));
        }
        self.len -= 1;
        Ok(actual)
    }

    /// Pops an operand of any type.
    #[inline(always)]
    pub(crate) fn pop_any(&mut self) -> Result<ValType, ModuleError> {
        let len = self.len;
        if len > self.height {
            self.len = len - 1;
            return Ok(self.operands[len - 1]);
        }
        if CHECK && !self.polymorphic {
            return Err(messages::nothing_on_stack(self.at, self.module, ValType::BOTTOM));
        }
        Ok(ValType::BOTTOM)
    }

    /// Pops a reference of any type.
    pub(crate) fn pop_ref(&mut self) -> Result<RefType, ModuleError> {
        let ty = self.pop_any()?;
        self.as_ref(ty)
    }

    /// Pops a reference that must match `expected` and gives its own type.
    pub(crate) fn pop_ref_of(&mut self, expected: RefType) -> Result<RefType, ModuleError> {
        let ty = self.pop_actual(expected.val_type())?;
        self.as_ref(ty)
    }

    /// A popped type as a reference type: [`UNKNOWN_REF`] if the stack gave what was asked for.
    fn as_ref(&self, ty: ValType) -> Result<RefType, ModuleError> {
        match ty.as_ref() {
            Some(ty) => Ok(ty),
            None if CHECK && ty != ValType::BOTTOM => {
                Err(messages::mismatch(self.at, self.module, UNKNOWN_REF, ty))
            }
            None => Ok(unknown_ref()),
        }
    }

    /// Pops several operands, the last one first.
    #[inline(always)]
    pub(crate) fn pop_all(&mut self, types: &[ValType]) -> Result<(), ModuleError> {
        match types {
            [] => Ok(()),
            [ty] => self.pop(*ty),
            _ => self.pop_many(types),
        }
    }

    #[inline(never)]
    fn pop_many(&mut self, types: &[ValType]) -> Result<(), ModuleError> {
        let available = self.operands.get(self.height..self.len).unwrap_or(&[]);
        if available.ends_with(types) {
            self.len -= types.len();
            return Ok(());
        }
        for &ty in types.iter().rev() {
            self.pop(ty)?;
        }
        Ok(())
    }

    /// Whether a type on the stack can be used where `expected` is wanted.
    pub(crate) fn matches(&self, actual: ValType, expected: ValType) -> bool {
        actual == expected
            || match actual {
                ValType::BOTTOM => true,
                // The frequent case: the same, but never null.
                _ if actual.as_ref().is_some_and(|ty| ty.as_nullable().val_type() == expected) => {
                    true
                }
                UNKNOWN_REF => expected.is_ref(),
                _ => self.module.matches(actual, expected),
            }
    }

    /// Whether lists of types match, one by one.
    pub(crate) fn all_match(&self, actual: &[ValType], expected: &[ValType]) -> bool {
        actual.len() == expected.len()
            && actual.iter().zip(expected).all(|(a, b)| self.matches(*a, *b))
    }

    /// The rest of the block cannot be reached.
    #[inline(always)]
    pub(crate) fn set_unreachable(&mut self) {
        self.len = self.height;
        self.polymorphic = true;
        self.live = false;
    }

    /// Opens a block whose parameters were popped.
    #[inline(always)]
    pub(crate) fn push_frame(&mut self, kind: FrameKind, ty: BlockType) -> Result<(), ModuleError> {
        if let Some(outer) = self.control.last_mut() {
            outer.polymorphic = self.polymorphic;
        }
        let frame = Frame {
            ty,
            height: self.len as u32,
            locals_set: self.locals.set_count(),
            kind,
            polymorphic: false,
            sent: self.live,
            end_reached: false,
        };
        self.control.push(frame);
        self.max_depth = self.max_depth.max(self.control.len());
        self.height = self.len;
        self.polymorphic = false;
        if let BlockType::Func(_) = ty {
            self.push_all(ty.params(self.module))?;
        }
        Ok(())
    }

    /// The innermost block. There is one as long as the body has not ended.
    #[inline(always)]
    pub(crate) fn frame(&self) -> Result<Frame, ModuleError> {
        match self.control.last() {
            Some(frame) => Ok(*frame),
            None => Err(messages::bytes_after_end(self.at)),
        }
    }

    /// Makes `frame`, which is the innermost, begin a new part (`else`, `catch`) with `types` on its stack.
    pub(crate) fn restart_frame(
        &mut self,
        mut frame: Frame,
        kind: FrameKind,
        types: &[ValType],
    ) -> Result<Frame, ModuleError> {
        frame.kind = kind;
        frame.end_reached |= self.live;
        if let Some(top) = self.control.last_mut() {
            *top = frame;
        }
        self.locals.unset_from(frame.locals_set);
        self.len = self.height;
        self.polymorphic = false;
        self.live = frame.sent;
        self.push_all(types)?;
        Ok(frame)
    }

    /// Closes the innermost block and leaves its results.
    #[inline(always)]
    pub(crate) fn pop_frame(&mut self, frame: &Frame) -> Result<(), ModuleError> {
        self.control.pop();
        self.locals.unset_from(frame.locals_set);
        self.len = frame.height as usize;
        if let Some(outer) = self.control.last() {
            self.height = outer.height as usize;
            self.polymorphic = outer.polymorphic;
        }
        self.push_all(frame.ty.results(self.module))
    }

    /// The block that a relative branch depth names, and its label.
    #[inline(always)]
    pub(crate) fn label(&self, depth: u32) -> Result<(u32, Frame), ModuleError> {
        let label = (self.control.len() as u64).checked_sub(u64::from(depth) + 1);
        match label.and_then(|label| Some((label as u32, *self.control.get(label as usize)?))) {
            Some(found) => Ok(found),
            None => Err(messages::unknown(self.at, "label", depth)),
        }
    }

    /// The branch target for the sink. In live code, notes that the block's end is reached.
    #[inline(always)]
    pub(crate) fn branch_to(&mut self, label: u32, frame: &Frame) -> Target {
        let is_loop = frame.kind == FrameKind::Loop;
        if self.live
            && !is_loop
            && let Some(frame) = self.control.get_mut(label as usize)
        {
            frame.end_reached = true;
        }
        let arity = frame.label_types(self.module).len() as u32;
        Target { label, arity, height: frame.height, is_loop }
    }
}

/// [`UNKNOWN_REF`] as a reference type.
pub(crate) fn unknown_ref() -> RefType {
    match UNKNOWN_REF.as_ref() {
        Some(ty) => ty,
        None => RefType::EXNREF,
    }
}
