//! The function section: the type of each defined function. Their bodies are in `code.rs`.
//! Source: WebAssembly 3.0, section 5.5.6.

use crate::decode::{Decoder, Result};
use crate::reader::Reader;

impl<'a> Decoder<'a> {
    pub(crate) fn function_section(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let room = self.limits.funcs - self.imported.funcs;
        let count = reader.count(room, "functions")?;
        self.funcs.reserve_exact(reader.capacity(count, 1));
        for _ in 0..count {
            let ty = self.read_func(reader)?;
            self.funcs.push(ty);
        }
        Ok(())
    }
}
