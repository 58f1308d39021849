//! Goes over the operators of a body one by one, with no more understanding than skipping immediates takes.
//!
//! `inspect` and the report of missing imports ask which operators and which functions a body names. They must
//! also work on bodies that are not valid, which the walker of `riser-front` would refuse.

use riser_module::{Body, Module, ModuleError, Reader};
use riser_ops::{
    FuncIdx, Immediate, Operator, SimpleImmediate, StructuralOp, by_byte, by_prefix, is_prefix,
};

/// An operator, as far as it was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Where its opcode stands in the module.
    pub offset: usize,
    /// The operator.
    pub op: Operator,
    /// Its first immediate that is an index of something (the memory, for accesses).
    pub index: Option<u32>,
    /// The type of the block that it opens, as it is encoded: an index if it is not negative.
    pub block_type: Option<i64>,
}

impl Seen {
    /// The function that the operator names.
    pub fn func(&self) -> Option<FuncIdx> {
        match self.op {
            Operator::Structural(
                StructuralOp::Call | StructuralOp::ReturnCall | StructuralOp::RefFunc,
            ) => self.index.map(FuncIdx),
            _ => None,
        }
    }
}

/// What a body begins with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Locals {
    /// Whether a local is a vector.
    pub vectors: bool,
    /// Whether a local is a reference.
    pub references: bool,
}

/// The operators of a body. Ends early, with an error, where the bytes are no operator.
pub struct Operators<'a> {
    reader: Reader<'a>,
    failed: bool,
}

/// `(ref null HEAP)` and `(ref HEAP)` as block types.
const REF_TYPES: [i64; 2] = [-29, -28];

impl<'a> Operators<'a> {
    /// Reads the declarations of locals; the operators follow.
    pub fn new(module: &'a Module, body: Body) -> Result<(Locals, Operators<'a>), ModuleError> {
        let mut reader = Reader::window(&module.bytes, body.range());
        let mut locals = Locals::default();
        for _ in 0..reader.u32()? {
            reader.u32()?;
            match val_type(&mut reader)? {
                0x7B => locals.vectors = true,
                0x7C..=0x7F => {}
                _ => locals.references = true,
            }
        }
        Ok((locals, Operators { reader, failed: false }))
    }

    fn read(&mut self) -> Result<Seen, ModuleError> {
        let offset = self.reader.pos();
        let byte = self.reader.u8()?;
        let found =
            if is_prefix(byte) { by_prefix(byte, self.reader.u32()?) } else { by_byte(byte) };
        let op = found.ok_or_else(|| ModuleError::malformed(offset, "unknown operator"))?;
        let mut seen = Seen { offset, op, index: None, block_type: None };
        match op {
            Operator::Simple(op) => match op.row().immediate {
                SimpleImmediate::None => {}
                SimpleImmediate::Lane(_) => drop(self.reader.u8()?),
                SimpleImmediate::Shuffle => drop(self.reader.take(16)?),
            },
            Operator::Access(op) => {
                seen.index = self.memory()?;
                if op.row().kind.has_lane() {
                    self.reader.u8()?;
                }
            }
            Operator::Structural(op) => {
                for immediate in op.row().immediates {
                    self.immediate(*immediate, &mut seen)?;
                }
            }
        }
        Ok(seen)
    }

    /// Reads a memory argument; gives the memory's index.
    fn memory(&mut self) -> Result<Option<u32>, ModuleError> {
        /// Set in the alignment if the index of a memory follows.
        const HAS_INDEX: u32 = 1 << 6;
        let flags = self.reader.u32()?;
        let index = if flags & HAS_INDEX != 0 { self.reader.u32()? } else { 0 };
        self.reader.u64()?;
        Ok(Some(index))
    }

    fn immediate(&mut self, immediate: Immediate, seen: &mut Seen) -> Result<(), ModuleError> {
        let reader = &mut self.reader;
        match immediate {
            Immediate::BlockType => {
                let ty = reader.s33()?;
                if REF_TYPES.contains(&ty) {
                    reader.s33()?;
                }
                seen.block_type = Some(ty);
            }
            Immediate::Label | Immediate::Field | Immediate::Count => drop(reader.u32()?),
            Immediate::Labels => {
                for _ in 0..=reader.u32()? {
                    reader.u32()?;
                }
            }
            Immediate::Catches => {
                for _ in 0..reader.u32()? {
                    let has_tag = reader.u8()? <= 1;
                    if has_tag {
                        reader.u32()?;
                    }
                    reader.u32()?;
                }
            }
            Immediate::Func
            | Immediate::Type
            | Immediate::Table
            | Immediate::Memory
            | Immediate::Local
            | Immediate::Global
            | Immediate::Tag
            | Immediate::Data
            | Immediate::Elem => {
                let index = reader.u32()?;
                seen.index.get_or_insert(index);
            }
            Immediate::HeapType => drop(reader.s33()?),
            Immediate::ValTypes => {
                for _ in 0..reader.u32()? {
                    val_type(reader)?;
                }
            }
            Immediate::CastFlags | Immediate::ZeroByte => drop(reader.u8()?),
            Immediate::I32 => drop(reader.s32()?),
            Immediate::I64 => drop(reader.s64()?),
            Immediate::F32 => drop(reader.f32_bits()?),
            Immediate::F64 => drop(reader.f64_bits()?),
            Immediate::V128 => drop(reader.v128_bits()?),
        }
        Ok(())
    }
}

impl Iterator for Operators<'_> {
    type Item = Result<Seen, ModuleError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.reader.is_empty() {
            return None;
        }
        let seen = self.read();
        self.failed = seen.is_err();
        Some(seen)
    }
}

/// Skips a value type and gives the byte that begins it.
fn val_type(reader: &mut Reader<'_>) -> Result<u8, ModuleError> {
    let byte = reader.u8()?;
    if matches!(byte, 0x63 | 0x64) {
        reader.s33()?;
    }
    Ok(byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoded::Decoded;
    use crate::input::Input;
    use riser_module::ModuleBytes;
    use riser_ops::Features;

    fn operators(text: &str) -> Vec<(&'static str, Option<u32>)> {
        let bytes = ModuleBytes::new(wat::parse_str(text).unwrap());
        let input = Input { name: "test".into(), bytes, from_text: true };
        let module = Decoded::new(&input, Features::ALL).unwrap().module;
        let (_, operators) = Operators::new(&module, module.bodies[0]).unwrap();
        operators.map(|seen| seen.unwrap()).map(|seen| (seen.op.mnemonic(), seen.index)).collect()
    }

    #[test]
    fn immediates_of_every_shape_are_skipped() {
        let seen = operators(
            r#"(module
                (type $s (struct (field (mut i8)))) (memory 1) (memory 1) (table 2 funcref) (tag $t)
                (func $f (param i32) (result i32) (local v128) (local (ref null $s))
                    (drop (i32.load8_u 1 offset=1000 (i32.const -5)))
                    (drop (i64.const 0x1234567890)) (drop (f32.const 1)) (drop (f64.const 1))
                    (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (v128.const i32x4 1 2 3 4) (local.get 1)))
                    (drop (i8x16.extract_lane_s 3 (local.get 1)))
                    (v128.store8_lane 7 (i32.const 0) (local.get 1))
                    (block $b (br_table $b $b $b (i32.const 0)))
                    (block $c (result exnref) (try_table (catch_ref $t $c) (catch_all $b2)) (unreachable))
                    (drop) (block $b2)
                    (drop (select (result (ref null $s)) (local.get 2) (ref.null $s) (i32.const 1)))
                    (drop (struct.get_u $s 0 (local.get 2)))
                    (drop (ref.test (ref $s) (ref.null any)))
                    (call $f (i32.const 7)))
            )"#
            .replace("(catch_all $b2)", "")
            .as_str(),
        );
        let last: Vec<_> = seen.iter().rev().take(3).collect();
        assert_eq!(last, [&("end", None), &("call", Some(0)), &("i32.const", None)]);
        assert!(seen.contains(&("i32.load8_u", Some(1))));
        assert!(seen.contains(&("struct.get_u", Some(0))));
    }
}
