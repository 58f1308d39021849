//! Goes over the operators of a body one by one, with no more understanding than skipping immediates takes.
//!
//! For those who only ask which operators and which functions a body names, and for bodies that are not valid:
//! the walker uses [`syntax_error`] to tell a body that is malformed from one that is only invalid.

use crate::messages;
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
#[derive(Debug)]
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
        let sub = if is_prefix(byte) { Some(self.reader.u32()?) } else { None };
        let found = sub.map_or_else(|| by_byte(byte), |sub| by_prefix(byte, sub));
        let op = found.ok_or_else(|| messages::illegal_opcode(offset, byte, sub))?;
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

/// What makes a body malformed, whatever its types: bytes that are no operator, an operator whose feature is off, or
/// blocks that do not end where the body does. `None` if its grammar is right.
pub(crate) fn syntax_error(module: &Module, body: Body) -> Option<ModuleError> {
    let mut operators = match Operators::new(module, body) {
        Ok((_, operators)) => operators,
        Err(error) => return Some(error),
    };
    let mut depth = 1_u32;
    for seen in &mut operators {
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => return Some(error),
        };
        if !module.features.allows(seen.op.feature()) {
            return Some(messages::feature_needed(
                seen.offset,
                seen.op.mnemonic(),
                seen.op.feature(),
            ));
        }
        match seen.op {
            Operator::Structural(StructuralOp::End | StructuralOp::Delegate) => depth -= 1,
            _ if seen.block_type.is_some() => depth += 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    let at = operators.reader.pos();
    match (depth, operators.reader.is_empty()) {
        (0, true) => None,
        (0, false) => Some(messages::bytes_after_end(at)),
        _ => Some(ModuleError::malformed(at, "unexpected end of section or function")),
    }
}

/// Reads the declarations of locals, which were validated, and gives how many there are.
pub(crate) fn declared(reader: &mut Reader<'_>) -> Result<u32, ModuleError> {
    let mut all = 0_u32;
    for _ in 0..reader.u32()? {
        all = all.saturating_add(reader.u32()?);
        val_type(reader)?;
    }
    Ok(all)
}

/// Skips a value type and gives the byte that begins it.
fn val_type(reader: &mut Reader<'_>) -> Result<u8, ModuleError> {
    let byte = reader.u8()?;
    if matches!(byte, 0x63 | 0x64) {
        reader.s33()?;
    }
    Ok(byte)
}
