//! Locals, globals, constants, `drop` and `select`.

use super::vm::Region;
use super::{Translator, clif_type};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{
    InstBuilder, MemFlagsData, StackSlotData, StackSlotKind, Value, types,
};
use cranelift_frontend::Variable;
use riser_ops::{FuncType, GlobalIdx, LocalIdx, ValType};
use std::collections::HashSet;

/// A local.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    ty: ValType,
    place: Place,
    /// One more than the highest number of a CLIF block that knows of the variable.
    reach: u32,
    /// One more than the number of the CLIF block that last wrote it, and how many blocks did.
    written: u32,
    writers: u32,
}

/// Where a local is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In a variable, once it is used. A variable that is read before it is written is zero, which is what a local
    /// is: so nothing is said of the locals when a function begins.
    Unused,
    Variable(Variable),
    /// In the frame, so many bytes from the first such local.
    Frame(i32),
}

/// How locals are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LocalsIn {
    /// All are variables of the function builder. It knows for each, in a table, the value in each block, and looks for
    /// values backwards through all blocks since the last assignment, leaving traces: some functions are too large for
    /// that.
    Variables,
    /// Those with these numbers are in memory, unless they are references into the heap (the collector must find them).
    Both(HashSet<u32>),
    /// Only references into the heap are variables; the others are in memory.
    Frame,
}

impl LocalsIn {
    fn is_in_memory(&self, number: usize) -> bool {
        match self {
            LocalsIn::Variables => false,
            LocalsIn::Both(numbers) => numbers.contains(&(number as u32)),
            LocalsIn::Frame => true,
        }
    }
}

/// A function is compiled again, with its locals in the frame, if the tables of its variables have more entries than this
/// (of 4 bytes)…
const MOST_ENTRIES: usize = 1 << 26;

/// …or if it has more values than these, and so many more for each operator. Functions of ordinary programs
/// have at most two per operator.
const SPARE_VALUES: usize = 100_000;
const VALUES_PER_OPERATOR: usize = 16;

/// A local is in memory if more blocks than these write it, and more than two fifths of all. Its values meet in about as many places, and the
/// register allocator makes one of all that meet, in a time that grows with the square of their number. In the loops of interpreters (SQLite's,
/// QuickJS's, CPython's) fewer than two fifths of the blocks write any local.
const MOST_WRITERS: u32 = 400;
const MOST_OF_BLOCKS: (usize, usize) = (2, 5);

/// So many bytes of the frame are zeroed without a loop.
const FEW_BYTES: i32 = 128;

impl Translator<'_> {
    /// The function's locals, of which the first have the values of its parameters.
    pub(super) fn begin_locals(
        &mut self,
        ty: &FuncType,
        locals: &[(u32, ValType)],
        params: &[Value],
    ) {
        let all = ty.params().iter().map(|&ty| (1, ty)).chain(locals.iter().copied());
        for (count, ty) in all {
            let local = Local { ty, place: Place::Unused, reach: 0, written: 0, writers: 0 };
            self.locals.extend((0..count).map(|_| local));
        }
        if self.locals_in != LocalsIn::Variables {
            self.begin_frame();
        }
        for (number, &param) in params.iter().enumerate() {
            self.set_local(LocalIdx(number as u32), param);
        }
    }

    /// Makes room for locals in the frame, and zeroes it.
    fn begin_frame(&mut self) {
        let mut size = 0;
        for (number, local) in self.locals.iter_mut().enumerate() {
            if local.ty.is_heap_reference() || !self.locals_in.is_in_memory(number) {
                continue;
            }
            let bytes = 8 * local.ty.slots() as i32;
            // Vectors are aligned. There are at most 50,000 locals.
            size = (size + bytes - 1) & -bytes;
            local.place = Place::Frame(size);
            size += bytes;
        }
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size as u32, 4);
        let slot = self.b.create_sized_stack_slot(data);
        let base = self.b.ins().stack_addr(types::I64, slot, 0);
        self.frame = Some(base);
        let flags = self.in_region(MemFlagsData::trusted(), Region::Locals);
        let zero = self.b.ins().iconst(types::I64, 0);
        if size <= FEW_BYTES {
            for offset in (0..size).step_by(8) {
                self.b.ins().store(flags, zero, base, offset);
            }
            return;
        }
        let end = self.b.ins().iadd_imm_s(base, i64::from(size));
        let (again, done) = (self.b.create_block(), self.b.create_block());
        let at = self.b.append_block_param(again, types::I64);
        self.b.ins().jump(again, &[base.into()]);
        self.b.switch_to_block(again);
        self.b.ins().store(flags, zero, at, 0);
        let next = self.b.ins().iadd_imm_s(at, 8);
        let is_left = self.b.ins().icmp(IntCC::UnsignedLessThan, next, end);
        self.b.ins().brif(is_left, again, &[next.into()], done, &[]);
        self.b.seal_block(again);
        self.enter(done);
    }

    /// Whether the function builder has more to do with the variables than is good.
    pub(super) fn has_too_many_values(&self) -> bool {
        let values = self.b.func.dfg.num_values();
        self.locals_in != LocalsIn::Frame
            && (self.entries > MOST_ENTRIES
                || values > SPARE_VALUES + VALUES_PER_OPERATOR * self.operators)
    }

    /// The variables that would better be in memory.
    pub(super) fn written_everywhere(&self) -> HashSet<u32> {
        let blocks = self.b.func.dfg.num_blocks() * MOST_OF_BLOCKS.0 / MOST_OF_BLOCKS.1;
        let most = blocks.max(MOST_WRITERS as usize);
        let is_one = |local: &Local| {
            local.writers as usize > most
                && matches!(local.place, Place::Variable(_))
                && !local.ty.is_heap_reference()
        };
        let locals = self.locals.iter().enumerate();
        locals.filter(|(_, local)| is_one(local)).map(|(number, _)| number as u32).collect()
    }

    /// Notes that a variable is written in the current block.
    fn note_writer(&mut self, local: LocalIdx) {
        let block = self.b.current_block().map_or(0, |block| block.as_u32()) + 1;
        let local = &mut self.locals[local.index()];
        if local.written != block {
            local.written = block;
            local.writers += 1;
        }
    }

    fn variable(&mut self, local: LocalIdx) -> Variable {
        let block = self.b.current_block().map_or(0, |block| block.as_u32()) + 1;
        let Local { ty, place, reach, .. } = &mut self.locals[local.index()];
        if *reach < block {
            self.entries += (block - *reach) as usize;
            *reach = block;
        }
        if let Place::Variable(variable) = *place {
            return variable;
        }
        let variable = self.b.declare_var(clif_type(*ty));
        if ty.is_heap_reference() {
            self.b.declare_var_needs_stack_map(variable);
        }
        *place = Place::Variable(variable);
        variable
    }

    /// The types of all locals.
    pub(super) fn local_types(&self) -> impl Iterator<Item = ValType> + '_ {
        self.locals.iter().map(|local| local.ty)
    }

    pub(super) fn set_local(&mut self, local: LocalIdx, value: Value) {
        if let (Place::Frame(offset), Some(base)) = (self.locals[local.index()].place, self.frame) {
            let flags = self.in_region(MemFlagsData::trusted(), Region::Locals);
            self.b.ins().store(flags, value, base, offset);
            return;
        }
        let variable = self.variable(local);
        self.note_writer(local);
        self.b.def_var(variable, value);
    }

    pub(super) fn lower_local_get(&mut self, local: LocalIdx, ty: ValType) {
        let value = match (self.locals[local.index()].place, self.frame) {
            (Place::Frame(offset), Some(base)) => {
                let flags = self.in_region(MemFlagsData::trusted(), Region::Locals);
                self.b.ins().load(clif_type(ty), flags, base, offset)
            }
            _ => {
                let variable = self.variable(local);
                self.b.use_var(variable)
            }
        };
        self.push(value);
    }

    pub(super) fn lower_local_set(&mut self, local: LocalIdx, _: ValType) {
        let value = self.pop();
        self.set_local(local, value);
    }

    pub(super) fn lower_local_tee(&mut self, local: LocalIdx, ty: ValType) {
        self.lower_local_set(local, ty);
        self.lower_local_get(local, ty);
    }

    /// Where a global is, as a base and a distance, and flags for accesses to it.
    fn global(&mut self, global: GlobalIdx) -> (Value, i32, MemFlagsData) {
        let (base, offset) = match self.env.layout.own_global(global) {
            Some(offset) => (self.vmctx, offset as i32),
            None => {
                let cell = self.env.layout.global(global);
                (self.constant_load(types::I64, self.vmctx, cell), 0)
            }
        };
        let ty = &self.env.module.globals[global.index()].ty;
        let flags = MemFlagsData::trusted();
        if !ty.mutable {
            return (base, offset, flags.with_readonly().with_can_move());
        }
        (base, offset, self.in_region(flags, Region::Global(global.0)))
    }

    pub(super) fn lower_global_get(&mut self, global: GlobalIdx, ty: ValType) {
        let (base, offset, mut flags) = self.global(global);
        if ty.is_heap_reference() {
            // The collector moves objects, and says so by writing to the global.
            flags = self.in_region(MemFlagsData::trusted(), Region::Global(global.0));
        }
        let value = self.load_slot(flags, ty, base, offset);
        self.push_typed(value, ty);
    }

    pub(super) fn lower_global_set(&mut self, global: GlobalIdx, ty: ValType) {
        let value = self.pop();
        let (base, offset, flags) = self.global(global);
        self.store_slot(flags, ty, value, base, offset);
    }

    pub(super) fn lower_i32_const(&mut self, value: i32) {
        let value = self.b.ins().iconst(types::I32, i64::from(value));
        self.push(value);
    }

    pub(super) fn lower_i64_const(&mut self, value: i64) {
        let value = self.b.ins().iconst(types::I64, value);
        self.push(value);
    }

    pub(super) fn lower_f32_const(&mut self, bits: u32) {
        let value = self.b.ins().f32const(Ieee32::with_bits(bits));
        self.push(value);
    }

    pub(super) fn lower_f64_const(&mut self, bits: u64) {
        let value = self.b.ins().f64const(Ieee64::with_bits(bits));
        self.push(value);
    }

    pub(super) fn lower_v128_const(&mut self, bits: u128) {
        let bytes = self.b.func.dfg.constants.insert(bits.to_le_bytes().to_vec().into());
        let value = self.b.ins().vconst(types::I8X16, bytes);
        self.push(value);
    }

    pub(super) fn lower_nop(&mut self) {}

    pub(super) fn lower_drop(&mut self, _: ValType) {
        self.pop();
    }

    pub(super) fn lower_select(&mut self, ty: ValType) {
        let condition = self.pop();
        let (first, second) = self.pop2();
        let value = self.b.ins().select(condition, first, second);
        self.push_typed(value, ty);
    }
}
