//! Tests of the interpreter alone, on instances built by hand. The official suite runs in `riser`.

extern crate std;

use super::harness::{Import, Store};
use crate::{ExitReason, FrameInfo, InterpOptions, call, frames};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};
use riser_abi::{Slot, Status, VmCtx};
use riser_ops::{AccessKind, AccessOp, SimpleImmediate, SimpleOp, TrapCode, ValType};

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("valid text")
}

/// What the function `f` of a module gives for the arguments.
fn run(text: &str, args: &[Slot]) -> Result<Vec<Slot>, ExitReason> {
    let mut store = Store::new(1 << 16);
    let instance = store.instantiate(&wasm(text), &[]);
    store.call(instance, "f", args).map_err(|exit| exit.reason)
}

/// The same for a function whose only result is an `i32` or `i64`.
fn value(text: &str, args: &[Slot]) -> Result<Slot, ExitReason> {
    run(text, args).map(|slots| slots[0])
}

fn trap(code: TrapCode) -> Result<Slot, ExitReason> {
    Err(ExitReason::Trap(code))
}

/// Runs `work` on a thread with a small stack, which an interpreter whose handlers do not return would use
/// up soon.
fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(128 << 10);
    thread.spawn(work).expect("a thread").join().expect("no panic");
}

#[test]
fn kernels_compute_their_checksums() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bench/kernels");
    let list = std::fs::read_to_string(format!("{folder}/kernels.txt")).expect("the list");
    let mut count = 0;
    for line in list.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let name = words.next().expect("a name");
        let arg: i32 = words.nth(2).expect("an argument").parse().expect("a number");
        let expected: i64 = words.next().expect("a checksum").parse().expect("a number");
        let bytes = std::fs::read(format!("{folder}/{name}.wasm")).expect("a kernel");
        let mut store = Store::new(1 << 17);
        let instance = store.instantiate(&bytes, &[]);
        let sum = store.value(instance, "run", &[arg as u32 as u64]);
        assert_eq!(sum, Ok(expected as u64), "{name}");
        count += 1;
    }
    assert_eq!(count, 16);
}

/// A loop that executes `body` (which leaves nothing) 20,000 times.
fn repeated(body: &str) -> String {
    format!(
        "(module (memory 1) (func (export \"f\") (local $n i32)
           (local.set $n (i32.const 20000))
           (loop $again {body}
             (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"
    )
}

/// A constant that no operator traps on, other than as a divisor's quotient overflowing.
fn constant(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "(i32.const 8)",
        ValType::I64 => "(i64.const 8)",
        ValType::F32 => "(f32.const 1.5)",
        ValType::F64 => "(f64.const 1.5)",
        _ => "(v128.const i64x2 8 8)",
    }
}

#[test]
fn no_instruction_uses_the_hosts_stack_up() {
    on_small_stack(|| {
        for row in SimpleOp::ROWS {
            let imm = match row.immediate {
                SimpleImmediate::None => "",
                SimpleImmediate::Lane(_) => "1",
                SimpleImmediate::Shuffle => "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31",
            };
            let operands: String = row.params.iter().map(|&ty| constant(ty)).collect();
            let drops = "(drop)".repeat(row.results.len());
            let body = format!("{operands} ({} {imm}) {drops}", row.mnemonic);
            assert_eq!(run(&repeated(&body), &[]), Ok(Vec::new()), "{}", row.mnemonic);
        }
        for row in AccessOp::ROWS.iter().filter(|row| row.kind != AccessKind::Wait) {
            let (operands, result) = row.signature();
            let operands: String = operands.iter().map(|&ty| constant(ty)).collect();
            let drop = if result.is_some() { "(drop)" } else { "" };
            let lane = if row.kind.has_lane() { "1" } else { "" };
            let body = format!("(i32.const 16) {operands} ({} {lane}) {drop}", row.mnemonic);
            assert_eq!(run(&repeated(&body), &[]), Ok(Vec::new()), "{}", row.mnemonic);
        }
    });
}

#[test]
fn calls_use_no_host_stack() {
    let text = r#"(module
        (type $t (func (param i32) (result i32)))
        (table 1 funcref) (elem (i32.const 0) $down)
        (func $down (param i32) (result i32)
          (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 7))
            (else (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))))
        (func (export "f") (param i32) (result i32) (call $down (local.get 0))))"#;
    on_small_stack(move || {
        assert_eq!(value(text, &[5000]), Ok(7));
        assert_eq!(value(text, &[1 << 30]), trap(TrapCode::StackOverflow));
    });
}

/// Gives its argument back.
unsafe extern "C" fn same(_: *mut VmCtx, _: *mut VmCtx, _: *mut Slot) -> Status {
    Status::OK
}

#[test]
fn no_call_uses_the_hosts_stack_up() {
    let other = r#"(module (type $t (func (param i32) (result i32)))
        (import "" "back" (func $back (param i32) (result i32)))
        (func (export "same") (param i32) (result i32) (local.get 0))
        (func (export "tail") (param i32) (result i32) (return_call $back (local.get 0))))"#;
    let text = r#"(module (type $t (func (param i32) (result i32)))
        (import "" "host" (func $host (param i32) (result i32)))
        (import "" "other" (func $other (param i32) (result i32)))
        (import "" "tail" (func $tail (param i32) (result i32)))
        (table funcref (elem $host $other $tail $own))
        (memory 1 2)
        (func $own (param i32) (result i32) (return_call $host (local.get 0)))
        (func (export "f") (local $n i32)
          (local.set $n (i32.const 100000))
          (loop $again
            (drop (call_indirect (type $t) (local.get $n) (i32.const 0)))
            (drop (call_indirect (type $t) (local.get $n) (i32.const 1)))
            (drop (call_indirect (type $t) (local.get $n) (i32.const 2)))
            (drop (call_indirect (type $t) (local.get $n) (i32.const 3)))
            (drop (call $host (local.get $n))) (drop (call $other (local.get $n)))
            (drop (call $tail (local.get $n))) (drop (call $own (local.get $n)))
            (drop (call_ref $t (local.get $n) (ref.func $other)))
            (drop (memory.grow (i32.const 0))) (memory.fill (i32.const 0) (i32.const 0) (i32.const 1))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#;
    on_small_stack(move || {
        let mut store = Store::new(1 << 12);
        let other = store.instantiate(&wasm(other), &[Import::Host(same)]);
        let [plain, tail] = ["same", "tail"].map(|name| Import::Func(store.export(other, name)));
        let instance = store.instantiate(&wasm(text), &[Import::Host(same), plain, tail]);
        assert!(store.call(instance, "f", &[]).is_ok());
    });
}

#[test]
fn tail_calls_run_in_constant_stack() {
    let text = r#"(module
        (type $t (func (param i32 i64) (result i64)))
        (table 1 funcref) (elem (i32.const 0) $a)
        (func $a (param i32 i64) (result i64)
          (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
          (return_call $b (i64.add (local.get 1) (i64.const 1)) (i32.sub (local.get 0) (i32.const 1))))
        (func $b (param i64 i32) (result i64)
          (return_call_indirect (type $t) (local.get 1) (local.get 0) (i32.const 0)))
        (func (export "f") (param i32) (result i64)
          (return_call_ref $t (local.get 0) (i64.const 0) (ref.func $a))))"#;
    assert_eq!(value(text, &[1_000_000]), Ok(1_000_000));
}

#[test]
fn a_deep_stack_overflows_with_a_short_backtrace() {
    let text = r#"(module
        (func $deep (export "f") (param i32) (result i32)
          (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1))))"#;
    let mut store = Store::new(1 << 16);
    let instance = store.instantiate(&wasm(text), &[]);
    let exit = store.call(instance, "f", &[0]).expect_err("no end");
    assert_eq!(exit.reason, ExitReason::Trap(TrapCode::StackOverflow));
    assert_eq!((exit.frames.innermost().len(), exit.frames.outermost().count()), (32, 32));
    assert!(exit.frames.omitted() > 1000, "{}", exit.frames.omitted());
    // The store is usable after it.
    assert!(store.call(instance, "f", &[0]).is_err());
    assert_eq!(store.runtime.stack_top, store.runtime.stack_base);
}

#[test]
fn virtual_operands_keep_the_value_that_they_had() {
    let text = r#"(module (func (export "f") (param i32 i32) (result i32)
        (local.get 0)                                  ;; before
        (local.set 0 (i32.add (local.get 0) (i32.const 1)))
        (local.get 0)                                  ;; after
        (local.set 0 (local.get 1))
        (local.set 1 (i32.const 100))
        (local.get 0) (local.get 1)
        (i32.mul) (i32.sub) (i32.add)))"#;
    // x + ((x + 1) - y * 100)
    assert_eq!(value(text, &[7, 2]), Ok((7 + 8 - 200_i32) as u32 as u64));
}

#[test]
fn virtual_operands_survive_blocks_and_loops() {
    let text = r#"(module (func (export "f") (param i32) (result i32) (local i32)
        (local.set 1 (i32.const 3))
        (local.get 1)
        (block (br_if 0 (local.get 0)) (local.set 1 (i32.const 50)))
        (local.get 1)
        (loop (local.set 1 (i32.add (local.get 1) (i32.const 1)))
              (br_if 0 (i32.lt_s (local.get 1) (i32.const 60))))
        (i32.add) (i32.mul (local.get 1))))"#;
    assert_eq!(value(text, &[0]), Ok((3 + 50) * 60));
    assert_eq!(value(text, &[1]), Ok((3 + 3) * 60));
}

#[test]
fn tee_then_block_reads_the_new_value() {
    let text = r#"(module (func (export "f") (param i32) (result i32)
        (local.tee 0 (i32.add (local.get 0) (i32.const 5)))
        (block (br_if 0 (i32.const 1)) (unreachable))
        (local.set 0 (i32.const 1000))
        (i32.add (local.get 0))))"#;
    assert_eq!(value(text, &[2]), Ok(1007));
}

#[test]
fn branches_carry_values() {
    let text = r#"(module (func (export "f") (param i32) (result i32 i64)
        (block $a (result i32 i64)
          (block $b (result i32 i64)
            (block $c (result i32 i64)
              (i32.const 10) (i64.const 20)
              (br_table $a $b $c (local.get 0)))
            (drop) (i64.const 3) (br $a))
          (drop) (i64.const 2))))"#;
    assert_eq!(run(text, &[0]), Ok([10, 20].into()));
    assert_eq!(run(text, &[1]), Ok([10, 2].into()));
    assert_eq!(run(text, &[9]), Ok([10, 3].into()));
}

#[test]
fn loops_and_ifs_take_parameters() {
    let text = r#"(module (func (export "f") (param i32) (result i64)
        (i64.const 1) (local.get 0)
        (loop (param i64 i32) (result i64)
          (if (param i64) (result i64)
            (then (i64.mul (i64.const 3)) (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                  (local.get 0) (br 1))
            (else (i64.add (i64.const 1)))))))"#;
    assert_eq!(value(text, &[4]), Ok(82));
}

#[test]
fn results_that_are_locals_do_not_overwrite_each_other() {
    let text = r#"(module (func (export "f") (param i32 i64 f32) (result f32 i32 i64 i32)
        (local.get 2) (local.get 0) (local.get 1) (local.get 0)))"#;
    assert_eq!(run(text, &[1, 2, 3]), Ok([3, 1, 2, 1].into()));
}

#[test]
fn branches_with_many_values_take_little_code() {
    let (types, ones) = ("i32 ".repeat(500), "(i32.const 1) ".repeat(500));
    let branches = "(br_if 0 (local.get 0)) (br_if 1 (local.get 0)) ".repeat(1000);
    let text = format!(
        "(module (func (export \"f\") (param i32) (result {types})
           (i32.const 7)
           (block (result {types})
             (i32.const 8) (block (result {types}) {ones} {branches}) (br 0))
           (return)))"
    );
    let mut store = Store::new(1 << 14);
    let instance = store.instantiate(&wasm(&text), &[]);
    for arg in [0, 1] {
        assert_eq!(store.call(instance, "f", &[arg]).expect("no trap"), [1; 500]);
    }
    let interp = &store.instances[instance].interp;
    assert!(interp.code_bytes() < 100_000, "{}", interp.code_bytes());
}

/// Quadratic work would take minutes here.
#[test]
fn deep_operand_stacks_are_lowered_at_once() {
    let gets = "(local.get 0) (local.get 1) ".repeat(50_000);
    let sets = "(local.set 1 (i32.add (local.get 0) (local.get 1))) (block) ".repeat(50_000);
    let adds = "(i32.add) ".repeat(100_000);
    let blocks = ("(block ".repeat(50_000), ")".repeat(50_000));
    let text = format!(
        "(module (func (export \"f\") (param i32 i32) (result i32) {gets} {sets} {} {} (local.get 1) {adds}))",
        blocks.0, blocks.1
    );
    let module = wat::parse_str(text).expect("valid text");
    let mut store = Store::new(1 << 18);
    let instance = store.instantiate(&module, &[]);
    // 50,000 times 1 and 50,000 times 10; then the second local has grown by the first 50,000 times.
    assert_eq!(store.value(instance, "f", &[1, 10]), Ok(50_000 * 11 + 50_010));
}

#[test]
fn accesses_check_bounds_without_wrapping() {
    let module = |body: &str| {
        format!("(module (memory 1) (func (export \"f\") (param i32) (result i32) {body}))")
    };
    let load = module("(i32.load (local.get 0))");
    assert_eq!(value(&load, &[0xFFFC]), Ok(0));
    assert_eq!(value(&load, &[0xFFFD]), trap(TrapCode::MemoryOutOfBounds));
    assert_eq!(value(&load, &[0xFFFF_FFFF]), trap(TrapCode::MemoryOutOfBounds));
    let load = module("(i32.load offset=4294967295 (local.get 0))");
    assert_eq!(value(&load, &[1]), trap(TrapCode::MemoryOutOfBounds));
    let load = module("(i32.load8_u offset=65535 (i32.const 0))");
    assert_eq!(value(&load, &[0]), Ok(0));
    let load = module("(i32.load8_u offset=65535 (i32.const 1))");
    assert_eq!(value(&load, &[0]), trap(TrapCode::MemoryOutOfBounds));
    let load = module("(i32.load offset=4294967290 (i32.const 100))");
    assert_eq!(value(&load, &[0]), trap(TrapCode::MemoryOutOfBounds));
    let load64 = r#"(module (memory i64 1) (func (export "f") (param i64) (result i32)
        (i32.load8_u offset=18446744073709551615 (local.get 0))))"#;
    assert_eq!(value(load64, &[1]), trap(TrapCode::MemoryOutOfBounds));
}

#[test]
fn stores_and_loads_of_every_width_agree() {
    let text = r#"(module (memory $m 1) (memory $n i64 1)
      (func (export "f") (param i32 i64) (result i64)
        (i64.store offset=8 (local.get 0) (local.get 1))
        (i32.store8 $n (i64.const 3) (i32.load8_s offset=8 (local.get 0)))
        (i64.store32 (i32.const 0) (i64.add (i64.load16_u offset=10 (local.get 0)) (i64.const 1)))
        (i64.add (i64.load8_u $n offset=2 (i64.const 1)) (i64.shl (i64.load (i32.const 0)) (i64.const 8)))))"#;
    assert_eq!(value(text, &[100, 0x1234_5678_9ABC_DEF0]), Ok(0x9A_BDF0));
}

#[test]
fn memory_grows_under_the_interpreter() {
    let text = r#"(module (memory 1 3)
      (func $grow (result i32) (memory.grow (i32.const 1)))
      (func (export "f") (result i32)
        (i32.add (i32.mul (call $grow) (i32.const 1000)) (call $grow))
        (i32.store (i32.const 131072) (i32.const 5))
        (i32.add (i32.mul (i32.const 100) (memory.size)))
        (i32.add (i32.load (i32.const 131072)))
        (i32.add (i32.mul (i32.const 7) (memory.grow (i32.const 1))))))"#;
    assert_eq!(value(text, &[]), Ok(1000 + 2 + 300 + 5 - 7));
}

#[test]
fn indirect_calls_check_index_null_and_type() {
    let text = r#"(module
        (type $a (func (result i32))) (type $b (func (result i64)))
        (table 3 funcref) (elem (i32.const 0) $one $two)
        (func $one (result i32) (i32.const 1)) (func $two (result i64) (i64.const 2))
        (func (export "f") (param i32) (result i32) (call_indirect (type $a) (local.get 0))))"#;
    assert_eq!(value(text, &[0]), Ok(1));
    assert_eq!(value(text, &[1]), trap(TrapCode::IndirectCallTypeMismatch));
    assert_eq!(value(text, &[2]), trap(TrapCode::UninitializedElement));
    assert_eq!(value(text, &[3]), trap(TrapCode::UndefinedElement));
    assert_eq!(value(text, &[0xFFFF_FFFF]), trap(TrapCode::UndefinedElement));
}

#[test]
fn indirect_calls_accept_subtypes() {
    let text = r#"(module
        (type $a (sub (func (result i32)))) (type $b (sub $a (func (result i32))))
        (table 1 funcref) (elem (i32.const 0) $one)
        (func $one (type $b) (i32.const 1))
        (func (export "f") (param i32) (result i32) (call_indirect (type $a) (local.get 0))))"#;
    assert_eq!(value(text, &[0]), Ok(1));
}

#[test]
fn frames_beyond_sixteen_bits_work() {
    // 40,000 vectors take 80,000 slots: the last locals and all operands are far.
    let vectors: String = "v128 ".repeat(40_000);
    let text = format!(
        r#"(module
        (memory 1)
        (func $add (param i32 i64 v128 i32) (result i32 i64)
          (i32.add (local.get 0) (local.get 3))
          (i64.add (local.get 1) (i64x2.extract_lane 1 (local.get 2))))
        (func $far (param $p i32) (param $q i64) (result i32 i64) (local {vectors}) (local $x i32) (local $v v128)
          (local.set $x (i32.add (local.get $p) (i32.const 1)))
          (local.set $v (i64x2.replace_lane 1 (v128.const i64x2 5 6) (local.get $q)))
          (i32.store (i32.const 8) (local.get $x))
          (if (i32.lt_s (local.get $x) (i32.const 3)) (then (local.set $x (i32.load (i32.const 8)))))
          (call $add (local.get $x) (i64.const 1000) (local.get $v) (select (local.get $x) (i32.const 9) (local.get $p)))
          (i64.add (i64.const 1)))
        (func (export "f") (param i32 i64) (result i32 i64) (call $far (local.get 0) (local.get 1))))"#
    );
    let mut store = Store::new(1 << 18);
    let instance = store.instantiate(&wasm(&text), &[]);
    let result = store.call(instance, "f", &[41, 7]).expect("no trap");
    assert_eq!(result, [84, 1008]);
    // With a smaller stack the frame does not fit.
    let mut store = Store::new(1 << 16);
    let instance = store.instantiate(&wasm(&text), &[]);
    let exit = store.call(instance, "f", &[41, 7]).expect_err("no room");
    assert_eq!(exit.reason, ExitReason::Trap(TrapCode::StackOverflow));
}

#[test]
fn nans_become_canonical_on_demand() {
    let text = r#"(module (func (export "f") (param f64 f32) (result f64 f32)
        (f64.add (local.get 0) (f64.const 1)) (f32.mul (local.get 1) (f32.const 1))))"#;
    let mut store = Store::new(1 << 12);
    let options = InterpOptions { canonicalize_nans: true, ..InterpOptions::default() };
    let instance = store.instantiate_with(&wasm(text), &[], options);
    let args = [0xFFF8_0000_0000_1234, 0xFFC1_2345];
    let result = store.call(instance, "f", &args).expect("no trap");
    assert_eq!((result[0], result[1] as u32), (0x7FF8_0000_0000_0000, 0x7FC0_0000));
}

/// Doubles its argument.
unsafe extern "C" fn double(_: *mut VmCtx, _: *mut VmCtx, slots: *mut Slot) -> Status {
    // SAFETY: one parameter, one result.
    unsafe { *slots = u64::from((*slots as u32).wrapping_mul(2)) };
    Status::OK
}

/// Fails.
unsafe extern "C" fn fail(_: *mut VmCtx, _: *mut VmCtx, _: *mut Slot) -> Status {
    Status::HOST_ERROR
}

/// Traps.
unsafe extern "C" fn divide(_: *mut VmCtx, _: *mut VmCtx, _: *mut Slot) -> Status {
    Status::trap(TrapCode::IntegerDivideByZero)
}

#[test]
fn host_functions_are_called_and_may_fail() {
    let text = r#"(module
        (import "" "double" (func $double (param i32) (result i32)))
        (import "" "fail" (func $fail)) (import "" "trap" (func $trap))
        (func (export "f") (param i32) (result i32)
          (if (i32.eq (local.get 0) (i32.const 1)) (then (call $fail)))
          (if (i32.eq (local.get 0) (i32.const 2)) (then (call $trap)))
          (i32.add (call $double (local.get 0)) (i32.const 1)))
        (func (export "tail") (param i32) (result i32) (return_call $double (local.get 0)))
        (func (export "via") (param i32) (result i32) (i32.add (call 4 (local.get 0)) (i32.const 3))))"#;
    let mut store = Store::new(1 << 12);
    let hosts = [Import::Host(double), Import::Host(fail), Import::Host(divide)];
    let instance = store.instantiate(&wasm(text), &hosts);
    assert_eq!(store.value(instance, "f", &[20]), Ok(41));
    assert_eq!(store.value(instance, "f", &[1]), Err(ExitReason::HostError));
    assert_eq!(store.value(instance, "f", &[2]), trap(TrapCode::IntegerDivideByZero));
    assert_eq!(store.value(instance, "tail", &[20]), Ok(40));
    assert_eq!(store.value(instance, "via", &[20]), Ok(43));
    assert_eq!(store.runtime.stack_top, store.runtime.stack_base);
}

/// How deep `reenter` calls itself.
static DEPTH: AtomicUsize = AtomicUsize::new(0);
/// How many frames it saw at the deepest point.
static SEEN: AtomicUsize = AtomicUsize::new(0);

/// Calls the export `f` of the caller's instance (which is the only one) again, ten times.
unsafe extern "C" fn reenter(_: *mut VmCtx, caller: *mut VmCtx, slots: *mut Slot) -> Status {
    // SAFETY: the caller is an instance whose defined function 0 has the type of this one.
    unsafe {
        let runtime = (*caller).runtime;
        if DEPTH.fetch_add(1, Ordering::Relaxed) == 10 {
            SEEN.store(frames(runtime).iter().count(), Ordering::Relaxed);
            return Status::OK;
        }
        let type_id = *(*caller).type_ids;
        let func = riser_abi::FuncRef { entry: (*caller).code, vmctx: caller, type_id, number: 0 };
        let mut args = [*slots + 1];
        if call(runtime, &func, &mut args).is_err() {
            return Status::HOST_ERROR;
        }
        *slots = args[0];
    }
    Status::OK
}

#[test]
fn host_functions_may_call_back() {
    let text = r#"(module
        (import "" "reenter" (func $reenter (param i32) (result i32)))
        (func (export "f") (param i32) (result i32) (local i32)
          (local.set 1 (local.get 0))
          (i32.add (local.get 1) (call $reenter (i32.add (local.get 0) (i32.const 100))))))"#;
    let mut store = Store::new(1 << 12);
    let instance = store.instantiate(&wasm(text), &[Import::Host(reenter)]);
    // f(x) = x + f(x + 101), and at depth 10 the host gives x + 100 back.
    let expected: u64 = (0..=10).map(|i| i * 101).sum::<u64>() + 10 * 101 + 100;
    assert_eq!(store.value(instance, "f", &[0]), Ok(expected));
    assert_eq!(SEEN.load(Ordering::Relaxed), 11);
    assert!(store.runtime.activation.is_null());
}

#[test]
fn calls_switch_instance_and_memory() {
    let library = r#"(module (memory 1) (data (i32.const 0) "\07")
        (func (export "get") (param i32) (result i32)
          (i32.add (i32.load8_u (i32.const 0)) (local.get 0)))
        (func (export "boom") (param i32) (result i32) (i32.load (i32.const -1))))"#;
    let user = r#"(module
        (import "" "get" (func $get (param i32) (result i32)))
        (import "" "boom" (func $boom (param i32) (result i32)))
        (memory 1) (data (i32.const 0) "\2a")
        (table funcref (elem $get $count))
        (type $t (func (param i32) (result i32)))
        (func (export "f") (param i32) (result i32)
          (i32.add (i32.mul (call $get (local.get 0)) (i32.const 1000)) (i32.load8_u (i32.const 0))))
        (func (export "indirect") (param i32) (result i32)
          (i32.add (call_indirect (type $t) (local.get 0) (i32.const 0)) (i32.load8_u (i32.const 0))))
        (func $count (export "count") (param i32) (result i32)
          (if (i32.eqz (local.get 0)) (then (return_call $get (i32.const 1))))
          (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
        (func (export "counted") (param i32) (result i32)
          (i32.add (call $count (local.get 0)) (i32.load8_u (i32.const 0))))
        (func (export "boom") (param i32) (result i32) (call $boom (local.get 0))))"#;
    let mut store = Store::new(1 << 12);
    let library = store.instantiate(&wasm(library), &[]);
    let imports = ["get", "boom"].map(|name| Import::Func(store.export(library, name)));
    let user = store.instantiate(&wasm(user), &imports);
    assert_eq!(store.value(user, "f", &[1]), Ok(8042));
    assert_eq!(store.value(user, "indirect", &[1]), Ok(8 + 42));
    assert_eq!(store.value(user, "counted", &[100_000]), Ok(8 + 42));
    let exit = store.call(user, "boom", &[1]).expect_err("out of bounds");
    let funcs: Vec<u32> = exit.frames.iter().map(|frame: &FrameInfo| frame.func).collect();
    assert_eq!(funcs, [1, 4]);
    assert_ne!(exit.frames.innermost()[0].vmctx, exit.frames.innermost()[1].vmctx);
}

#[test]
fn backtraces_lead_to_the_operators() {
    let text = r#"(module
        (func $inner (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
        (func (export "f") (param i32) (result i32)
          (i32.add (i32.const 5) (call $inner (local.get 0)))))"#;
    let bytes = wasm(text);
    let mut store = Store::new(1 << 12);
    let instance = store.instantiate(&bytes, &[]);
    let exit = store.call(instance, "f", &[0]).expect_err("division by zero");
    let interp = &store.instances[instance].interp;
    let opcodes: Vec<u8> = exit
        .frames
        .iter()
        .map(|frame| bytes[interp.wasm_offset(frame.func, frame.pc) as usize])
        .collect();
    assert_eq!(opcodes, [0x6E, 0x10], "i32.div_u, call");
}

#[test]
fn threads_lower_a_function_once() {
    let text = r#"(module (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))"#;
    let store = Store::new(1 << 12);
    let module = store.module(&wasm(text));
    let interp = crate::InterpModule::new(module, InterpOptions::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| interp.lower(0));
        }
    });
    let bytes = interp.code_bytes();
    interp.lower(0);
    assert_eq!(interp.code_bytes(), bytes);
    assert!(bytes > 0);
}
