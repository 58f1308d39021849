//! Blocks and branches.

use crate::messages;
use crate::sink::{BodySink, End};
use crate::stack::{Frame, FrameKind};
use crate::walker::Walk;
use riser_module::{ModuleError, ModuleLimits};
use riser_ops::{Features, RefType, ValType};

impl<S: BodySink, const CHECK: bool> Walk<'_, S, CHECK> {
    /// The function's own label.
    pub(crate) fn body_label(&self) -> Result<(u32, Frame), ModuleError> {
        match self.control.first() {
            Some(frame) => Ok((0, *frame)),
            None => Err(messages::bytes_after_end(self.at)),
        }
    }

    pub(crate) fn unreachable(&mut self) -> Result<(), ModuleError> {
        self.emit(|sink| sink.unreachable());
        self.set_unreachable();
        Ok(())
    }

    /// `block`, `loop`, `if` and legacy `try`.
    #[inline(always)]
    pub(crate) fn block(&mut self, kind: FrameKind) -> Result<(), ModuleError> {
        let ty = self.block_type()?;
        if kind == FrameKind::If {
            self.pop(ValType::I32)?;
        }
        self.pop_all(ty.params(self.module))?;
        self.push_frame(kind, ty)?;
        if self.live {
            self.tell_block(kind)?;
        }
        Ok(())
    }

    /// Tells the sink of the block just opened.
    #[inline(always)]
    fn tell_block(&mut self, kind: FrameKind) -> Result<(), ModuleError> {
        let frame = self.frame()?;
        let signature = frame.signature(self.module);
        self.sink.at(self.at as u32);
        match kind {
            FrameKind::Loop => {
                self.loops += 1;
                self.sink.loop_(signature, &self.operands[..self.len]);
            }
            FrameKind::If => self.sink.if_(signature),
            FrameKind::Try => self.sink.try_(signature),
            _ => self.sink.block(signature),
        }
        Ok(())
    }

    /// Checks that the innermost block's results, and nothing else, lie on its stack.
    #[inline(always)]
    pub(crate) fn check_results(&mut self, frame: &Frame) -> Result<(), ModuleError> {
        if !CHECK {
            return Ok(());
        }
        self.pop_all(frame.ty.results(self.module))?;
        if self.len != self.height {
            return Err(messages::values_remain(self.at, self.len - self.height));
        }
        Ok(())
    }

    pub(crate) fn else_(&mut self) -> Result<(), ModuleError> {
        let frame = self.frame()?;
        if frame.kind != FrameKind::If {
            return Err(messages::misplaced(self.at, "else", "an `if`"));
        }
        self.check_results(&frame)?;
        let falls_through = self.live;
        let ty = frame.ty;
        let frame = self.restart_frame(frame, FrameKind::Else, ty.params(self.module))?;
        let signature = frame.signature(self.module);
        self.emit(|sink| sink.else_(signature, falls_through));
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn end(&mut self) -> Result<(), ModuleError> {
        let frame = self.frame()?;
        self.check_results(&frame)?;
        let mut live_after = self.live || frame.end_reached;
        if frame.kind == FrameKind::If {
            // Without `else`, the parameters fall through to the end when the condition is 0.
            live_after |= frame.sent;
            self.check_no_else(&frame)?;
        }
        let end = self.close(&frame, live_after)?;
        if frame.sent {
            self.sink.at(self.at as u32);
            self.sink.end(end, frame.ty.results(self.module));
        }
        Ok(())
    }

    /// An `if` without `else` must leave what it takes.
    #[inline(always)]
    fn check_no_else(&self, frame: &Frame) -> Result<(), ModuleError> {
        let (params, results) = (frame.ty.params(self.module), frame.ty.results(self.module));
        if CHECK && !(params.is_empty() && results.is_empty()) && !self.all_match(params, results) {
            let what = "an `if` without `else` must leave what it takes";
            return Err(messages::types_differ(self.at, self.module, what, results, params));
        }
        Ok(())
    }

    /// Closes the innermost block.
    #[inline(always)]
    pub(crate) fn close(&mut self, frame: &Frame, live_after: bool) -> Result<End, ModuleError> {
        let falls_through = self.live;
        self.pop_frame(frame)?;
        self.live = live_after;
        Ok(End {
            label: self.control.len() as u32,
            falls_through,
            live_after,
            height: frame.height,
        })
    }

    #[inline(always)]
    pub(crate) fn br(&mut self) -> Result<(), ModuleError> {
        let depth = self.reader.u32()?;
        let (label, frame) = self.label(depth)?;
        self.pop_all(frame.label_types(self.module))?;
        if self.live {
            let target = self.branch_to(label, &frame);
            self.emit(|sink| sink.br(target));
        }
        self.set_unreachable();
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn br_if(&mut self) -> Result<(), ModuleError> {
        let depth = self.reader.u32()?;
        self.pop(ValType::I32)?;
        let (label, frame) = self.label(depth)?;
        self.retype(frame.label_types(self.module))?;
        if self.live {
            let target = self.branch_to(label, &frame);
            self.emit(|sink| sink.br_if(target));
        }
        Ok(())
    }

    /// Pops what a conditional branch carries and pushes it with the label's types.
    #[inline(always)]
    pub(crate) fn retype(&mut self, types: &[ValType]) -> Result<(), ModuleError> {
        if types.is_empty() {
            return Ok(());
        }
        self.pop_all(types)?;
        self.push_all(types)
    }

    pub(crate) fn br_table(&mut self) -> Result<(), ModuleError> {
        let at = self.reader.pos();
        let count = self.reader.u32()?;
        let max = ModuleLimits::DEFAULT.body_bytes as usize;
        if count as usize > max {
            return Err(messages::too_many(at, "targets of br_table", count as usize, max));
        }
        let first = self.reader;
        for _ in 0..count {
            self.reader.u32()?;
        }
        let default = self.reader.u32()?;
        let after = core::mem::replace(&mut self.reader, first);
        self.pop(ValType::I32)?;
        let (default_label, default_frame) = self.label(default)?;
        let default_types = default_frame.label_types(self.module);
        self.targets.clear();
        let mut depth_checked = default;
        for _ in 0..count {
            let depth = self.reader.u32()?;
            let (label, frame) = self.label(depth)?;
            if depth != depth_checked {
                self.check_table_target(frame.label_types(self.module), default_types)?;
                depth_checked = depth;
            }
            if self.live {
                let target = self.branch_to(label, &frame);
                self.targets.push(target);
            }
        }
        self.reader = after;
        self.pop_all(default_types)?;
        if self.live {
            let default = self.branch_to(default_label, &default_frame);
            self.sink.at(self.at as u32);
            self.sink.br_table(&self.targets, default);
        }
        self.set_unreachable();
        Ok(())
    }

    /// Checks that the operands on the stack could be carried to a target of `br_table`. They stay.
    fn check_table_target(
        &mut self,
        types: &[ValType],
        default: &[ValType],
    ) -> Result<(), ModuleError> {
        if !CHECK {
            return Ok(());
        }
        if types.len() != default.len() {
            let what = "the targets of br_table carry different numbers of operands";
            return Err(messages::types_differ(self.at, self.module, what, default, types));
        }
        // Before WebAssembly 2.0 the types had to be equal, even where the operands' types are unknown.
        if types != default && !self.features.contains(Features::WASM2) {
            let what = "the targets of br_table carry operands of different types";
            return Err(messages::types_differ(self.at, self.module, what, default, types));
        }
        let len = self.len;
        // Popping changes nothing but the length, so that setting it back restores the operands.
        self.pop_all(types)?;
        self.len = len;
        Ok(())
    }

    pub(crate) fn return_(&mut self) -> Result<(), ModuleError> {
        let (label, frame) = self.body_label()?;
        self.pop_all(frame.ty.results(self.module))?;
        if self.live {
            let target = self.branch_to(label, &frame);
            self.emit(|sink| sink.return_(target));
        }
        self.set_unreachable();
        Ok(())
    }

    pub(crate) fn br_on_null(&mut self) -> Result<(), ModuleError> {
        let depth = self.reader.u32()?;
        let ty = self.pop_ref()?;
        let (label, frame) = self.label(depth)?;
        self.retype(frame.label_types(self.module))?;
        self.push(ty.as_non_null().val_type());
        if self.live {
            let target = self.branch_to(label, &frame);
            self.emit(|sink| sink.br_on_null(target, ty));
        }
        Ok(())
    }

    pub(crate) fn br_on_non_null(&mut self) -> Result<(), ModuleError> {
        let depth = self.reader.u32()?;
        let (label, frame) = self.label(depth)?;
        let (rest, last) = self.split_reference(frame.label_types(self.module))?;
        let ty = self.pop_ref_of(last.as_nullable())?;
        self.retype(rest)?;
        if self.live {
            let target = self.branch_to(label, &frame);
            self.emit(|sink| sink.br_on_non_null(target, ty));
        }
        Ok(())
    }

    /// Splits the types of a label that must end with a reference.
    pub(crate) fn split_reference<'t>(
        &self,
        types: &'t [ValType],
    ) -> Result<(&'t [ValType], RefType), ModuleError> {
        if let Some((last, rest)) = types.split_last()
            && let Some(last) = last.as_ref()
        {
            return Ok((rest, last));
        }
        let what = "type mismatch: the label's last type must be a reference";
        Err(messages::invalid(self.at, what))
    }
}
