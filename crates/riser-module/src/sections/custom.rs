//! Custom sections: a name, and content that means nothing here.
//! Source: WebAssembly 3.0, section 5.5.3.

use crate::decode::{Decoder, Result};
use crate::module::CustomSection;
use crate::reader::Reader;

impl<'a> Decoder<'a> {
    pub(crate) fn custom_section(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let name = reader.name(self.limits.name_bytes)?.into();
        self.customs.push(CustomSection { name, range: reader.pos()..reader.end() });
        reader.skip_rest();
        Ok(())
    }
}
