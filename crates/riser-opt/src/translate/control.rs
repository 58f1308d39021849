//! Blocks and branches.
//!
//! A block makes a block of CLIF only when something branches to it: its end has as many parameters as the branch carries operands.
//! Code that is entered by falling through goes on where it was.

use super::exceptions::Guard;
use super::{Translator, clif_trap, clif_type};
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, JumpTableData, MemFlagsData, Value};
use riser_front::{BlockSignature, End, Target};
use riser_ops::{FuncType, RefType, TrapCode, ValType};
use std::collections::HashMap;
use std::rc::Rc;

/// So many results are returned wherever `return` stands; more are returned in one place.
const FEW_RESULTS: usize = 2;

/// A `br_table` with more targets than these leads to each label through a block of its own.
const MANY_TARGETS: usize = 256;

/// The types of what a branch carries.
#[derive(Clone, Debug)]
enum Row {
    Few(Option<ValType>),
    /// Shared by all blocks of a body that have the same row, since a block's type of a thousand results takes few
    /// bytes of the body.
    Many(Rc<[ValType]>),
}

impl Row {
    fn types(&self) -> &[ValType] {
        match self {
            Row::Few(ty) => ty.as_slice(),
            Row::Many(types) => types,
        }
    }
}

/// An open block.
#[derive(Debug)]
pub(super) struct Label {
    /// What a branch to it carries.
    row: Row,
    /// Its end, or its head if it is a loop, once something branches there.
    pub(super) block: Option<Block>,
    pub(super) is_loop: bool,
    /// Of a loop: whether its head is entered by code that comes later.
    pub(super) is_entered_again: bool,
    /// Of an `if`, until its `else`: where the second arm begins, and the block's parameters.
    pub(super) other: Option<(Block, Rc<[Value]>)>,
    /// What it has to do with exceptions.
    pub(super) guard: Guard,
}

/// Operands as arguments of a branch.
fn arguments(values: &[Value]) -> Vec<BlockArg> {
    values.iter().map(|&value| BlockArg::Value(value)).collect()
}

impl Translator<'_> {
    /// The function's body as a block.
    pub(super) fn open_body(&mut self, ty: &FuncType) {
        self.open_label(ty.results());
    }

    /// Opens a block to which branches carry values of these types.
    fn open_label(&mut self, types: &[ValType]) {
        let row = self.row(types);
        let guard = Guard::inside(self.labels.last().map(|label| &label.guard));
        self.labels.push(Label {
            row,
            block: None,
            is_loop: false,
            is_entered_again: false,
            other: None,
            guard,
        });
    }

    fn row(&mut self, types: &[ValType]) -> Row {
        if types.len() <= 1 {
            return Row::Few(types.first().copied());
        }
        if let Some(row) = self.rows.get(types) {
            return Row::Many(row.clone());
        }
        let row: Rc<[ValType]> = types.into();
        self.rows.insert(row.clone());
        Row::Many(row)
    }

    /// The top operands.
    fn top(&mut self, count: usize) -> &[Value] {
        self.end_waiting(count);
        &self.stack[self.stack.len() - count..]
    }

    /// Where a branch to a block goes.
    fn label_block(&mut self, label: usize) -> Block {
        if let Some(block) = self.labels[label].block {
            return block;
        }
        let block = self.b.create_block();
        for &ty in self.labels[label].row.types() {
            let value = self.b.append_block_param(block, clif_type(ty));
            if ty.is_heap_reference() {
                self.b.declare_value_needs_stack_map(value);
            }
        }
        self.labels[label].block = Some(block);
        block
    }

    /// Branches to a block with values. The CLIF block ends here.
    pub(super) fn go(&mut self, label: usize, values: &[Value]) {
        if label == 0 && values.len() <= FEW_RESULTS {
            return self.return_values(values);
        }
        let block = self.label_block(label);
        self.b.ins().jump(block, &arguments(values));
    }

    /// The same with the top operands, which stay.
    fn go_with(&mut self, label: usize, count: usize) {
        let values = self.top(count).to_vec();
        self.go(label, &values);
    }

    /// Cuts the stack.
    pub(super) fn cut(&mut self, height: u32) {
        self.stack.truncate(height as usize);
        self.waiting.truncate(height as usize);
    }

    /// A new block, entered from here only by what is emitted next.
    fn next_block(&mut self) -> Block {
        self.b.create_block()
    }

    /// Goes on in a block that nothing branches to any more.
    pub(super) fn enter(&mut self, block: Block) {
        self.b.seal_block(block);
        self.b.switch_to_block(block);
    }

    pub(super) fn lower_unreachable(&mut self) {
        // Makes no code, but keeps Cranelift from moving the trap to the branch that leads here, which is another operator.
        self.b.ins().sequence_point();
        self.b.ins().trap(clif_trap(TrapCode::Unreachable));
    }

    pub(super) fn lower_block(&mut self, signature: BlockSignature<'_>) {
        self.begin_waiting(signature.height);
        self.open_label(signature.results);
    }

    pub(super) fn lower_loop(&mut self, signature: BlockSignature<'_>, operands: &[ValType]) {
        self.begin_waiting(signature.height);
        self.open_label(signature.params);
        let label = self.labels.len() - 1;
        self.labels[label].is_loop = true;
        self.loops += 1;
        if self.loops > super::MOST_LOOPS {
            return self.fail("loops that are nested that deeply");
        }
        self.go_with(label, signature.params.len());
        let head = self.label_block(label);
        self.cut(signature.height);
        self.loop_was_opened(head, operands);
        self.b.switch_to_block(head);
        let params = self.b.block_params(head)[..signature.params.len()].to_vec();
        self.stack.extend(params);
    }

    pub(super) fn lower_if(&mut self, signature: BlockSignature<'_>) {
        let condition = self.pop();
        self.begin_waiting(signature.height);
        let (then, other) = (self.next_block(), self.next_block());
        self.b.ins().brif(condition, then, &[], other, &[]);
        self.b.seal_block(other);
        self.enter(then);
        self.open_label(signature.results);
        let params = self.saved(signature.params.len());
        if let Some(label) = self.labels.last_mut() {
            label.other = Some((other, params));
        }
    }

    /// The top operands for the second arm of an `if`.
    fn saved(&mut self, count: usize) -> Rc<[Value]> {
        self.saved += count;
        if self.saved > super::MOST_VALUES {
            self.fail("that many parameters of nested blocks");
            return Rc::new([]);
        }
        self.top(count).into()
    }

    pub(super) fn lower_else(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        self.end_arm(signature, falls_through);
        let Some((other, params)) = self.labels.last_mut().and_then(|label| label.other.take())
        else {
            return;
        };
        self.b.switch_to_block(other);
        self.stack.extend_from_slice(&params);
    }

    /// The arm of a block is over: goes to the block's end.
    pub(super) fn end_arm(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        if falls_through {
            let block = self.label_block(self.labels.len() - 1);
            let values = arguments(self.top(signature.results.len()));
            self.b.ins().jump(block, &values);
        }
        self.cut(signature.height);
    }

    pub(super) fn lower_end(&mut self, end: End, results: &[ValType]) {
        if end.label == 0 {
            return self.end_of_body(end, results.len());
        }
        let number = self.labels.len() - 1;
        if self.labels[number].is_loop {
            return self.end_of_loop(end);
        }
        let other = self.labels[number].other.take();
        let is_caught = self.is_caught(&self.labels[number].guard);
        let joins = self.labels[number].block.is_some()
            || is_caught && end.falls_through
            || other.is_some() && end.falls_through
            // A clause leads here, but nothing in its `try_table` can throw: the code behind is dead, and yet translated.
            || end.live_after && !end.falls_through && other.is_none();
        if end.falls_through && joins {
            let block = self.label_block(number);
            let values = arguments(self.top(results.len()));
            self.b.ins().jump(block, &values);
        }
        let mut falls_through = end.falls_through && !joins;
        if let Some((other, params)) = other {
            // The second arm is empty.
            self.b.switch_to_block(other);
            self.cut(end.height);
            self.stack.extend_from_slice(&params);
            if joins {
                let block = self.label_block(number);
                self.b.ins().jump(block, &arguments(&params));
            } else {
                falls_through = true;
            }
        }
        if joins {
            self.label_block(number);
        }
        let Some(label) = self.labels.pop() else { return };
        self.leave_scopes(&label.guard);
        if falls_through {
            return;
        }
        self.cut(end.height);
        if let Some(block) = label.block {
            self.enter(block);
            let results = self.b.block_params(block)[..results.len()].to_vec();
            self.stack.extend(results);
        }
    }

    fn end_of_loop(&mut self, end: End) {
        self.loops -= 1;
        if let Some(Label { block: Some(head), is_entered_again: false, .. }) = self.labels.pop() {
            // Whatever branches there was seen.
            self.b.seal_block(head);
        }
        if !end.falls_through {
            self.cut(end.height);
        }
    }

    /// The function returns, by falling out of its body or by a branch to its end.
    fn end_of_body(&mut self, end: End, results: usize) {
        let block = self.labels[0].block;
        if end.falls_through {
            let values = self.top(results).to_vec();
            match block {
                Some(block) => _ = self.b.ins().jump(block, &arguments(&values)),
                None => self.return_values(&values),
            }
        }
        if let Some(block) = block {
            self.enter(block);
            let values = self.b.block_params(block)[..results].to_vec();
            self.return_values(&values);
        }
    }

    pub(super) fn lower_br(&mut self, target: Target) {
        self.go_with(target.label as usize, target.arity as usize);
    }

    /// Branches with the top operands, which stay, if a condition is not 0 (`sense`) or is 0.
    fn go_if(&mut self, condition: Value, sense: bool, target: Target) {
        let values = arguments(self.top(target.arity as usize));
        let block = self.label_block(target.label as usize);
        let next = self.next_block();
        if sense {
            self.b.ins().brif(condition, block, &values, next, &[]);
        } else {
            self.b.ins().brif(condition, next, &[], block, &values);
        }
        self.enter(next);
    }

    pub(super) fn lower_br_if(&mut self, target: Target) {
        let condition = self.pop();
        self.go_if(condition, true, target);
    }

    pub(super) fn lower_br_table(&mut self, targets: &[Target], default: Target) {
        let index = self.pop();
        let count = default.arity as usize;
        if count == 0 && targets.len() <= MANY_TARGETS {
            let mut call = |target: &Target| {
                let block = self.label_block(target.label as usize);
                self.b.func.dfg.block_call(block, &[])
            };
            let table: Vec<_> = targets.iter().map(&mut call).collect();
            let data = JumpTableData::new(call(&default), &table);
            let table = self.b.create_jump_table(data);
            self.b.ins().br_table(index, table);
            return;
        }
        // Operands are carried from a block on the way, one for each label. So are values of locals if there are many targets: for each value
        // that a block takes, the function builder looks at all targets of the branches that lead there.
        let mut ways = Vec::new();
        let mut way_to = HashMap::new();
        let mut call = |target: &Target| {
            let way = *way_to.entry(target.label).or_insert_with(|| {
                let way = self.b.create_block();
                ways.push((way, target.label as usize));
                way
            });
            self.b.func.dfg.block_call(way, &[])
        };
        let table: Vec<_> = targets.iter().map(&mut call).collect();
        let data = JumpTableData::new(call(&default), &table);
        let table = self.b.create_jump_table(data);
        self.b.ins().br_table(index, table);
        for (way, label) in ways {
            self.enter(way);
            self.go_with(label, count);
        }
    }

    pub(super) fn lower_return(&mut self, target: Target) {
        self.go_with(0, target.arity as usize);
    }

    /// The code of a return.
    fn return_values(&mut self, values: &[Value]) {
        let Some(area) = self.area else {
            self.b.ins().return_(values);
            return;
        };
        let mut offset = 0;
        let row = self.labels[0].row.clone();
        for (&ty, &value) in row.types().iter().zip(values) {
            self.store_slot(MemFlagsData::trusted(), ty, value, area, offset);
            offset += 8 * ty.slots() as i32;
        }
        self.b.ins().return_(&[]);
    }

    pub(super) fn lower_br_on_null(&mut self, target: Target, _: RefType) {
        let reference = self.pop();
        self.go_if(reference, false, target);
        self.push(reference);
    }

    pub(super) fn lower_br_on_non_null(&mut self, target: Target, _: RefType) {
        let reference = self.peek();
        self.go_if(reference, true, target);
        self.pop();
    }

    pub(super) fn lower_br_on_cast(&mut self, target: Target, from: RefType, to: RefType) {
        self.branch_on_cast(target, from, to, true);
    }

    pub(super) fn lower_br_on_cast_fail(&mut self, target: Target, from: RefType, to: RefType) {
        self.branch_on_cast(target, from, to, false);
    }

    /// Branches if the top operand is (`sense`) or is not a `to`.
    fn branch_on_cast(&mut self, target: Target, from: RefType, to: RefType, sense: bool) {
        let reference = self.peek();
        let is_one = self.ref_test_value(reference, from, to);
        self.go_if(is_one, sense, target);
    }
}
