//! Guests that want out, or want to confuse the host.

mod common;

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::*;
use riser_wasi::{DirPerms, FilePerms, WasiCtx};

/// Paths that lead outside of the granted folder, by whatever way.
fn ways_out(scratch: &Scratch) -> Vec<String> {
    let inside = scratch.inside();
    std::fs::create_dir(inside.join("dir")).unwrap();
    symlink("../secret", inside.join("up")).unwrap();
    symlink(scratch.outside("secret"), inside.join("absolute")).unwrap();
    symlink("..", inside.join("parent")).unwrap();
    symlink("/", inside.join("root")).unwrap();
    symlink("dir/../../secret", inside.join("around")).unwrap();
    symlink("up", inside.join("twice")).unwrap();
    symlink("/proc/self/root", inside.join("proc")).unwrap();
    let paths = [
        "../secret",
        "..",
        "../",
        "../inside/../secret",
        "dir/../../secret",
        "./../secret",
        ".//..//secret",
        "dir/./../../secret",
        "../../../../../../../../etc/passwd",
        "/etc/passwd",
        "//etc/passwd",
        "/",
        "/.",
        "/proc/self/cwd",
        "/dev/null",
        "up",
        "absolute",
        "parent/secret",
        "parent/",
        "root/etc/passwd",
        "root/",
        "around",
        "twice",
        "proc/etc/passwd",
        "dir/../up",
        "parent/inside/../secret",
        "dir/../../inside/../secret",
    ];
    let mut paths: Vec<String> = paths.map(str::to_owned).into();
    paths.push(scratch.outside("secret").to_str().unwrap().to_owned());
    paths
}

#[test]
fn no_path_leads_outside() {
    let scratch = Scratch::new();
    let paths = ways_out(&scratch);
    let mut guest = Guest::in_dir(&scratch.inside());
    for way in &paths {
        for oflags in [0, O_DIRECTORY, O_TRUNC] {
            let rights = if oflags == O_TRUNC { ALL } else { READING };
            let opened = guest.open(way, oflags, rights);
            assert!(matches!(opened, Err(PERM | LOOP)), "open {way:?} {oflags}: {opened:?}");
        }
        let opened = guest.open(way, O_CREAT | O_EXCL, ALL);
        assert!(matches!(opened, Err(PERM | EXIST | LOOP)), "create {way:?}: {opened:?}");
        let [path, len] = guest.path(way);
        let stat = guest.call("path_filestat_get", &[DIR, FOLLOW, path, len, OUT.into()]);
        assert_eq!(stat, PERM, "stat {way:?}");
        let times = guest.call("path_filestat_set_times", &[DIR, FOLLOW, path, len, 1, 1, 5]);
        assert_eq!(times, PERM, "set times {way:?}");
    }
    assert_eq!(std::fs::read_to_string(scratch.outside("secret")).unwrap(), "secret");
}

#[test]
fn nothing_outside_is_created_removed_moved_or_linked() {
    let scratch = Scratch::new();
    let inside = scratch.inside();
    symlink("..", inside.join("parent")).unwrap();
    symlink("../target", inside.join("dangling")).unwrap();
    scratch.file("f", "mine");
    let mut guest = Guest::in_dir(&inside);
    for way in ["../target", "parent/target", "/tmp/riser-wasi-target", "../inside/../target"] {
        let [path, len] = guest.path(way);
        assert_eq!(guest.call("path_create_directory", &[DIR, path, len]), PERM, "create {way}");
        let [from, from_len] = guest.path2("f");
        assert_eq!(
            guest.call("path_rename", &[DIR, from, from_len, DIR, path, len]),
            PERM,
            "rename to {way}"
        );
        assert_eq!(
            guest.call("path_link", &[DIR, 0, from, from_len, DIR, path, len]),
            PERM,
            "link to {way}"
        );
        assert_eq!(
            guest.call("path_symlink", &[from, from_len, DIR, path, len]),
            PERM,
            "symlink at {way}"
        );
        assert_eq!(guest.open(way, O_CREAT, ALL), Err(PERM), "create file {way}");
    }
    assert_eq!(guest.open("dangling", O_CREAT, ALL), Err(PERM));
    for way in ["../secret", "parent/secret"] {
        let [path, len] = guest.path(way);
        let [to, to_len] = guest.path2("stolen");
        assert_eq!(guest.call("path_unlink_file", &[DIR, path, len]), PERM, "unlink {way}");
        assert_eq!(
            guest.call("path_rename", &[DIR, path, len, DIR, to, to_len]),
            PERM,
            "rename {way}"
        );
        assert_eq!(
            guest.call("path_link", &[DIR, 0, path, len, DIR, to, to_len]),
            PERM,
            "link {way}"
        );
        assert_eq!(
            guest.call("path_link", &[DIR, FOLLOW, path, len, DIR, to, to_len]),
            PERM,
            "link {way}"
        );
        assert_eq!(
            guest.call("path_readlink", &[DIR, path, len, BUF.into(), 9, OUT.into()]),
            PERM,
            "{way}"
        );
    }
    let [path, len] = guest.path("../inside");
    assert_eq!(guest.call("path_remove_directory", &[DIR, path, len]), PERM);
    assert_eq!(std::fs::read_to_string(scratch.outside("secret")).unwrap(), "secret");
    assert!(!scratch.outside("target").exists());
    assert_eq!(scratch.contents("f"), "mine");
}

#[test]
fn links_to_absolute_paths_are_neither_made_nor_read() {
    let scratch = Scratch::new();
    symlink("/etc/passwd", scratch.inside().join("there")).unwrap();
    let mut guest = Guest::in_dir(&scratch.inside());
    let [target, target_len] = guest.path("/etc/passwd");
    let [path, len] = guest.path2("link");
    assert_eq!(guest.call("path_symlink", &[target, target_len, DIR, path, len]), PERM);
    let [path, len] = guest.path("there");
    assert_eq!(guest.call("path_readlink", &[DIR, path, len, BUF.into(), 99, OUT.into()]), PERM);
}

#[test]
fn a_directory_that_was_opened_is_no_wider_than_its_parent() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.inside().join("dir")).unwrap();
    scratch.file("f", "");
    let mut guest = Guest::in_dir(&scratch.inside());
    let dir = guest.open("dir", O_DIRECTORY, READING).unwrap();
    for way in ["..", "../f", "../../secret", "../dir"] {
        assert_eq!(guest.open_at(dir, FOLLOW, way, 0, READING, 0), Err(PERM), "{way}");
    }
}

/// How long the race below lasts: longer with `RISER_RACE_SECONDS`.
fn race_time() -> Duration {
    let seconds = std::env::var("RISER_RACE_SECONDS").ok();
    Duration::from_secs(seconds.map_or(2, |seconds| seconds.parse().expect("a number")))
}

/// Creates, moves and removes something by way of a name that is swapped: each works inside, is refused, or finds there what
/// it could not remove before.
fn change_through(guest: &mut Guest, name: &str) {
    let allowed = |errno: i32| {
        assert!(
            [SUCCESS, AGAIN, EXIST, ISDIR, LOOP, NOENT, NOTDIR, NOTEMPTY, PERM].contains(&errno),
            "errno {errno}"
        );
    };
    let through = format!("{name}/new");
    match guest.open(&through, O_CREAT | O_EXCL, ALL) {
        Ok(fd) => assert_eq!(guest.call("fd_close", &[fd]), SUCCESS),
        Err(errno) => allowed(errno),
    }
    let [path, len] = guest.path(&through);
    let [path2, len2] = guest.path2(&format!("{name}/moved"));
    allowed(guest.call("path_rename", &[DIR, path, len, DIR, path2, len2]));
    allowed(guest.call("path_create_directory", &[DIR, path, len]));
    allowed(guest.call("path_remove_directory", &[DIR, path, len]));
    allowed(guest.call("path_symlink", &[path, len, DIR, path, len]));
    allowed(guest.call("path_unlink_file", &[DIR, path, len]));
    allowed(guest.call("path_unlink_file", &[DIR, path2, len2]));
    let [path, len] = guest.path(&format!("{name}/f"));
    allowed(guest.call("path_filestat_set_times", &[DIR, FOLLOW, path, len, 1, 1, 5]));
}

#[test]
fn a_swapped_link_never_leads_outside() {
    let scratch = Scratch::new();
    let (inside, outside) = (scratch.inside(), scratch.outside("other"));
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("f"), "outside").unwrap();
    std::fs::create_dir(inside.join("real")).unwrap();
    scratch.file("real/f", "inside");
    symlink("real", inside.join("good")).unwrap();
    symlink("../other", inside.join("bad")).unwrap();
    /// Stops the other thread also where an assertion fails.
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _done = Done(&done);
        scope.spawn(|| {
            // One name is, in turn, a directory inside and a link to one outside.
            while !done.load(Ordering::Relaxed) {
                for (from, to) in
                    [("good", "swap"), ("swap", "good"), ("bad", "swap"), ("swap", "bad")]
                {
                    std::fs::rename(inside.join(from), inside.join(to)).unwrap();
                }
            }
        });
        let mut guest = Guest::in_dir(&inside);
        let (mut opened, mut refused) = (0u32, 0u32);
        let until = Instant::now() + race_time();
        while Instant::now() < until {
            change_through(&mut guest, "swap");
            match guest.open("swap/f", 0, READING) {
                Ok(fd) => {
                    assert_eq!(guest.read(fd, 99).unwrap(), b"inside");
                    assert_eq!(guest.call("fd_close", &[fd]), SUCCESS);
                    opened += 1;
                }
                Err(AGAIN | LOOP | NOENT | NOTDIR | PERM) => refused += 1,
                Err(errno) => panic!("errno {errno}"),
            }
        }
        assert!(opened > 0 && refused > 0, "{opened} opened, {refused} refused");
    });
    // Nothing was created, removed or touched outside.
    let left: Vec<_> = std::fs::read_dir(&outside).unwrap().map(|entry| entry.unwrap()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(std::fs::read_to_string(outside.join("f")).unwrap(), "outside");
    let modified = left[0].metadata().unwrap().modified().unwrap();
    assert!(modified.elapsed().unwrap() < Duration::from_secs(3600), "1970 was set inside only");
}

fn with_perms(scratch: &Scratch, dir: DirPerms, file: FilePerms) -> Guest {
    let mut builder = WasiCtx::builder();
    builder.preopened_dir(scratch.inside(), "/", dir, file).unwrap();
    Guest::new(&mut builder)
}

#[test]
fn a_read_only_directory_cannot_be_changed() {
    let scratch = Scratch::new();
    scratch.file("f", "data");
    std::fs::create_dir(scratch.inside().join("dir")).unwrap();
    let mut guest = with_perms(&scratch, DirPerms::READ, FilePerms::READ);
    let fd = guest.open("f", 0, READING).unwrap();
    assert_eq!(guest.read(fd, 9).unwrap(), b"data");
    assert_eq!(guest.call("fd_filestat_set_times", &[fd, 1, 1, 5]), ROFS);
    assert_eq!(guest.call("fd_filestat_set_times", &[DIR, 1, 1, 5]), ROFS);
    assert_ne!(guest.call("fd_filestat_set_size", &[fd, 0]), SUCCESS);
    assert_ne!(guest.call("fd_allocate", &[fd, 0, 100]), SUCCESS);
    assert_eq!(guest.open("f", 0, ALL), Err(ROFS));
    assert_eq!(guest.open("f", O_TRUNC, READING), Err(ROFS));
    assert_eq!(guest.open("new", O_CREAT, READING), Err(ROFS));
    assert_eq!(guest.open("new", O_CREAT | O_EXCL, READING), Err(ROFS));
    assert_eq!(guest.open("f", O_CREAT | O_EXCL, READING), Err(EXIST));
    assert!(guest.open("f", O_CREAT, READING).is_ok(), "it is there");
    let [path, len] = guest.path("f");
    let [path2, len2] = guest.path2("new");
    assert_eq!(guest.call("path_unlink_file", &[DIR, path, len]), ROFS);
    assert_eq!(guest.call("path_rename", &[DIR, path, len, DIR, path2, len2]), ROFS);
    assert_eq!(guest.call("path_link", &[DIR, 0, path, len, DIR, path2, len2]), ROFS);
    assert_eq!(guest.call("path_symlink", &[path, len, DIR, path2, len2]), ROFS);
    assert_eq!(guest.call("path_create_directory", &[DIR, path2, len2]), ROFS);
    assert_eq!(guest.call("path_filestat_set_times", &[DIR, 0, path, len, 1, 1, 5]), ROFS);
    let [path, len] = guest.path("dir");
    assert_eq!(guest.call("path_remove_directory", &[DIR, path, len]), ROFS);
    let dir = guest.open("dir", O_DIRECTORY, ALL & !FD_WRITE).unwrap();
    assert_eq!(
        guest.open_at(dir, 0, "new", O_CREAT, READING, 0),
        Err(ROFS),
        "permissions are inherited"
    );
    assert_eq!(scratch.contents("f"), "data");
}

#[test]
fn a_file_created_where_files_cannot_be_written_stays_empty() {
    let scratch = Scratch::new();
    let mut guest = with_perms(&scratch, DirPerms::all(), FilePerms::READ);
    assert_eq!(guest.open("new", O_CREAT, ALL), Err(ROFS));
    let fd = guest.open("new", O_CREAT, READING).unwrap();
    assert_eq!(guest.write(fd, b"x"), Err(BADF));
    assert_eq!(guest.call("fd_filestat_set_size", &[fd, 10]), INVAL);
    assert_eq!(guest.call("fd_allocate", &[fd, 0, 10]), BADF);
    assert_eq!(guest.call("fd_filestat_set_times", &[fd, 0, 0, 8]), ROFS);
    assert_eq!(scratch.contents("new"), "");
}

#[test]
fn a_directory_without_permissions_opens_nothing() {
    let scratch = Scratch::new();
    scratch.file("f", "data");
    let mut guest = with_perms(&scratch, DirPerms::empty(), FilePerms::empty());
    assert_eq!(guest.open("f", 0, READING), Err(PERM));
    assert_eq!(guest.readdir(DIR, 0, 100), Err(PERM));
    let [path, len] = guest.path("f");
    assert_eq!(guest.call("path_filestat_get", &[DIR, 0, path, len, OUT.into()]), PERM);
    assert_eq!(guest.call("path_readlink", &[DIR, path, len, BUF.into(), 9, OUT.into()]), PERM);
}

#[test]
fn a_file_gains_no_permission_by_another_name() {
    let scratch = Scratch::new();
    let other = scratch.outside("other");
    std::fs::create_dir(&other).unwrap();
    scratch.file("f", "data");
    let mut builder = WasiCtx::builder();
    builder.preopened_dir(scratch.inside(), "/ro", DirPerms::all(), FilePerms::READ).unwrap();
    builder.preopened_dir(&other, "/rw", DirPerms::all(), FilePerms::all()).unwrap();
    let mut guest = Guest::new(&mut builder);
    let [path, len] = guest.path("f");
    assert_eq!(guest.call("path_link", &[DIR, 0, path, len, DIR + 1, path, len]), XDEV);
    assert_eq!(guest.call("path_rename", &[DIR, path, len, DIR + 1, path, len]), XDEV);
    assert_eq!(
        guest.call("path_link", &[DIR, 0, path, len, DIR, i64::from(PATH), 2]),
        INVAL,
        "a name with NUL"
    );
    guest.open_at(DIR + 1, 0, "g", O_CREAT, ALL, 0).unwrap();
    let [path, len] = guest.path("g");
    assert_eq!(
        guest.call("path_rename", &[DIR + 1, path, len, DIR, path, len]),
        SUCCESS,
        "it loses some"
    );
}

#[test]
fn paths_that_are_no_paths_are_refused() {
    let scratch = Scratch::new();
    let mut guest = Guest::in_dir(&scratch.inside());
    guest.put(PATH, b"a\0b\xff\xfe");
    let create = |guest: &mut Guest, path: u32, len: i64| {
        guest.call("path_create_directory", &[DIR, path.into(), len])
    };
    assert_eq!(create(&mut guest, PATH, 3), INVAL);
    assert_eq!(create(&mut guest, PATH + 3, 2), ILSEQ);
    assert_eq!(create(&mut guest, PATH, 0), NOENT);
    assert_eq!(create(&mut guest, MEMORY_BYTES - 1, 2), FAULT);
    assert_eq!(create(&mut guest, PATH, -1), FAULT);
    assert_eq!(create(&mut guest, u32::MAX, 1), FAULT);
    guest.put(BUF, &[b'x'; 5000]);
    assert_eq!(create(&mut guest, BUF, 300), NAMETOOLONG);
    assert_eq!(create(&mut guest, BUF, 5000), NAMETOOLONG);
}

/// Numbers that are wrong as an address, a length, a count, a descriptor or a flag.
const NASTY: [i64; 12] = [
    0,
    1,
    3,
    4,
    MEMORY_BYTES as i64 - 1,
    MEMORY_BYTES as i64,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fff0,
    0xffff_ffff,
    i64::MAX,
    -2,
];

#[test]
fn no_argument_confuses_the_host() {
    call_with_nasty_numbers(Guest::in_dir);
}

#[test]
fn no_argument_of_a_guest_with_threads_confuses_the_host() {
    call_with_nasty_numbers(|inside| {
        let mut builder = WasiCtx::builder();
        builder.preopened_dir(inside, "/", DirPerms::all(), FilePerms::all()).unwrap();
        Guest::shared(&mut builder)
    });
}

fn call_with_nasty_numbers(guest_in: fn(&Path) -> Guest) {
    let scratch = Scratch::new();
    scratch.file("f", "data");
    let mut guest = guest_in(&scratch.inside());
    guest.open("f", 0, ALL).unwrap();
    // A repeatable walk through combinations of bad arguments. Waiting is left out: it may, rightly, wait long.
    let mut state = 1u64;
    let mut next = |bound: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    for round in 0..20_000 {
        let (name, params) = FUNCTIONS[next(FUNCTIONS.len())];
        if ["poll_oneoff", "proc_raise"].contains(&name) || name == "random_get" && round % 50 != 0
        {
            continue;
        }
        let args: Vec<i64> = params.chars().map(|_| NASTY[next(NASTY.len())]).collect();
        let errno =
            guest.try_call(name, &args).unwrap_or_else(|error| panic!("{name}{args:?}: {error:?}"));
        assert!((0..=76).contains(&errno), "{name}{args:?} returned {errno}");
        if name == "fd_renumber" || name == "fd_close" || round % 100 == 0 {
            guest = guest_in(&scratch.inside());
            let _ = guest.open("f", O_CREAT, ALL);
        }
    }
    assert_eq!(std::fs::read_to_string(scratch.outside("secret")).unwrap(), "secret");
}

#[test]
fn results_that_cannot_be_told_have_no_effect() {
    let scratch = Scratch::new();
    let stdin = riser_wasi::MemoryInputPipe::new("data");
    let mut builder = WasiCtx::builder();
    builder
        .stdin(stdin)
        .preopened_dir(scratch.inside(), "/", DirPerms::all(), FilePerms::all())
        .unwrap();
    let mut guest = Guest::new(&mut builder);
    let nowhere = i64::from(MEMORY_BYTES) - 3;
    let [iovs, count] = guest.iovs(&[(BUF, 4)]);
    assert_eq!(guest.call("fd_read", &[0, iovs, count, nowhere]), FAULT);
    assert_eq!(guest.read(0, 4).unwrap(), b"data", "nothing was consumed");
    let [path, len] = guest.path("new");
    assert_eq!(guest.call("path_open", &[DIR, 0, path, len, O_CREAT, ALL, ALL, 0, nowhere]), FAULT);
    assert!(!scratch.inside().join("new").exists());
    assert_eq!(guest.call("fd_write", &[1, iovs, 0x2000_0000, OUT.into()]), FAULT);
    assert_eq!(guest.call("fd_write", &[1, i64::from(MEMORY_BYTES) - 4, 1, OUT.into()]), FAULT);
    let [iovs, count] = guest.iovs(&[(BUF, 4), (MEMORY_BYTES - 1, 2)]);
    assert_eq!(guest.call("fd_write", &[1, iovs, count, OUT.into()]), FAULT);
    assert_eq!(guest.call("args_sizes_get", &[nowhere, OUT.into()]), FAULT);
    assert_eq!(guest.call("clock_time_get", &[0, 0, nowhere]), FAULT);
    assert_eq!(guest.call("random_get", &[BUF.into(), MEMORY_BYTES.into()]), FAULT);
    assert_eq!(guest.call("poll_oneoff", &[0, 0, 0x7fff_ffff, OUT.into()]), INVAL);
    assert_eq!(guest.call("poll_oneoff", &[0, 0, 60_000, OUT.into()]), FAULT);
    assert_eq!(
        guest.call("fd_readdir", &[DIR, BUF.into(), MEMORY_BYTES.into(), 0, OUT.into()]),
        FAULT
    );
}

#[test]
fn unknown_flags_are_refused() {
    let scratch = Scratch::new();
    scratch.file("f", "");
    let mut guest = Guest::in_dir(&scratch.inside());
    assert_eq!(guest.open_at(DIR, 2, "f", 0, READING, 0), Err(INVAL));
    assert_eq!(guest.open_at(DIR, 0, "f", 16, READING, 0), Err(INVAL));
    assert_eq!(guest.open_at(DIR, 0, "f", 0, READING, 32), Err(INVAL));
    let [path, len] = guest.path("f");
    assert_eq!(guest.call("path_filestat_get", &[DIR, -1, path, len, OUT.into()]), INVAL);
    assert_eq!(guest.call("path_filestat_set_times", &[DIR, 0, path, len, 0, 0, 16]), INVAL);
    assert_eq!(guest.call("fd_fdstat_set_flags", &[DIR, 64]), INVAL);
    assert_eq!(guest.call("fd_seek", &[DIR, 0, 3, OUT.into()]), INVAL);
}

#[test]
fn overlapping_arguments_are_only_bytes() {
    let scratch = Scratch::new();
    scratch.file("f", "0123456789abcdef");
    let mut guest = Guest::in_dir(&scratch.inside());
    let fd = guest.open("f", 0, READING).unwrap();
    // The vectors overlap each other, their own array, and the place of the result.
    let [iovs, count] = guest.iovs(&[(IOVS, 8), (IOVS + 4, 8)]);
    assert_eq!(guest.call("fd_read", &[fd, iovs, count, i64::from(IOVS) + 2]), SUCCESS);
    // The first vector gets 8 bytes, the second overwrites its second half, the count (16) comes last.
    assert_eq!(guest.bytes(IOVS, 12), b"01\x10\0\0\0abcdef");
    // A path that lies where the result will be.
    let [path, len] = guest.path("f");
    assert_eq!(guest.call("path_filestat_get", &[DIR, 0, path, len, path]), SUCCESS);
    assert_eq!(guest.bytes(PATH + 16, 1), [4]);
}
