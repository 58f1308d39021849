//! The tag section: exceptions that the module defines.
//! Source: WebAssembly 3.0, section 5.5.10.

use crate::decode::{Decoder, Result};
use crate::reader::Reader;
use riser_ops::Features;

impl<'a> Decoder<'a> {
    pub(crate) fn tag_section(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        self.require(Features::ANY_EXCEPTIONS, "tags", reader.pos())?;
        let room = self.limits.tags - self.imported.tags;
        let count = reader.count(room, "tags")?;
        self.tags.reserve(reader.capacity(count, 2));
        for _ in 0..count {
            let tag = self.read_tag(reader)?;
            self.tags.push(tag);
        }
        Ok(())
    }
}
