//! Copies of large modules in the cache: a start from one does not read the module's file, and nothing else tells that there is one.
#![cfg(riser_compiled)]

use riser::{Cache, CacheConfig, Config, Engine, Instance, Module, Store, Strategy};
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A folder that goes away.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("copies-{name}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }

    /// The copies that there are.
    fn copies(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.cache()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|end| end == "bin")).collect()
    }

    /// The copy, which somebody is making.
    fn copy(&self) -> PathBuf {
        let begin = Instant::now();
        loop {
            if let Some(copy) = self.copies().pop() {
                return copy;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "there is no copy");
            sleep(Duration::from_millis(5));
        }
    }

    fn engine(&self) -> Engine {
        let cache = Cache::new(CacheConfig::new().with_directory(self.cache()).clone()).unwrap();
        let mut config = Config::new();
        config.strategy(Strategy::Cranelift).cache(Some(cache));
        Engine::new(&config).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A module with much data, of which the function says the byte at an address. The second segment is written over the first.
fn module(fill: char, passive: bool) -> Vec<u8> {
    let large = fill.to_string().repeat(600 << 10);
    let passive =
        if passive { "(data $p \"passive\")" } else { "(data $p (i32.const 9) \"active\")" };
    let text = format!(
        r#"(module (memory (export "memory") 12) (data (i32.const 5000) "{large}")
        (data (i32.const 5001) "second") {passive}
        (func (export "at") (param i32) (result i32) (i32.load8_u (local.get 0)))
        (func (export "init") (param i32) (result i32)
            (memory.init $p (local.get 0) (i32.const 0) (i32.const 3)) (i32.const 0)))"#
    );
    wat::parse_str(text).unwrap()
}

/// Whether this process has a copy of the folder mapped.
fn is_mapped(scratch: &Scratch) -> bool {
    let folder = scratch.cache();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().any(|line| line.contains(&*folder.to_string_lossy()) && line.contains(".bin"))
}

/// Loads a module, and says whether that was from a copy.
fn load(scratch: &Scratch, file: &Path, fill: char, passive: bool) -> bool {
    let engine = scratch.engine();
    let module = Module::from_file(&engine, file).unwrap();
    let mut mapped = is_mapped(scratch);
    for _ in 0..2 {
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let mut expected = vec![0; 12 << 16];
        expected[5000..5000 + (600 << 10)].fill(fill as u8);
        expected[5001..5007].copy_from_slice(b"second");
        if !passive {
            expected[9..15].copy_from_slice(b"active");
        }
        assert!(memory.data(&store) == expected);
        let at = instance.get_typed_func::<i32, i32>(&mut store, "at").unwrap();
        assert_eq!(at.call(&mut store, 5003).unwrap(), i32::from(b'c'));
        memory.data_mut(&mut store).fill(1);
        let init = instance.get_typed_func::<i32, i32>(&mut store, "init").unwrap();
        let begun = init.call(&mut store, 70_000);
        assert_eq!(begun.is_ok(), passive, "active segments are dropped");
        if passive {
            assert_eq!(&memory.data(&store)[69_999..70_004], b"\x01pas\x01");
        }
    }
    mapped |= is_mapped(scratch);
    engine.flush_cache();
    mapped
}

/// Files are known only some seconds after they were changed: all tests wait at the same time.
fn settle() {
    sleep(Duration::from_millis(3200));
}

fn can_compile() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| Engine::default().is_compiled())
}

/// A folder with a module that ran twice, and its copy.
fn copied(name: &str, passive: bool) -> (Scratch, PathBuf, PathBuf) {
    let scratch = Scratch::new(name);
    let file = scratch.0.join("app.wasm");
    fs::write(&file, module('x', passive)).unwrap();
    settle();
    assert!(!load(&scratch, &file, 'x', passive));
    assert_eq!(scratch.copies(), Vec::<PathBuf>::new(), "what runs once is not copied");
    load(&scratch, &file, 'x', passive);
    let copy = scratch.copy();
    (scratch, file, copy)
}

#[test]
fn the_third_run_reads_a_copy() {
    if !can_compile() {
        return;
    }
    let (scratch, file, copy) = copied("third", false);
    let mode = fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for settled in [false, true, true] {
        if settled {
            settle();
        }
        assert!(load(&scratch, &file, 'x', false), "{settled}");
    }
    assert_eq!(scratch.copies(), [copy]);
    // Another module in the same file.
    fs::write(&file, module('y', false)).unwrap();
    assert!(!load(&scratch, &file, 'y', false), "nobody knows it");
    settle();
    assert!(!load(&scratch, &file, 'y', false));
    fs::remove_file(&file).unwrap();
    assert!(Module::from_file(&scratch.engine(), &file).is_err());
}

#[test]
fn passive_data_is_there_as_well() {
    if !can_compile() {
        return;
    }
    let (scratch, file, _) = copied("passive", true);
    assert!(load(&scratch, &file, 'x', true));
}

#[test]
fn a_damaged_copy_is_removed_and_made_again() {
    if !can_compile() {
        return;
    }
    let (scratch, file, copy) = copied("damaged", false);
    let whole = fs::read(&copy).unwrap();
    assert!(load(&scratch, &file, 'x', false), "it is noted that it is whole");
    settle();
    let damages: [&dyn Fn(&File); 5] = [
        &|file| file.write_all_at(b"?", 20).unwrap(),
        &|file| file.write_all_at(b"?", 70_000).unwrap(),
        &|file| file.write_all_at(b"?", whole.len() as u64 - 5000).unwrap(),
        &|file| file.set_len(whole.len() as u64 - 1).unwrap(),
        &|file| file.set_len(0).unwrap(),
    ];
    for (nth, damage) in damages.into_iter().enumerate() {
        // Whoever maps the file now does not see that.
        fs::remove_file(&copy).unwrap();
        fs::write(&copy, &whole).unwrap();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
        damage(&File::options().write(true).open(&copy).unwrap());
        assert!(!load(&scratch, &file, 'x', false), "{nth}");
        assert_eq!(scratch.copy(), copy);
        assert!(load(&scratch, &file, 'x', false), "{nth}");
        assert!(fs::read(&copy).unwrap() == whole);
    }
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o622)).unwrap();
    assert!(!load(&scratch, &file, 'x', false), "others may have written it");
}

#[test]
fn many_may_make_it_at_once() {
    if !can_compile() {
        return;
    }
    let (scratch, file, copy) = copied("many", false);
    let whole = fs::read(&copy).unwrap();
    fs::remove_file(&copy).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    load(&scratch, &file, 'x', false);
                    let _ = fs::remove_file(&copy);
                }
            });
        }
    });
    load(&scratch, &file, 'x', false);
    scratch.copy();
    assert!(fs::read(&copy).unwrap() == whole);
    let names = fs::read_dir(scratch.cache()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with(".tmp-")).collect();
    assert_eq!(left, Vec::<std::ffi::OsString>::new());
}
