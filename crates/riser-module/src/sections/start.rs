//! The start section.
//! Source: WebAssembly 3.0, sections 5.5.12 and 3.5.10.

use crate::decode::{Decoder, Result, unknown};
use crate::error::ModuleError;
use crate::reader::Reader;
use riser_ops::FuncIdx;

impl<'a> Decoder<'a> {
    pub(crate) fn start_section(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let offset = reader.pos();
        let func = FuncIdx(reader.u32()?);
        let Some(&ty) = self.funcs.get(func.index()) else {
            return Err(unknown("function", func.0, offset));
        };
        let ty = self.func_type(ty, offset)?;
        if !ty.params().is_empty() || !ty.results().is_empty() {
            let message = "start function must have neither parameters nor results";
            return Err(ModuleError::invalid(offset, message));
        }
        self.start = Some(func);
        Ok(())
    }
}
