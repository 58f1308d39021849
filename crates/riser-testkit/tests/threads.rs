//! Scripts with threads.

use riser::Config;
use riser_testkit::wast::run_script;

/// One thread sends a number, another one waits for it.
const SCRIPT: &str = r#"
(module $Mem (memory (export "shared") 1 1 shared) (global (export "g") i32 (i32.const 1)))
(thread $Receiver (shared (module $Mem))
    (register "mem" $Mem)
    (module
        (memory (import "mem" "shared") 1 1 shared)
        (func (export "receive") (result i32)
            (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
            (i32.load (i32.const 4))))
    (assert_return (invoke "receive") (i32.const 42))
    (assert_unlinkable (module (import "mem" "g" (global i32))) "unknown import")
)
(thread $Sender (shared (module $Mem))
    (register "mem" $Mem)
    (module
        (memory (import "mem" "shared") 1 10 shared)
        (func (export "send")
            (i32.store (i32.const 4) (i32.const 42))
            (i32.atomic.store (i32.const 0) (i32.const 1))
            (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))))
    (invoke "send")
)
(wait $Sender)
(wait $Receiver)
(module
    (memory (import "mem" "shared") 1 1 shared)
    (func (export "load") (result i32) (i32.load (i32.const 0))))
"#;

fn run(text: &str) -> riser_testkit::wast::Report {
    run_script("threads.wast", text, &Config::new())
}

#[test]
fn threads_meet_in_the_shared_memory_only() {
    // The last module needs a registration, which those of threads do not make for others.
    let report = run(SCRIPT);
    assert_eq!((report.parsed, report.passed), (13, 12), "{:?}", report.failures);
    assert!(report.failures[0].message.contains("unknown import"), "{:?}", report.failures);
    let registered = SCRIPT.replace("(wait $Sender)", "(register \"mem\" $Mem) (wait $Sender)");
    let report = run(&format!("{registered} (assert_return (invoke \"load\") (i32.const 1))"));
    assert!(report.is_success() && report.passed == 15, "{:?}", report.failures);
}

#[test]
fn failures_of_threads_are_the_scripts() {
    let text = r#"(module) (thread $T (module (func (export "f") (result i32) (i32.const 1)))
        (assert_return (invoke "f") (i32.const 2)))
        (wait $T) (wait $T)"#;
    let report = run(text);
    assert_eq!((report.parsed, report.failures.len()), (6, 2), "{:?}", report.failures);
    assert_eq!(report.failures[0].line, 2);
    assert!(report.failures[1].message.contains("no thread `T`"), "{:?}", report.failures);
    let report = run("(module) (thread $T (module))");
    assert!(report.failures[0].message.contains("nobody waits"), "{:?}", report.failures);
}
