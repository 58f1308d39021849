//! Attempts to leave a granted directory or to confuse the host, one by one, each with the errno that refuses it.
//!
//! `hostile.rs` tries whole classes at once; here every attempt stands by itself, so that one can read what is
//! refused and how.

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use common::*;
use riser_wasi::{DirPerms, FilePerms, WasiCtx, WasiCtxBuilder};

/// A second granted directory, next to the first one.
const OTHER: i64 = 4;

/// A third one, in which files can only be read.
const LESS: i64 = 5;

/// What an attempt does, in the words of the functions of WASI.
enum Act {
    /// `path_open` with these `oflags`, at the first granted directory.
    Open(&'static str, i64),
    /// The same without following a link at the end.
    OpenNoFollow(&'static str, i64),
    /// `path_open` at the directory under another descriptor.
    OpenAt(i64, &'static str),
    Stat(&'static str),
    Touch(&'static str),
    ReadLink(&'static str),
    Unlink(&'static str),
    RemoveDir(&'static str),
    CreateDir(&'static str),
    /// What the link says, and where it is to be.
    Symlink(&'static str, &'static str),
    /// From a path of one directory to a path of another.
    Rename(i64, &'static str, i64, &'static str),
    Link(i64, &'static str, i64, &'static str),
    LinkFollowing(i64, &'static str, i64, &'static str),
    /// Any function with any arguments.
    Call(&'static str, &'static [i64]),
}

use Act::*;

/// Each attempt, the errno that refuses it, and what it is about. `inside` has a file `f`, a folder `dir` with a file
/// `g`, which is granted once more with less permissions, and links: `up` to `../secret`, `absolute` to `/etc/passwd`, `parent` to `..`, `root` to `/`, `self` to itself,
/// `dangling` to `../new`, `sub` to `dir`. Next to it are `secret` and `other`, which is granted too and has a file `h`.
const ATTEMPTS: &[(Act, i32, &str)] = &[
    // Paths that go up.
    (Open("..", 0), PERM, "the parent itself"),
    (Open("../secret", 0), PERM, "a file of the parent"),
    (Open("../inside/f", 0), PERM, "out and in again"),
    (Open("dir/../../secret", 0), PERM, "down, then up twice"),
    (Open("dir/../dir/../../inside/f", 0), PERM, "a long way round"),
    (Open("./../secret", 0), PERM, "a dot first"),
    (Open(".//..//secret", 0), PERM, "empty components"),
    (Open("../secret/", 0), PERM, "a slash at the end"),
    (Open("../../../../../../etc/passwd", 0), PERM, "up beyond the root"),
    (Open("missing/../../secret", 0), NOENT, "up from what is not there"),
    (Open("f/../../secret", 0), NOTDIR, "up from a file"),
    (OpenAt(6, ".."), PERM, "up from a directory that was opened"),
    (OpenAt(6, "../f"), PERM, "up from there to what may be opened otherwise"),
    (Stat("../secret"), PERM, "looking at a file outside"),
    (Touch("../secret"), PERM, "changing times outside"),
    (Unlink("../secret"), PERM, "removing a file outside"),
    (RemoveDir("../other"), PERM, "removing a directory outside"),
    (RemoveDir(".."), PERM, "removing the parent"),
    (CreateDir("../new"), PERM, "creating a directory outside"),
    (Open("../new", O_CREAT), PERM, "creating a file outside"),
    (Symlink("f", "../new"), PERM, "a link outside"),
    (Rename(DIR, "f", DIR, "../f"), PERM, "moving a file out"),
    (Rename(DIR, "../secret", DIR, "stolen"), PERM, "moving a file in"),
    (Rename(DIR, "../other", DIR, "stolen"), PERM, "moving a directory in"),
    (Link(DIR, "../secret", DIR, "stolen"), PERM, "a second name for a file outside"),
    (Link(DIR, "f", DIR, "../new"), PERM, "a second name outside"),
    // Absolute paths.
    (Open("/etc/passwd", 0), PERM, "an absolute path"),
    (Open("//etc//passwd", 0), PERM, "an absolute path with empty components"),
    (Open("/", O_DIRECTORY), PERM, "the root"),
    (Open("/proc/self/root/etc/passwd", 0), PERM, "the root by way of /proc"),
    (Open("/proc/self/fd/0", 0), PERM, "a descriptor of the host"),
    (Open("/dev/mem", 0), PERM, "a device"),
    (CreateDir("/tmp/riser-wasi-escape"), PERM, "a directory by an absolute path"),
    (Rename(DIR, "f", DIR, "/tmp/riser-wasi-escape"), PERM, "moving to an absolute path"),
    // Symbolic links.
    (Open("up", 0), PERM, "a link out"),
    (Open("up", O_TRUNC), PERM, "a link out, to cut the file"),
    (Open("absolute", 0), PERM, "a link to an absolute path"),
    (Open("parent/secret", 0), PERM, "a link out in the middle"),
    (Open("parent/inside/f", 0), PERM, "a link out and in again"),
    (Open("root/etc/passwd", 0), PERM, "a link to the root"),
    (Open("root/", O_DIRECTORY), PERM, "a link to the root, with a slash"),
    (Open("sub/../../secret", 0), PERM, "up behind a link that is allowed"),
    (Open("dir/up2/secret", 0), PERM, "a link out from a folder"),
    (Open("self", 0), LOOP, "a link to itself"),
    (OpenNoFollow("up", 0), LOOP, "a link that is not to be followed"),
    (Open("dangling", O_CREAT), PERM, "creating a file where a link leads"),
    (Open("dangling", O_CREAT | O_EXCL), EXIST, "creating a file in place of a link"),
    (CreateDir("dangling"), EXIST, "creating a directory where a link leads"),
    (CreateDir("parent/new"), PERM, "a directory beyond a link"),
    (Stat("up"), PERM, "looking at a file through a link"),
    (Touch("up"), PERM, "changing times through a link"),
    (Unlink("parent/secret"), PERM, "removing a file beyond a link"),
    (RemoveDir("parent/other"), PERM, "removing a directory beyond a link"),
    (RemoveDir("sub"), NOTDIR, "removing a link as a directory"),
    (ReadLink("absolute"), PERM, "reading where in the host a link leads"),
    (ReadLink("parent/inside/up"), PERM, "reading a link beyond a link"),
    (ReadLink("f"), INVAL, "reading a link that is none"),
    (Symlink("/etc/passwd", "new"), PERM, "making a link to an absolute path"),
    (Link(DIR, "parent/secret", DIR, "stolen"), PERM, "a second name beyond a link"),
    (LinkFollowing(DIR, "up", DIR, "stolen"), PERM, "a second name for what a link leads to"),
    (LinkFollowing(DIR, "absolute", DIR, "stolen"), PERM, "the same with an absolute link"),
    (Rename(DIR, "parent/secret", DIR, "stolen"), PERM, "moving what is beyond a link"),
    (Rename(DIR, "f", DIR, "parent/new"), PERM, "moving beyond a link"),
    // Several granted directories.
    (OpenAt(OTHER, "../inside/f"), PERM, "from one granted directory to the other"),
    (Open("../other/h", 0), PERM, "and back"),
    (Rename(DIR, "../other/h", OTHER, "x"), PERM, "moving through the wrong directory"),
    (Rename(DIR, "f", OTHER, "../inside/x"), PERM, "moving back by way of the parent"),
    (Link(OTHER, "h", DIR, "../other/x"), PERM, "a second name through the wrong directory"),
    (Rename(LESS, "g", OTHER, "x"), XDEV, "moving to where more is allowed"),
    (Link(LESS, "g", OTHER, "x"), XDEV, "a second name where more is allowed"),
    // Trailing slashes and odd names.
    (Open("f/", 0), NOTDIR, "a file as a directory"),
    (Open("f/.", 0), NOTDIR, "a file as a directory, with a dot"),
    (Stat("f/"), NOTDIR, "looking at a file as a directory"),
    (Unlink("f/"), NOTDIR, "removing a file as a directory"),
    (Unlink("dir/"), ISDIR, "removing a directory as a file"),
    (Rename(DIR, "f/", DIR, "x"), NOTDIR, "moving a file as a directory"),
    (Rename(DIR, "f", DIR, "x/"), NOTDIR, "moving a file to a name for directories"),
    (Link(DIR, "f", DIR, "x/"), NOENT, "a second name that is for directories"),
    (Link(DIR, "f/", DIR, "x"), NOTDIR, "a second name for a file as a directory"),
    (Symlink("f", "x/"), NOENT, "a link whose name is for directories"),
    (Open("x/", O_CREAT), ISDIR, "a file whose name is for directories"),
    (Open("f/", O_CREAT), NOTDIR, "a file that is there, by a name for directories"),
    (ReadLink("sub/"), INVAL, "reading a link as a directory"),
    (Rename(DIR, "dir", DIR, "dir/x"), INVAL, "moving a directory into itself"),
    (Rename(DIR, ".", DIR, "x"), BUSY, "moving the granted directory"),
    (RemoveDir("."), INVAL, "removing the granted directory"),
    (Open("", 0), NOENT, "no name"),
    (CreateDir("f"), EXIST, "a directory in place of a file"),
    (CreateDir("f/x"), NOTDIR, "a directory below a file"),
    (Open("a\0b", 0), INVAL, "a name with NUL"),
    (Open("f\0/../../secret", 0), INVAL, "what a C program would take for `f`"),
    // Descriptors.
    (OpenAt(0, "f"), NOTDIR, "a path relative to standard input"),
    (OpenAt(99, "f"), BADF, "a path relative to nothing"),
    (OpenAt(-1, "f"), BADF, "a path relative to less than nothing"),
    (OpenAt(0x7fff_ffff, "f"), BADF, "the largest descriptor"),
    (OpenAt(-100, "f"), BADF, "what means the current directory to Linux"),
    (Call("fd_close", &[-1]), BADF, "closing nothing"),
    (Call("fd_renumber", &[DIR, 99]), BADF, "moving a directory to a free number"),
    (Call("fd_renumber", &[99, DIR]), BADF, "replacing a directory by nothing"),
    (Call("fd_renumber", &[DIR, -1]), BADF, "moving to a number that cannot be"),
    (Call("fd_read", &[DIR, 0, 0, 0]), ISDIR, "reading a directory as a file"),
    (Call("fd_fdstat_set_rights", &[DIR, -1, -1]), NOTCAPABLE, "asking for all rights"),
    (Call("fd_prestat_dir_name", &[DIR, 0, 0]), NAMETOOLONG, "a name that does not fit"),
    // Addresses and lengths. Memory ends at 131072.
    (Call("fd_read", &[0, 131_072, 1, 0]), FAULT, "vectors behind the end"),
    (Call("fd_read", &[0, 131_068, 1, 0]), FAULT, "vectors that reach over the end"),
    (Call("fd_read", &[0, 0, 0x2000_0000, 0]), FAULT, "a count whose size in bytes wraps to 0"),
    (Call("fd_read", &[0, 0, -1, 0]), FAULT, "as many vectors as can be"),
    (Call("fd_write", &[1, 0, 1, 131_069]), FAULT, "a result that reaches over the end"),
    (Call("fd_write", &[1, -8, 2, 0]), FAULT, "vectors that wrap around"),
    (Call("fd_pread", &[7, 0, 1, -1, 16]), INVAL, "a negative offset"),
    (Call("fd_pwrite", &[7, 0, 1, i64::MIN, 16]), INVAL, "the most negative offset"),
    (Call("path_open", &[DIR, 0, -1, 1, 0, 2, 2, 0, 0]), FAULT, "a path behind the end"),
    (Call("path_open", &[DIR, 0, 0, -1, 0, 2, 2, 0, 0]), FAULT, "a path of four gigabytes"),
    (Call("path_open", &[DIR, 0, 0, 100_000, 0, 2, 2, 0, 0]), NAMETOOLONG, "a path of 100 kB"),
    (Call("path_open", &[DIR, 0, 0x600, 1, 0, 2, 2, 0, -2]), FAULT, "a descriptor told nowhere"),
    (Call("path_open", &[DIR, 0, 0x601, 2, 0, 2, 2, 0, 0]), ILSEQ, "a path that is not UTF-8"),
    (Call("path_readlink", &[DIR, 0x600, 1, 131_071, 2, 0]), FAULT, "a buffer over the end"),
    (Call("fd_readdir", &[DIR, 131_000, 1000, 0, 0]), FAULT, "entries over the end"),
    (Call("fd_readdir", &[DIR, 0, -1, 0, 0]), FAULT, "entries all over"),
    (Call("random_get", &[1, 131_072]), FAULT, "random bytes over the end"),
    (Call("random_get", &[-1, -1]), FAULT, "random bytes nowhere"),
    (Call("poll_oneoff", &[0, 0, 0x1000_0000, 0]), INVAL, "as many subscriptions as bytes"),
    (Call("poll_oneoff", &[131_000, 0, 3, 0]), FAULT, "subscriptions over the end"),
    (Call("poll_oneoff", &[0, 131_060, 1, 0]), FAULT, "events over the end"),
    (Call("poll_oneoff", &[0, 0, 0, 0]), INVAL, "waiting for nothing"),
    (Call("args_get", &[131_071, 0]), FAULT, "arguments over the end"),
    (Call("environ_sizes_get", &[131_070, 0]), FAULT, "sizes over the end"),
    (Call("sock_recv", &[0, 0, 0, 0, 0, -1]), FAULT, "flags told nowhere"),
    // Numbers that mean nothing.
    (Call("fd_seek", &[7, 0, 3, 0]), INVAL, "a whence that is none"),
    (Call("fd_seek", &[7, 0, -1, 0]), INVAL, "another"),
    (Call("fd_seek", &[7, -1, 0, 0]), INVAL, "before the beginning"),
    (Call("fd_seek", &[7, i64::MIN, 2, 0]), INVAL, "far before the beginning"),
    (Call("fd_advise", &[7, 0, 0, 6]), INVAL, "advice that is none"),
    (Call("fd_advise", &[7, -1, 2, 0]), INVAL, "a range that wraps"),
    (Call("fd_allocate", &[7, -1, 2]), INVAL, "room for a range that wraps"),
    (Call("fd_allocate", &[7, 0, i64::MAX]), FBIG, "room for everything"),
    (Call("fd_filestat_set_size", &[7, -1]), FBIG, "the largest size"),
    (Call("fd_filestat_set_times", &[7, 0, 0, 3]), INVAL, "a time both given and now"),
    (Call("fd_filestat_set_times", &[7, 0, 0, 16]), INVAL, "times that are none"),
    (Call("fd_fdstat_set_flags", &[7, 32]), INVAL, "flags that are none"),
    (Call("fd_fdstat_set_flags", &[7, 2]), NOTSUP, "a flag that cannot be changed"),
    (Call("path_open", &[DIR, 2, 0x600, 1, 0, 2, 2, 0, 0]), INVAL, "lookup flags that are none"),
    (Call("path_open", &[DIR, 0, 0x600, 1, 16, 2, 2, 0, 0]), INVAL, "open flags that are none"),
    (Call("path_open", &[DIR, 0, 0x600, 1, 0, 2, 2, 32, 0]), INVAL, "file flags that are none"),
    (Call("path_open", &[DIR, 0, 0x600, 1, 3, 2, 2, 0, 0]), INVAL, "creating a directory"),
    (Call("path_filestat_get", &[DIR, 2, 0x600, 1, 0]), INVAL, "looking with odd flags"),
    (Call("path_link", &[DIR, 2, 0x600, 1, DIR, 0x600, 1]), INVAL, "a second name with odd flags"),
    (Call("clock_time_get", &[4, 0, 0]), INVAL, "a clock that is none"),
    (Call("clock_res_get", &[-1, 0]), INVAL, "another"),
    (Call("sock_accept", &[DIR, 0, 0]), NOTSOCK, "a connection to a directory"),
    (Call("sock_shutdown", &[7, 3]), NOTSOCK, "shutting down a file"),
];

const BUSY: i32 = 10;

fn prepare(scratch: &Scratch, make: fn(&mut WasiCtxBuilder) -> Guest) -> Guest {
    let inside = scratch.inside();
    scratch.file("f", "mine");
    fs::create_dir(inside.join("dir")).unwrap();
    scratch.file("dir/g", "mine");
    for (target, name) in [
        ("../secret", "up"),
        ("/etc/passwd", "absolute"),
        ("..", "parent"),
        ("/", "root"),
        ("self", "self"),
        ("../new", "dangling"),
        ("dir", "sub"),
        ("../..", "dir/up2"),
    ] {
        symlink(target, inside.join(name)).unwrap();
    }
    let other = scratch.outside("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("h"), "theirs").unwrap();
    let mut builder = WasiCtx::builder();
    builder.arg("program").env("K", "V");
    builder.preopened_dir(&inside, "/", DirPerms::all(), FilePerms::all()).unwrap();
    builder.preopened_dir(other, "/other", DirPerms::all(), FilePerms::all()).unwrap();
    builder.preopened_dir(inside.join("dir"), "/less", DirPerms::all(), FilePerms::READ).unwrap();
    let mut guest = make(&mut builder);
    assert_eq!(guest.open("dir", O_DIRECTORY, READING), Ok(6));
    assert_eq!(guest.open("f", 0, ALL), Ok(7));
    guest.put(0x600, b"f\xff\xfe");
    guest
}

fn attempt(guest: &mut Guest, act: &Act) -> i32 {
    let opened = |result: Result<i64, i32>| result.map_or_else(|errno| errno, |_| SUCCESS);
    match *act {
        Open(path, oflags) => {
            let rights = if oflags & (O_CREAT | O_TRUNC) != 0 { ALL } else { READING };
            opened(guest.open(path, oflags, rights))
        }
        OpenNoFollow(path, oflags) => opened(guest.open_at(DIR, 0, path, oflags, READING, 0)),
        OpenAt(dir, path) => opened(guest.open_at(dir, FOLLOW, path, 0, READING, 0)),
        Stat(path) => {
            let [path, len] = guest.path(path);
            guest.call("path_filestat_get", &[DIR, FOLLOW, path, len, OUT.into()])
        }
        Touch(path) => {
            let [path, len] = guest.path(path);
            guest.call("path_filestat_set_times", &[DIR, FOLLOW, path, len, 1, 1, 5])
        }
        ReadLink(path) => {
            let [path, len] = guest.path(path);
            guest.call("path_readlink", &[DIR, path, len, BUF.into(), 99, OUT.into()])
        }
        Unlink(path) => with_path(guest, "path_unlink_file", path),
        RemoveDir(path) => with_path(guest, "path_remove_directory", path),
        CreateDir(path) => with_path(guest, "path_create_directory", path),
        Symlink(target, path) => {
            let ([target, target_len], [path, len]) = (guest.path(target), guest.path2(path));
            guest.call("path_symlink", &[target, target_len, DIR, path, len])
        }
        Rename(from, path, to, path2) => {
            let ([path, len], [path2, len2]) = (guest.path(path), guest.path2(path2));
            guest.call("path_rename", &[from, path, len, to, path2, len2])
        }
        Link(from, path, to, path2) => link(guest, 0, (from, path), (to, path2)),
        LinkFollowing(from, path, to, path2) => link(guest, FOLLOW, (from, path), (to, path2)),
        Call(name, args) => guest.call(name, args),
    }
}

fn with_path(guest: &mut Guest, name: &str, path: &str) -> i32 {
    let [path, len] = guest.path(path);
    guest.call(name, &[DIR, path, len])
}

fn link(guest: &mut Guest, flags: i64, from: (i64, &str), to: (i64, &str)) -> i32 {
    let ([path, len], [path2, len2]) = (guest.path(from.1), guest.path2(to.1));
    guest.call("path_link", &[from.0, flags, path, len, to.0, path2, len2])
}

/// All files, folders and links below a folder with what is in them.
fn content(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let what = if metadata.is_dir() {
            found.extend(content(&path));
            String::new()
        } else if metadata.is_symlink() {
            fs::read_link(&path).unwrap().display().to_string()
        } else {
            fs::read_to_string(&path).unwrap()
        };
        found.push((path.display().to_string(), what));
    }
    found.sort();
    found
}

#[test]
fn each_attempt_is_refused_with_its_errno() {
    attempt_all(Guest::new);
}

#[test]
fn each_attempt_of_a_guest_with_threads_is_refused_with_its_errno() {
    attempt_all(Guest::shared);
}

fn attempt_all(make: fn(&mut WasiCtxBuilder) -> Guest) {
    const { assert!(ATTEMPTS.len() >= 40) };
    let mut wrong = Vec::new();
    let mut scratch = Scratch::new();
    let mut guest = prepare(&scratch, make);
    let mut before = content(&scratch.outside(""));
    for (act, expected, what) in ATTEMPTS {
        let errno = attempt(&mut guest, act);
        if errno != *expected {
            wrong.push(format!("{what}: errno {errno} instead of {expected}"));
        }
        if content(&scratch.outside("")) != before {
            wrong.push(format!("{what}: something has changed"));
            scratch = Scratch::new();
            guest = prepare(&scratch, make);
            before = content(&scratch.outside(""));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
