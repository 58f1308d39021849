//! Blocks, branches, calls, locals: all compile, for all machines, with Cranelift's checks.

mod common;

use common::{TRIPLES, clif, everywhere, functions, host, last_loop, module};
use riser_abi::{VmCtxCounts, VmCtxLayout};
use riser_ops::{TableIdx, TrapCode};
use riser_opt::{CodeOptions, Compiler};

#[test]
fn blocks_of_all_shapes() {
    everywhere(
        r#"(module
          (func (param i32) (result i32)
            (block (result i32) (i32.const 1) (br_if 0 (local.get 0)) (drop) (i32.const 2)))
          (func (param i32) (result i32) (local i32)
            (loop (result i32)
              (local.set 1 (local.get 0))
              (br_if 0 (local.get 1))
              (local.get 1)))
          (func (param i32) (result i64 i32)
            (i64.const 1) (i32.const 3)
            (loop (param i64 i32) (result i64 i32)
              (br_if 0 (local.get 0)) ))
          (func (param i32) (result i32)
            (i32.const 7) (local.get 0)
            (if (param i32) (result i32) (then (drop) (i32.const 2))))
          (func (param i32) (result i32)
            (i32.const 7) (local.get 0)
            (if (param i32) (result i32) (then (return)) (else (br 1))))
          (func (param i32)
            (if (local.get 0) (then (unreachable))))
          (func (param i32)
            (if (local.get 0) (then (return))) (if (local.get 0) (then) (else (return))))
          (func (param i32) (result i32)
            (if (result i32) (local.get 0) (then (i32.const 1) (br_if 0 (local.get 0))) (else (i32.const 2))))
          (func (block (br 0)) (block (br 1)) )
          (func (loop (br 0)))
          (func (result i32) (loop (result i32) (br 0)))
          (func (result i32) (block (result i32) (loop (result i32) (br 1 (i32.const 3))))))"#,
    );
}

/// Code begins in loops in others (each is tried), below which operands wait, and so they do below blocks that are left before.
#[test]
fn operands_below_blocks_around_loops() {
    everywhere(
        r#"(module (tag $tag (param i64)) (memory 1)
          (func $call (param externref) (result i64) (throw $tag (i64.const 1)))
          (func (param $if i32) (param $ref externref) (result externref f32)
            (f32.const 1) (local.get $ref)
            (loop $a (param f32 externref) (result externref f32)
              (local.set $ref) (local.get $ref) (v128.const i64x2 1 2) (i64.const 3)
              (block $b
                (br_if $b (local.get $if))
                (f64.const 1)
                (loop $c
                  (local.get $ref)
                  (block $d (result i64)
                    (br_table $b $c $b (local.get $if)))
                  (drop)
                  (if (local.get $if) (then
                    (i32.const 7)
                    (loop $e (br_if $e (call $call (local.get $ref)) (i32.wrap_i64)) (br_if $c (local.get $if)))
                    (drop)))
                  (drop)
                  (loop $not_around (br_if $b (local.get $if)) (br_if $not_around (local.get $if))))
                (drop))
              (drop) (i32x4.extract_lane 1) (local.set $if) (local.set $ref) (local.get $ref)
              (br_if $a (local.get $if)) (local.set $ref) (local.set $if (i32.trunc_f32_s)) (local.get $ref)
              (f32.const 2))
            (return))
          (func (param $if i32) (param $ref externref) (local $n i64)
            (loop $a
              (local.get $ref) (i64.const 5)
              (block $b (result i64)
                (try_table (catch $tag $b)
                  (local.set $n (call $call (local.get $ref)))
                  (local.get $ref)
                  (loop $c (loop $d (br_if $d (local.get $if))) (br_if $c (local.get $if)))
                  (local.set $ref))
                (local.get $n))
              (i64.add) (local.set $n)
              (i64.const 5) (local.get $ref)
              try (param externref) (result externref)
                (local.set $n (call $call))
                (loop $c (loop $d (br_if $d (local.get $if))) (br_if $c (local.get $if)))
                (local.get $ref)
              catch $tag
                (loop $c (loop $d (br_if $d (local.get $if))) (br_if $c (local.get $if)))
                (local.set $n)
                try
                  (loop $c (local.get $if) try (rethrow 3) catch_all (loop $d (br_if $c (local.get $if)) (rethrow 4)) end (drop))
                delegate 0
                (local.get $ref)
              end
              (local.set $ref) (local.set $n) (local.set $ref)
              (br_if $a (local.get $if)))))"#,
    );
}

/// A few bytes can ask for variables of many operands in many blocks: that is an error, wherever it is noticed.
#[test]
fn too_many_operands_below_blocks_around_loops() {
    const LAST: &str = "loop local.get 0 br_if 0 end";
    let (many, some) = (2_000, 200);
    let (begins, ends) = ("i32.const 1 block local.get 0 br_if 0 ", "end drop ");
    let bodies = [
        // Where an operand is put into a variable.
        format!(
            "loop {} {} loop {LAST} end {} end",
            "block local.get 0 br_if 0 end ".repeat(3 * many),
            begins.repeat(many),
            ends.repeat(many)
        ),
        // Where the last of them is taken.
        format!("loop {} loop {LAST} end {} end", begins.repeat(many), ends.repeat(many)),
        format!(
            "{} loop {} {LAST} end {}",
            "i32.const 1 ".repeat(some),
            "block local.get 0 br_if 0 end ".repeat(20 * many),
            "drop ".repeat(some)
        ),
    ];
    let compiler = Compiler::for_target(TRIPLES[0], CodeOptions::default());
    let compiler = compiler.unwrap_or_else(|error| panic!("{error}"));
    for body in bodies {
        let text = format!("(module (func (param i32) {body}))");
        let module = module(&text);
        let at = last_loop(&module);
        let error = compiler.loop_entry(&mut compiler.new_context(), &module, 0, at).unwrap_err();
        assert!(error.to_string().contains("so many operands that wait"), "{error}");
    }
}

#[test]
fn tables_of_branches() {
    everywhere(
        r#"(module
          (func (param i32) (result i32)
            (block (block (block (br_table 0 1 2 1 0 (local.get 0))) (return (i32.const 1)))
              (return (i32.const 2))) (i32.const 3))
          (func (param i32) (result i32)
            (block (result i32) (block (result i32)
              (br_table 0 1 2 0 1 (i32.const 9) (local.get 0))) (drop) (i32.const 5)))
          (func (param i32) (loop (br_table 0 1 (local.get 0))))
          (func (param i32) (result i32) (i32.const 1) (loop (param i32) (result i32)
             (br_table 0 1 (local.get 0))))
          (func (param i32) (br_table 0 (local.get 0))))"#,
    );
}

#[test]
fn a_table_with_ten_thousand_targets() {
    let targets = " 0 1".repeat(5000);
    host(&format!(
        "(module (func (param i32) (result i32) (block (result i32) (block (result i32)
           (br_table {targets} (i32.const 1) (local.get 0))) (drop) (i32.const 2))))"
    ));
}

#[test]
fn calls_of_all_kinds() {
    everywhere(
        r#"(module
          (type $sub (sub (func (param i32) (result i32))))
          (type $f (func (param i32) (result i32)))
          (type $many (func (param i32 f32 v128 externref funcref)
             (result i32 f32 v128 externref funcref i64 f64 i32 i32)))
          (import "" "host" (func $host (type $f)))
          (import "" "many" (func $hostmany (type $many)))
          (table $fixed 10 10 funcref)
          (table $grows 10 funcref)
          (table $typed 10 (ref null $f))
          (table $big i64 10 funcref)
          (elem declare func $own)
          (func $own (type $f) (call $own (call $host (local.get 0))))
          (func $all (type $many)
             (call $all (call $hostmany (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4))
               (drop) (drop) (drop) (drop)))
          (func $tailmany (type $many)
             (return_call $all (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)))
          (func (type $f) (call_indirect $fixed (type $f) (local.get 0) (local.get 0)))
          (func (type $f) (call_indirect $grows (type $sub) (local.get 0) (local.get 0)))
          (func (type $f) (call_indirect $typed (type $f) (local.get 0) (local.get 0)))
          (func (type $f) (call_indirect $big (type $f) (local.get 0) (i64.const 3)))
          (func (param (ref null $f)) (result i32) (call_ref $f (i32.const 1) (local.get 0)))
          (func (type $f) (return_call $own (local.get 0)))
          (func (type $f) (return_call $host (local.get 0)))
          (func (type $f) (return_call_indirect $grows (type $f) (local.get 0) (local.get 0)))
          (func (param (ref null $f)) (result i32) (return_call_ref $f (i32.const 1) (local.get 0))))"#,
    );
}

#[test]
fn locals_globals_and_select() {
    everywhere(
        r#"(module
          (import "" "g" (global $imported (mut i32)))
          (global $i (mut i64) (i64.const 1)) (global $f (mut f32) (f32.const 1))
          (global $d f64 (f64.const 1)) (global $v (mut v128) (v128.const i64x2 1 2))
          (global $e (mut externref) (ref.null extern)) (global $r (mut funcref) (ref.null func))
          (func (result i32 i64 f32 f64 v128 externref funcref)
            (local i32 i64 f32 f64 v128 externref funcref)
            (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6))
          (func (result i32 i64 f32 f64 v128 externref funcref)
            (global.set $imported (global.get $imported)) (global.set $i (i64.const 2))
            (global.set $f (f32.const 4)) (global.set $v (v128.const i32x4 1 2 3 4))
            (global.set $e (global.get $e)) (global.set $r (global.get $r))
            (global.get $imported) (global.get $i) (global.get $f) (global.get $d) (global.get $v)
            (global.get $e) (global.get $r))
          (func (param externref externref i32) (result externref)
            (local externref)
            (local.set 3 (select (result externref) (local.get 0) (local.get 1) (local.get 2)))
            (loop (br_if 0 (local.tee 2 (i32.const 0))))
            (local.tee 1 (local.get 3)))
          (func (param i32) (result v128)
            (select (result v128) (v128.const i32x4 1 2 3 4) (v128.const i32x4 0 0 0 0) (local.get 0))))"#,
    );
}

#[test]
fn references_are_in_the_maps_of_calls() {
    let code = host(
        r#"(module (import "" "f" (func $f))
          (func (param externref) (result externref) (call $f) (local.get 0))
          (func (param funcref) (result funcref) (call $f) (local.get 0)))"#,
    );
    let references = |function: usize| {
        code[function].calls.iter().map(|call| call.references.len()).collect::<Vec<_>>()
    };
    assert_eq!((references(0), references(1)), (vec![1], vec![0]));
}

#[test]
fn a_thousand_parameters_and_results() {
    for ty in ["i32", "f64", "v128", "externref"] {
        let row = vec![ty; 1000].join(" ");
        let gets: String = (0..1000).map(|at| format!("(local.get {at})")).collect();
        host(&format!(
            "(module (func $f (param {row}) (result {row}) {gets} (call $f))
               (func (param {row}) (result {row}) {gets} (return_call $f))
               (func (param {row}) (result {row}) {gets} (block (param {row}) (result {row}) (br_if 0 (i32.const 1)))))"
        ));
    }
}

#[test]
fn fifty_thousand_locals() {
    let code = host(
        "(module (func (result i32) (local i32) (local.get 0))
           (func (result i32) (local i32) (local i64) (local.get 0)))",
    );
    let locals = vec!["i32"; 49_999].join(" ");
    let many = host(&format!(
        "(module (func (result i32) (local {locals}) (local.set 40000 (i32.const 3)) (local.get 49998)))"
    ));
    assert_eq!(code[0].code, many[0].code);
}

#[test]
fn locals_of_huge_functions_are_in_the_frame() {
    let mut body = String::new();
    for at in 0..5000 {
        let (from, to) = (at * 7919 % 20_000, at * 104_729 % 20_000);
        body += &format!("local.get 0 if local.get {from} local.get 0 i32.add local.set {to} end ");
        body += &format!(
            "local.get $v local.set $w local.get $r local.set $s local.get {from} local.set 0 "
        );
    }
    let locals = vec!["i32"; 20_000].join(" ");
    let wat = format!(
        "(module (func (param i32) (result i32 v128 externref) (local {locals}) (local $v v128)
           (local $w v128) (local $r externref) (local $s externref) {body}
           local.get 0 local.get $w local.get $s))"
    );
    let text = clif(&wat, 0, CodeOptions::default());
    assert!(text.contains("locals"), "{}", &text[..2000]);
    host(&wat);
}

#[test]
fn deep_nesting() {
    let depth = 20_000;
    let flat = "block (result i32) ".repeat(depth)
        + "i32.const 1 "
        + &"local.get 0 br_if 0 end ".repeat(depth);
    host(&format!("(module (func (param i32) (result i32) {flat}))"));
    let loops = |depth| {
        let loops = "loop ".repeat(depth) + &"local.get 0 br_if 0 end ".repeat(depth);
        module(&format!("(module (func (param i32) {loops}))"))
    };
    let compiler = Compiler::host(CodeOptions::default()).unwrap();
    functions(&compiler, &loops(1000));
    // What takes time that grows faster than the body is refused.
    let error = compiler.function(&mut compiler.new_context(), &loops(5001), 0);
    assert!(error.is_err_and(|error| error.to_string().contains("loops")));
    let ifs = "local.get 0 if ".repeat(depth) + &"else end ".repeat(depth);
    host(&format!("(module (func (param i32) {ifs}))"));
}

#[test]
fn traps_have_their_codes() {
    let code = host(
        r#"(module (type $f (func)) (table 1 funcref)
          (func (unreachable))
          (func (param (ref null $f)) (call_ref $f (local.get 0)))
          (func (param i32) (call_indirect (type $f) (local.get 0))))"#,
    );
    let codes = |function: usize| {
        let mut codes: Vec<TrapCode> = code[function].traps.iter().map(|trap| trap.code).collect();
        codes.sort_by_key(|code| *code as u8);
        codes.dedup();
        codes
    };
    assert_eq!(codes(0), [TrapCode::Unreachable]);
    assert_eq!(codes(1), [TrapCode::NullReference, TrapCode::StackOverflow]);
    let indirect = [
        TrapCode::UndefinedElement,
        TrapCode::UninitializedElement,
        TrapCode::IndirectCallTypeMismatch,
        TrapCode::StackOverflow,
    ];
    assert_eq!(codes(2), indirect);
}

#[test]
fn small_leaves_do_not_look_at_the_stack() {
    let wat = "(module (func (param i32) (result i32) (local.get 0)) (func (call 0 (i32.const 1)) (drop)))";
    assert!(!clif(wat, 0, CodeOptions::default()).contains("stack_limit"));
    assert!(clif(wat, 1, CodeOptions::default()).contains("stack_limit"));
}

#[test]
fn a_table_that_cannot_grow_is_reached_with_one_load() {
    let layout = VmCtxLayout::new(VmCtxCounts { tables: 1, ..VmCtxCounts::default() });
    let (first, def) = (layout.table_base(TableIdx(0)), layout.table(TableIdx(0)));
    for (max, offset, other) in [("5", first, def), ("6", def, first)] {
        let wat = format!(
            "(module (type $f (func)) (table (export \"t\") 5 {max} funcref)
              (func (param i32) (call_indirect (type $f) (local.get 0))))"
        );
        let clif = clif(&wat, 0, CodeOptions::default());
        let loads = |offset: u32| clif.contains(&format!(" v0+{offset}\n"));
        assert!(loads(offset) && !loads(other), "{clif}");
    }
}

/// What is made of a call through a table, in a module with more definitions.
fn call_through_a_table(definitions: &str, index: &str) -> String {
    let wat = format!(
        "(module (type $f (func (result i32))) (type $g (func)) (import \"m\" \"f\" (func $i (type $f))) (import \"m\" \"at\" (global $at i32))
          (func $call (result i32) (call_indirect (type $f) {index}))
          (func $f (type $f) (i32.const 1)) (func $g (type $g))
          {definitions})"
    );
    clif(&wat, 0, CodeOptions::default())
}

/// Whether code compares types, takes the instance from the reference, and reads the length of the table.
fn looks_at(clif: &str) -> (bool, bool, bool) {
    let layout = VmCtxLayout::new(VmCtxCounts {
        imported_funcs: 1,
        memories: 1,
        tables: 1,
        ..VmCtxCounts::default()
    });
    let type_ids = core::mem::offset_of!(riser_abi::VmCtx, type_ids);
    let caller = core::mem::offset_of!(riser_abi::VmRuntime, caller);
    let def = layout.table(TableIdx(0));
    let has = |text: String| clif.contains(&text);
    (
        has(format!("v0+{type_ids}\n")),
        clif.lines().any(|line| line.contains("store") && line.ends_with(&format!("+{caller}"))),
        has(format!("v0+{def}\n")),
    )
}

#[test]
fn a_table_that_nobody_writes_is_known() {
    let same = "(table 4 funcref) (elem (i32.const 1) func $f $call)";
    let at = "(i32.load (i32.const 0))";
    let with = |definitions: &str| format!("(memory 1) {definitions}");
    let clif = call_through_a_table(&with(same), at);
    assert_eq!(looks_at(&clif), (false, false, false), "{clif}");
    let mixed = "(table 4 funcref) (elem (i32.const 1) func $f $g)";
    let clif = call_through_a_table(&with(mixed), at);
    assert_eq!(looks_at(&clif), (true, false, false), "{clif}");
    let foreign = "(table 4 funcref) (elem (i32.const 1) func $f $i)";
    let clif = call_through_a_table(&with(foreign), at);
    assert_eq!(looks_at(&clif), (false, true, false), "{clif}");
}

#[test]
fn a_table_that_somebody_may_write_is_not() {
    let table = "(table 4 funcref) (elem (i32.const 1) func $f $call)";
    for writer in [
        "(export \"t\" (table 0))",
        "(func (table.set 0 (i32.const 0) (ref.null func)))",
        "(func (drop (table.grow 0 (ref.null func) (i32.const 1))))",
        "(func (table.fill 0 (i32.const 0) (ref.null func) (i32.const 1)))",
        "(func (table.copy 0 0 (i32.const 0) (i32.const 1) (i32.const 1)))",
        "(elem $e func $g) (func (table.init 0 $e (i32.const 0) (i32.const 0) (i32.const 1)))",
        // Where control never comes counts as well.
        "(func (unreachable) (table.set 0 (i32.const 0) (ref.null func)))",
    ] {
        let definitions = format!("(memory 1) {table} {writer}");
        let clif = call_through_a_table(&definitions, "(i32.load (i32.const 0))");
        assert_eq!(looks_at(&clif), (true, true, true), "{writer}: {clif}");
    }
}

#[test]
fn an_element_that_is_known_is_called_like_its_function() {
    let calls = |definitions: &str, index: &str| {
        let clif = call_through_a_table(definitions, index);
        let code = core::mem::offset_of!(riser_abi::VmCtx, code);
        clif.contains(&format!("v0+{code}\n"))
    };
    let table = "(table 4 funcref) (elem (i32.const 1) func $f $g) (elem (i32.const 3) func $f)";
    assert!(calls(table, "(i32.const 1)") && calls(table, "(i32.const 3)"));
    for elsewhere in ["(i32.const 0)", "(i32.const 2)", "(i32.const 4)", "(i32.const -1)"] {
        assert!(!calls(table, elsewhere), "{elsewhere}");
    }
    // The later segment may be anywhere.
    let moved = "(table 4 funcref) (elem (i32.const 1) func $f)
      (elem (global.get $at) func $g)";
    assert!(!calls(moved, "(i32.const 1)"));
}

#[test]
fn a_function_that_calls_itself_needs_no_table() {
    let wat = "(module (func $f (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
        (if (i32.eqz (call $f (i32.sub (local.get 0) (i32.const 1)))) (then (return (i32.const 2))))
        (return_call $f (i32.const 3)))
      (func (result i32) (call $f (i32.const 1))))";
    let clif_of = |func| clif(wat, func, CodeOptions::default());
    let itself = clif_of(0);
    assert!(itself.contains("call fn0") && itself.contains("return_call fn0"), "{itself}");
    assert!(!itself.contains("call_indirect sig0") && !clif_of(1).contains(" fn0"));
    everywhere(wat);
}

#[test]
fn own_globals_are_in_the_block_of_the_instance() {
    let counts = VmCtxCounts { globals: 3, imported_globals: 1, ..VmCtxCounts::default() };
    let layout = VmCtxLayout::new(counts);
    let wat = "(module (import \"m\" \"g\" (global i32)) (global (mut i32) (i32.const 1)) (global i64 (i64.const 2))
      (func (result i32) (global.get 0)) (func (param i32) (global.set 1 (local.get 0)))
      (func (result i64) (global.get 2)))";
    let own = |at| layout.own_global(riser_ops::GlobalIdx(at)).unwrap();
    let has = |func, text: String| clif(wat, func, CodeOptions::default()).contains(&text);
    assert!(has(0, format!("v0+{}\n", layout.global(riser_ops::GlobalIdx(0)))));
    assert!(has(1, format!("v0+{}\n", own(1))) && has(2, format!("v0+{}\n", own(2))));
}

#[test]
fn fuel_is_paid_before_what_can_be_seen() {
    let options = CodeOptions { fuel: true, ..CodeOptions::default() };
    let wat = "(module (func (param i32) (result i32)
      (local.set 0 (i32.const 2)) (drop (i32.const 3)) (call 0 (local.get 0))))";
    let text = clif(wat, 0, options);
    // Two constants, `local.set`, `local.get` and the call; the end costs nothing.
    let paid: Vec<&str> = text.lines().filter(|line| line.contains("user17")).collect();
    assert_eq!(paid.len(), 1, "{text}");
    assert!(text.contains("iconst.i64 5"), "{text}");
}

#[test]
fn more_globals_memories_and_tables_than_cranelift_has_numbers_for() {
    let (mut fields, mut body) = (String::new(), String::new());
    for at in 0..70_000 {
        fields += &format!("(global $g{at} (mut i64) (i64.const 0))");
        body += &format!("(global.set $g{at} (global.get $g{at}))");
    }
    for at in 0..100 {
        fields += &format!("(memory $m{at} 1)");
        body += &format!(
            "(i32.store $m{at} (i32.const 0) (i32.load8_s $m{at} offset=70000000 (i32.const 1)))
             (v128.store $m{at} (i32.const 0) (v128.load $m{at} (i32.const 1)))
             (drop (memory.grow $m{at} (i32.const 1)))
             (drop (i32.atomic.rmw.add $m{at} (i32.const 0) (memory.size $m{at})))"
        );
    }
    for at in 0..20_000 {
        fields += &format!("(table $t{at} 1 funcref)");
        body += &format!(
            "(call_indirect $t{at} (i32.const 0)) (table.set $t{at} (i32.const 0) (table.get $t{at} (i32.const 1)))"
        );
    }
    host(&format!("(module {fields} (func {body}))"));
}

/// A ladder of branches, so deep that it is compiled with little effort: all kinds of values and calls work there too.
#[test]
fn deep_ladders_with_everything() {
    const DEPTH: usize = 1_600;
    let head = (0..DEPTH).map(|_| "block ").collect::<String>();
    let branches = (0..DEPTH)
        .map(|n| format!("local.get 0 i32.const {n} i32.eq br_if {n} "))
        .collect::<String>();
    let bodies = [
        "local.get 1 i64.const 3 i64.div_s local.set 1 ",
        "local.get 2 call $reference local.set 2 ",
        "local.get 0 call $many drop drop drop i32.trunc_f64_s local.set 0 ",
        "local.get 3 local.get 3 i8x16.shuffle 0 17 2 3 4 5 6 7 8 9 10 11 12 13 14 15 local.set 3 ",
        "block (result exnref) try_table (catch_all_ref 0) local.get 0 call $throw end ref.null exn end drop ",
        "local.get 0 i32.load offset=8 local.get 0 i32.atomic.rmw.add offset=4 drop ",
        "local.get 1 local.get 1 i64.mul_wide_s i64.add local.set 1 ",
        "local.get 0 local.get 0 local.get 0 memory.copy local.get 0 ref.i31 drop ",
        "local.get 0 i32.const 0 call_indirect (param i32) ",
    ];
    let ends = (0..DEPTH).map(|n| format!("end {}", bodies[n % bodies.len()])).collect::<String>();
    everywhere(&format!(
        r#"(module (memory 1) (tag $tag) (table 1 funcref)
          (func $reference (param externref) (result externref) (local.get 0))
          (func $many (param i32) (result f64 i64 v128 externref) unreachable)
          (func $throw (param i32) (throw $tag))
          (func (param i32 i64 externref v128) (result i32 v128 i64 externref)
            {head} {branches} {ends} local.get 0 local.get 3 local.get 1 local.get 2))"#
    ));
}
