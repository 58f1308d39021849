//! Goes over a valid body as quickly as can be, for those who only count what a compiler wants to know beforehand.
//!
//! No types and no reachability: dead code counts, too. What is rare is not understood at all; then nothing
//! is known, and who wants to know walks.

use crate::scan;
use riser_module::{Module, Reader};
use riser_ops::{
    AccessKind, AccessOp, Features, FuncIdx, Operator, SimpleImmediate, SimpleOp, StructuralOp,
    by_prefix,
};

/// What is counted.
pub trait Survey {
    /// How many locals there are besides the parameters.
    fn declared(&mut self, locals: u32);
    /// `local.get`, `local.set` or `local.tee`; `reads` says whether it is the first.
    fn local(&mut self, local: u32, reads: bool);
    /// A load or store, not atomic, of the first memory.
    fn access(&mut self);
    /// A block begins.
    fn open(&mut self, is_loop: bool);
    /// A block ends.
    fn close(&mut self);
    /// Control may go elsewhere: `if`, `else` or a branch.
    fn branch(&mut self);
    /// An operator of two parts, besides what else is told of it.
    fn prefixed(&mut self);
    /// A call that returns, or an operator for which the runtime may be called.
    fn call(&mut self);
}

/// What an operator of one byte is to a survey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// There is none, or it is not understood.
    Other,
    /// Nothing that counts, and no immediate.
    Plain,
    /// Nothing that counts, with an integer of any length behind it.
    Integer,
    /// Nothing that counts, with so many bytes behind it.
    Bytes(u8),
    LocalGet,
    LocalSet,
    Access,
    /// A block of a kind that does not branch where it begins.
    Block,
    Loop,
    If,
    Else,
    End,
    Branch,
    Table,
    /// So many integers follow.
    Call(u8),
    Prefix,
}

static CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Other; 256];
    let mut at = 0;
    while at < SimpleOp::ROWS.len() {
        let row = &SimpleOp::ROWS[at];
        if row.opcode < 256 && matches!(row.immediate, SimpleImmediate::None) {
            classes[row.opcode as usize] = Class::Plain;
        }
        at += 1;
    }
    at = 0;
    while at < AccessOp::ROWS.len() {
        let row = &AccessOp::ROWS[at];
        if row.opcode < 256 {
            classes[row.opcode as usize] = Class::Access;
        }
        at += 1;
    }
    at = 0;
    while at < StructuralOp::ROWS.len() {
        let row = &StructuralOp::ROWS[at];
        if row.opcode < 256 {
            classes[row.opcode as usize] = class(row.op);
        }
        at += 1;
    }
    let mut prefix = 0;
    while prefix < 256 {
        if riser_ops::is_prefix(prefix as u8) {
            classes[prefix] = Class::Prefix;
        }
        prefix += 1;
    }
    classes
}

const fn class(op: StructuralOp) -> Class {
    use StructuralOp as Op;
    match op {
        Op::Unreachable | Op::Nop | Op::Drop | Op::Select | Op::RefIsNull => Class::Plain,
        Op::GlobalGet | Op::GlobalSet | Op::MemorySize => Class::Integer,
        Op::I32Const | Op::I64Const => Class::Integer,
        Op::F32Const => Class::Bytes(4),
        Op::F64Const => Class::Bytes(8),
        Op::LocalGet => Class::LocalGet,
        Op::LocalSet | Op::LocalTee => Class::LocalSet,
        Op::Block => Class::Block,
        Op::Loop => Class::Loop,
        Op::If => Class::If,
        Op::Else => Class::Else,
        Op::End => Class::End,
        Op::Br | Op::BrIf => Class::Branch,
        Op::BrTable => Class::Table,
        Op::Return => Class::Plain,
        Op::Call | Op::MemoryGrow => Class::Call(1),
        Op::CallIndirect => Class::Call(2),
        _ => Class::Other,
    }
}

/// Tells `survey` of all operators of the body of a function, in order. `None` if there is something that is not understood: what was told
/// until then is worth nothing.
pub fn survey<S: Survey>(module: &Module, func: FuncIdx, survey: &mut S) -> Option<()> {
    let body = module.body(func)?;
    let mut reader = Reader::window(&module.bytes, body.range());
    survey.declared(scan::declared(&mut reader).ok()?);
    let mut bytes = Bytes { bytes: module.bytes.get(..body.end as usize)?, at: reader.pos() };
    while let Some(byte) = bytes.next() {
        match CLASSES[usize::from(byte)] {
            Class::Plain => {}
            Class::LocalGet => survey.local(bytes.index()?, true),
            Class::LocalSet => survey.local(bytes.index()?, false),
            Class::Integer => bytes.skip_integer()?,
            Class::Access => {
                bytes.skip_address()?;
                survey.access();
            }
            Class::Block => {
                bytes.skip_block_type()?;
                survey.open(false);
            }
            Class::Loop => {
                bytes.skip_block_type()?;
                survey.open(true);
            }
            Class::If => {
                bytes.skip_block_type()?;
                survey.branch();
                survey.open(false);
            }
            Class::Else => survey.branch(),
            Class::End => survey.close(),
            Class::Branch => {
                bytes.skip_integer()?;
                survey.branch();
            }
            Class::Table => {
                for _ in 0..=bytes.index()? {
                    bytes.skip_integer()?;
                }
                survey.branch();
            }
            Class::Call(integers) => {
                for _ in 0..integers {
                    bytes.skip_integer()?;
                }
                survey.call();
            }
            Class::Bytes(count) => bytes.skip(count.into()),
            Class::Prefix => bytes.prefixed(byte, survey)?,
            Class::Other => return None,
        }
    }
    Some(())
}

/// The bytes of a module up to the end of a body.
struct Bytes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bytes<'_> {
    #[inline(always)]
    fn next(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    #[inline(always)]
    fn skip_integer(&mut self) -> Option<()> {
        while self.next()? >= 0x80 {}
        Some(())
    }

    #[inline(always)]
    fn index(&mut self) -> Option<u32> {
        let byte = self.next()?;
        if byte < 0x80 { Some(byte.into()) } else { self.long_index(byte) }
    }

    #[inline(never)]
    fn long_index(&mut self, first: u8) -> Option<u32> {
        let mut index = u32::from(first & 0x7F);
        for shift in [7, 14, 21, 28] {
            let byte = self.next()?;
            index |= u32::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(index);
            }
        }
        None
    }

    /// Skips the memory argument of an access of the first memory.
    #[inline(always)]
    fn skip_address(&mut self) -> Option<()> {
        /// What is larger names a memory, or is written in more bytes than it needs.
        const ALIGN_MAX: u8 = 0x3F;
        if self.next()? > ALIGN_MAX {
            return None;
        }
        self.skip_integer()
    }

    #[inline(always)]
    fn skip_block_type(&mut self) -> Option<()> {
        match self.next()? {
            // A heap type follows, or the rest of an index.
            0x63 | 0x64 | 0x80.. => self.skip_integer(),
            _ => Some(()),
        }
    }

    /// An operator whose first byte is a prefix.
    #[inline(never)]
    fn prefixed<S: Survey>(&mut self, byte: u8, survey: &mut S) -> Option<()> {
        let sub = self.index()?;
        survey.prefixed();
        match by_prefix(byte, sub)? {
            Operator::Simple(op) => {
                let row = op.row();
                if row.feature.contains(Features::RELAXED_SIMD) {
                    return None;
                }
                match row.immediate {
                    SimpleImmediate::None => {}
                    SimpleImmediate::Lane(_) => self.skip(1),
                    SimpleImmediate::Shuffle => self.skip(16),
                }
            }
            Operator::Access(op) => {
                let kind = op.row().kind;
                if matches!(kind, AccessKind::Wait | AccessKind::Notify) {
                    return None;
                }
                self.skip_address()?;
                self.skip(usize::from(kind.has_lane()));
                survey.access();
            }
            Operator::Structural(StructuralOp::MemoryCopy) => {
                self.skip_integer()?;
                self.skip_integer()?;
                survey.call();
            }
            Operator::Structural(StructuralOp::MemoryFill) => {
                self.skip_integer()?;
                survey.call();
            }
            Operator::Structural(StructuralOp::V128Const) => self.skip(16),
            Operator::Structural(_) => return None,
        }
        Some(())
    }
}
