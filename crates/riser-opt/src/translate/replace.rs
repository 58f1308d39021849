//! Code for the rest of a function that is in a loop.
//!
//! Code of another compiler leaves its frame where a loop begins, and what was in it is kept (`VmRuntime::replacement`). What
//! goes on from there reads that, and is in the loop. But the loop may be in others, whose heads it must not be behind, or else they would
//! have two entries, and would be no loops to the back end. So the body is translated twice. The first time it is an ordinary
//! function, which nobody enters. The second time, nothing leads to what is before the loop, and what leads back to the
//! head of a loop around it goes to the one that was made the first time. What nobody reaches is thrown away by the back end.
//!
//! Operands that wait below a loop around were made before it, in code that is not reached. So they are variables the first time, as locals
//! are, until somebody takes them. And so are exceptions that handlers keep for `rethrow`, which have slots behind those of the locals.
//!
//! Such a variable must have its value on all ways to where it is taken, also on those that do not come by the inner loop. A block (an `if`, a
//! `try`) that is between the outermost loop and an inner one may be left before the inner one, but nothing below it changes in it. So what is
//! below a block is put into variables where the block is opened. Which blocks are around the loop, and which types the operands have, is
//! found before ([`Beginning::find`]). What is before the outermost loop is never executed again, so how its blocks are left is all the same.

use super::{Translator, clif_type};
use core::mem::offset_of;
use cranelift_codegen::ir::{Block, InstBuilder, MemFlagsData, Value, types};
use cranelift_frontend::Variable;
use riser_abi::VmRuntime;
use riser_front::{Operators, Walker};
use riser_module::Module;
use riser_ops::{FuncIdx, LocalIdx, Operator, StructuralOp, ValType};
use std::rc::Rc;

/// Where code for the rest of a function begins.
#[derive(Clone, Debug)]
pub(crate) struct Beginning {
    /// The loop, by its offset.
    at: u32,
    /// Its operands, parameters included.
    operands: Rc<[ValType]>,
    /// The blocks around it by their offsets, from the outermost that is a loop to the innermost that is one.
    around: Rc<[u32]>,
}

impl Beginning {
    /// The loop at a byte of the module, in a body that was validated. `None` if there is no such loop, or if it is never entered.
    pub fn find(walker: &mut Walker, module: &Module, func: FuncIdx, at: u32) -> Option<Beginning> {
        // It is live, and so all around it is: the translator hears of each of the blocks.
        let operands = walker.waiting(module, func, at)?.operands.into();
        let (_, operators) = Operators::new(module, module.body(func)?).ok()?;
        let mut open: Vec<(u32, bool)> = Vec::new();
        for seen in operators.map_while(Result::ok) {
            let is_loop = matches!(seen.op, Operator::Structural(StructuralOp::Loop));
            if seen.offset == at as usize {
                let loops = || open.iter().map(|&(_, is_loop)| is_loop);
                let first = loops().position(|it| it).unwrap_or(open.len());
                let end = loops().rposition(|it| it).map_or(first, |last| last + 1);
                let around = open[first..end].iter().map(|&(offset, _)| offset).collect();
                return is_loop.then_some(Beginning { at, operands, around });
            }
            match seen.op {
                Operator::Structural(StructuralOp::End | StructuralOp::Delegate) => {
                    open.pop();
                }
                _ if seen.block_type.is_some() => open.push((seen.offset as u32, is_loop)),
                _ => {}
            }
        }
        None
    }
}

/// How a replacement is translated.
#[derive(Debug)]
pub(super) struct Replacement {
    beginning: Beginning,
    /// How many of the blocks around were opened, the first time.
    opened: usize,
    /// The heads of the loops around it, by their labels; found the first time.
    heads: Vec<(usize, Block)>,
    /// The variables of the operands that wait below the innermost of the loops around.
    waiting: Vec<Variable>,
    /// What handlers caught, by how many are around them.
    caught: Vec<Variable>,
    /// How many of these have slots: all that are thrown again, and those around them.
    kept: usize,
    /// How much was done for operands that wait, see [`MOST_WORK`].
    work: usize,
    /// What reads the frame that was left.
    entry: Block,
    is_second: bool,
    was_entered: bool,
}

/// The function builder has a table of the blocks for each variable. A few bytes of a body can ask for many variables, and for many blocks: so many
/// entries are made and looked at, and in real functions hardly any.
const MOST_WORK: usize = 1 << 22;

impl Translator<'_> {
    /// The function is to begin in a loop.
    pub fn begin_at(&mut self, beginning: Beginning) {
        let entry = Block::from_u32(0);
        self.replacement = Some(Replacement {
            beginning,
            opened: 0,
            heads: Vec::new(),
            waiting: Vec::new(),
            caught: Vec::new(),
            kept: 0,
            work: 0,
            entry,
            is_second: false,
            was_entered: false,
        });
    }

    /// The body was translated as an ordinary function; now what begins in the loop.
    pub fn begin_again(&mut self) {
        self.labels.clear();
        self.stack.clear();
        self.waiting.clear();
        self.exceptions = core::mem::take(&mut self.exceptions).again();
        (self.unpaid, self.loops) = (0, 0);
        if let Some(replacement) = &mut self.replacement {
            replacement.is_second = true;
        }
    }

    /// Whether the loop was found.
    pub fn was_entered(&self) -> bool {
        self.replacement.as_ref().is_none_or(|replacement| replacement.was_entered)
    }

    /// Whether the body is translated once more.
    pub(super) fn is_second(&self) -> bool {
        self.replacement.as_ref().is_some_and(|replacement| replacement.is_second)
    }

    /// The code before the loop begins, to which nothing leads.
    pub(super) fn begin_unreached(&mut self) {
        if !self.is_second() {
            let entry = self.b.create_block();
            self.b.ins().jump(entry, &[]);
            if let Some(replacement) = &mut self.replacement {
                replacement.entry = entry;
            }
        }
        let start = self.b.create_block();
        self.b.seal_block(start);
        self.b.switch_to_block(start);
    }

    /// A loop was opened: its parameters have left the stack for its head, and `operands` are all. If it is the one that is to be entered,
    /// notes the loops around it, or lets the function begin there.
    pub(super) fn loop_was_opened(&mut self, head: Block, operands: &[ValType]) {
        let Some(replacement) = &mut self.replacement else { return };
        if self.offset != replacement.beginning.at {
            return;
        }
        let around = self.labels.len() - 1;
        if !replacement.is_second {
            let labels = self.labels[..around].iter().enumerate();
            let heads = labels.filter(|(_, label)| label.is_loop);
            replacement.heads =
                heads.filter_map(|(number, label)| Some((number, label.block?))).collect();
            replacement.waiting.clone_from(&self.waiting);
            for label in self.labels[..around].iter_mut().filter(|label| label.is_loop) {
                label.is_entered_again = true;
            }
            return;
        }
        replacement.was_entered = true;
        let heads = core::mem::take(&mut replacement.heads);
        let entry = replacement.entry;
        for (number, first) in heads {
            if let Some(own) = self.labels[number].block.replace(first) {
                // Only what nobody reaches leads there.
                self.b.seal_block(own);
            }
        }
        self.enter(entry);
        self.read_frame(head, operands);
    }

    /// A block is about to be opened, and so many operands are below it. If it is one of those between the loops around, those operands are
    /// in variables from here on.
    pub(super) fn begin_waiting(&mut self, height: u32) {
        let Some(replacement) = &mut self.replacement else { return };
        let next = replacement.beginning.around.get(replacement.opened);
        if replacement.is_second || next != Some(&self.offset) {
            return;
        }
        replacement.opened += 1;
        // Whatever is below the block is below the loop, too.
        let operands = replacement.beginning.operands.clone();
        let new = self.waiting.len()..height as usize;
        if new.is_empty() || !self.may_work(new.len() * self.b.func.dfg.num_blocks()) {
            return;
        }
        for at in new {
            let variable = self.b.declare_var(clif_type(operands[at]));
            if operands[at].is_heap_reference() {
                self.b.declare_var_needs_stack_map(variable);
            }
            self.b.def_var(variable, self.stack[at]);
            self.waiting.push(variable);
        }
    }

    /// Whether the work for operands that wait is not too much yet.
    fn may_work(&mut self, work: usize) -> bool {
        let Some(replacement) = &mut self.replacement else { return true };
        replacement.work = replacement.work.saturating_add(work);
        let is_little = replacement.work <= MOST_WORK;
        if !is_little {
            self.fail("so many operands that wait below loops");
        }
        is_little
    }

    /// Somebody looks at the top operands. They are values again.
    pub(super) fn end_waiting(&mut self, count: usize) {
        let first = self.stack.len().saturating_sub(count);
        let used = self.waiting.len().saturating_sub(first);
        if used == 0 || !self.may_work(used * self.b.func.dfg.num_blocks()) {
            return;
        }
        for at in first..self.waiting.len() {
            self.stack[at] = self.b.use_var(self.waiting[at]);
        }
        self.waiting.truncate(first);
    }

    /// A handler inside of so many others has caught an exception, which may be thrown again.
    pub(super) fn keep_caught(&mut self, depth: u32, exception: Value) {
        if self.replacement.is_none() || !self.may_work(self.b.func.dfg.num_blocks()) {
            return;
        }
        let Some(replacement) = &mut self.replacement else { return };
        // Where a handler has no code, nothing in it has any.
        while replacement.caught.len() <= depth as usize {
            let variable = self.b.declare_var(types::I32);
            self.b.declare_var_needs_stack_map(variable);
            replacement.caught.push(variable);
        }
        self.b.def_var(replacement.caught[depth as usize], exception);
    }

    /// What a handler has caught that is inside of so many others, if that is not the value that it was: code may begin behind it.
    pub(super) fn kept_caught(&mut self, depth: u32) -> Option<Value> {
        let blocks = self.b.func.dfg.num_blocks();
        if self.replacement.is_none() || !self.may_work(blocks) {
            return None;
        }
        let replacement = self.replacement.as_mut()?;
        replacement.kept = replacement.kept.max(depth as usize + 1);
        let variable = *replacement.caught.get(depth as usize)?;
        Some(self.b.use_var(variable))
    }

    /// Reads locals and operands from the frame that was left, and goes to the loop.
    fn read_frame(&mut self, head: Block, operands: &[ValType]) {
        let runtime = self.runtime();
        let flags = self.trusted();
        let offset = offset_of!(VmRuntime, replacement) as i32;
        let slots = self.b.ins().load(types::I64, flags, runtime, offset);
        let locals: Vec<ValType> = self.local_types().collect();
        let kept = self.replacement.as_mut().map_or_else(Vec::new, |replacement| {
            replacement.caught[..replacement.kept.min(replacement.caught.len())].to_vec()
        });
        let count: u32 = locals.iter().chain(operands).map(|ty| ty.slots()).sum();
        // The last slot lies first.
        let mut left = count + kept.len() as u32;
        let mut read = |this: &mut Self, ty: ValType| {
            left -= ty.slots();
            this.read_slot(ty, slots, 8 * left as i32)
        };
        for (number, &ty) in (0..).zip(&locals) {
            let value = read(self, ty);
            self.set_local(LocalIdx(number), value);
        }
        for variable in kept {
            let exception = read(self, ValType::EXNREF);
            self.b.def_var(variable, exception);
        }
        let mut values = Vec::with_capacity(operands.len());
        for &ty in operands {
            values.push(read(self, ty));
        }
        let replacement = self.replacement.as_mut();
        let waiting = replacement.map_or_else(Vec::new, |it| core::mem::take(&mut it.waiting));
        for (variable, &value) in waiting.into_iter().zip(&values) {
            self.b.def_var(variable, value);
        }
        let below = self.stack.len();
        let params: Vec<_> = values[below..].iter().map(|&value| value.into()).collect();
        self.stack.copy_from_slice(&values[..below]);
        self.b.ins().jump(head, &params);
    }

    fn read_slot(&mut self, ty: ValType, slots: Value, offset: i32) -> Value {
        let value = self.load_slot(MemFlagsData::trusted(), ty, slots, offset);
        debug_assert_eq!(self.b.func.dfg.value_type(value), clif_type(ty));
        if ty.is_heap_reference() {
            self.b.declare_value_needs_stack_map(value);
        }
        value
    }
}
