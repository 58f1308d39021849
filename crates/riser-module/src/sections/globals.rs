//! The global section.
//! Source: WebAssembly 3.0, sections 5.5.9 and 3.5.5.

use crate::decode::{Decoder, Result};
use crate::module::Global;
use crate::reader::Reader;

impl<'a> Decoder<'a> {
    pub(crate) fn global_section(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let room = self.limits.globals - self.imported.globals;
        let count = reader.count(room, "globals")?;
        self.globals.reserve(reader.capacity(count, 4));
        for _ in 0..count {
            let ty = self.read_global_type(reader)?;
            let init = self.const_expr(reader, ty.ty)?;
            self.globals.push(Global { ty, init: Some(init) });
        }
        Ok(())
    }
}
