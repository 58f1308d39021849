//! Folders as they should be, and others.

use super::*;
use riser_code::image::{ImageSource, ImageView, Owner, Piece};
use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read};
use std::time::{Duration, SystemTime};

/// A folder that goes away.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("riser-cache-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Scratch(path)
    }

    fn cache(&self, bytes_max: u64) -> Cache {
        let mut config = CacheConfig::new();
        config.with_directory(&self.0).with_files_total_size_soft_limit(bytes_max);
        Cache::new(config).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
        let mut names: Vec<String> =
            fs::read_dir(&self.0).unwrap().map(|entry| name(entry).unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn key(nth: u8) -> CacheKey {
    CacheKey::new(b"engine", &[nth; 32])
}

fn put(cache: &Cache, nth: u8, bytes: &[u8]) {
    cache.store(&key(nth), |to| to.write_all(bytes)).unwrap();
}

fn get(cache: &Cache, nth: u8) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    cache.lookup(&key(nth))?.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

#[test]
fn what_is_stored_is_found() {
    let scratch = Scratch::new("stored");
    let cache = scratch.cache(BYTES_MAX);
    assert_eq!(get(&cache, 1), None);
    put(&cache, 1, b"one");
    put(&cache, 2, b"two");
    put(&cache, 1, b"another");
    let other = scratch.cache(BYTES_MAX);
    assert_eq!((get(&other, 1), get(&other, 2)), (Some(b"another".into()), Some(b"two".into())));
    assert_eq!(other.lookup(&CacheKey::new(b"other", &[1; 32])).map(drop), None);
    assert_eq!((other.cache_hits(), other.cache_misses()), (2, 1));
    let stats = other.stats().unwrap();
    assert_eq!((stats.modules, stats.bytes, stats.bytes_max), (2, 8192, BYTES_MAX));
}

#[test]
fn engines_and_modules_do_not_run_together() {
    let one = CacheKey::new(b"engine", &[1; 32]);
    assert_ne!(one, CacheKey::new(b"engine", &[2; 32]));
    assert_ne!(one, CacheKey::new(b"engine\x01", &[1; 32]));
}

#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    let scratch = Scratch::new("full");
    let cache = scratch.cache(1 << 20);
    put(&cache, 1, b"before");
    let full = cache.store(&key(1), |to| {
        to.write_all(&[0; 300_000])?;
        Err(io::ErrorKind::StorageFull.into())
    });
    assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
    let large = cache.store(&key(1), |to| to.write_all(&vec![0; (1 << 20) + 1]));
    assert_eq!(large.unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(get(&cache, 1), Some(b"before".into()));
    assert_eq!(scratch.names().len(), 2, "{:?}", scratch.names());
    fs::remove_dir_all(&scratch.0).unwrap();
    assert!(cache.store(&key(1), |to| to.write_all(b"x")).is_err());
    assert_eq!(get(&cache, 1), None);
}

fn set_age(path: &Path, seconds: u64) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

#[test]
fn what_was_not_used_for_longest_goes_first() {
    let scratch = Scratch::new("oldest");
    let cache = scratch.cache(16 << 10);
    for nth in 1..5 {
        put(&cache, nth, &[nth; 3000]);
        set_age(&scratch.0.join(key(nth).file_name()), 1000 - u64::from(nth));
    }
    assert!(get(&cache, 1).is_some(), "it was used last now");
    put(&cache, 5, &[5; 3000]);
    put(&cache, 6, &[6; 3000]);
    let there: Vec<u8> = (1..7).filter(|&nth| get(&cache, nth).is_some()).collect();
    assert_eq!(there, [1, 4, 5, 6]);
    assert_eq!(cache.stats().unwrap().bytes, 16 << 10);
}

#[test]
fn only_our_files_are_removed() {
    let scratch = Scratch::new("clear");
    let cache = scratch.cache(BYTES_MAX);
    put(&cache, 1, b"one");
    let left_over = scratch.0.join(".tmp-1-2-3");
    let foreign = ["notes.txt", "f.rsr", &format!("{}.rsr", "g".repeat(64))];
    foreign.iter().for_each(|name| fs::write(scratch.0.join(name), "mine").unwrap());
    fs::write(&left_over, "half").unwrap();
    put(&cache, 2, b"two");
    assert!(left_over.exists(), "somebody may be writing it");
    set_age(&left_over, 4000);
    put(&cache, 3, b"three");
    assert!(!left_over.exists());
    let removed = cache.clear().unwrap();
    assert_eq!((removed.modules, removed.bytes), (3, 3 * 4096));
    let mut names = scratch.names();
    names.retain(|name| name != TAG.0);
    let mut expected = foreign.map(String::from);
    expected.sort();
    assert_eq!(names, expected);
    assert_eq!(cache.stats().unwrap().bytes, 0);
}

#[test]
fn many_may_write_at_once() {
    let scratch = Scratch::new("many");
    let content = |nth: u8, thread: u8| vec![nth ^ thread << 4; 40_000 + usize::from(thread)];
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let cache = scratch.cache(200_000);
            scope.spawn(move || {
                for round in 0..100 {
                    let nth = (round + thread) % 8;
                    put(&cache, nth, &content(nth, thread));
                    if let Some(found) = get(&cache, nth) {
                        let by = (found.len() - 40_000) as u8;
                        assert_eq!(found, content(nth, by), "a file is one writer's");
                    }
                }
            });
        }
    });
    let cache = scratch.cache(200_000);
    assert!(cache.stats().unwrap().bytes <= 200_000);
    assert!(scratch.names().iter().all(|name| !name.starts_with(".tmp-")));
}

#[test]
fn the_environment_says_where_it_is() {
    let directory = |variables: &[(&str, &str)]| {
        let get = |name: &str| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| value.into())
        };
        default_directory(get).ok()
    };
    let home = ("HOME", "/users/me");
    assert_eq!(directory(&[home]), Some("/users/me/.cache/riser".into()));
    let cache = ("XDG_CACHE_HOME", "/cache");
    assert_eq!(directory(&[home, cache]), Some("/cache/riser".into()));
    let own = ("RISER_CACHE_DIR", "here");
    assert_eq!(directory(&[home, cache, own]), Some("here".into()));
    let no_folder = [home, ("XDG_CACHE_HOME", "relative"), ("RISER_CACHE_DIR", "")];
    assert_eq!(directory(&no_folder), Some("/users/me/.cache/riser".into()));
    assert_eq!(directory(&[]), None);
}

#[test]
fn a_file_is_not_a_folder() {
    let scratch = Scratch::new("file");
    fs::write(&scratch.0, "").unwrap();
    let mut config = CacheConfig::new();
    let error = Cache::new(config.with_directory(&scratch.0).clone()).unwrap_err();
    assert!(error.to_string().ends_with("is not a folder"), "{error}");
    let error = Cache::new(config.with_directory(scratch.0.join("in")).clone()).unwrap_err();
    assert!(error.to_string().starts_with("failed to make the folder"), "{error}");
    fs::remove_file(&scratch.0).unwrap();
}

/// A file with a module that was last changed long ago. Its other time cannot be set, so the clock is.
fn sight(path: &Path) -> (File, Option<Sight>) {
    let file = File::open(path).unwrap();
    let identity = riser_sys::file_identity(&file.metadata().unwrap()).unwrap();
    let at = SystemTime::now() + Duration::from_secs(60);
    (file, Sight::at(identity, at))
}

#[test]
fn hashes_are_known_until_the_file_changes() {
    let scratch = Scratch::new("known");
    let cache = scratch.cache(BYTES_MAX);
    let path = scratch.0.join("app.wasm");
    let (one, two) = (vec![1; 600_000], vec![2; 600_000]);
    let hash = |bytes: &[u8]| *blake3::hash(bytes).as_bytes();
    fs::write(&path, &one).unwrap();
    let (file, seen) = sight(&path);
    assert_eq!(cache.module_hash(&file, seen, &one), hash(&one));
    assert_eq!(cache.module_hash(&file, seen, &two), hash(&one), "it is not hashed again");
    assert_eq!(cache.module_hash(&file, seen, &two[1..]), hash(&two[1..]));
    fs::write(&path, &two).unwrap();
    assert_eq!(cache.module_hash(&file, seen, &two), hash(&two), "it is not what was seen");
    let (file, seen) = sight(&path);
    assert_eq!(cache.module_hash(&file, seen, &two), hash(&two));
    let records = || scratch.names().into_iter().filter(|name| name.ends_with(".mod"));
    assert_eq!(records().count(), 1);
    let record = scratch.0.join(records().next().unwrap());
    let whole = fs::read(&record).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x40;
        fs::write(&record, &damaged).unwrap();
        assert_eq!(cache.module_hash(&file, seen, &two), hash(&two), "{at}");
    }
}

#[test]
fn a_copy_that_was_begun_and_is_not_there_is_waited_for() {
    let scratch = Scratch::new("begun");
    let cache = scratch.cache(BYTES_MAX);
    let path = scratch.0.join("app.wasm");
    let module = vec![1; 600_000];
    fs::write(&path, &module).unwrap();
    let (file, seen) = sight(&path);
    let seen = seen.unwrap();
    assert!(cache.known(&seen).is_none());
    cache.module_hash(&file, Some(seen), &module);
    let known = || cache.known(&seen).unwrap();
    assert!(cache.copy(&known()).is_none());
    assert!(!cache.begin_copy(&seen, &known()));
    assert!(cache.begin_copy(&seen, &known()));
    assert_eq!(known().hash, hash(&module));
    cache.put_copy(&known(), |to| to.write_all(b"copy")).unwrap();
    let found = cache.copy(&known()).unwrap();
    assert!(!found.is_checked);
    cache.copy_checked(&seen, &known(), found, true);
    let found = cache.copy(&known()).unwrap();
    assert_eq!(found.is_checked, riser_sys::boot_id().is_some());
    cache.copy_checked(&seen, &known(), found, false);
    assert!(cache.copy(&known()).is_none());
    assert!(!cache.copies(100) && cache.copies(1 << 20) && !cache.copies(1 << 30));
}

#[test]
fn what_changed_just_now_is_not_known() {
    let scratch = Scratch::new("fresh");
    let cache = scratch.cache(BYTES_MAX);
    let path = scratch.0.join("app.wasm");
    fs::write(&path, vec![1; 600_000]).unwrap();
    assert!(Sight::of(&File::open(&path).unwrap()).is_none());
    set_age(&path, 1000);
    assert!(Sight::of(&File::open(&path).unwrap()).is_none(), "only one of its times was set");
    let file = File::open(&path).unwrap();
    cache.module_hash(&file, None, &vec![1; 600_000]);
    assert!(scratch.names().iter().all(|name| !name.ends_with(".mod")));
}

fn extend(cache: &Cache, validated: bool, functions: &[(u32, u8)]) -> io::Result<bool> {
    let validated = validated.then_some(6);
    let source = ImageSource { engine: b"engine", hash: [1; 32], validated, module: None };
    let piece = |fill: u8| Piece {
        code: Cow::Owned(vec![fill; 100]),
        alignment: 16,
        tables: Cow::Owned(vec![0; 20]),
    };
    let pieces = functions.iter().map(|&(at, fill)| (Owner::Function(at), piece(fill)));
    cache.extend(source, pieces)
}

/// The functions that are there, with what their code is filled with.
fn kept(cache: &Cache) -> Vec<(u32, u8)> {
    let bytes = get(cache, 1).unwrap();
    let image = ImageView::parse(&bytes).unwrap();
    image.functions().map(|at| (at, image.function(at).unwrap().code[0])).collect()
}

#[test]
fn later_runs_add_what_they_compiled() {
    let scratch = Scratch::new("extend");
    let cache = scratch.cache(BYTES_MAX);
    assert!(extend(&cache, false, &[(3, 3), (1, 1)]).unwrap());
    assert!(extend(&cache, false, &[(2, 2), (3, 9)]).unwrap());
    assert_eq!(kept(&cache), [(1, 1), (2, 2), (3, 9)], "what was made last is the best");
    assert!(!extend(&cache, false, &[(1, 1), (3, 8)]).unwrap(), "nothing is new");
    assert!(extend(&cache, true, &[]).unwrap(), "that it is valid is new");
    assert!(!extend(&cache, false, &[]).unwrap());
    let bytes = get(&cache, 1).unwrap();
    assert_eq!(ImageView::parse(&bytes).unwrap().validated(), Some(6));
    fs::write(scratch.0.join(key(1).file_name()), &bytes[..bytes.len() / 2]).unwrap();
    assert!(extend(&cache, false, &[(5, 5)]).unwrap());
    assert_eq!(kept(&cache), [(5, 5)], "a damaged file is replaced");
}

/// As [`extend`], at the end of a process, with functions of so many bytes.
fn extend_briefly(cache: &Cache, bytes: usize, functions: &[(u32, u8)]) {
    let source = ImageSource { engine: b"engine", hash: [1; 32], validated: Some(6), module: None };
    let piece = |fill: u8| Piece {
        code: Cow::Owned(vec![fill; bytes]),
        alignment: 16,
        tables: Cow::Owned(vec![0; 20]),
    };
    let pieces = functions.iter().map(|&(at, fill)| (Owner::Function(at), piece(fill)));
    cache.extend_briefly(source, pieces).unwrap();
}

fn added(cache: &Cache) -> Vec<u32> {
    let mut bytes = Vec::new();
    let Some(mut file) = cache.lookup_added(&key(1)) else { return Vec::new() };
    file.read_to_end(&mut bytes).unwrap();
    ImageView::parse(&bytes).unwrap().functions().collect()
}

#[test]
fn a_process_that_ends_writes_little() {
    let scratch = Scratch::new("brief");
    let cache = scratch.cache(BYTES_MAX);
    extend_briefly(&cache, 1000, &[(1, 1)]);
    extend_briefly(&cache, 1000, &[(2, 2)]);
    assert_eq!((kept(&cache), added(&cache)), (vec![(1, 1), (2, 2)], vec![]), "all is little");
    extend_briefly(&cache, 600_000, &[(3, 3)]);
    extend_briefly(&cache, 600_000, &[(4, 4), (5, 5)]);
    assert_eq!(kept(&cache).len(), 3);
    assert_eq!(added(&cache), [4], "what is too much is made again");
    let large = fs::metadata(scratch.0.join(key(1).file_name())).unwrap().modified().unwrap();
    extend_briefly(&cache, 1000, &[(6, 6)]);
    assert_eq!(added(&cache), [4, 6]);
    let now = fs::metadata(scratch.0.join(key(1).file_name())).unwrap().modified().unwrap();
    assert_eq!(now, large, "what is large is not written again");
    assert_eq!(cache.stats().unwrap().modules, 1);
    extend(&cache, true, &[(7, 7)]).unwrap();
    assert_eq!(kept(&cache).iter().map(|&(at, _)| at).collect::<Vec<_>>(), [1, 2, 3, 4, 6, 7]);
    assert_eq!(added(&cache), []);
    // Damage costs what was added, and nothing else.
    extend_briefly(&cache, 1000, &[(8, 8)]);
    assert_eq!(added(&cache), [8]);
    fs::write(scratch.0.join(key(1).added_name()), "damaged").unwrap();
    extend_briefly(&cache, 1000, &[(9, 9)]);
    assert_eq!(added(&cache), [9]);
    assert_eq!(cache.clear().unwrap().modules, 1);
    assert!(scratch.names().iter().all(|name| name == TAG.0), "{:?}", scratch.names());
}

#[test]
fn files_that_others_may_write_are_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("others");
    let cache = scratch.cache(BYTES_MAX);
    put(&cache, 1, b"one");
    let path = scratch.0.join(key(1).file_name());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(get(&cache, 1), None);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(get(&cache, 1), Some(b"one".into()));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(get(&cache, 1), None, "it is a folder");
}
