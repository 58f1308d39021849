//! The crate has a function for every simple operator, and for nothing else.
//!
//! The list of operators is `wasmparser`'s; the functions are read from the tables in the sources.

use std::collections::BTreeSet;

const SOURCES: [&str; 10] = [
    include_str!("../src/convert.rs"),
    include_str!("../src/float.rs"),
    include_str!("../src/int.rs"),
    include_str!("../src/relaxed.rs"),
    include_str!("../src/simd_compare.rs"),
    include_str!("../src/simd_convert.rs"),
    include_str!("../src/simd_float.rs"),
    include_str!("../src/simd_int.rs"),
    include_str!("../src/simd_lanes.rs"),
    include_str!("../src/wide.rs"),
];

/// (mnemonic, function) of each row, which begins with the mnemonic in quotes.
fn rows() -> Vec<(&'static str, &'static str)> {
    let pieces = SOURCES.iter().flat_map(|source| source.split(" \"").skip(1));
    pieces
        .map(|piece| {
            let (mnemonic, rest) = piece.split_once('"').expect("a closing quote");
            (mnemonic, rest.split_whitespace().next().expect("a function"))
        })
        .collect()
}

/// (proposal, operator, function) of every operator that wasmparser knows.
macro_rules! list {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $type:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        &[$((stringify!($proposal), stringify!($visit), &[$($(stringify!($arg)),*)?], stringify!($($ann)*))),*]
    };
}

type Operator = (&'static str, &'static str, &'static [&'static str], &'static str);
const OPERATORS: &[Operator] = wasmparser::for_each_operator!(list);

fn is_simple(&(proposal, visit, immediates, arity): &Operator) -> bool {
    let proposals = [
        "mvp",
        "sign_extension",
        "saturating_float_to_int",
        "simd",
        "relaxed_simd",
        "wide_arithmetic",
    ];
    let not_numeric = ["visit_nop", "visit_unreachable", "visit_drop", "visit_select"];
    proposals.contains(&proposal)
        && !arity.contains("custom")
        && !not_numeric.contains(&visit)
        && immediates.iter().all(|name| ["lane", "lanes"].contains(name))
}

#[test]
fn functions_are_named_after_their_mnemonics() {
    for (mnemonic, function) in rows() {
        assert_eq!(mnemonic.replace('.', "_"), function);
    }
}

#[test]
fn every_simple_operator_has_one_function() {
    let simple = OPERATORS.iter().filter(|op| is_simple(op));
    let expected: BTreeSet<_> = simple.map(|op| op.1.strip_prefix("visit_").unwrap()).collect();
    let rows = rows();
    let found: BTreeSet<_> = rows.iter().map(|row| row.1).collect();
    assert_eq!(rows.len(), found.len(), "an operator occurs twice");
    assert_eq!(expected.difference(&found).collect::<Vec<_>>(), Vec::<&&str>::new(), "missing");
    assert_eq!(found.difference(&expected).collect::<Vec<_>>(), Vec::<&&str>::new(), "unknown");
    assert!(found.len() > 370, "only {} operators", found.len());
}
