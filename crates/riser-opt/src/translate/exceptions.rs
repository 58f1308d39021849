//! Exceptions: `throw`, `try_table`, and the legacy instructions.
//!
//! Code is in a *scope*, which has clauses and a scope around it. Calls in a scope are `try_call`s, whose tables have the
//! clauses of all scopes around them. Whoever unwinds compares tags and goes on at the clause's handler, which asks the
//! runtime for the payload and goes on where the clause says. Handlers stand behind the code of their block, and make
//! the CLIF blocks that they begin with known to the function builder only there.
//!
//! A legacy `try` stands before its clauses. What they will be is found by looking through the body's operators, once, when the
//! first such `try` is met.
//!
//! # Many clauses
//!
//! Scopes can be nested deeply, and a `try_table` can have thousands of clauses, which each call in them would repeat. So a
//! table has the clauses of a few scopes, and then one for all exceptions, which *passes on* what it gets: it raises again
//! what is under way, in the scope that comes next.

use super::calls::Code;
use super::{Translator, clif_trap};
use cranelift_codegen::ir::{
    AbiParam, Block, BlockArg, BlockCall, ExceptionTableData, ExceptionTableItem, ExceptionTag,
    InstBuilder, MemFlagsData, SigRef, Signature, Value, types,
};
use cranelift_codegen::isa::CallConv;
use riser_abi::{Status, builtin};
use riser_front::{BlockSignature, Catch, End, Operators};
use riser_module::{Module, Reader};
use riser_ops::{FuncIdx, FuncType, Operator, StructuralOp, TagIdx, TrapCode, ValType};
use std::collections::HashMap;
use std::rc::Rc;

/// Code whose exceptions leave the function.
const NO_SCOPE: u32 = u32::MAX;

/// A scope of `try_table` has at most so many clauses; what has more is several scopes. And a table has the clauses
/// of further scopes only while it has fewer than these, of fewer scopes.
const MOST_CLAUSES: usize = 32;

/// What a label has to do with exceptions.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    /// The scope that the code of the block is in now.
    scope: u32,
    /// The scopes that the block has made and did not leave yet, the outermost first.
    own: Vec<u32>,
    /// Of a legacy `try`: the CLIF blocks in which its clauses begin, the last one first.
    clauses: Vec<Block>,
    /// In a handler of a legacy `try`: the exception that it caught, if any `rethrow` asks for such.
    caught: Option<Value>,
    /// How many handlers of legacy `try` are open, the block's own one included.
    handlers: u32,
    is_handler: bool,
}

impl Guard {
    /// That of a block in another, or in none.
    pub(super) fn inside(outer: Option<&Guard>) -> Guard {
        let (scope, handlers) = outer.map_or((NO_SCOPE, 0), |it| (it.scope, it.handlers));
        let (own, clauses) = (Vec::new(), Vec::new());
        Guard { scope, own, clauses, caught: None, handlers, is_handler: false }
    }
}

/// See the module's documentation.
#[derive(Debug)]
struct Scope {
    outer: u32,
    clauses: Vec<Clause>,
    /// Whether any call has these clauses.
    is_used: bool,
    /// What raises again, in this scope, whatever is under way.
    pass: Option<Block>,
    /// The clauses that calls have in their tables.
    all: Option<Rc<[Clause]>>,
}

/// A clause of a scope.
#[derive(Clone, Copy, Debug)]
struct Clause {
    /// `None` for all exceptions.
    tag: Option<TagIdx>,
    /// Its handler begins here.
    block: Block,
    /// Of `try_table`: what is done with the payload.
    catch: Option<Catch>,
}

/// All scopes, and what was found of legacy instructions.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    scopes: Vec<Scope>,
    legacy: Option<Legacy>,
    /// How `raise` is called in a scope.
    raise: Option<SigRef>,
}

impl Exceptions {
    /// For translating the same body once more.
    pub(super) fn again(self) -> Exceptions {
        Exceptions { scopes: Vec::new(), ..self }
    }
}

/// What was found of legacy instructions.
#[derive(Debug, Default)]
struct Legacy {
    /// What each `try` has, by its offset.
    tries: HashMap<u32, Try>,
    /// Whether there is any `rethrow`.
    has_rethrow: bool,
}

/// How a legacy `try` goes on.
#[derive(Clone, Debug, Default)]
struct Try {
    /// The tags of its clauses.
    clauses: Vec<Option<TagIdx>>,
    /// The label that it ends with, if it is a `delegate`: so many blocks further out than the `try`.
    delegate: Option<u32>,
}

impl Legacy {
    /// Looks through a body.
    fn find(module: &Module, func: FuncIdx) -> Legacy {
        let mut legacy = Legacy::default();
        let Some(body) = module.body(func) else { return legacy };
        let Ok((_, operators)) = Operators::new(module, body) else { return legacy };
        let mut open: Vec<Option<(u32, Try)>> = Vec::new();
        for seen in operators.map_while(Result::ok) {
            let Operator::Structural(op) = seen.op else { continue };
            match (op, open.last_mut()) {
                (StructuralOp::Try, _) => open.push(Some((seen.offset as u32, Try::default()))),
                (StructuralOp::Catch, Some(Some((_, found)))) => {
                    found.clauses.push(seen.index.map(TagIdx));
                }
                (StructuralOp::CatchAll, Some(Some((_, found)))) => found.clauses.push(None),
                (StructuralOp::Delegate, Some(Some((_, found)))) => {
                    let range = seen.offset + 1..body.end as usize;
                    found.delegate = Reader::window(&module.bytes, range).u32().ok();
                    legacy.tries.extend(open.pop().flatten());
                }
                (StructuralOp::End, Some(_)) => legacy.tries.extend(open.pop().flatten()),
                (StructuralOp::Rethrow, _) => legacy.has_rethrow = true,
                _ if seen.block_type.is_some() => open.push(None),
                _ => {}
            }
        }
        legacy
    }
}

impl Translator<'_> {
    /// The scope that the code at hand is in.
    pub(super) fn scope(&self) -> u32 {
        self.labels.last().map_or(NO_SCOPE, |label| label.guard.scope)
    }

    /// The code that follows is in another scope.
    fn set_scope(&mut self, scope: u32) {
        if let Some(label) = self.labels.last_mut() {
            label.guard.scope = scope;
        }
    }

    fn new_scope(&mut self, outer: u32, clauses: Vec<Clause>) -> u32 {
        let scope = Scope { outer, clauses, is_used: false, pass: None, all: None };
        self.exceptions.scopes.push(scope);
        self.exceptions.scopes.len() as u32 - 1
    }

    /// What a call here has in its table: the clauses around it, until one that takes all.
    fn clauses(&mut self) -> Rc<[Clause]> {
        let first = self.scope();
        let Some(scope) = self.exceptions.scopes.get(first as usize) else { return Rc::new([]) };
        if let Some(all) = &scope.all {
            return all.clone();
        }
        let mut all: Vec<Clause> = Vec::new();
        let mut next = first;
        let mut passed = 0;
        while let Some(scope) = self.exceptions.scopes.get_mut(next as usize) {
            if all.len().max(passed) >= MOST_CLAUSES {
                let block = *scope.pass.get_or_insert_with(|| self.b.create_block());
                all.push(Clause { tag: None, block, catch: None });
                break;
            }
            scope.is_used = true;
            for clause in &scope.clauses {
                if all.iter().all(|other| other.tag != clause.tag) {
                    all.push(*clause);
                }
            }
            if all.last().is_some_and(|last| last.tag.is_none()) {
                break;
            }
            passed += 1;
            next = scope.outer;
        }
        let all: Rc<[Clause]> = all.into();
        self.exceptions.scopes[first as usize].all = Some(all.clone());
        all
    }

    /// Calls a function from the scope that the code at hand is in. Gives the results.
    pub(super) fn call_in_scope(
        &mut self,
        signature: SigRef,
        code: Code,
        args: &[Value],
    ) -> Vec<Value> {
        self.has_calls = true;
        let clauses = self.clauses();
        if clauses.is_empty() {
            let call = match code {
                Code::At(address) => self.b.ins().call_indirect(signature, address, args),
                Code::Own(itself) => self.b.ins().call(itself, args),
            };
            return self.b.inst_results(call).to_vec();
        }
        let normal = self.b.create_block();
        let returns = self.b.func.dfg.signatures[signature].returns.clone();
        for result in &returns {
            self.b.append_block_param(normal, result.value_type);
        }
        let pool = &mut self.b.func.dfg.value_lists;
        let mut items = vec![ExceptionTableItem::Context(self.vmctx)];
        items.extend(clauses.iter().map(|clause| {
            let handler = BlockCall::new(clause.block, [], pool);
            match clause.tag {
                Some(tag) => ExceptionTableItem::Tag(ExceptionTag::from_u32(tag.0), handler),
                None => ExceptionTableItem::Default(handler),
            }
        }));
        let results = (0..returns.len() as u32).map(BlockArg::TryCallRet);
        let table =
            ExceptionTableData::new(signature, BlockCall::new(normal, results, pool), items);
        let table = self.b.func.dfg.exception_tables.push(table);
        match code {
            Code::At(address) => self.b.ins().try_call_indirect(address, args, table),
            Code::Own(itself) => self.b.ins().try_call(itself, args, table),
        };
        self.enter(normal);
        self.b.block_params(normal)[..returns.len()].to_vec()
    }

    /// Raises the status of an exception: the block ends here.
    fn raise_exception(&mut self, status: Value) {
        // It never returns: all registers are lost on the way to a handler, and this convention says so.
        let signature = *self.exceptions.raise.get_or_insert_with(|| {
            let mut signature = Signature::new(CallConv::PreserveAll);
            signature.params = vec![AbiParam::new(types::I64), AbiParam::new(types::I32)];
            self.b.import_signature(signature)
        });
        let address = self.raise_address();
        self.call_in_scope(signature, Code::At(address), &[self.vmctx, status]);
        self.b.ins().trap(clif_trap(TrapCode::Unreachable));
    }

    /// Whether a block has code to emit when it ends.
    pub(super) fn is_caught(&self, guard: &Guard) -> bool {
        let scopes = &self.exceptions.scopes;
        guard.own.iter().any(|&own| {
            let scope = &scopes[own as usize];
            scope.pass.is_some() || scope.is_used && !scope.clauses.is_empty()
        })
    }

    /// A block has ended (its label is closed), or the part of it that its scopes cover has. Emits what passes on and what
    /// handles exceptions there; the CLIF block at hand has ended.
    pub(super) fn leave_scopes(&mut self, guard: &Guard) {
        let outer = self.scope();
        for &own in guard.own.iter().rev() {
            if let Some(block) = self.exceptions.scopes[own as usize].pass {
                self.set_scope(own);
                self.b.set_cold_block(block);
                self.enter(block);
                let status = i64::from(Status::EXCEPTION.bits());
                let status = self.b.ins().iconst(types::I32, status);
                self.raise_exception(status);
            }
        }
        self.set_scope(outer);
        for &own in &guard.own {
            let scope = &mut self.exceptions.scopes[own as usize];
            if !scope.is_used {
                continue;
            }
            for clause in core::mem::take(&mut scope.clauses) {
                if let Some(catch) = clause.catch {
                    self.table_handler(clause.block, catch);
                }
            }
        }
    }

    /// The code of a clause of `try_table`.
    fn table_handler(&mut self, block: Block, catch: Catch) {
        self.enter(block);
        let ty = catch.tag.and_then(|tag| self.env.module.tag_type(tag));
        let (mut values, reference) = self.caught(ty, catch.with_ref);
        values.extend(reference);
        self.go(catch.target.label as usize, &values);
    }

    /// Takes the exception that is under way: gives its values, if `ty` is its tag's type, and a reference to it, if
    /// that is wanted.
    fn caught(&mut self, ty: Option<&FuncType>, with_ref: bool) -> (Vec<Value>, Option<Value>) {
        let types = ty.map_or(&[][..], FuncType::params);
        let width: u32 = types.iter().map(|ty| ty.slots()).sum();
        let slots = self.operand_slots(width as usize + 1);
        let base = self.b.ins().stack_addr(types::I64, slots, 0);
        let null = self.b.ins().iconst(types::I64, 0);
        let place = 8 * width as i32;
        let reference = match with_ref {
            true => self.b.ins().stack_addr(types::I64, slots, place),
            false => null,
        };
        let values = if types.is_empty() { null } else { base };
        let status = self.builtin(builtin::catch_exception, &[values, reference]);
        self.checked(status);
        let mut offset = 0;
        let mut values = Vec::with_capacity(types.len() + 1);
        for &ty in types {
            values.push(self.load_operand(ty, base, offset));
            offset += 8 * ty.slots() as i32;
        }
        let reference = with_ref.then(|| self.load_operand(ValType::EXNREF, base, place));
        (values, reference)
    }

    /// Reads what a builtin left in a slot.
    fn load_operand(&mut self, ty: ValType, base: Value, offset: i32) -> Value {
        let value = self.load_slot(MemFlagsData::trusted(), ty, base, offset);
        if ty.is_heap_reference() {
            self.b.declare_value_needs_stack_map(value);
        }
        value
    }

    pub(super) fn lower_try_table(&mut self, signature: BlockSignature<'_>, catches: &[Catch]) {
        self.lower_block(signature);
        let mut scope = self.scope();
        for part in catches.chunks(MOST_CLAUSES).rev() {
            let clause = |catch: &Catch| {
                let block = self.b.create_block();
                Clause { tag: catch.tag, block, catch: Some(*catch) }
            };
            let clauses = part.iter().map(clause).collect();
            scope = self.own_scope(scope, clauses);
        }
    }

    /// Makes a scope for the innermost block, which is in it from here on.
    fn own_scope(&mut self, outer: u32, clauses: Vec<Clause>) -> u32 {
        let scope = self.new_scope(outer, clauses);
        if let Some(label) = self.labels.last_mut() {
            label.guard.own.push(scope);
            label.guard.scope = scope;
        }
        scope
    }

    pub(super) fn lower_try(&mut self, signature: BlockSignature<'_>) {
        let at = self.offset;
        let found = self.legacy().tries.get(&at).cloned().unwrap_or_default();
        self.lower_block(signature);
        let around = self.scope();
        if let Some(depth) = found.delegate {
            // Counted from outside of the `try`, whose label is open already.
            let handler = self.labels.len().checked_sub(2 + depth as usize);
            let scope = handler.map_or(NO_SCOPE, |handler| self.labels[handler].guard.scope);
            return self.set_scope(scope);
        }
        let clause = |tag: &Option<TagIdx>| {
            let block = self.b.create_block();
            Clause { tag: *tag, block, catch: None }
        };
        let clauses: Vec<Clause> = found.clauses.iter().map(clause).collect();
        let blocks = clauses.iter().rev().map(|clause| clause.block).collect();
        let mut scope = around;
        for part in clauses.chunks(MOST_CLAUSES).rev() {
            scope = self.own_scope(scope, part.to_vec());
        }
        if let Some(label) = self.labels.last_mut() {
            label.guard.clauses = blocks;
        }
    }

    /// What the body has of legacy instructions.
    fn legacy(&mut self) -> &Legacy {
        let (module, func) = (self.env.module, self.func);
        self.exceptions.legacy.get_or_insert_with(|| Legacy::find(module, func))
    }

    pub(super) fn lower_catch(
        &mut self,
        _: TagIdx,
        ty: &FuncType,
        signature: BlockSignature<'_>,
        falls_through: bool,
    ) {
        self.begin_handler(Some(ty), signature, falls_through);
    }

    pub(super) fn lower_catch_all(&mut self, signature: BlockSignature<'_>, falls_through: bool) {
        self.begin_handler(None, signature, falls_through);
    }

    /// A legacy handler begins; what came before leaves the block.
    fn begin_handler(
        &mut self,
        ty: Option<&FuncType>,
        signature: BlockSignature<'_>,
        falls_through: bool,
    ) {
        self.end_arm(signature, falls_through);
        let with_ref = self.legacy().has_rethrow;
        let number = self.labels.len() - 1;
        let guard = &mut self.labels[number].guard;
        let own = core::mem::take(&mut guard.own);
        if let Some(&first) = own.first() {
            guard.scope = self.exceptions.scopes[first as usize].outer;
            self.leave_scopes(&Guard { own, ..Guard::inside(None) });
        }
        let guard = &mut self.labels[number].guard;
        if !core::mem::replace(&mut guard.is_handler, true) {
            guard.handlers += 1;
        }
        let depth = guard.handlers - 1;
        let Some(block) = self.labels[number].guard.clauses.pop() else { return };
        self.enter(block);
        let (values, reference) = self.caught(ty, with_ref);
        self.labels[number].guard.caught = reference;
        if let Some(exception) = reference {
            self.keep_caught(depth, exception);
        }
        self.stack.extend(values);
    }

    pub(super) fn lower_delegate(&mut self, _: u32, end: End, results: &[ValType]) {
        self.lower_end(end, results);
    }

    pub(super) fn lower_rethrow(&mut self, handler: u32) {
        let guard = self.labels.get(handler as usize).map(|label| &label.guard);
        let Some((exception, handlers)) = guard.and_then(|it| Some((it.caught?, it.handlers)))
        else {
            return self.fail("such a `rethrow`");
        };
        let exception = self.kept_caught(handlers - 1).unwrap_or(exception);
        self.throw_again(exception);
    }

    pub(super) fn lower_throw_ref(&mut self) {
        let exception = self.pop();
        self.throw_again(exception);
    }

    fn throw_again(&mut self, exception: Value) {
        let exception = self.b.ins().uextend(types::I64, exception);
        let status = self.builtin(builtin::throw_ref, &[exception]);
        self.raise_exception(status);
    }

    pub(super) fn lower_throw(&mut self, tag: TagIdx, ty: &FuncType) {
        let values = self.pop_many(ty.params().len());
        let (slots, base) = self.spill_operands(ty.params(), &values);
        let tag = self.b.ins().iconst(types::I32, i64::from(tag.0));
        let call = self.builtin_call(builtin::throw, &[tag, base]);
        // An exception is an object: to make it may wake the collector, who finds the values.
        self.map_operands(call, slots, ty.params());
        let status = self.b.inst_results(call)[0];
        self.raise_exception(status);
    }
}
