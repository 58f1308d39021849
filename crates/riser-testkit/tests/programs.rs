//! Real programs, compiled by other people, do what they do elsewhere: one checked command each.
//!
//! `cargo xtask corpus` installs them, the largest only with `--all`; without them a test says that it was skipped. What
//! they print was compared with another runtime (wasmtime 49) when the test was written; what they write to files is
//! compared by its SHA-256, which one of our own guests computes.

mod common;

use std::path::Path;

use common::{Program, Scratch};
use riser::{Instance, Result, Store};
use riser_testkit::{corpus, golden};
use riser_wasi::{I32Exit, WasiCtx};

/// The SHA-256 of some bytes.
fn sha256(bytes: &[u8]) -> String {
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests/sha256.wasm");
    let printed = Program::new(guest, &["sha256"]).stdin(bytes).run().quiet_success();
    printed.trim_end_matches("  -\n").to_owned()
}

fn check_golden(name: &str, actual: &str) {
    golden::check(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name), actual);
}

const JAVASCRIPT: &str = "let seen = new Map(); for (const w of 'a b a c b a'.split(' ')) \
    seen.set(w, (seen.get(w) ?? 0) + 1); console.log(JSON.stringify([...seen]), 2n ** 70n, \
    'x'.padStart(3, '.'), /(\\d+)-\\1/.test('12-12'), [3, 1, 2].sort().join(''), 0.1 + 0.2)";

const JAVASCRIPT_PRINTS: &str =
    "[[\"a\",3],[\"b\",2],[\"c\",1]] 1180591620717411303424 ..x true 123 0.30000000000000004\n";

#[test]
fn quickjs_evaluates_javascript() {
    let Some(quickjs) = corpus::find("quickjs/quickjs.wasm") else { return };
    let scratch = Scratch::new();
    scratch.file("t.js", JAVASCRIPT);
    let program = Program::new(quickjs, &["quickjs", "/t.js"]).dir_read_only(scratch.path(), "/");
    assert_eq!(program.run().quiet_success(), JAVASCRIPT_PRINTS);
}

#[test]
fn another_quickjs_evaluates_javascript() {
    let Some(qjs) = corpus::find("qjs/qjs.wasm") else { return };
    let run = Program::new(qjs, &["qjs", "-e", JAVASCRIPT]).run();
    assert_eq!(run.quiet_success(), JAVASCRIPT_PRINTS);
}

const PYTHON: &str = "
import collections, decimal, hashlib, itertools, json, re, statistics, textwrap, zlib
text = 'the quick brown fox jumps over the lazy dog ' * 3
print(collections.Counter(text.split()).most_common(2))
print(hashlib.sha256(text.encode()).hexdigest()[:16], zlib.crc32(text.encode()))
print(decimal.Decimal(1) / decimal.Decimal(7), statistics.stdev([1, 2, 3.5]))
print(json.dumps({'re': re.findall(r'(\\w)\\w*x', text), 'p': list(itertools.combinations('abc', 2))}))
print(textwrap.fill(text, 40).splitlines()[1])
try:
    [].pop()
except IndexError as error:
    print(error, zlib.decompress(zlib.compress(b'squeezed')))
";

#[test]
fn cpython_3_11_runs_a_script() {
    let Some(python) = corpus::find("python-3.11/python.wasm") else { return };
    let Some(library) = corpus::find("python-3.11/fs") else { return };
    let program = Program::new(python, &["python", "-"]).stdin(PYTHON).dir_read_only(library, "/");
    check_golden("python.txt", &program.run().quiet_success());
}

#[test]
fn cpython_3_12_runs_the_same_script() {
    let Some(python) = corpus::find("python-3.12/python.wasm") else { return };
    let run = Program::new(python, &["python", "-"]).stdin(PYTHON).run();
    check_golden("python.txt", &run.quiet_success());
}

#[test]
fn ruby_runs_a_script() {
    let Some(ruby) = corpus::find("ruby-3.2/ruby.wasm") else { return };
    let Some(library) = corpus::find("ruby-3.2/fs") else { return };
    let script = "
require 'set'; require 'json'
words = %w[pear fig apple fig]
puts words.tally.sort.inspect, words.each_slice(2).map { |a, b| a + b }.to_json
Point = Struct.new(:x, :y) { def +(o) = Point.new(x + o.x, y + o.y) }
p Point.new(1, 2) + Point.new(3, 4), 2**100, 'Grüße'.upcase, Set[3, 1].add?(1)
fiber = Fiber.new { |x| loop { x = Fiber.yield(x * 2) } }
p [fiber.resume(1), fiber.resume(5)]
begin; Integer('x'); rescue => e; puts \"#{e.class}: #{e.message}\"; end
";
    let program = Program::new(ruby, &["ruby", "-e", script]).dir_read_only(library, "/");
    check_golden("ruby.txt", &program.run().success());
}

#[test]
fn php_runs_a_script() {
    let Some(php) = corpus::find("php-8.2/php-cgi.wasm") else { return };
    let scratch = Scratch::new();
    let script = "<?php
function numbers(int $n): Generator { for ($i = 1; $i <= $n; $i++) yield $i => $i ** 2; }
echo json_encode(iterator_to_array(numbers(4))), PHP_EOL;
printf(\"%05.2f %s %s\\n\", M_PI, md5('x'), preg_replace('/(\\w+) (\\w+)/', '$2 $1', 'hello world'));
enum Suit: string { case Hearts = 'H'; case Spades = 'S'; }
echo Suit::from('S')->name, ' ', (new DateTime('@86400'))->format('Y-m-d'), PHP_EOL;
try { intdiv(1, 0); } catch (DivisionByZeroError $e) { echo $e->getMessage(), PHP_EOL; }
";
    scratch.file("t.php", script);
    let program =
        Program::new(php, &["php-cgi", "-q", "/t.php"]).dir_read_only(scratch.path(), "/");
    check_golden("php.txt", &program.run().quiet_success());
}

#[test]
fn sqlite_keeps_a_database() {
    let Some(sqlite) = corpus::find("sqlite/sqlite.wasm") else { return };
    let scratch = Scratch::new();
    let sql = |script: &str| {
        let program = Program::new(&sqlite, &["sqlite", "-batch", "/t.db"]);
        program.stdin(script).dir(scratch.path(), "/").run().quiet_success()
    };
    let create = "create table t(n integer primary key, s text);
        with recursive c(n) as (select 1 union all select n + 1 from c where n < 1000)
        insert into t select n, 'row ' || (n * n % 97) from c;
        create index i on t(s);\n";
    assert_eq!(sql(create), "");
    let query = "select s, count(*), sum(n) from t group by s order by 2 desc, s limit 3;
        select max(n) over (order by n rows 2 preceding) from t where s = 'row 4' limit 2;
        pragma integrity_check;\n";
    check_golden("sqlite.txt", &sql(query));
}

const C: &str = "#include <stdio.h>
int main(void) {
    int sum = 0;
    for (int i = 1; i <= 100; i++) sum += i * i;
    printf(\"sum of squares: %d\\n\", sum);
    return 0;
}
";

#[test]
fn clang_8_compiles_and_links_what_then_runs() {
    let Some(clang) = corpus::find("clang-8/clang.wasm") else { return };
    let Some(ld) = corpus::find("clang-8/wasm-ld.wasm") else { return };
    let Some(sys) = corpus::find("clang-8/fs/sys") else { return };
    let scratch = Scratch::new();
    scratch.file("hello.c", C);
    let compile = "clang -cc1 -triple wasm32-unknown-wasi -emit-obj -disable-free -isysroot / \
        -internal-isystem /sys/include -internal-isystem /sys/lib/clang/8.0.1/include -O2 \
        -o /hello.o -x c /hello.c";
    let link = "wasm-ld -L/sys/lib/wasm32-wasi /sys/lib/wasm32-wasi/crt1.o /hello.o -lc \
        /sys/lib/clang/8.0.1/lib/wasi/libclang_rt.builtins-wasm32.a -o /hello.wasm";
    for (program, command) in [(clang, compile), (ld, link)] {
        let words: Vec<&str> = command.split_whitespace().collect();
        let program = Program::new(program, &words).dir(scratch.path(), "/");
        program.dir_read_only(&sys, "/sys").run().quiet_success();
    }
    let made = scratch.path().join("hello.wasm");
    assert_eq!(Program::new(made, &["hello"]).run().quiet_success(), "sum of squares: 338350\n");
    let sum = "abf92372c67f61f82ab3593ed16d917390e0a288c0e9d8b787e553db8597f417";
    assert_eq!(sha256(&scratch.contents("hello.wasm")), sum);
}

#[test]
fn clang_22_compiles_and_links_what_then_runs() {
    let Some(llvm) = corpus::find("clang-22/llvm.wasm") else { return };
    let Some(usr) = corpus::find("clang-22/fs/usr") else { return };
    let scratch = Scratch::new();
    scratch.file("hello.c", C);
    let compile = "clang -O2 -c /w/hello.c -o /w/hello.o";
    let link = "wasm-ld -L/usr/lib/wasm32-wasip1 /usr/lib/wasm32-wasip1/crt1-command.o /w/hello.o -lc \
        /usr/lib/wasm32-unknown-wasip1/libclang_rt.builtins.a -o /w/hello.wasm";
    for command in [compile, link] {
        let words: Vec<&str> = command.split_whitespace().collect();
        let program = Program::new(&llvm, &words).dir(scratch.path(), "/w");
        program.dir_read_only(&usr, "/usr").run().quiet_success();
    }
    let made = scratch.path().join("hello.wasm");
    assert_eq!(Program::new(made, &["hello"]).run().quiet_success(), "sum of squares: 338350\n");
}

#[test]
fn avr_gcc_makes_a_program_for_a_microcontroller() {
    let scratch = Scratch::new();
    scratch.file(
        "blink.c",
        "#define DDRB (*(volatile unsigned char *)0x24)
#define PORTB (*(volatile unsigned char *)0x25)
int main(void) { DDRB |= 1 << 5; for (;;) { PORTB ^= 1 << 5; for (volatile long i = 0; i < 30000; i++) {} } }
",
    );
    scratch.file(
        "script",
        "SECTIONS { .text 0 : { *(.text .text.*) } .data 0x800100 : { *(.data .rodata) } }\n",
    );
    let commands = [
        ("cc1", "cc1 -quiet -mmcu=avr5 -Os /w/blink.c -o /w/blink.s"),
        ("avr-as", "as -mmcu=avr5 -o /w/blink.o /w/blink.s"),
        ("avr-ld", "ld -mavr5 -T /w/script -e main -o /w/blink.elf /w/blink.o"),
        ("avr-objcopy", "objcopy -O ihex -j .text /w/blink.elf /w/blink.hex"),
    ];
    for (name, command) in commands {
        let Some(program) = corpus::find(&format!("avr-gcc/{name}.wasm")) else { return };
        let words: Vec<&str> = command.split_whitespace().collect();
        Program::new(program, &words).dir(scratch.path(), "/w").run().quiet_success();
    }
    check_golden("blink.s", &String::from_utf8(scratch.contents("blink.s")).unwrap());
    check_golden("blink.hex", &String::from_utf8(scratch.contents("blink.hex")).unwrap());
}

#[test]
fn flite_speaks() {
    let Some(flite) = corpus::find("flite/flite.wasm") else { return };
    let scratch = Scratch::new();
    let args = ["flite", "-t", "hello world", "-o", "/out.wav"];
    Program::new(flite, &args).dir(scratch.path(), "/").run().quiet_success();
    let wave = scratch.contents("out.wav");
    assert_eq!((&wave[..4], wave.len()), (&b"RIFF"[..], 17_246));
    let sum = "be03e782ebccd3db26bd8cea03a9f3fa85c47c52bea65d9953dfd057c72b6f46";
    assert_eq!(sha256(&wave), sum);
}

/// How programs of ITK are run.
fn itk(store: &mut Store<WasiCtx>, instance: &Instance) -> Result<()> {
    instance.get_typed_func::<(), ()>(&mut *store, "_initialize")?.call(&mut *store, ())?;
    let start = instance.get_typed_func::<(), i32>(&mut *store, "itk_wasm_delayed_start")?;
    match start.call(store, ())? {
        0 => Ok(()),
        status => Err(I32Exit(status).into()),
    }
}

#[test]
fn itk_reads_a_picture() {
    let Some(read) = corpus::find("itk-image-io/png-read-image.wasi.wasm") else { return };
    let scratch = Scratch::new();
    // Three by two grey pixels: 1, 2, 3; 4, 5, 255.
    let png = "89504e470d0a1a0a0000000d4948445200000003000000020800000000b81f39c60000001049444154789c\
        63606462666061fd0f00013f010f42fc9d640000000049454e44ae426082";
    let hex = png.replace(' ', "");
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    scratch.file("in.png", (0..hex.len()).step_by(2).map(byte).collect::<Vec<u8>>());
    let args = ["png-read-image", "/w/in.png", "/w/could-read.json", "/w/out.iwi.cbor"];
    let program = Program::new(read, &args).dir(scratch.path(), "/w").main(itk);
    program.run().success();
    assert_eq!(scratch.contents("could-read.json"), b"true\n");
    let image = scratch.contents("out.iwi.cbor");
    assert!(image.windows(6).any(|window| window == [1, 2, 3, 4, 5, 255]));
}

#[test]
fn itk_computes_a_kernel() {
    let Some(radius) = corpus::find("itk-downsample/gaussian-kernel-radius.wasi.wasm") else {
        return;
    };
    let scratch = Scratch::new();
    let args = "gaussian-kernel-radius /w/radius.json --size 64 64 32 --sigma 2.0 4.0 1.0";
    let words: Vec<&str> = args.split(' ').collect();
    let program = Program::new(radius, &words).dir(scratch.path(), "/w").main(itk);
    program.run().success();
    assert_eq!(String::from_utf8(scratch.contents("radius.json")).unwrap(), "[5,10,3]");
}

#[test]
fn yosys_synthesizes_and_nextpnr_places_it() {
    let Some(yosys) = corpus::find("yosys/yosys.wasm") else { return };
    let Some(share) = corpus::find("yosys/fs/share") else { return };
    let scratch = Scratch::new();
    let design = "module blink(input clk, output led);
  reg [7:0] count = 0;
  always @(posedge clk) count <= count + 1;
  assign led = count[7];
endmodule
";
    scratch.file("blink.v", design);
    let script = "read_verilog /w/blink.v; synth_ice40 -noabc -json /w/blink.json";
    let program = Program::new(yosys, &["yosys", "-q", "-p", script]).dir(scratch.path(), "/w");
    program.dir_read_only(share, "/share").run().quiet_success();
    let json = scratch.contents("blink.json");
    let sum = "57b8de8cca0f94bc36cbe37810a4e3c020e19be32a47ed7a6380a9d5d96e6840";
    assert_eq!(sha256(&json), sum);
    let Some(nextpnr) = corpus::find_big("nextpnr-ice40/nextpnr-ice40.wasm") else { return };
    let Some(share) = corpus::find_big("nextpnr-ice40/fs/share") else { return };
    let args = "nextpnr-ice40 --hx1k --package tq144 --json /w/blink.json --asc /w/blink.asc -q";
    let words: Vec<&str> = args.split(' ').collect();
    let program = Program::new(nextpnr, &words).dir(scratch.path(), "/w");
    program.dir_read_only(share, "/share").run().success();
    let sum = "1c657a85cd9e7e76c058becb16d18a44ca58b5f4478ad0306dc96d6557b2127d";
    assert_eq!(sha256(&scratch.contents("blink.asc")), sum);
}

const MARKDOWN: &str = "# Hi *there*

1. one `code`
2. two [link](https://example.org)

| a | b |
|---|--:|
| x | 1 |

A claim.[^1] $e^{i\\pi}$

[^1]: Its note.
";

#[test]
fn pandoc_converts() {
    let Some(pandoc) = corpus::find("pandoc/pandoc.wasm") else { return };
    let scratch = Scratch::new();
    scratch.file("stdin", MARKDOWN);
    scratch.file("stdout", "");
    let program = Program::new(pandoc, &["pandoc.wasm"]).dir(scratch.path(), "/");
    program.main(convert).run();
    check_golden("pandoc.html", &String::from_utf8(scratch.contents("stdout")).unwrap());
}

/// What the package of pandoc does in JavaScript: starts Haskell's runtime, then converts the file `stdin` to the file
/// `stdout`.
fn convert(store: &mut Store<WasiCtx>, instance: &Instance) -> Result<()> {
    instance.get_typed_func::<(), ()>(&mut *store, "__wasm_call_ctors")?.call(&mut *store, ())?;
    let args = ["pandoc.wasm", "+RTS", "-H64m", "-RTS"];
    let mut pointers = Vec::new();
    for arg in args {
        let at = put(store, instance, format!("{arg}\0").as_bytes())?;
        pointers.extend(at.to_le_bytes());
    }
    pointers.extend([0; 4]);
    let argv = put(store, instance, &pointers)?;
    let argv = put(store, instance, &argv.to_le_bytes())?;
    let argc = put(store, instance, &(args.len() as u32).to_le_bytes())?;
    let init = instance.get_typed_func::<(u32, u32), ()>(&mut *store, "hs_init_with_rtsopts")?;
    init.call(&mut *store, (argc, argv))?;
    let options =
        br#"{"from": "markdown", "to": "html", "html-math-method": {"method": "mathml"}}"#;
    let at = put(store, instance, options)?;
    let convert = instance.get_typed_func::<(u32, u32), ()>(&mut *store, "convert")?;
    convert.call(store, (at, options.len() as u32))
}

/// Puts bytes into memory that the program gives for it.
fn put(store: &mut Store<WasiCtx>, instance: &Instance, bytes: &[u8]) -> Result<u32> {
    let malloc = instance.get_typed_func::<u32, u32>(&mut *store, "malloc")?;
    let at = malloc.call(&mut *store, bytes.len() as u32)?;
    let memory = instance.get_memory(&mut *store, "memory").unwrap();
    memory.write(store, at as usize, bytes)?;
    Ok(at)
}
