//! Chains of blocks that do nothing but go on.
//!
//! Where a hundred thousand blocks end inside of each other, each end goes on to the next one. Cranelift gives no code to blocks without
//! instructions, but then looks through the whole chain for each branch into it, a time that grows with the square of the chain (50,000 nested
//! `else`: 3.2 s). So whoever goes to such a block is sent to where the chain ends, if there are many.

use cranelift_codegen::Context;
use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{Block, BlockArg, Function, Inst, Opcode, Value};
use std::collections::HashMap;

/// Fewer blocks than these are no matter: looking through so many takes about a microsecond.
const FEW_BLOCKS: usize = 1_000;

/// Where a block goes on, with what, in terms of its own parameters.
#[derive(Clone, Debug)]
struct Next {
    block: Block,
    args: Vec<Value>,
}

/// A block that passes on more values than these ends a chain: each branch into a chain would get all that its end gets.
const MOST_VALUES: usize = 8;

/// Shortens chains, if there are many blocks in any.
pub(crate) fn shorten(context: &mut Context) {
    let func = &context.func;
    if func.dfg.num_blocks() < FEW_BLOCKS {
        return;
    }
    let mut links = links(func);
    if links.len() < FEW_BLOCKS {
        return;
    }
    drop_used_elsewhere(func, &mut links);
    let ends = ends(context, &links);
    let insts: Vec<Inst> = terminators(&context.func).collect();
    insts.into_iter().for_each(|inst| redirect(&mut context.func, inst, &ends));
    remove(context, links.into_keys());
}

/// Removes what nobody goes to any more. (Cranelift's own pass takes blocks from the list of those before their next one, one at a time, and the next
/// one is the same for a whole chain.)
fn remove(context: &mut Context, links: impl Iterator<Item = Block>) {
    context.compute_cfg();
    context.compute_domtree();
    let Context { func, domtree, .. } = context;
    for block in links.filter(|&block| !domtree.is_reachable(block)) {
        while let Some(inst) = func.layout.first_inst(block) {
            func.layout.remove_inst(inst);
        }
        func.layout.remove_block(block);
    }
    context.compute_cfg();
}

fn terminators(func: &Function) -> impl Iterator<Item = Inst> + '_ {
    func.layout.blocks().filter_map(|block| func.layout.last_inst(block))
}

/// The values that a block passes on, if they are all ordinary ones.
fn passed(func: &Function, inst: Inst) -> Option<Next> {
    let dfg = &func.dfg;
    let [call] = dfg.insts[inst].branch_destination(&dfg.jump_tables, &dfg.exception_tables) else {
        return None;
    };
    let args = call.args(&dfg.value_lists).map(|arg| match arg {
        BlockArg::Value(value) => Some(dfg.resolve_aliases(value)),
        BlockArg::TryCallRet(_) | BlockArg::TryCallExn(_) => None,
    });
    Some(Next { block: call.block(&dfg.value_lists), args: args.collect::<Option<_>>()? })
}

/// The blocks, but for the first, that only jump somewhere else.
fn links(func: &Function) -> HashMap<Block, Next> {
    let blocks = func.layout.blocks().skip(1);
    let jumps = blocks.filter_map(|block| {
        let inst = func.layout.first_inst(block)?;
        let next = passed(func, inst).filter(|_| func.dfg.insts[inst].opcode() == Opcode::Jump)?;
        let is_link = next.block != block && next.args.len() <= MOST_VALUES;
        is_link.then_some((block, next))
    });
    jumps.collect()
}

/// Leaves out the blocks whose parameters others read as well.
fn drop_used_elsewhere(func: &Function, links: &mut HashMap<Block, Next>) {
    let mut owners = HashMap::<Value, Block>::new();
    for &block in links.keys() {
        owners.extend(func.dfg.block_params(block).iter().map(|&param| (param, block)));
    }
    if owners.is_empty() {
        return;
    }
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            for value in func.dfg.inst_values(inst) {
                let owner = owners.get(&func.dfg.resolve_aliases(value));
                if let Some(owner) = owner.filter(|owner| **owner != block) {
                    links.remove(owner);
                }
            }
        }
    }
}

/// Where each chain that begins with a block ends. A chain that is a circle is cut somewhere.
fn ends(context: &Context, links: &HashMap<Block, Next>) -> SecondaryMap<Block, Option<Next>> {
    let dfg = &context.func.dfg;
    let mut ends = SecondaryMap::<Block, Option<Next>>::new();
    // What comes later comes first here.
    for &block in context.domtree.cfg_postorder() {
        let Some(next) = links.get(&block) else { continue };
        ends[block] = Some(match &ends[next.block] {
            None => next.clone(),
            Some(end) => {
                let args = substitute(&end.args, dfg.block_params(next.block), &next.args);
                Next { block: end.block, args }
            }
        });
    }
    ends
}

/// Values in which parameters stand for what is passed for them.
fn substitute(values: &[Value], params: &[Value], args: &[Value]) -> Vec<Value> {
    let passed: HashMap<Value, Value> = params.iter().copied().zip(args.iter().copied()).collect();
    values.iter().map(|value| passed.get(value).copied().unwrap_or(*value)).collect()
}

/// Sends a branch to the ends of chains.
fn redirect(func: &mut Function, inst: Inst, ends: &SecondaryMap<Block, Option<Next>>) {
    let dfg = &mut func.dfg;
    if !matches!(dfg.insts[inst].opcode(), Opcode::Jump | Opcode::Brif | Opcode::BrTable) {
        return;
    }
    let calls = dfg.insts[inst].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
    let mut calls = calls.to_vec();
    for call in &mut calls {
        let block = call.block(&dfg.value_lists);
        let Some(end) = &ends[block] else { continue };
        let args: Vec<Value> =
            call.args(&dfg.value_lists).filter_map(|arg| arg.as_value()).collect();
        let args = substitute(&end.args, dfg.blocks[block].params(&dfg.value_lists), &args);
        call.clear(&mut dfg.value_lists);
        call.set_block(end.block, &mut dfg.value_lists);
        call.extend(args.into_iter().map(BlockArg::Value), &mut dfg.value_lists);
    }
    let (tables, exceptions) = (&mut dfg.jump_tables, &mut dfg.exception_tables);
    dfg.insts[inst].branch_destination_mut(tables, exceptions).copy_from_slice(&calls);
}
