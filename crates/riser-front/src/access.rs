//! Accesses to linear memory: plain, vector and atomic.

use crate::messages;
use crate::sink::{BodySink, MemArg};
use crate::walker::Walk;
use riser_module::ModuleError;
use riser_ops::{AccessKind, AccessOp, Features, MemoryIdx, ValType};

/// A plain load or store of the first version.
#[derive(Clone, Copy)]
pub(crate) struct Plain {
    pub(crate) op: AccessOp,
    pub(crate) is_store: bool,
    pub(crate) ty: ValType,
    pub(crate) max_align_log2: u32,
}

/// The plain accesses by opcode, starting with [`FIRST_PLAIN`].
pub(crate) static PLAIN: [Plain; LAST_PLAIN - FIRST_PLAIN + 1] = plain();

/// The opcode of `i32.load`.
pub(crate) const FIRST_PLAIN: usize = 0x28;
/// The opcode of `i64.store32`.
const LAST_PLAIN: usize = 0x3E;

const fn plain() -> [Plain; LAST_PLAIN - FIRST_PLAIN + 1] {
    let none =
        Plain { op: AccessOp::I32Load, is_store: false, ty: ValType::BOTTOM, max_align_log2: 0 };
    let mut table = [none; LAST_PLAIN - FIRST_PLAIN + 1];
    let mut i = 0;
    while i < AccessOp::ROWS.len() {
        let row = &AccessOp::ROWS[i];
        i += 1;
        let opcode = row.opcode as usize;
        if opcode < FIRST_PLAIN || opcode > LAST_PLAIN {
            continue;
        }
        table[opcode - FIRST_PLAIN] = Plain {
            op: row.op,
            is_store: matches!(row.kind, AccessKind::Store),
            ty: row.ty,
            max_align_log2: row.max_align_log2(),
        };
    }
    let mut i = 0;
    while i < table.len() {
        assert!(table[i].ty.is_num(), "every opcode of the range is a plain access");
        i += 1;
    }
    table
}

impl<S: BodySink, const CHECK: bool> Walk<'_, S, CHECK> {
    /// Any access.
    #[inline(never)]
    pub(crate) fn access(&mut self, op: AccessOp) -> Result<(), ModuleError> {
        let row = op.row();
        self.gate(row.feature, row.mnemonic)?;
        let (mut arg, index_type) = self.mem_arg(row.max_align_log2(), row.kind.is_atomic())?;
        if row.kind.has_lane() {
            arg.lane = self.lane(16 / row.width)?;
        }
        let (operands, result) = row.signature();
        self.pop_all(operands)?;
        self.pop(index_type)?;
        if let Some(ty) = result {
            self.push_any(ty);
        }
        self.emit(|sink| sink.access(op, arg));
        Ok(())
    }

    /// Reads a memory argument. Gives the address type with it.
    #[inline(always)]
    fn mem_arg(
        &mut self,
        max_align_log2: u32,
        exact: bool,
    ) -> Result<(MemArg, ValType), ModuleError> {
        let flags_at = self.reader.pos();
        let flags = self.reader.u32()?;
        let (memory, index_type) = if flags < 1 << 5 {
            (MemoryIdx(0), self.memory0)
        } else {
            self.memory_of_flags(flags_at, flags)?
        };
        let memory64 = index_type == ValType::I64;
        let offset = if self.features.contains(Features::MEMORY64) {
            self.reader.u64()?
        } else {
            u64::from(self.reader.u32()?)
        };
        let align = flags & 0x3F;
        if CHECK && (align > max_align_log2 || (exact && align != max_align_log2)) {
            return Err(messages::alignment(self.at, exact));
        }
        if CHECK && index_type == ValType::BOTTOM {
            return Err(messages::unknown(self.at, "memory", memory.0));
        }
        if CHECK && !memory64 && offset > u64::from(u32::MAX) {
            return Err(messages::offset_out_of_range(self.at, offset));
        }
        let arg = MemArg { memory, offset, align_log2: align as u8, lane: 0, memory64 };
        Ok((arg, index_type))
    }

    /// The memory of a memory argument that may name one, and its address type (bottom if there is none). Before
    /// the proposal of several memories, an exponent of 32 was not even read.
    #[inline(never)]
    fn memory_of_flags(
        &mut self,
        at: usize,
        flags: u32,
    ) -> Result<(MemoryIdx, ValType), ModuleError> {
        if flags >= 1 << 7 || !self.features.contains(Features::MULTI_MEMORY) {
            return Err(messages::malformed_memop(at, flags));
        }
        let index = if flags & 1 << 6 != 0 { self.reader.u32()? } else { 0 };
        let ty = self.module.memories.get(index as usize);
        Ok((MemoryIdx(index), ty.map_or(ValType::BOTTOM, |memory| memory.index_type())))
    }

    pub(crate) fn atomic_fence(&mut self) -> Result<(), ModuleError> {
        if self.reader.u8()? != 0 {
            return Err(messages::zero_byte_expected(self.reader.pos() - 1));
        }
        self.emit(|sink| sink.atomic_fence());
        Ok(())
    }
}
