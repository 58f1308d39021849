//! What a function has while it waits: for whoever reads the frames of code that does not say which types its values have.

use crate::cursor::Cursor;
use crate::null::NullSink;
use crate::walker::{Ended, Walker};
use riser_module::Module;
use riser_ops::{FuncIdx, FuncType, Operator, StructuralOp, TypeIdx, ValType, by_byte};

/// The types of a function's values while it waits in an operator.
#[derive(Clone, Copy, Debug)]
pub struct Waiting<'a> {
    /// The declared locals, which follow the parameters, as runs of equal types.
    pub locals: &'a [(u32, ValType)],
    /// The operands that stay on the stack, the lowest first: those that the operator has taken are not among them.
    pub operands: &'a [ValType],
}

impl Walker {
    /// What the function `func`, whose body was validated before, has while it waits in the operator at byte `offset`: in a call, or where
    /// a loop begins. `None` if there is no such operator, or if it is not live.
    ///
    /// ```
    /// # use riser_front::Walker;
    /// # use riser_ops::{FuncIdx, ValType};
    /// # fn show(module: &riser_module::Module, call: u32) {
    /// let mut walker = Walker::new();
    /// if let Some(waiting) = walker.waiting(module, FuncIdx(3), call) {
    ///     assert_eq!(waiting.operands, [ValType::I32, ValType::F64]);
    /// }
    /// # }
    /// ```
    pub fn waiting(&mut self, module: &Module, func: FuncIdx, offset: u32) -> Option<Waiting<'_>> {
        let body = module.body(func)?;
        let is_inside = body.start < offset && body.range().contains(&(offset as usize));
        let taken = if is_inside { taken(module, body.range().end, offset)? } else { return None };
        // The body is cut where the operator begins, so the walk ends with an error there.
        if self.walk::<_, false>(module, func, offset, &mut NullSink).is_ok() {
            return None;
        }
        let Ended { at, len, live } = self.ended;
        let operands = self.operands.get(..len.checked_sub(taken)?)?;
        let is_known = at == offset as usize && live;
        is_known.then_some(Waiting { locals: &self.locals.runs, operands })
    }
}

/// How many operands a call takes; none if a loop begins.
fn taken(module: &Module, end: usize, offset: u32) -> Option<usize> {
    use StructuralOp::{Call, CallIndirect, CallRef, Loop};
    let mut reader = Cursor::window(&module.bytes, offset as usize..end);
    let Operator::Structural(op) = by_byte(reader.u8().ok()?)? else { return None };
    let params = |ty: Option<&FuncType>| Some(ty?.params().len());
    let mut index = || reader.u32().ok();
    match op {
        Loop => Some(0),
        Call => params(module.func_type(FuncIdx(index()?))),
        CallIndirect | CallRef => Some(1 + params(module.func_type_at(TypeIdx(index()?)))?),
        _ => None,
    }
}
