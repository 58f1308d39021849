//! Functions for which compilers have ways of their own, since they are large, give the same in every way to run.

use riser::{Config, Engine, Instance, Module, Result, Store, Strategy};

/// Calls `f` with each argument, interpreted and compiled, and compares the results with what is expected.
fn check(wat: &str, args: impl Iterator<Item = i32> + Clone, expected: impl Fn(i32) -> i32) {
    let run = |strategy: Option<Strategy>, stress: bool| -> Result<()> {
        let mut config = Config::new();
        config.gc_stress(stress).wasm_legacy_exceptions(true);
        if let Some(strategy) = strategy {
            config.strategy(strategy);
        }
        let engine = Engine::new(&config)?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &Module::new(&engine, wat)?, &[])?;
        let f = instance.get_typed_func::<i32, i32>(&mut store, "f")?;
        for arg in args.clone() {
            assert_eq!(f.call(&mut store, arg)?, expected(arg), "{arg} {strategy:?} {stress}");
        }
        Ok(())
    };
    for (strategy, stress) in [(Some(Strategy::Interpreter), false), (None, false), (None, true)] {
        run(strategy, stress).unwrap_or_else(|error| panic!("{strategy:?} {stress}: {error:?}"));
    }
}

const TAGS: i32 = 150;

/// Tags with a number each, and a function that throws the one that its parameter says, which has the parameter and an object.
fn tags() -> String {
    let mut text = "(type $object (struct (field i32)))".to_string();
    let mut cases = "(unreachable)".to_string();
    for tag in 0..TAGS {
        text += &format!("(tag $t{tag} (param i32 (ref $object)))");
        cases = format!(
            "(block $c{tag} {cases}) (throw $t{tag} (local.get 0) (struct.new $object (i32.const {tag})))"
        );
    }
    // The innermost block is that of the first tag.
    let labels: String = (0..TAGS).map(|tag| format!(" $c{tag}")).collect();
    let cases = cases.replacen("(unreachable)", &format!("(br_table {labels} (local.get 0))"), 1);
    text + &format!("(func $throw (param i32) {cases})")
}

/// What a handler gives for a tag: it looks at everything that it got.
fn handled(tag: i32) -> String {
    format!(
        "(struct.get $object 0) (i32.mul (i32.const 1000)) (i32.add) (i32.add (i32.const {tag}))"
    )
}

#[test]
fn one_table_with_many_clauses() {
    let clauses: String = (0..TAGS).map(|tag| format!("(catch $t{tag} $h{tag})")).collect();
    let mut body =
        format!("(try_table {clauses} (call $throw (local.get 0))) (return (i32.const -1))");
    for tag in 0..TAGS {
        body =
            format!("(block $h{tag} (result i32 (ref $object)) {body}) {} (return)", handled(tag));
    }
    let wat = format!(r#"(module {} (func (export "f") (param i32) (result i32) {body}))"#, tags());
    check(&wat, 0..TAGS, |tag| 1002 * tag);
}

#[test]
fn many_tables_inside_each_other() {
    let mut body = "(call $throw (local.get 0)) (return (i32.const -1))".to_string();
    for tag in 0..TAGS {
        // Locals and operands outlive the way through all handlers.
        body = format!(
            "(i32.const 7) (local.set $kept (struct.new $object (i32.const 5)))
             (block $h{tag} (result i32 (ref $object))
               (try_table (catch $t{tag} $h{tag}) {body} (unreachable)) (unreachable))
             {} (i32.add) (i32.add (struct.get $object 0 (local.get $kept))) (return)",
            handled(tag)
        );
    }
    let wat = format!(
        r#"(module {} (func (export "f") (param i32) (result i32) (local $kept (ref null $object)) {body}))"#,
        tags()
    );
    check(&wat, 0..TAGS, |tag| 1002 * tag + 12);
}

#[test]
fn many_legacy_handlers() {
    let mut body = "local.get 0 call $throw i32.const -1 return".to_string();
    for tag in 0..TAGS {
        let handled = "struct.get $object 0 i32.const 1000 i32.mul i32.add";
        body = format!("try {body} catch $t{tag} {handled} i32.const {tag} i32.add return end");
        if tag % 3 == 0 {
            body = format!("try {body} delegate 0");
        }
        if tag % 5 == 0 {
            body = format!("try {body} catch_all rethrow 0 end");
        }
    }
    let wat = format!(
        r#"(module {} (func (export "f") (param i32) (result i32) {body} unreachable))"#,
        tags()
    );
    check(&wat, 0..TAGS, |tag| 1002 * tag);
}

#[test]
fn more_locals_and_blocks_than_the_compiler_has_variables_for() {
    const LOCALS: usize = 5000;
    // A number generator, in the locals of a guest and here.
    let mut body = String::new();
    let steps = 12_000;
    for at in 0..steps {
        let (from, to) = (at * 7919 % LOCALS, at * 104_729 % LOCALS);
        body += &format!(
            "local.get $x i32.const {at} i32.xor i32.const 3 i32.and
             if local.get $x local.get {from} i32.add i32.const {at} i32.add local.tee $x local.set {to} end "
        );
    }
    let locals = "i32 ".repeat(LOCALS - 1);
    let wat = format!(
        r#"(module (type $object (struct (field i32)))
          (func (export "f") (param i32) (result i32)
            (local {locals}) (local $x i32) (local $v v128) (local $kept (ref null $object))
            local.get 0 local.set $x local.get $x struct.new $object local.set $kept
            local.get $x i32x4.splat local.set $v
            {body} local.get $x
            local.get $kept struct.get $object 0 i32.add
            local.get $v i32x4.extract_lane 3 i32.add))"#
    );
    let expected = |arg: i32| {
        let mut locals = vec![0_i32; LOCALS];
        locals[0] = arg;
        let mut x = arg;
        for at in 0..steps {
            let (from, to) = (at * 7919 % LOCALS, at * 104_729 % LOCALS);
            if (x ^ at as i32) & 3 != 0 {
                x = x.wrapping_add(locals[from]).wrapping_add(at as i32);
                locals[to] = x;
            }
        }
        x.wrapping_add(arg).wrapping_add(arg)
    };
    check(&wat, [0, 1, -5, 123_456_789].into_iter(), expected);
}

#[test]
fn a_thousand_parameters_and_results_through_all_calls() {
    let types = ["i32", "i64", "f32", "f64", "v128", "(ref null $object)"];
    let row: Vec<&str> = types.into_iter().cycle().take(1000).collect();
    let row = row.join(" ");
    let gets: String = (0..1000).map(|at| format!("(local.get {at})")).collect();
    let values =
        "(local.get 0) (i64.const 2) (f32.const 3) (f64.const 4) (v128.const i32x4 5 0 0 0)
        (struct.new $object (i32.const 6)) ";
    let values = values.repeat(166) + "(local.get 0) (i64.const 2) (f32.const 3) (f64.const 4)";
    let mut sum = String::new();
    for at in (0..1000).rev() {
        sum += match types[at % 6] {
            "i32" => "local.get $sum i32.add local.set $sum ",
            "i64" => "i32.wrap_i64 local.get $sum i32.add local.set $sum ",
            "f32" => "i32.trunc_f32_s local.get $sum i32.add local.set $sum ",
            "f64" => "i32.trunc_f64_s local.get $sum i32.add local.set $sum ",
            "v128" => "i32x4.extract_lane 0 local.get $sum i32.add local.set $sum ",
            _ => "struct.get $object 0 local.get $sum i32.add local.set $sum ",
        };
    }
    let wat = format!(
        r#"(module (type $object (struct (field i32)))
          (type $f (func (param {row}) (result {row})))
          (table 1 funcref) (elem (i32.const 0) $last)
          (func $last (type $f) {gets})
          (func $direct (type $f) {gets} (return_call $last))
          (func $table (type $f) {gets} (return_call_indirect (type $f) (i32.const 0)))
          (func $block (type $f) {gets} (block (type $f) (br_if 0 (i32.const 1)) (call $table)))
          (func (export "f") (param i32) (result i32) (local $sum i32)
            {values} (call $direct) (call $block) (call_indirect (type $f) (i32.const 0)) (call $table)
            (ref.func $last) (call_ref $f) {sum} (local.get $sum)))"#
    );
    check(&wat, [0, 1, -4].into_iter(), |arg| 167 * (arg + 2 + 3 + 4) + 166 * (5 + 6));
}
