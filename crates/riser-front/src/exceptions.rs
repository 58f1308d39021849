//! Exceptions: `throw`, `try_table`, and the legacy instructions.

use crate::messages;
use crate::sink::{BodySink, Catch};
use crate::stack::FrameKind;
use crate::walker::Walk;
use riser_module::{ModuleError, ModuleLimits};
use riser_ops::{FuncType, HeapType, RefType, TagIdx, ValType};

/// The reference that `catch_ref` and `catch_all_ref` pass.
const CAUGHT: ValType = RefType::new(false, HeapType::Exn).val_type();

impl<'a, S: BodySink, const CHECK: bool> Walk<'a, S, CHECK> {
    /// Reads the index of a tag, which must be an exception's.
    fn tag(&mut self) -> Result<(TagIdx, &'a FuncType), ModuleError> {
        let tag = TagIdx(self.reader.u32()?);
        match self.module.tag_type(tag) {
            Some(ty) if ty.results().is_empty() => Ok((tag, ty)),
            Some(_) => Err(messages::invalid(self.at, "non-empty tag result type")),
            None => Err(messages::unknown(self.at, "tag", tag.0)),
        }
    }

    pub(crate) fn throw(&mut self) -> Result<(), ModuleError> {
        let (tag, ty) = self.tag()?;
        self.pop_all(ty.params())?;
        self.emit(|sink| sink.throw(tag, ty));
        self.set_unreachable();
        Ok(())
    }

    pub(crate) fn throw_ref(&mut self) -> Result<(), ModuleError> {
        self.pop(ValType::EXNREF)?;
        self.emit(|sink| sink.throw_ref());
        self.set_unreachable();
        Ok(())
    }

    pub(crate) fn try_table(&mut self) -> Result<(), ModuleError> {
        let ty = self.block_type()?;
        let at = self.reader.pos();
        let (count, max) = (self.reader.u32()?, ModuleLimits::DEFAULT.catches);
        if count > max {
            return Err(messages::too_many(at, "handlers", count as usize, max as usize));
        }
        self.pop_all(ty.params(self.module))?;
        self.catches.clear();
        for _ in 0..count {
            let catch = self.catch_clause()?;
            self.catches.push(catch);
        }
        self.push_frame(FrameKind::TryTable, ty)?;
        if self.live {
            let frame = self.frame()?;
            self.sink.at(self.at as u32);
            self.sink.try_table(frame.signature(self.module), &self.catches);
        }
        Ok(())
    }

    /// Reads and checks a handler of a `try_table`, whose block is not open yet.
    fn catch_clause(&mut self) -> Result<Catch, ModuleError> {
        let at = self.reader.pos();
        let (has_tag, with_ref) = match self.reader.u8()? {
            0 => (true, false),
            1 => (true, true),
            2 => (false, false),
            3 => (false, true),
            byte => return Err(messages::malformed(at, "catch clause", byte)),
        };
        let (tag, payload) = if has_tag {
            let (tag, ty) = self.tag()?;
            (Some(tag), ty.params())
        } else {
            (None, &[] as &[ValType])
        };
        let depth = self.reader.u32()?;
        let (label, frame) = self.label(depth)?;
        if CHECK {
            self.check_handler(payload, with_ref, frame.label_types(self.module))?;
        }
        let target = self.branch_to(label, &frame);
        Ok(Catch { tag, with_ref, target })
    }

    /// Checks that a label can take what a handler passes.
    fn check_handler(
        &self,
        payload: &[ValType],
        with_ref: bool,
        label: &[ValType],
    ) -> Result<(), ModuleError> {
        let (head, tail) = label.split_at(payload.len().min(label.len()));
        let reference: &[ValType] = if with_ref { &[CAUGHT] } else { &[] };
        if self.all_match(payload, head) && self.all_match(reference, tail) {
            return Ok(());
        }
        let what = "the label cannot take what the handler passes";
        Err(messages::types_differ(self.at, self.module, what, label, payload))
    }

    pub(crate) fn catch(&mut self) -> Result<(), ModuleError> {
        let frame = self.frame()?;
        if !matches!(frame.kind, FrameKind::Try | FrameKind::Catch) {
            return Err(messages::misplaced(self.at, "catch", "a `try`"));
        }
        let (tag, ty) = self.tag()?;
        self.check_results(&frame)?;
        let falls_through = self.live;
        let frame = self.restart_frame(frame, FrameKind::Catch, ty.params())?;
        let signature = frame.signature(self.module);
        self.emit(|sink| sink.catch(tag, ty, signature, falls_through));
        Ok(())
    }

    pub(crate) fn catch_all(&mut self) -> Result<(), ModuleError> {
        let frame = self.frame()?;
        if !matches!(frame.kind, FrameKind::Try | FrameKind::Catch) {
            return Err(messages::misplaced(self.at, "catch_all", "a `try`"));
        }
        self.check_results(&frame)?;
        let falls_through = self.live;
        let frame = self.restart_frame(frame, FrameKind::CatchAll, &[])?;
        let signature = frame.signature(self.module);
        self.emit(|sink| sink.catch_all(signature, falls_through));
        Ok(())
    }

    pub(crate) fn delegate(&mut self) -> Result<(), ModuleError> {
        let frame = self.frame()?;
        if frame.kind != FrameKind::Try {
            return Err(messages::misplaced(self.at, "delegate", "a `try`"));
        }
        let depth = self.reader.u32()?;
        self.check_results(&frame)?;
        let end = self.close(&frame, self.live || frame.end_reached)?;
        // The label is counted from outside of the `try` that ends here.
        let (handler, _) = self.label(depth)?;
        if frame.sent {
            self.sink.at(self.at as u32);
            self.sink.delegate(handler, end, frame.ty.results(self.module));
        }
        Ok(())
    }

    pub(crate) fn rethrow(&mut self) -> Result<(), ModuleError> {
        let depth = self.reader.u32()?;
        let (label, frame) = self.label(depth)?;
        if CHECK && !matches!(frame.kind, FrameKind::Catch | FrameKind::CatchAll) {
            return Err(messages::invalid(self.at, "invalid rethrow label: not a `catch`"));
        }
        self.emit(|sink| sink.rethrow(label));
        self.set_unreachable();
        Ok(())
    }
}
