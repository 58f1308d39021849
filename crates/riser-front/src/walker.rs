//! The walk over a body: who owns the memory it needs, and the loop that looks at one operator after the other.
//!
//! [`Walker`] is the door. A walk is *validating* or *trusted*, chosen at compile time; both tell the sink
//! exactly the same. What each operator does stands in the file of its topic: `simple`, `access`, `locals`,
//! `control`, `calls`, `memory`, `table`, `gc`, `exceptions`; `stack.rs` has the two stacks they share.

use crate::cursor::Cursor;
use crate::locals::Locals;
use crate::messages;
use crate::null::NullSink;
use crate::scan;
use crate::sink::{BodyFacts, BodySink, Catch, Target};
use crate::stack::{BlockType, Frame, FrameKind};
use alloc::vec::Vec;
use core::mem;
use core::ops::Range;
use riser_module::{ErrorKind, Module, ModuleError, TableWrites};
use riser_ops::{Features, FuncIdx, FuncType, Operator, StructuralOp, ValType};

/// Walks over bodies, one after the other. It keeps its memory from one body to the next, so that it
/// allocates nothing in the long run.
///
/// ```
/// # use riser_front::{NullSink, Walker};
/// # fn validate(module: &riser_module::Module) -> Result<(), riser_module::ModuleError> {
/// let mut walker = Walker::new();
/// for func in module.imported.funcs..module.funcs.len() as u32 {
///     let facts = walker.validate(module, riser_ops::FuncIdx(func), &mut NullSink)?;
///     assert!(facts.max_depth >= 1);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct Walker {
    pub(crate) operands: Vec<ValType>,
    control: Vec<Frame>,
    pub(crate) locals: Locals,
    targets: Vec<Target>,
    catches: Vec<Catch>,
    /// Where the last walk ended.
    pub(crate) ended: Ended,
}

/// Where a walk ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ended {
    /// The operator.
    pub at: usize,
    /// How many operands there were.
    pub len: usize,
    pub live: bool,
}

impl Walker {
    /// A walker without memory yet.
    pub fn new() -> Walker {
        Walker::default()
    }

    /// Validates the body of `func` and tells `sink` what is live in it.
    ///
    /// # Errors
    /// If the body is malformed, not valid, or beyond a limit, or if `func` has no body. The sink may have
    /// heard a part by then; it has not heard `finish`.
    pub fn validate<S: BodySink>(
        &mut self,
        module: &Module,
        func: FuncIdx,
        sink: &mut S,
    ) -> Result<BodyFacts, ModuleError> {
        self.walk::<S, true>(module, func, u32::MAX, sink)
    }

    /// Tells `sink` what is live in the body of `func`, which was validated before: the same calls as
    /// [`Walker::validate`] makes, without its checks.
    ///
    /// # Errors
    /// None for a valid body. For a body that was never validated, some error or meaningless calls.
    pub fn trusted<S: BodySink>(
        &mut self,
        module: &Module,
        func: FuncIdx,
        sink: &mut S,
    ) -> Result<BodyFacts, ModuleError> {
        self.walk::<S, false>(module, func, u32::MAX, sink)
    }

    /// Validates the bodies of the defined functions in `range` (0 is the first one that is not imported), in
    /// order. Gives the tables that they write.
    ///
    /// # Errors
    /// The error of the first function that has one. Those who spread ranges over threads report the
    /// error of the lowest range, so that the outcome does not depend on timing.
    pub fn validate_range(
        &mut self,
        module: &Module,
        range: Range<u32>,
    ) -> Result<TableWrites, ModuleError> {
        let mut writes = TableWrites::NONE;
        for defined in range {
            let func = FuncIdx(module.imported.funcs.saturating_add(defined));
            writes.add(self.validate(module, func, &mut NullSink)?.table_writes);
        }
        Ok(writes)
    }

    /// Walks up to the byte at `end`, which is an error, or to the end of the body.
    pub(crate) fn walk<S: BodySink, const CHECK: bool>(
        &mut self,
        module: &Module,
        func: FuncIdx,
        end: u32,
        sink: &mut S,
    ) -> Result<BodyFacts, ModuleError> {
        let (Some(body), Some(ty)) = (module.body(func), module.func_type(func)) else {
            return Err(messages::no_body(func));
        };
        let mut walk = Walk::<S, CHECK> {
            module,
            features: module.features,
            params: ty.params(),
            memory0: module.memories.first().map_or(ValType::BOTTOM, |memory| memory.index_type()),
            reader: Cursor::window(&module.bytes, body.start as usize..end.min(body.end) as usize),
            at: body.start as usize,
            operands: mem::take(&mut self.operands),
            len: 0,
            height: 0,
            polymorphic: false,
            live: true,
            any_vector: false,
            control: mem::take(&mut self.control),
            locals: mem::take(&mut self.locals),
            targets: mem::take(&mut self.targets),
            catches: mem::take(&mut self.catches),
            max_depth: 0,
            loops: 0,
            calls: false,
            table_writes: TableWrites::NONE,
            sink,
        };
        let outcome = walk.body(func, ty, body.len() as usize);
        self.ended = Ended { at: walk.at, len: walk.len, live: walk.live };
        self.operands = walk.operands;
        self.control = walk.control;
        self.locals = walk.locals;
        self.targets = walk.targets;
        self.catches = walk.catches;
        outcome.map_err(|error| {
            match error.kind() {
                // The grammar comes first: what is malformed anywhere in the body is not called invalid.
                ErrorKind::Invalid if CHECK => scan::syntax_error(module, body).unwrap_or(error),
                _ => error,
            }
            .in_func(func)
        })
    }
}

/// Validates every body of `module`, in order. Gives the tables that they write, for [`Module::set_table_writes`].
///
/// # Errors
/// The error of the first function that has one.
pub fn validate_bodies(module: &Module) -> Result<TableWrites, ModuleError> {
    Walker::new().validate_range(module, 0..module.bodies.len() as u32)
}

/// Cuts the defined functions of `module` into ranges of about `bytes` bytes of bodies each, in order, for those who
/// spread the work of [`Walker::validate_range`].
pub fn body_ranges(module: &Module, bytes: u64) -> impl Iterator<Item = Range<u32>> {
    let mut next = 0;
    core::iter::from_fn(move || {
        let start = next;
        let mut sum = 0;
        while let Some(body) = module.bodies.get(next) {
            next += 1;
            sum += u64::from(body.len());
            if sum >= bytes {
                break;
            }
        }
        (start < next).then_some(start as u32..next as u32)
    })
}

/// One walk over one body. `CHECK` says whether it is validating.
pub(crate) struct Walk<'a, S, const CHECK: bool> {
    pub(crate) module: &'a Module,
    pub(crate) features: Features,
    /// The function's parameters.
    pub(crate) params: &'a [ValType],
    /// The address type of memory 0; the bottom type if there is none.
    pub(crate) memory0: ValType,
    pub(crate) reader: Cursor<'a>,
    /// Offset of the current operator.
    pub(crate) at: usize,
    /// The operand stack is the first `len`; the rest are remains. See [`Walk::push`].
    pub(crate) operands: Vec<ValType>,
    /// How many operands there are.
    pub(crate) len: usize,
    /// How many operands lie below the innermost block.
    pub(crate) height: usize,
    /// Whether the stack of the innermost block is polymorphic.
    pub(crate) polymorphic: bool,
    /// Whether control can come here.
    pub(crate) live: bool,
    /// Whether a vector was on the stack, or could have been.
    pub(crate) any_vector: bool,
    pub(crate) control: Vec<Frame>,
    pub(crate) locals: Locals,
    /// Scratch for `br_table`.
    pub(crate) targets: Vec<Target>,
    /// Scratch for `try_table`.
    pub(crate) catches: Vec<Catch>,
    pub(crate) max_depth: usize,
    pub(crate) loops: u32,
    pub(crate) calls: bool,
    pub(crate) table_writes: TableWrites,
    pub(crate) sink: &'a mut S,
}

impl<S: BodySink, const CHECK: bool> Walk<'_, S, CHECK> {
    fn body(
        &mut self,
        func: FuncIdx,
        ty: &FuncType,
        body_len: usize,
    ) -> Result<BodyFacts, ModuleError> {
        self.operands.clear();
        self.control.clear();
        self.locals.clear();
        self.declare_locals(body_len)?;
        self.any_vector = self.locals.any_vector(self.params);
        self.sink.begin(self.module, func, ty, &self.locals.runs);
        self.control.push(Frame {
            ty: BlockType::Func(self.module.funcs[func.index()]),
            height: 0,
            locals_set: 0,
            kind: FrameKind::Block,
            polymorphic: false,
            sent: true,
            end_reached: false,
        });
        self.max_depth = 1;
        self.run()?;
        if self.reader.remaining() != 0 {
            return Err(messages::bytes_after_end(self.reader.pos()));
        }
        let max_operands = self.operands.len() as u32;
        let facts = BodyFacts {
            locals: self.locals.count,
            max_operands,
            max_operand_slots: if self.any_vector { 2 * max_operands } else { max_operands },
            max_depth: self.max_depth as u32,
            loops: self.loops,
            calls: self.calls,
            table_writes: self.table_writes,
        };
        self.sink.finish(&facts);
        Ok(facts)
    }

    /// Walks until the body's own `end`. The operators that are frequent beside the plain ones have an arm here; the
    /// rest, and what [`Walk::plain`] left, are found through the table.
    fn run(&mut self) -> Result<(), ModuleError> {
        loop {
            self.plain();
            self.at = self.reader.pos();
            let byte = self.reader.u8()?;
            match byte {
                0x0B => {
                    self.end()?;
                    if self.control.is_empty() {
                        return Ok(());
                    }
                }
                0x0C => self.br()?,
                0x0D => self.br_if()?,
                0x02 => self.block(FrameKind::Block)?,
                0x03 => self.block(FrameKind::Loop)?,
                0x04 => self.block(FrameKind::If)?,
                0x10 => self.call()?,
                0x1A => self.drop_operand()?,
                0x23 => self.global_get()?,
                0x24 => self.global_set()?,
                _ => self.operator(byte)?,
            }
        }
    }

    /// An operator that is found through the table.
    #[inline(never)]
    fn operator(&mut self, byte: u8) -> Result<(), ModuleError> {
        let (operator, sub) = if riser_ops::is_prefix(byte) {
            let sub = self.reader.u32()?;
            (riser_ops::by_prefix(byte, sub), Some(sub))
        } else {
            (riser_ops::by_byte(byte), None)
        };
        match operator {
            Some(Operator::Simple(op)) => self.simple(op),
            Some(Operator::Access(op)) => self.access(op),
            Some(Operator::Structural(op)) => {
                self.gate(op.row().feature, op.row().mnemonic)?;
                self.structural(op)
            }
            None => Err(messages::illegal_opcode(self.at, byte, sub)),
        }
    }

    /// Refuses an operator whose feature is off.
    #[inline(always)]
    pub(crate) fn gate(&self, feature: Features, mnemonic: &str) -> Result<(), ModuleError> {
        if CHECK && !self.features.allows(feature) {
            return Err(messages::feature_needed(self.at, mnemonic, feature));
        }
        Ok(())
    }

    /// Tells the sink of an operator, if it is live.
    #[inline(always)]
    pub(crate) fn emit(&mut self, tell: impl FnOnce(&mut S)) {
        if self.live {
            self.sink.at(self.at as u32);
            tell(self.sink);
        }
    }

    // tidy: flat match
    fn structural(&mut self, op: StructuralOp) -> Result<(), ModuleError> {
        use StructuralOp as Op;
        match op {
            Op::Unreachable => self.unreachable(),
            Op::Nop => self.nop(),
            Op::Block => self.block(FrameKind::Block),
            Op::Loop => self.block(FrameKind::Loop),
            Op::If => self.block(FrameKind::If),
            Op::Else => self.else_(),
            Op::Try => self.block(FrameKind::Try),
            Op::Catch => self.catch(),
            Op::Throw => self.throw(),
            Op::Rethrow => self.rethrow(),
            Op::ThrowRef => self.throw_ref(),
            Op::End => self.end(),
            Op::Br => self.br(),
            Op::BrIf => self.br_if(),
            Op::BrTable => self.br_table(),
            Op::Return => self.return_(),
            Op::Call => self.call(),
            Op::CallIndirect => self.call_indirect(),
            Op::ReturnCall => self.return_call(),
            Op::ReturnCallIndirect => self.return_call_indirect(),
            Op::CallRef => self.call_ref(),
            Op::ReturnCallRef => self.return_call_ref(),
            Op::Delegate => self.delegate(),
            Op::CatchAll => self.catch_all(),
            Op::Drop => self.drop_operand(),
            Op::Select => self.select(),
            Op::SelectTyped => self.typed_select(),
            Op::TryTable => self.try_table(),
            Op::LocalGet => self.local_get(),
            Op::LocalSet => self.local_set(),
            Op::LocalTee => self.local_tee(),
            Op::GlobalGet => self.global_get(),
            Op::GlobalSet => self.global_set(),
            Op::TableGet => self.table_get(),
            Op::TableSet => self.table_set(),
            Op::MemorySize => self.memory_size(),
            Op::MemoryGrow => self.memory_grow(),
            Op::I32Const => self.i32_const(),
            Op::I64Const => self.i64_const(),
            Op::F32Const => self.f32_const(),
            Op::F64Const => self.f64_const(),
            Op::RefNull => self.ref_null(),
            Op::RefIsNull => self.ref_is_null(),
            Op::RefFunc => self.ref_func(),
            Op::RefEq => self.ref_eq(),
            Op::RefAsNonNull => self.ref_as_non_null(),
            Op::BrOnNull => self.br_on_null(),
            Op::BrOnNonNull => self.br_on_non_null(),
            Op::StructNew => self.struct_new(),
            Op::StructNewDefault => self.struct_new_default(),
            Op::StructGet => self.struct_get(None),
            Op::StructGetS => self.struct_get(Some(true)),
            Op::StructGetU => self.struct_get(Some(false)),
            Op::StructSet => self.struct_set(),
            Op::ArrayNew => self.array_new(),
            Op::ArrayNewDefault => self.array_new_default(),
            Op::ArrayNewFixed => self.array_new_fixed(),
            Op::ArrayNewData => self.array_new_data(),
            Op::ArrayNewElem => self.array_new_elem(),
            Op::ArrayGet => self.array_get(None),
            Op::ArrayGetS => self.array_get(Some(true)),
            Op::ArrayGetU => self.array_get(Some(false)),
            Op::ArraySet => self.array_set(),
            Op::ArrayLen => self.array_len(),
            Op::ArrayFill => self.array_fill(),
            Op::ArrayCopy => self.array_copy(),
            Op::ArrayInitData => self.array_init_data(),
            Op::ArrayInitElem => self.array_init_elem(),
            Op::RefTest => self.ref_test(false),
            Op::RefTestNull => self.ref_test(true),
            Op::RefCast => self.ref_cast(false),
            Op::RefCastNull => self.ref_cast(true),
            Op::BrOnCast => self.br_on_cast(),
            Op::BrOnCastFail => self.br_on_cast_fail(),
            Op::AnyConvertExtern => self.any_convert_extern(),
            Op::ExternConvertAny => self.extern_convert_any(),
            Op::RefI31 => self.ref_i31(),
            Op::I31GetS => self.i31_get(true),
            Op::I31GetU => self.i31_get(false),
            Op::MemoryInit => self.memory_init(),
            Op::DataDrop => self.data_drop(),
            Op::MemoryCopy => self.memory_copy(),
            Op::MemoryFill => self.memory_fill(),
            Op::TableInit => self.table_init(),
            Op::ElemDrop => self.elem_drop(),
            Op::TableCopy => self.table_copy(),
            Op::TableGrow => self.table_grow(),
            Op::TableSize => self.table_size(),
            Op::TableFill => self.table_fill(),
            Op::V128Const => self.v128_const(),
            Op::AtomicFence => self.atomic_fence(),
        }
    }
}
