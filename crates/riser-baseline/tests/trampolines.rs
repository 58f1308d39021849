//! Trampolines compile for types of all sizes.

use core::ops::Range;
use riser_baseline::asm::CpuFeatures;
use riser_baseline::{CodeOptions, Compiler};
use riser_code::{CodeArtifact, Position};
use riser_ops::{FuncType, ValType};

/// Where signal handlers take control to be on its way to code: all in one piece, so that no instruction between the look at the mark and code is
/// left out.
fn way_to_code(artifact: &CodeArtifact) -> Range<u32> {
    let positions = &artifact.positions;
    let is_way = |position: &Position| position.wasm == Position::TO_CODE;
    let at = positions.iter().position(is_way).expect("a way to code");
    assert!(!positions[at + 1..].iter().any(is_way), "{positions:?}");
    assert!(positions.is_sorted_by_key(|position| position.offset));
    let end = positions.get(at + 1).map_or(artifact.code.len() as u32, |next| next.offset);
    positions[at].offset..end
}

#[test]
fn types_that_are_too_large_are_refused() {
    let compiler = Compiler::new(CodeOptions::default(), CpuFeatures::default());
    let mut cx = compiler.new_context();
    let rows = |count| [vec![ValType::I64; count], vec![]];
    for (count, fits) in [(4096, true), (4097, false), (100_000, false)] {
        for (params, results) in
            [(0, 1), (1, 0)].map(|(a, b)| (rows(count)[a].clone(), rows(count)[b].clone()))
        {
            let ty = FuncType::new(params, results);
            assert_eq!(compiler.entry_trampoline(&mut cx, &ty).is_ok(), fits);
            assert_eq!(compiler.host_trampoline(&mut cx, &ty).is_ok(), fits);
        }
    }
}

#[test]
fn types_of_all_sizes() {
    let compiler = Compiler::new(CodeOptions::default(), CpuFeatures::default());
    let mut cx = compiler.new_context();
    let all = [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128];
    let mut rows: Vec<Vec<ValType>> = vec![vec![], vec![ValType::EXTERNREF, ValType::FUNCREF]];
    rows.push(all.iter().cycle().take(30).copied().collect());
    for ty in all {
        rows.extend([1, 4, 5, 6, 9, 1000].map(|count| vec![ty; count]));
    }
    for (params, results) in rows.iter().flat_map(|row| rows.iter().map(move |other| (row, other)))
    {
        let ty = FuncType::new(params.clone(), results.clone());
        let entry = compiler.entry_trampoline(&mut cx, &ty).unwrap();
        assert_eq!(entry.calls.len(), 1);
        let handlers = &entry.calls[0].handlers;
        assert!(handlers.len() == 1 && handlers[0].tag.is_none());
        // The call is on the way, and what comes behind it is not.
        assert_eq!(way_to_code(&entry).end, entry.calls[0].offset, "{ty:?}");
        let host = compiler.host_trampoline(&mut cx, &ty).unwrap();
        // The host, and what pauses and raises.
        assert_eq!(host.calls.len(), 3);
        let way = way_to_code(&host);
        assert!(way.start >= host.calls[0].offset && way.end < host.calls[1].offset, "{ty:?}");
        assert_eq!(host.traps.len(), if params.len().max(results.len()) == 1000 { 2 } else { 1 });
    }
}
