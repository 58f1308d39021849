//! Calls and tail calls.

use crate::messages;
use crate::sink::BodySink;
use crate::walker::Walk;
use riser_module::ModuleError;
use riser_ops::{Features, FuncIdx, FuncType, RefType, TableIdx, TypeIdx};

impl<'a, S: BodySink, const CHECK: bool> Walk<'a, S, CHECK> {
    /// Pops the arguments and pushes the results.
    #[inline(always)]
    fn check_call(&mut self, ty: &FuncType) -> Result<(), ModuleError> {
        self.calls |= self.live;
        self.pop_all(ty.params())?;
        self.push_all(ty.results())
    }

    /// Pops the arguments of a tail call; its results must be the function's own.
    fn check_tail_call(&mut self, ty: &FuncType) -> Result<(), ModuleError> {
        self.calls |= self.live;
        let (_, body) = self.body_label()?;
        let results = body.ty.results(self.module);
        if CHECK && !self.all_match(ty.results(), results) {
            let what = "the callee's results are not the function's";
            return Err(messages::types_differ(self.at, self.module, what, results, ty.results()));
        }
        self.pop_all(ty.params())
    }

    #[inline(always)]
    fn callee(&mut self) -> Result<(FuncIdx, &'a FuncType), ModuleError> {
        let func = FuncIdx(self.reader.u32()?);
        match self.module.func_type(func) {
            Some(ty) => Ok((func, ty)),
            None => Err(messages::unknown(self.at, "function", func.0)),
        }
    }

    #[inline(always)]
    pub(crate) fn call(&mut self) -> Result<(), ModuleError> {
        let (func, ty) = self.callee()?;
        self.check_call(ty)?;
        self.emit(|sink| sink.call(func, ty));
        Ok(())
    }

    pub(crate) fn return_call(&mut self) -> Result<(), ModuleError> {
        let (func, ty) = self.callee()?;
        self.check_tail_call(ty)?;
        self.emit(|sink| sink.return_call(func, ty));
        self.set_unreachable();
        Ok(())
    }

    /// Reads the immediates of an indirect call and pops the index.
    fn indirect(
        &mut self,
        table_is_leb: bool,
    ) -> Result<(TypeIdx, TableIdx, &'a FuncType), ModuleError> {
        let type_index = self.reader.u32()?;
        let table = if table_is_leb {
            self.reader.u32()?
        } else {
            match self.reader.u8()? {
                0 => 0,
                _ => return Err(messages::zero_byte_expected(self.reader.pos() - 1)),
            }
        };
        let table_type = self.table_type(table)?;
        self.check_copy("indirect call through a table", table_type.element, RefType::FUNCREF)?;
        self.pop(table_type.index_type())?;
        let ty = self.func_type_at(type_index)?;
        Ok((TypeIdx(type_index), TableIdx(table), ty))
    }

    pub(crate) fn call_indirect(&mut self) -> Result<(), ModuleError> {
        // The table was a zero byte before there were several tables.
        let table_is_leb = self.features.contains(Features::REFERENCE_TYPES);
        let (type_index, table, ty) = self.indirect(table_is_leb)?;
        self.check_call(ty)?;
        self.emit(|sink| sink.call_indirect(type_index, table, ty));
        Ok(())
    }

    pub(crate) fn return_call_indirect(&mut self) -> Result<(), ModuleError> {
        let (type_index, table, ty) = self.indirect(true)?;
        self.check_tail_call(ty)?;
        self.emit(|sink| sink.return_call_indirect(type_index, table, ty));
        self.set_unreachable();
        Ok(())
    }

    /// Reads the type of a call by reference and pops the reference.
    fn referenced(&mut self) -> Result<(TypeIdx, &'a FuncType), ModuleError> {
        let type_index = self.reader.u32()?;
        let ty = self.func_type_at(type_index)?;
        let callee = RefType::new(true, self.concrete(type_index)?);
        self.pop(callee.val_type())?;
        Ok((TypeIdx(type_index), ty))
    }

    pub(crate) fn call_ref(&mut self) -> Result<(), ModuleError> {
        let (type_index, ty) = self.referenced()?;
        self.check_call(ty)?;
        self.emit(|sink| sink.call_ref(type_index, ty));
        Ok(())
    }

    pub(crate) fn return_call_ref(&mut self) -> Result<(), ModuleError> {
        let (type_index, ty) = self.referenced()?;
        self.check_tail_call(ty)?;
        self.emit(|sink| sink.return_call_ref(type_index, ty));
        self.set_unreachable();
        Ok(())
    }
}
