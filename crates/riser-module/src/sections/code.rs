//! The code section: where each body is. `riser-front` reads what is in them.
//! Source: WebAssembly 3.0, section 5.5.14.

use crate::decode::{Decoder, Result};
use crate::error::ModuleError;
use crate::module::Body;
use crate::reader::Reader;
use alloc::format;
use riser_ops::FuncIdx;

impl<'a> Decoder<'a> {
    pub(crate) fn code_section(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let offset = reader.pos();
        let count = reader.u32()?;
        if count as usize != self.defined_funcs() {
            let message = "function and code section have inconsistent lengths";
            return Err(ModuleError::malformed(offset, message));
        }
        if let Some(outline) = &mut self.outline {
            self.bodies = core::mem::take(&mut outline.bodies).into();
            return self.check_known_bodies(reader, offset);
        }
        self.bodies.reserve_exact(reader.capacity(count, 3));
        for _ in 0..count {
            let offset = reader.pos();
            let body = reader.sized()?;
            let len = body.remaining();
            if len == 0 || len > self.limits.body_bytes as usize {
                return Err(self.bad_body(len, offset));
            }
            // Offsets fit: a module has at most 2^30 bytes by default, and `ModuleLimits` has 32 bits for it.
            self.bodies.push(Body { start: body.pos() as u32, end: body.end() as u32 });
        }
        Ok(())
    }

    /// Bodies from an outline follow each other in the section, as many as there are functions.
    fn check_known_bodies(&self, reader: &mut Reader<'a>, offset: usize) -> Result<()> {
        let mut end = reader.pos();
        let follows = |body: &Body| {
            let is_behind = (body.start as usize) > end && body.start < body.end;
            end = body.end as usize;
            is_behind
        };
        let follow = self.bodies.iter().all(follows);
        if !follow || end != reader.end() || self.bodies.len() != self.defined_funcs() {
            return Err(ModuleError::malformed(offset, "the outline is another module's"));
        }
        reader.skip_rest();
        Ok(())
    }

    #[cold]
    fn bad_body(&self, len: usize, offset: usize) -> ModuleError {
        let func = FuncIdx(self.imported.funcs + self.bodies.len() as u32);
        let error = if len == 0 {
            ModuleError::malformed(offset, "unexpected end of function: its body is empty")
        } else {
            let limit = self.limits.body_bytes;
            let message = format!("function body of {len} bytes exceeds the limit of {limit}");
            ModuleError::limit(offset, message)
        };
        error.in_func(func)
    }
}
