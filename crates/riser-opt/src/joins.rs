//! How long Cranelift will look for dominators.
//!
//! Its register allocator finds the dominator of a block by going up from each block before it, step by step, to where their ways meet. In a ladder of ten thousand
//! branches, each of which ends in a block of its own, that is ten thousand steps for each of them. Ordinary functions need a few for each
//! block. (Cooper, Harvey and Kennedy, "A simple, fast dominance algorithm", 2001, says when it is fast.) The optimizer does something like it for
//! each instruction: it looks for the block in which all operands are there, among all that dominate it.

use cranelift_codegen::Context;
use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::Block;

/// Functions of fewer blocks than this are not looked at.
const FEW_BLOCKS: usize = 2_000;

/// So many steps take about 3 ms. Of all functions of CPython, SQLite, Ruby, clang and QuickJS, that with the most (Ruby) takes half of them.
const MOST_STEPS: u64 = 1 << 20;

/// So many looks take about a second: three functions, among them one of 300,000 empty loops in a row, were compiled in
/// 390 s without this limit, and in 6 s with it. No function of CPython, SQLite, Ruby, clang and PHP takes a sixteenth.
const MOST_LOOKS: u64 = 1 << 30;

/// Whether the function should be compiled by what does not look for dominators.
pub(crate) fn are_too_deep(context: &mut Context) -> bool {
    if context.func.dfg.num_blocks() < FEW_BLOCKS {
        return false;
    }
    context.compute_cfg();
    context.compute_domtree();
    let (steps, looks) = work(context);
    steps > MOST_STEPS || looks > MOST_LOOKS
}

/// The steps of the register allocator, and how many blocks the optimizer looks at, at most.
fn work(context: &Context) -> (u64, u64) {
    let (cfg, domtree) = (&context.cfg, &context.domtree);
    let mut depth = SecondaryMap::<Block, u64>::new();
    let (mut steps, mut looks) = (0, 0);
    for &block in domtree.cfg_postorder().iter().rev() {
        let Some(dominator) = domtree.idom(block) else { continue };
        depth[block] = depth[dominator] + 1;
        looks += depth[block] * context.func.layout.block_insts(block).count() as u64;
        let mut before = cfg.pred_iter(block);
        if before.by_ref().nth(1).is_none() {
            continue;
        }
        for edge in cfg.pred_iter(block) {
            steps += depth[edge.block].saturating_sub(depth[dominator]);
        }
    }
    (steps, looks)
}
