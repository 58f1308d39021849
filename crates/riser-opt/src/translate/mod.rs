//! From operators to CLIF.
//!
//! The [`Translator`] is the sink of a walk. `sink.rs` passes each operator on to the file of its topic. Operands are CLIF
//! values on a stack of our own; locals are variables of the function builder, which makes SSA of them. What values
//! look like:
//!
//! | type | in CLIF |
//! | --- | --- |
//! | `i32`, `i64`, `f32`, `f64` | the type of that name |
//! | `v128` | `i8x16`, always: who wants other lanes casts (little-endian) and casts the result back |
//! | references to functions | `i64`, an address, 0 for null |
//! | other references | `i32`, a distance from the heap's start, 0 for null; declared to be in stack maps |

mod access;
mod atomics;
mod calls;
mod control;
mod exceptions;
mod fuel;
mod gc;
mod gc_access;
mod gc_alloc;
mod gc_cast;
mod gc_copy;
mod locals;
mod memory;
mod replace;
mod simd;
mod simple;
mod sink;
mod table;
mod vm;

use crate::env::Env;
use crate::signature;
use control::Label;
use cranelift_codegen::ir::{
    FuncRef, Function, InstBuilder, MemFlagsData, SigRef, SourceLoc, StackSlot,
    TrapCode as ClifTrap, Value,
};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use exceptions::Exceptions;
use locals::Local;
pub(crate) use locals::LocalsIn;
pub(crate) use replace::Beginning;
use replace::Replacement;
use riser_abi::StructLayout;
use riser_front::BodyFacts;
use riser_ops::{FuncIdx, FuncType, TrapCode, TypeIdx, ValType};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

pub(crate) use crate::signature::clif_type;

/// See the module's documentation.
pub(crate) struct Translator<'a> {
    pub b: FunctionBuilder<'a>,
    pub env: &'a Env<'a>,
    func: FuncIdx,
    /// The operands. Those at the bottom that are `waiting` are values of variables instead.
    stack: Vec<Value>,
    waiting: Vec<Variable>,
    /// The function's own `VmCtx`.
    pub vmctx: Value,
    /// Where the results go, if they are returned in an area.
    area: Option<Value>,
    /// The offset of the operator at hand in the module's bytes.
    offset: u32,
    locals: Vec<Local>,
    /// The open blocks.
    labels: Vec<Label>,
    /// The rows of types that branches carry.
    rows: HashSet<Rc<[ValType]>>,
    /// How many values were kept for second arms.
    saved: usize,
    exceptions: Exceptions,
    /// The fuel of pure operators that was not taken yet.
    unpaid: u32,
    /// Whether there is any call.
    has_calls: bool,
    /// How functions of the module's types are called.
    signatures: HashMap<TypeIdx, SigRef>,
    /// The layouts of structure types.
    struct_layouts: HashMap<TypeIdx, Rc<StructLayout>>,
    /// The function itself, if it calls itself.
    itself: Option<FuncRef>,
    /// How builtins are called, by their places.
    builtin_signatures: HashMap<usize, SigRef>,
    /// See [`Translator::operand_slots`].
    slots: Option<StackSlot>,
    /// Where calls write their results, if they do not return them in registers.
    results: Option<StackSlot>,
    locals_in: LocalsIn,
    /// The first local that is in the frame.
    frame: Option<Value>,
    /// How many entries the tables of variables have.
    entries: usize,
    /// How many operators there were.
    operators: usize,
    /// How many loops are open.
    loops: usize,
    /// If the function is to begin in a loop.
    replacement: Option<Replacement>,
    /// Why translation was ended.
    failure: Option<Failure>,
}

/// Why there is no code for a body.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// It is to be translated once more, with its locals in the frame.
    TooManyValues,
    /// It is to be translated once more, with these locals in the frame.
    WrittenEverywhere(HashSet<u32>),
    Error(&'static str),
}

/// The code by which Cranelift knows a trap of ours.
pub(crate) fn clif_trap(code: TrapCode) -> ClifTrap {
    ClifTrap::unwrap_user(code as u8)
}

impl<'a> Translator<'a> {
    /// A sink for one body, which makes `func` of it.
    pub fn new(
        env: &'a Env<'a>,
        func: &'a mut Function,
        context: &'a mut FunctionBuilderContext,
        locals_in: LocalsIn,
    ) -> Translator<'a> {
        Translator {
            b: FunctionBuilder::new(func, context),
            env,
            func: FuncIdx(0),
            stack: Vec::new(),
            waiting: Vec::new(),
            vmctx: Value::from_u32(0),
            area: None,
            offset: 0,
            locals: Vec::new(),
            labels: Vec::new(),
            rows: HashSet::new(),
            saved: 0,
            exceptions: Exceptions::default(),
            unpaid: 0,
            has_calls: false,
            signatures: HashMap::new(),
            itself: None,
            struct_layouts: HashMap::new(),
            builtin_signatures: HashMap::new(),
            slots: None,
            results: None,
            locals_in,
            frame: None,
            entries: 0,
            operators: 0,
            loops: 0,
            replacement: None,
            failure: None,
        }
    }

    /// The body begins.
    fn begin_body(&mut self, func: FuncIdx, ty: &FuncType, locals: &[(u32, ValType)]) {
        self.func = func;
        if self.is_second() {
            self.begin_unreached();
            return self.open_body(ty);
        }
        let entry = self.b.create_block();
        // What begins in a loop takes no parameters.
        let only_results = FuncType::new([], ty.results().iter().copied());
        let called = if self.replacement.is_some() { &only_results } else { ty };
        self.b.func.signature = signature::function(called);
        self.b.append_block_params_for_function_params(entry);
        self.b.switch_to_block(entry);
        self.b.seal_block(entry);
        let params = self.b.block_params(entry).to_vec();
        let (vmctx, params) = params.split_first().expect("every function takes its instance");
        self.vmctx = *vmctx;
        let results = &self.b.func.signature.returns;
        let has_area = results.len() != ty.results().len();
        let (area, params) = if has_area { params.split_at(1) } else { (&[][..], params) };
        self.area = area.first().copied();
        self.begin_locals(ty, locals, params);
        if self.replacement.is_some() {
            self.begin_unreached();
        }
        self.open_body(ty);
    }

    /// The next operator.
    fn next_operator(&mut self, offset: u32) {
        self.offset = offset;
        self.b.set_srcloc(SourceLoc::new(offset));
        if self.b.func.dfg.num_values() > MOST_VALUES {
            return self.fail("that many values");
        }
        self.operators += 1;
        if self.has_too_many_values() {
            self.failure = Some(Failure::TooManyValues);
            return;
        }
        if self.env.options.fuel {
            self.meter();
        }
    }

    /// The body has ended.
    fn end_body(&mut self, _: &BodyFacts) {
        if self.has_calls || self.b.func.dfg.num_values() > LEAF_VALUES {
            match signature::stack_limit(&mut self.b) {
                None => self.fail("so many kinds of accesses"),
                limit => self.b.func.stack_limit = limit,
            }
        }
    }

    /// The function is complete, unless there was something for which there is no code.
    pub fn finish(self, isa: &dyn TargetIsa) -> Result<(), Failure> {
        match self.failure {
            Some(failure) => Err(failure),
            None => {
                let many = self.written_everywhere();
                if !many.is_empty() {
                    return Err(Failure::WrittenEverywhere(many));
                }
                self.b.finalize(isa.frontend_config());
                Ok(())
            }
        }
    }

    pub fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    /// Pushes a value of a type, which the collector must know if it is a reference into the heap.
    pub fn push_typed(&mut self, value: Value, ty: ValType) {
        if ty.is_heap_reference() {
            self.b.declare_value_needs_stack_map(value);
        }
        self.stack.push(value);
    }

    /// The walk is of a valid body, so there is an operand.
    pub fn pop(&mut self) -> Value {
        self.end_waiting(1);
        self.stack.pop().expect("a valid body has an operand here")
    }

    /// The top operand, which stays.
    fn peek(&mut self) -> Value {
        self.end_waiting(1);
        *self.stack.last().expect("a valid body has an operand here")
    }

    /// The operand below the top, and the top.
    pub fn pop2(&mut self) -> (Value, Value) {
        let top = self.pop();
        (self.pop(), top)
    }

    /// Takes the top operands off the stack.
    fn pop_many(&mut self, count: usize) -> Vec<Value> {
        self.end_waiting(count);
        self.stack.split_off(self.stack.len() - count)
    }

    /// Traps if a condition holds.
    pub fn trap_if(&mut self, condition: Value, code: TrapCode) {
        self.b.ins().trapnz(condition, clif_trap(code));
    }

    /// Flags of an access to memory that can neither fault nor be misaligned: to the blocks of the runtime.
    pub fn trusted(&self) -> MemFlagsData {
        MemFlagsData::trusted()
    }
}

/// A function that calls nothing and has no more values than these, of at most 16 bytes each, takes so little of the
/// stack that nobody checks whether there is enough: below the limit there is room for that.
const LEAF_VALUES: usize = 64;

/// A function of more values than these is not compiled. Cranelift has numbers for a quarter of that when it comes to
/// registers; and few bytes can ask for many values.
const MOST_VALUES: usize = 1 << 23;

/// A function is not compiled if so many loops are nested in it: the time that Cranelift takes grows with the square of
/// their number (0.1 s for these).
const MOST_LOOPS: usize = 5_000;
