//! Exceptions: `throw`, `try_table`, and the legacy instructions.
//!
//! Code is in a *scope*, which has clauses and a scope around it. A call is noted with its scope, and gets its table of handlers,
//! which has the clauses of all scopes around it, when the code is finished: the clauses of a legacy `try` come behind what
//! they handle. Whoever unwinds compares tags and goes on at the clause's handler, with nothing in registers but the frame. The
//! handler reads the locals that live in registers, asks the runtime for the payload, and goes on where the clause says.
//! It stands at the end of its block, where the operands are those below the block, all in their slots.
//!
//! # Many clauses
//!
//! Scopes can be nested deeply, and a `try_table` can have thousands of clauses, which each call in them would repeat. So a
//! table has the clauses of a few scopes, and then one for all exceptions, which *passes on* what it gets: it raises again
//! what is under way, in the scope that comes next. And when tables have become long all together, calls share one, to which
//! what they throw is passed on.

use super::vm::Arg;
use super::{Translator, kinds};
use crate::asm::{Label, Width};
use crate::convention::{Kind, RESULT, XMM_RESULT};
use crate::frame::{Frame, OWN_VMCTX};
use crate::operands::{At, SCRATCH, width};
use alloc::vec::Vec;
use core::ops::Range;
use riser_abi::{Status, builtin};
use riser_code::Handler;
use riser_front::{BlockSignature, Catch, End, Target};
use riser_ops::{FuncType, TagIdx, ValType};

/// A scope has at most so many clauses; what has more is several scopes. And a table has the clauses of further scopes only
/// while it has fewer than these, of fewer scopes.
const MOST_CLAUSES: usize = 16;

/// Tables have so many handlers all together before calls share one.
const MOST_HANDLERS: usize = 1 << 18;

/// The scopes of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own {
    /// The one that the block's code is in.
    inner: u32,
    /// The last one further out, whose `outer` is that of the block around.
    outermost: u32,
}

/// All scopes of a function.
#[derive(Debug, Default)]
pub(crate) struct Exceptions {
    scopes: Vec<Scope>,
    /// Scopes for which something is to be passed on, by code that does not stand yet.
    passing: Vec<u32>,
}

/// See the module's documentation.
#[derive(Debug)]
struct Scope {
    outer: u32,
    clauses: Vec<Clause>,
    /// Whether any call is in it or in a scope within.
    is_used: bool,
    /// What raises again, in this scope, whatever is under way.
    pass: Option<Label>,
    /// What calls in it have in their tables.
    list: Option<List>,
    /// The same, if tables have become long.
    shared: Option<List>,
}

/// A clause of a scope.
#[derive(Clone, Copy, Debug)]
struct Clause {
    /// `None` for all exceptions.
    tag: Option<TagIdx>,
    /// Where its handler is.
    label: Label,
    /// What the handler does, if its code does not stand yet.
    catch: Option<Catch>,
}

/// Clauses of a table, in [`Tables::clauses`].
type List = Range<usize>;

/// The tables of all calls.
#[derive(Debug, Default)]
pub(super) struct Tables {
    clauses: Vec<(Option<TagIdx>, Label)>,
    /// What each call has, by its number; nothing if there are no scopes.
    calls: Vec<List>,
}

impl Exceptions {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.scopes.clear();
        self.passing.clear();
    }

    /// A call is in a scope.
    pub fn note_use(&mut self, scope: u32) {
        if let Some(scope) = self.scopes.get_mut(scope as usize) {
            scope.is_used = true;
        }
    }

    fn new_scope(&mut self, outer: u32, clauses: Vec<Clause>) -> u32 {
        let scope = Scope { outer, clauses, is_used: false, pass: None, list: None, shared: None };
        self.scopes.push(scope);
        self.scopes.len() as u32 - 1
    }

    /// Adds a clause to the scopes of a legacy `try`, of which this is the last one further out. Gives the one that is now.
    fn add_clause(&mut self, scope: u32, tag: Option<TagIdx>, label: Label) -> u32 {
        let mut last = scope;
        let Scope { outer, is_used, .. } = self.scopes[scope as usize];
        if self.scopes[scope as usize].clauses.len() >= MOST_CLAUSES {
            last = self.new_scope(outer, Vec::new());
            self.scopes[last as usize].is_used = is_used;
            self.scopes[scope as usize].outer = last;
        }
        self.scopes[last as usize].clauses.push(Clause { tag, label, catch: None });
        last
    }

    /// No more code is in a block's scopes: whether any is, and the scope around them.
    fn leave(&mut self, own: Own) -> (bool, u32) {
        let is_used = self.scopes[own.inner as usize].is_used;
        let outer = self.scopes[own.outermost as usize].outer;
        if is_used {
            self.note_use(outer);
        }
        (is_used, outer)
    }
}

impl Translator<'_> {
    pub(super) fn lower_try_table(&mut self, signature: BlockSignature<'_>, catches: &[Catch]) {
        self.lower_block(signature);
        let outer = self.scope();
        let mut own: Option<Own> = None;
        for part in catches.chunks(MOST_CLAUSES).rev() {
            let clause = |catch: &Catch| {
                let label = self.asm.new_label();
                Clause { tag: catch.tag, label, catch: Some(*catch) }
            };
            let clauses = part.iter().map(clause).collect();
            let inner = self.exceptions.new_scope(own.map_or(outer, |own| own.inner), clauses);
            own = Some(Own { inner, outermost: own.map_or(inner, |own| own.outermost) });
        }
        self.own_scopes(own);
    }

    pub(super) fn lower_try(&mut self, signature: BlockSignature<'_>) {
        self.lower_block(signature);
        let scope = self.exceptions.new_scope(self.scope(), Vec::new());
        self.own_scopes(Some(Own { inner: scope, outermost: scope }));
    }

    /// The innermost block has these scopes, and is in them from here on.
    fn own_scopes(&mut self, own: Option<Own>) {
        if let (Some(block), Some(own)) = (self.blocks.last_mut(), own) {
            block.own = Some(own);
            block.scope = own.inner;
        }
    }

    /// The innermost block ends, perhaps with scopes of its own: emits their handlers. Gives how the block ends behind them.
    pub(super) fn leave_scopes(&mut self, end: End, results: &[ValType]) -> End {
        let Some(own) = self.blocks.last_mut().and_then(|block| block.own.take()) else {
            return end;
        };
        let (is_used, outer) = self.exceptions.leave(own);
        if let Some(block) = self.blocks.last_mut() {
            block.scope = outer;
        }
        if !is_used || self.exceptions.scopes[own.inner as usize].clauses.is_empty() {
            return end;
        }
        if end.falls_through {
            let arity = results.len() as u32;
            self.go(Target { label: end.label, arity, height: end.height, is_loop: false });
        }
        self.cut(end.height);
        let mut next = own.inner;
        while next != outer {
            for at in 0..self.exceptions.scopes[next as usize].clauses.len() {
                let clause = self.exceptions.scopes[next as usize].clauses[at];
                self.table_handler(clause);
            }
            next = self.exceptions.scopes[next as usize].outer;
        }
        End { falls_through: false, ..end }
    }

    /// The code of a clause of `try_table`.
    fn table_handler(&mut self, clause: Clause) {
        let Some(catch) = clause.catch else { return };
        let ty = catch.tag.and_then(|tag| self.env.module.tag_type(tag));
        let params = ty.map_or(&[][..], FuncType::params);
        self.begin_handler(clause.label, params, catch.with_ref);
        let mut kinds = kinds(params).chain(catch.with_ref.then_some(Kind::Ref));
        let target = catch.target;
        if target.arity == 1 && !target.is_loop {
            let from = Frame::row_at(0, 0);
            match kinds.next() {
                Some(Kind::Ref) => self.asm.load(Width::W32, RESULT, from),
                Some(kind) if kind.is_float() => self.load_xmm(kind, XMM_RESULT, from),
                Some(kind) => self.asm.load(width(kind), RESULT, from),
                None => {}
            }
        } else {
            self.copy_from_row(kinds, self.slot_of(target));
        }
        let label = self.comes_to(target.label);
        self.asm.jmp(label);
    }

    /// The code of a handler begins. What the unwinder leaves is the frame; the values and, if it is wanted, a reference to the
    /// exception behind them are in the row afterwards. Gives how many bytes the values take there.
    fn begin_handler(&mut self, label: Label, params: &[ValType], with_ref: bool) -> u32 {
        self.asm.bind(label);
        // Everything was in its slot before the call.
        self.dirty = 0;
        self.reload(true);
        if self.memory_base.is_some() {
            self.asm.load(Width::W64, SCRATCH, OWN_VMCTX);
            self.load_memory_base(SCRATCH);
        }
        let bytes = kinds(params).map(|kind| 8 * kind.slots()).sum();
        self.frame.need_row(bytes + 8);
        let place = |is_wanted: bool, at: u32| if is_wanted { Arg::Row(at) } else { Arg::Imm(0) };
        let args = [place(bytes > 0, 0), place(with_ref, bytes)];
        self.checked(builtin::catch_exception, &args, &[]);
        bytes
    }

    /// Copies values from the beginning of the row to slots.
    fn copy_from_row(&mut self, kinds: impl Iterator<Item = Kind>, mut slot: u32) {
        let mut offset = 0;
        for kind in kinds {
            let (from, to) = (Frame::row_at(offset, 0), self.frame.slot(slot, kind));
            if kind == Kind::Ref {
                self.asm.load(Width::W32, SCRATCH, from);
                self.asm.store(Width::W64, to, SCRATCH);
            } else {
                self.copy(kind, from, to);
            }
            offset += 8 * kind.slots();
            slot += kind.slots();
        }
    }

    pub(super) fn lower_catch(
        &mut self,
        tag: TagIdx,
        ty: &FuncType,
        signature: BlockSignature<'_>,
        falls_through: bool,
    ) {
        self.legacy_handler(Some(tag), ty.params(), signature, falls_through);
    }

    pub(super) fn lower_catch_all(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        self.legacy_handler(None, &[], signature, falls_through);
    }

    /// A legacy handler begins; what came before leaves the block.
    fn legacy_handler(
        &mut self,
        tag: Option<TagIdx>,
        params: &[ValType],
        signature: BlockSignature<'_>,
        falls_through: bool,
    ) {
        self.end_arm(signature, falls_through);
        let label = self.asm.new_label();
        let Some(block) = self.blocks.last_mut() else { return };
        if let Some(own) = block.own.take() {
            (_, block.scope) = self.exceptions.leave(own);
            block.handled = Some(own.outermost);
            block.handlers += 1;
        }
        let depth = block.handlers - 1;
        if let Some(scope) = block.handled {
            block.handled = Some(self.exceptions.add_clause(scope, tag, label));
        }
        let is_kept = depth < self.plan.caught;
        let bytes = self.begin_handler(label, params, is_kept);
        if is_kept {
            let to = self.frame.slot(self.caught_slot(depth), Kind::Ref);
            self.asm.load(Width::W32, SCRATCH, Frame::row_at(bytes, 0));
            self.asm.store(Width::W64, to, SCRATCH);
        }
        self.copy_from_row(kinds(params), self.next_slot());
        for kind in kinds(params) {
            self.push(kind, At::Slot);
        }
    }

    /// The slot that keeps what a legacy handler inside of so many others caught.
    fn caught_slot(&self, depth: u32) -> u32 {
        self.locals[(self.first_caught + depth) as usize].slot
    }

    pub(super) fn lower_delegate(&mut self, handler: u32, end: End, results: &[ValType]) {
        let scope = self.blocks[handler as usize].scope;
        if let Some(own) = self.blocks.last().and_then(|block| block.own) {
            self.exceptions.scopes[own.outermost as usize].outer = scope;
        }
        self.lower_end(end, results);
    }

    pub(super) fn lower_throw(&mut self, tag: TagIdx, ty: &FuncType) {
        let first = self.height() - ty.params().len();
        let (_, references) = self.copy_to_row(first);
        self.cut(first as u32);
        // An exception is an object: to make it may wake the collector, who finds the values.
        let args = [Arg::Imm(tag.0.into()), Arg::Row(0)];
        let status = self.builtin(builtin::throw, &args, &references);
        self.raise(self.scope());
        self.free(status);
    }

    pub(super) fn lower_throw_ref(&mut self) {
        let exception = self.pop();
        self.throw_again(Arg::Operand(exception));
    }

    pub(super) fn lower_rethrow(&mut self, handler: u32) {
        let Some(depth) = self.blocks[handler as usize].handlers.checked_sub(1) else {
            return self.fail("such a `rethrow`");
        };
        let gpr = self.alloc();
        let from = self.frame.slot(self.caught_slot(depth), Kind::Ref);
        self.asm.load(Width::W64, gpr, from);
        self.throw_again(Arg::Gpr(gpr));
    }

    fn throw_again(&mut self, exception: Arg) {
        let status = self.builtin(builtin::throw_ref, &[exception], &[]);
        self.raise(self.scope());
        self.free(status);
    }

    /// Gives each call its table, and emits what passes exceptions on.
    pub(super) fn finish_scopes(&mut self) -> Tables {
        let mut tables = Tables::default();
        if self.exceptions.scopes.is_empty() {
            return tables;
        }
        let first_pass = self.notes.calls.len();
        let mut handlers = 0;
        loop {
            while let Some(call) = self.notes.calls.get(tables.calls.len()) {
                let scope = call.scope;
                let is_pass = tables.calls.len() >= first_pass;
                let mut list = self.list(&mut tables, scope);
                if !is_pass && list.len() > 1 && handlers + list.len() > MOST_HANDLERS {
                    list = self.shared_list(&mut tables, scope);
                }
                handlers += list.len();
                tables.calls.push(list);
            }
            let Some(scope) = self.exceptions.passing.pop() else { return tables };
            if let Some(label) = self.exceptions.scopes[scope as usize].pass {
                self.asm.bind(label);
                self.asm.mov_imm(RESULT, u64::from(Status::EXCEPTION.bits()));
                self.raise(scope);
            }
        }
    }

    /// What calls in a scope have in their tables: the clauses around them, until one that takes all.
    fn list(&mut self, tables: &mut Tables, first: u32) -> List {
        let begin = tables.clauses.len();
        match self.exceptions.scopes.get(first as usize) {
            None => return begin..begin,
            Some(Scope { list: Some(list), .. }) => return list.clone(),
            Some(_) => {}
        }
        let (mut next, mut passed) = (first, 0);
        'outwards: while (next as usize) < self.exceptions.scopes.len() {
            if (tables.clauses.len() - begin).max(passed) >= MOST_CLAUSES {
                let label = self.passing(next);
                tables.clauses.push((None, label));
                break;
            }
            let scope = &self.exceptions.scopes[next as usize];
            for clause in &scope.clauses {
                if tables.clauses[begin..].iter().all(|&(tag, _)| tag != clause.tag) {
                    tables.clauses.push((clause.tag, clause.label));
                }
                if clause.tag.is_none() {
                    break 'outwards;
                }
            }
            passed += 1;
            next = scope.outer;
        }
        let list = begin..tables.clauses.len();
        self.exceptions.scopes[first as usize].list = Some(list.clone());
        list
    }

    /// A table with one handler, which passes on to a scope.
    fn shared_list(&mut self, tables: &mut Tables, scope: u32) -> List {
        let label = self.passing(scope);
        if let Some(list) = self.exceptions.scopes[scope as usize].shared.clone() {
            return list;
        }
        let begin = tables.clauses.len();
        tables.clauses.push((None, label));
        let list = begin..begin + 1;
        self.exceptions.scopes[scope as usize].shared = Some(list.clone());
        list
    }

    /// Where to go to pass on to a scope what is under way.
    fn passing(&mut self, scope: u32) -> Label {
        if let Some(label) = self.exceptions.scopes[scope as usize].pass {
            return label;
        }
        let label = self.asm.new_label();
        self.exceptions.scopes[scope as usize].pass = Some(label);
        self.exceptions.passing.push(scope);
        label
    }

    /// The handlers of a call, given by its number, of a finished function whose `VmCtx` is so far above the stack pointer.
    pub(super) fn handlers_of(&self, tables: &Tables, call: usize, vmctx: u32) -> Vec<Handler> {
        let handler = |&(tag, label): &(Option<TagIdx>, Label)| {
            let target = self.asm.label_offset(label);
            let target = target.expect("the handler of a clause that a call uses was emitted");
            Handler { tag: tag.map(|tag| tag.0), vmctx, target }
        };
        let Some(list) = tables.calls.get(call) else { return Vec::new() };
        tables.clauses[list.clone()].iter().map(handler).collect()
    }
}
