//! What each function does with good arguments.

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use common::*;
use riser_wasi::{
    DirPerms, FilePerms, I32Exit, InputFile, MemoryInputPipe, MemoryOutputPipe, OutputFile,
    SeededRandom, VirtualClock, WasiCtx,
};

fn bare() -> Guest {
    Guest::new(&mut WasiCtx::builder())
}

fn strings(guest: &mut Guest, sizes: &str, get: &str) -> Vec<String> {
    assert_eq!(guest.call(sizes, &[OUT.into(), i64::from(OUT) + 4]), SUCCESS);
    let (count, bytes) = (guest.u32(OUT), guest.u32(OUT + 4));
    assert_eq!(guest.call(get, &[IOVS.into(), BUF.into()]), SUCCESS);
    let end = BUF + bytes;
    let starts = (0..count).map(|index| guest.u32(IOVS + 4 * index));
    let string = |start: u32| {
        let bytes = guest.bytes(start, end - start);
        String::from_utf8(bytes.split(|byte| *byte == 0).next().unwrap().to_vec()).unwrap()
    };
    starts.map(string).collect()
}

#[test]
fn arguments_and_environment_arrive() {
    let mut builder = WasiCtx::builder();
    builder.arg("prog").args(&["-x", "", "ü"]).env("A", "1=2").envs(&[("B", "")]);
    let mut guest = Guest::new(&mut builder);
    assert_eq!(strings(&mut guest, "args_sizes_get", "args_get"), ["prog", "-x", "", "ü"]);
    assert_eq!(strings(&mut guest, "environ_sizes_get", "environ_get"), ["A=1=2", "B="]);
}

#[test]
fn nothing_is_granted_by_default() {
    let mut guest = bare();
    assert!(strings(&mut guest, "args_sizes_get", "args_get").is_empty());
    assert!(strings(&mut guest, "environ_sizes_get", "environ_get").is_empty());
    assert_eq!(guest.read(0, 10), Ok(vec![]));
    assert_eq!(guest.write(1, b"into the void"), Ok(13));
    assert_eq!(guest.call("fd_prestat_get", &[3, OUT.into()]), BADF);
}

#[test]
fn standard_streams_are_redirected() {
    let (stdout, stderr) = (MemoryOutputPipe::new(8), MemoryOutputPipe::new(100));
    let mut builder = WasiCtx::builder();
    builder.stdin(MemoryInputPipe::new("hello")).stdout(stdout.clone()).stderr(stderr.clone());
    let mut guest = Guest::new(&mut builder);
    assert_eq!(guest.read(0, 3).unwrap(), b"hel");
    assert_eq!(guest.read(0, 9).unwrap(), b"lo");
    assert_eq!(guest.write(1, b"out"), Ok(3));
    assert_eq!(guest.write(2, b"err"), Ok(3));
    assert_eq!(guest.write(1, b"too much"), Ok(5));
    assert_eq!(guest.write(1, b"!"), Err(NOSPC));
    assert_eq!(guest.write(0, b"x"), Err(BADF));
    assert_eq!(guest.read(1, 1), Err(BADF));
    assert_eq!((stdout.contents(), stderr.contents()), (b"outtoo m".to_vec(), b"err".to_vec()));
}

#[test]
fn vectors_are_gathered_and_scattered_in_order() {
    let stdout = MemoryOutputPipe::new(100);
    let mut guest =
        Guest::new(WasiCtx::builder().stdin(MemoryInputPipe::new("abcdef")).stdout(stdout.clone()));
    guest.put(BUF, b"0123456789");
    let [iovs, count] = guest.iovs(&[(BUF + 8, 2), (BUF, 0), (BUF, 3), (BUF + 1, 4)]);
    assert_eq!(guest.call("fd_write", &[1, iovs, count, OUT.into()]), SUCCESS);
    assert_eq!((guest.u32(OUT), stdout.contents()), (9, b"890121234".to_vec()));
    let [iovs, count] = guest.iovs(&[(BUF + 5, 2), (BUF, 0), (BUF, 3)]);
    assert_eq!(guest.call("fd_read", &[0, iovs, count, OUT.into()]), SUCCESS);
    assert_eq!((guest.u32(OUT), guest.bytes(BUF, 10)), (5, b"cde34ab789".to_vec()));
}

#[test]
fn a_broken_pipe_is_reported_as_such() {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut guest = Guest::new(WasiCtx::builder().stdout(OutputFile::new(writer)));
    assert_eq!(guest.write(1, b"x"), Ok(1));
    drop(reader);
    assert_eq!(guest.write(1, b"x"), Err(PIPE));
}

#[test]
fn a_stream_that_shall_not_wait_says_again() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut guest = Guest::new(WasiCtx::builder().stdin(InputFile::new(reader)));
    assert_eq!(guest.call("fd_fdstat_set_flags", &[0, 4]), SUCCESS);
    assert_eq!(guest.read(0, 4), Err(AGAIN));
    writer.write_all(b"now").unwrap();
    assert_eq!(guest.read(0, 4).unwrap(), b"now");
    assert_eq!(guest.call("fd_fdstat_get", &[0, OUT.into()]), SUCCESS);
    assert_eq!(guest.bytes(OUT, 4), [0, 0, 4, 0]);
    assert_eq!(guest.call("fd_fdstat_set_flags", &[0, 1]), NOTSUP);
}

#[test]
fn a_file_as_standard_stream_can_be_sought() {
    let scratch = Scratch::new();
    scratch.file("in", "0123456789");
    let file = std::fs::File::open(scratch.inside().join("in")).unwrap();
    let mut guest = Guest::new(WasiCtx::builder().stdin(InputFile::new(file)));
    assert_eq!(guest.call("fd_seek", &[0, -3, 2, OUT.into()]), SUCCESS);
    assert_eq!(guest.u64(OUT), 7);
    assert_eq!(guest.read(0, 10).unwrap(), b"789");
    assert_eq!(guest.call("fd_seek", &[1, 0, 1, OUT.into()]), SPIPE);
    assert_eq!(guest.call("fd_filestat_get", &[0, OUT.into()]), SUCCESS);
    assert_eq!((guest.bytes(OUT + 16, 1), guest.u64(OUT + 32)), (vec![4], 10));
}

#[test]
fn clocks_can_be_replaced() {
    let mut builder = WasiCtx::builder();
    builder
        .wall_clock(VirtualClock::new(5_000_000_000, 0))
        .monotonic_clock(VirtualClock::new(100, 1));
    let mut guest = Guest::new(&mut builder);
    let mut time = |id| {
        assert_eq!(guest.call("clock_time_get", &[id, 1, OUT.into()]), SUCCESS);
        guest.u64(OUT)
    };
    assert_eq!((time(0), time(1), time(1), time(0)), (5_000_000_000, 100, 101, 5_000_000_000));
    assert_eq!(guest.call("clock_res_get", &[1, OUT.into()]), SUCCESS);
    assert_eq!(guest.u64(OUT), 1);
    assert_eq!(guest.call("clock_time_get", &[2, 0, OUT.into()]), INVAL);
    assert_eq!(guest.call("clock_res_get", &[4, OUT.into()]), INVAL);
}

#[test]
fn the_systems_time_is_plausible() {
    let mut guest = bare();
    assert_eq!(guest.call("clock_time_get", &[0, 1, OUT.into()]), SUCCESS);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let told = Duration::from_nanos(guest.u64(OUT));
    assert!(now.abs_diff(told) < Duration::from_secs(60));
}

#[test]
fn random_bytes_are_repeatable_when_seeded() {
    let draw = |builder: &mut riser_wasi::WasiCtxBuilder| {
        let mut guest = Guest::new(builder);
        assert_eq!(guest.call("random_get", &[BUF.into(), 100]), SUCCESS);
        guest.bytes(BUF, 101)
    };
    let first = draw(WasiCtx::builder().secure_random(SeededRandom::new(7)));
    assert_eq!(first, draw(WasiCtx::builder().secure_random(SeededRandom::new(7))));
    assert_ne!(first, draw(&mut WasiCtx::builder()));
    assert_eq!(first[100], 0, "nothing beyond the buffer is written");
}

#[test]
fn exit_is_an_error_that_carries_the_status() {
    let engine = riser::Engine::default();
    let text = "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))
        (memory (export \"memory\") 1)
        (func (export \"_start\") (call $exit (i32.const 42)) unreachable))";
    let module = riser::Module::new(&engine, text).unwrap();
    let mut linker = riser::Linker::<WasiCtx>::new(&engine);
    riser_wasi::p1::add_to_linker(&mut linker, |ctx| ctx).unwrap();
    let mut store = riser::Store::new(&engine, WasiCtx::builder().build());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap();
    let error = start.call(&mut store, ()).unwrap_err();
    assert_eq!(error.downcast_ref::<I32Exit>(), Some(&I32Exit(42)));
}

#[test]
fn a_guest_without_memory_is_told_so() {
    let engine = riser::Engine::default();
    let text = "(module (import \"wasi_snapshot_preview1\" \"fd_close\" (func $close (param i32) (result i32)))
        (func (export \"f\") (result i32) (call $close (i32.const 1))))";
    let module = riser::Module::new(&engine, text).unwrap();
    let mut linker = riser::Linker::<WasiCtx>::new(&engine);
    riser_wasi::p1::add_to_linker(&mut linker, |ctx| ctx).unwrap();
    let mut store = riser::Store::new(&engine, WasiCtx::builder().build());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let function = instance.get_typed_func::<(), i32>(&mut store, "f").unwrap();
    let error = function.call(&mut store, ()).unwrap_err();
    assert!(format!("{error:?}").contains("exported memory"), "{error:?}");
}

#[test]
fn granted_directories_have_their_names() {
    let scratch = Scratch::new();
    let mut builder = WasiCtx::builder();
    for name in ["/", "/data"] {
        builder.preopened_dir(scratch.inside(), name, DirPerms::all(), FilePerms::all()).unwrap();
    }
    let mut guest = Guest::new(&mut builder);
    assert_eq!(guest.call("fd_prestat_get", &[4, OUT.into()]), SUCCESS);
    assert_eq!(guest.bytes(OUT, 8), [0, 0, 0, 0, 5, 0, 0, 0]);
    assert_eq!(guest.call("fd_prestat_dir_name", &[4, BUF.into(), 4]), NAMETOOLONG);
    assert_eq!(guest.call("fd_prestat_dir_name", &[4, BUF.into(), 5]), SUCCESS);
    assert_eq!(guest.bytes(BUF, 6), b"/data\0");
    assert_eq!(guest.call("fd_prestat_get", &[5, OUT.into()]), BADF);
    assert_eq!(guest.call("fd_prestat_get", &[1, OUT.into()]), BADF);
}

#[test]
fn files_are_created_written_and_read() {
    let scratch = Scratch::new();
    let mut guest = Guest::in_dir(&scratch.inside());
    assert_eq!(guest.open("new", 0, ALL), Err(NOENT));
    let fd = guest.open("new", O_CREAT | O_EXCL, ALL).unwrap();
    assert_eq!(guest.write(fd, b"hello world"), Ok(11));
    assert_eq!(guest.call("fd_seek", &[fd, 6, 0, OUT.into()]), SUCCESS);
    assert_eq!(guest.read(fd, 100).unwrap(), b"world");
    assert_eq!(guest.read(fd, 100).unwrap(), b"");
    assert_eq!(guest.call("fd_tell", &[fd, OUT.into()]), SUCCESS);
    assert_eq!(guest.u64(OUT), 11);
    assert_eq!(guest.call("fd_sync", &[fd]), SUCCESS);
    assert_eq!(guest.call("fd_datasync", &[fd]), SUCCESS);
    assert_eq!(guest.call("fd_close", &[fd]), SUCCESS);
    assert_eq!(guest.call("fd_close", &[fd]), BADF);
    assert_eq!(scratch.contents("new"), "hello world");
    assert_eq!(guest.open("new", O_CREAT | O_EXCL, ALL), Err(EXIST));
    let fd = guest.open("new", O_TRUNC, ALL).unwrap();
    assert_eq!(guest.read(fd, 100).unwrap(), b"");
}

#[test]
fn positioned_transfers_leave_the_offset_alone() {
    let scratch = Scratch::new();
    scratch.file("f", "0123456789");
    let mut guest = Guest::in_dir(&scratch.inside());
    let fd = guest.open("f", 0, ALL).unwrap();
    guest.put(BUF, b"XY");
    let [iovs, count] = guest.iovs(&[(BUF, 2)]);
    assert_eq!(guest.call("fd_pwrite", &[fd, iovs, count, 4, OUT.into()]), SUCCESS);
    let [iovs, count] = guest.iovs(&[(BUF, 3), (BUF + 10, 2)]);
    assert_eq!(guest.call("fd_pread", &[fd, iovs, count, 3, OUT.into()]), SUCCESS);
    assert_eq!(
        (guest.u32(OUT), guest.bytes(BUF, 3), guest.bytes(BUF + 10, 2)),
        (5, b"3XY".into(), b"67".into())
    );
    assert_eq!(guest.read(fd, 2).unwrap(), b"01");
    assert_eq!(guest.call("fd_pread", &[0, iovs, count, 0, OUT.into()]), SPIPE);
    assert_eq!(guest.call("fd_pread", &[fd, iovs, count, -1, OUT.into()]), INVAL);
}

#[test]
fn appending_goes_to_the_end() {
    let scratch = Scratch::new();
    scratch.file("log", "one\n");
    let mut guest = Guest::in_dir(&scratch.inside());
    let fd = guest.open_at(DIR, 0, "log", 0, ALL, 1).unwrap();
    assert_eq!(guest.write(fd, b"two\n"), Ok(4));
    assert_eq!(guest.call("fd_seek", &[fd, 0, 0, OUT.into()]), SUCCESS);
    assert_eq!(guest.write(fd, b"three\n"), Ok(6));
    assert_eq!(guest.call("fd_fdstat_set_flags", &[fd, 0]), SUCCESS);
    assert_eq!(guest.call("fd_seek", &[fd, 0, 0, OUT.into()]), SUCCESS);
    assert_eq!(guest.write(fd, b"ONE"), Ok(3));
    assert_eq!(scratch.contents("log"), "ONE\ntwo\nthree\n");
    assert_eq!(
        guest.open_at(DIR, 0, "log", O_TRUNC, ALL, 1).map(|_| scratch.contents("log")),
        Ok("".into())
    );
}

#[test]
fn sizes_and_times_are_set() {
    let scratch = Scratch::new();
    scratch.file("f", "0123456789");
    let mut guest = Guest::in_dir(&scratch.inside());
    let fd = guest.open("f", 0, ALL).unwrap();
    assert_eq!(guest.call("fd_filestat_set_size", &[fd, 4]), SUCCESS);
    assert_eq!(guest.call("fd_filestat_set_size", &[fd, -1]), FBIG);
    assert_eq!(scratch.contents("f"), "0123");
    assert_eq!(guest.call("fd_allocate", &[fd, 0, 100]), SUCCESS);
    assert_eq!(guest.call("fd_allocate", &[fd, 0, 0]), INVAL);
    assert_eq!(guest.call("fd_allocate", &[fd, -1, 1]), INVAL);
    assert_eq!(guest.call("fd_advise", &[fd, 0, 0, 3]), SUCCESS);
    assert_eq!(guest.call("fd_advise", &[fd, 0, 0, 6]), INVAL);
    assert_eq!(
        guest.call("fd_filestat_set_times", &[fd, 1_500_000_000, 2_000_000_001, 1 | 4]),
        SUCCESS
    );
    assert_eq!(guest.call("fd_filestat_get", &[fd, OUT.into()]), SUCCESS);
    let times = |guest: &Guest| (guest.u64(OUT + 40), guest.u64(OUT + 48));
    assert_eq!((guest.u64(OUT + 32), times(&guest)), (100, (1_500_000_000, 2_000_000_001)));
    let [path, len] = guest.path("f");
    assert_eq!(guest.call("path_filestat_set_times", &[DIR, 1, path, len, 7, 8, 4]), SUCCESS);
    assert_eq!(guest.call("path_filestat_get", &[DIR, 1, path, len, OUT.into()]), SUCCESS);
    assert_eq!(times(&guest), (1_500_000_000, 8));
    assert_eq!(guest.call("path_filestat_set_times", &[DIR, 1, path, len, 7, 8, 8]), SUCCESS);
    assert_eq!(guest.call("path_filestat_get", &[DIR, 1, path, len, OUT.into()]), SUCCESS);
    assert!(guest.u64(OUT + 48) > 1_500_000_000_000_000_000);
    assert_eq!(guest.call("fd_filestat_set_times", &[fd, 0, 0, 3]), INVAL);
}

#[test]
fn directories_are_created_renamed_and_removed() {
    let scratch = Scratch::new();
    let mut guest = Guest::in_dir(&scratch.inside());
    let [path, len] = guest.path("a");
    assert_eq!(guest.call("path_create_directory", &[DIR, path, len]), SUCCESS);
    assert_eq!(guest.call("path_create_directory", &[DIR, path, len]), EXIST);
    guest.open("a/f", O_CREAT, ALL).unwrap();
    let [path, len] = guest.path("a");
    assert_eq!(guest.call("path_remove_directory", &[DIR, path, len]), NOTEMPTY);
    assert_eq!(guest.call("path_unlink_file", &[DIR, path, len]), ISDIR);
    let [path2, len2] = guest.path2("b");
    assert_eq!(guest.call("path_rename", &[DIR, path, len, DIR, path2, len2]), SUCCESS);
    let sub = guest.open("b", O_DIRECTORY, READING).unwrap();
    let [path, len] = guest.path("f");
    // A file cannot take the place of the directory that holds it.
    assert_eq!(guest.call("path_rename", &[sub, path, len, DIR, path2, len2]), NOTEMPTY);
    assert_eq!(guest.call("path_unlink_file", &[sub, path, len]), SUCCESS);
    assert_eq!(guest.call("path_remove_directory", &[DIR, path2, len2]), SUCCESS);
    assert_eq!(std::fs::read_dir(scratch.inside()).unwrap().count(), 0);
}

#[test]
fn links_are_made_read_and_followed() {
    let scratch = Scratch::new();
    scratch.file("f", "data");
    let mut guest = Guest::in_dir(&scratch.inside());
    let [target, target_len] = guest.path("f");
    let [path, len] = guest.path2("s");
    assert_eq!(guest.call("path_symlink", &[target, target_len, DIR, path, len]), SUCCESS);
    assert_eq!(guest.call("path_readlink", &[DIR, path, len, BUF.into(), 10, OUT.into()]), SUCCESS);
    assert_eq!((guest.u32(OUT), guest.bytes(BUF, 1)), (1, b"f".to_vec()));
    let kind = |guest: &mut Guest, flags| {
        assert_eq!(guest.call("path_filestat_get", &[DIR, flags, path, len, OUT.into()]), SUCCESS);
        guest.bytes(OUT + 16, 1)[0]
    };
    assert_eq!((kind(&mut guest, 0), kind(&mut guest, 1)), (7, 4));
    assert_eq!(guest.open_at(DIR, 0, "s", 0, READING, 0), Err(LOOP));
    let fd = guest.open_at(DIR, FOLLOW, "s", 0, READING, 0).unwrap();
    assert_eq!(guest.read(fd, 10).unwrap(), b"data");
    let [from, from_len] = guest.path("s");
    let [to, to_len] = guest.path2("hard");
    assert_eq!(guest.call("path_link", &[DIR, FOLLOW, from, from_len, DIR, to, to_len]), SUCCESS);
    assert!(std::fs::symlink_metadata(scratch.inside().join("hard")).unwrap().is_file());
    assert_eq!(guest.call("path_link", &[DIR, 0, from, from_len, DIR, to, to_len]), EXIST);
}

#[test]
fn a_directory_is_read_piece_by_piece() {
    let scratch = Scratch::new();
    for index in 0..300 {
        scratch.file(&format!("file-{index:03}"), "");
    }
    let mut guest = Guest::in_dir(&scratch.inside());
    let fd = guest.open(".", O_DIRECTORY, READING).unwrap();
    let (mut names, mut cookie) = (Vec::new(), 0);
    loop {
        let entries = guest.readdir(fd, cookie, 200).unwrap();
        let Some(last) = entries.last() else { break };
        cookie = last.0 as i64;
        names.extend(entries.into_iter().map(|entry| entry.1));
    }
    names.sort();
    assert_eq!(names.len(), 302);
    assert_eq!(names[..3], [".", "..", "file-000"]);
    // A position can be returned to; the first one reads the directory anew.
    let second = guest.readdir(fd, 1, 4096).unwrap()[0].clone();
    assert_eq!(second, (2, "..".to_string()));
    scratch.file("late", "");
    let has_late = |entries: Vec<(u64, String)>| entries.iter().any(|entry| entry.1 == "late");
    assert!(!has_late(guest.readdir(fd, 1, 0x7000).unwrap()));
    assert!(has_late(guest.readdir(fd, 0, 0x7000).unwrap()));
    assert_eq!(guest.readdir(fd, 1_000_000, 4096), Ok(vec![]));
    assert_eq!(guest.readdir(fd, -1, 4096), Ok(vec![]));
}

#[test]
fn an_entry_that_does_not_fit_is_cut() {
    let scratch = Scratch::new();
    let mut guest = Guest::in_dir(&scratch.inside());
    for len in [0, 1, 8, 23, 24, 25, 49, 50] {
        assert_eq!(guest.call("fd_readdir", &[DIR, BUF.into(), len, 0, OUT.into()]), SUCCESS);
        assert_eq!(i64::from(guest.u32(OUT)), len);
    }
    // Two entries, `.` and `..`, fit in 51 bytes.
    assert_eq!(guest.call("fd_readdir", &[DIR, BUF.into(), 60, 0, OUT.into()]), SUCCESS);
    assert_eq!(guest.u32(OUT), 51);
}

#[test]
fn reading_a_large_directory_takes_linear_time() {
    let scratch = Scratch::new();
    for index in 0..100_000 {
        scratch.file(&index.to_string(), "");
    }
    let mut guest = Guest::in_dir(&scratch.inside());
    let (mut count, mut cookie) = (0, 0);
    let started = Instant::now();
    loop {
        // Room for a few entries only, as a program with a small buffer would have.
        let entries = guest.readdir(DIR, cookie, 500).unwrap();
        let Some(last) = entries.last() else { break };
        cookie = last.0 as i64;
        count += entries.len();
    }
    assert_eq!(count, 100_002);
    // Reading it anew for each call would take 300,000,000 steps, more than a minute.
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[test]
fn descriptors_are_renumbered() {
    let scratch = Scratch::new();
    scratch.file("a", "a");
    scratch.file("b", "b");
    let mut guest = Guest::in_dir(&scratch.inside());
    let (a, b) = (guest.open("a", 0, READING).unwrap(), guest.open("b", 0, READING).unwrap());
    assert_eq!(guest.call("fd_renumber", &[a, b]), SUCCESS);
    assert_eq!(guest.read(b, 1).unwrap(), b"a");
    assert_eq!(guest.read(a, 1), Err(BADF));
    assert_eq!(guest.call("fd_renumber", &[b, a]), BADF);
    assert_eq!(guest.call("fd_renumber", &[b, b]), SUCCESS);
    assert_eq!(guest.open("b", 0, READING), Ok(a), "the lowest free number is used");
}

#[test]
fn rights_can_be_given_up_and_not_regained() {
    let scratch = Scratch::new();
    scratch.file("f", "data");
    let mut guest = Guest::in_dir(&scratch.inside());
    let fd = guest.open("f", 0, FD_READ | FD_SEEK).unwrap();
    assert_eq!(guest.call("fd_fdstat_get", &[fd, OUT.into()]), SUCCESS);
    assert_eq!((guest.bytes(OUT, 1), guest.u64(OUT + 8)), (vec![4], (FD_READ | FD_SEEK) as u64));
    assert_eq!(guest.write(fd, b"x"), Err(BADF));
    assert_eq!(guest.call("fd_filestat_get", &[fd, OUT.into()]), NOTCAPABLE);
    assert_eq!(guest.call("fd_fdstat_set_rights", &[fd, FD_READ, 0]), SUCCESS);
    assert_eq!(guest.call("fd_seek", &[fd, 1, 0, OUT.into()]), NOTCAPABLE);
    assert_eq!(guest.call("fd_fdstat_set_rights", &[fd, FD_READ | FD_SEEK, 0]), NOTCAPABLE);
    assert_eq!(guest.read(fd, 10).unwrap(), b"data");
    // What a directory does not pass on cannot be asked for.
    assert_eq!(guest.call("fd_fdstat_set_rights", &[DIR, 1 << 13, ALL & !FD_WRITE]), SUCCESS);
    assert_eq!(guest.open("f", 0, FD_WRITE), Err(NOTCAPABLE));
    assert_eq!(guest.open("g", O_CREAT, FD_READ), Err(NOTCAPABLE));
    assert_eq!(
        guest.open("f", 0, ALL & !FD_WRITE).map(|fd| guest.read(fd, 1)),
        Ok(Ok(b"d".to_vec()))
    );
}

#[test]
fn functions_for_files_refuse_directories() {
    let scratch = Scratch::new();
    scratch.file("f", "");
    let mut guest = Guest::in_dir(&scratch.inside());
    assert_eq!(guest.read(DIR, 1), Err(ISDIR));
    assert_eq!(guest.write(DIR, b"x"), Err(ISDIR));
    assert_eq!(guest.call("fd_seek", &[DIR, 0, 0, OUT.into()]), BADF);
    assert_eq!(guest.call("fd_tell", &[DIR, OUT.into()]), BADF);
    assert_eq!(guest.open(".", 0, FD_READ | FD_WRITE), Err(ISDIR));
    assert_eq!(guest.open(".", O_DIRECTORY | O_CREAT, FD_READ), Err(INVAL));
    let fd = guest.open("f", 0, READING).unwrap();
    assert_eq!(guest.readdir(fd, 0, 100), Err(NOTDIR));
    assert_eq!(guest.open_at(fd, 0, "f", 0, READING, 0), Err(NOTDIR));
    assert_eq!(guest.open("f", O_DIRECTORY, READING), Err(NOTDIR));
    assert_eq!(guest.open("f/", 0, READING), Err(NOTDIR));
}

#[test]
fn signals_end_the_program_or_are_ignored() {
    let mut guest = bare();
    let error = guest.try_call("proc_raise", &[6]).unwrap_err();
    assert_eq!(error.downcast_ref::<I32Exit>(), Some(&I32Exit(134)));
    assert_eq!(guest.call("proc_raise", &[0]), SUCCESS);
    assert_eq!(guest.call("proc_raise", &[18]), NOTSUP);
    assert_eq!(guest.call("proc_raise", &[31]), INVAL);
}

#[test]
fn what_is_no_socket_is_not_used_as_one() {
    let mut guest = bare();
    assert_eq!(guest.call("sock_accept", &[0, 0, OUT.into()]), NOTSOCK);
    assert_eq!(guest.call("sock_recv", &[0, IOVS.into(), 0, 0, OUT.into(), OUT.into()]), NOTSOCK);
    assert_eq!(guest.call("sock_send", &[1, IOVS.into(), 0, 0, OUT.into()]), NOTSOCK);
    assert_eq!(guest.call("sock_shutdown", &[9, 3]), BADF);
    assert_eq!(guest.call("sched_yield", &[]), SUCCESS);
}

#[test]
fn connections_are_accepted_and_served() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let scratch = Scratch::new();
    let mut builder = WasiCtx::builder();
    builder.preopened_socket(listener);
    builder.preopened_dir(scratch.inside(), "/", DirPerms::all(), FilePerms::all()).unwrap();
    let mut guest = Guest::new(&mut builder);
    // A socket before a directory does not hide it.
    assert_eq!(guest.call("fd_prestat_get", &[3, OUT.into()]), SUCCESS);
    assert_ne!(guest.bytes(OUT, 1), [0]);
    assert_eq!(guest.call("fd_prestat_get", &[4, OUT.into()]), SUCCESS);
    assert_eq!(guest.bytes(OUT, 1), [0]);

    assert_eq!(guest.call("fd_fdstat_set_flags", &[3, 4]), SUCCESS);
    assert_eq!(guest.call("sock_accept", &[3, 0, OUT.into()]), AGAIN);
    assert_eq!(guest.call("sock_accept", &[3, 1, OUT.into()]), INVAL);
    assert_eq!(guest.read(3, 1), Err(NOTCONN));
    let mut peer = TcpStream::connect(address).unwrap();
    let minute = clock(9, 1, 60_000_000_000, false);
    assert_eq!(poll(&mut guest, &[descriptor(1, 1, 3), minute]).unwrap()[0].0, 1);
    assert_eq!(guest.call("sock_accept", &[3, 4, OUT.into()]), SUCCESS);
    let fd = i64::from(guest.u32(OUT));
    assert_eq!(guest.call("fd_fdstat_get", &[fd, OUT.into()]), SUCCESS);
    assert_eq!(guest.bytes(OUT, 3), [6, 0, 4]);
    assert_eq!(guest.read(fd, 10), Err(AGAIN));
    assert_eq!(guest.call("fd_fdstat_set_flags", &[fd, 0]), SUCCESS);

    peer.write_all(b"ping").unwrap();
    let [iovs, count] = guest.iovs(&[(BUF, 2), (BUF + 10, 20)]);
    let receive = |flags| [fd, iovs, count, flags, OUT.into(), i64::from(OUT) + 4];
    assert_eq!(guest.call("sock_recv", &receive(4)), INVAL);
    assert_eq!(guest.call("sock_recv", &receive(1)), SUCCESS);
    assert_eq!(
        (guest.u32(OUT), guest.bytes(BUF, 2), guest.bytes(BUF + 10, 2)),
        (4, b"pi".into(), b"ng".into())
    );
    assert_eq!(guest.read(fd, 10).unwrap(), b"ping");
    guest.put(BUF, b"pong");
    let [iovs, count] = guest.iovs(&[(BUF, 4)]);
    assert_eq!(guest.call("sock_send", &[fd, iovs, count, 1, OUT.into()]), INVAL);
    assert_eq!(guest.call("sock_send", &[fd, iovs, count, 0, OUT.into()]), SUCCESS);
    assert_eq!(guest.u32(OUT), 4);
    assert_eq!(guest.write(fd, b"!"), Ok(1));
    assert_eq!(guest.call("sock_shutdown", &[fd, 0]), INVAL);
    assert_eq!(guest.call("sock_shutdown", &[fd, 4]), INVAL);
    assert_eq!(guest.call("sock_shutdown", &[fd, 2]), SUCCESS);
    assert_eq!(guest.write(fd, b"!"), Err(PIPE));
    let mut answer = String::new();
    peer.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "pong!");
    drop(peer);
    assert_eq!(guest.read(fd, 10).unwrap(), b"");
    assert_eq!(guest.call("fd_seek", &[fd, 0, 0, OUT.into()]), SPIPE);
    assert_eq!(guest.call("fd_close", &[fd]), SUCCESS);
}

/// A subscription to a clock in the layout of `wasi_snapshot_preview1`.
fn clock(userdata: u64, id: u32, timeout: u64, absolute: bool) -> Vec<u8> {
    let mut bytes = vec![0; 48];
    bytes[0..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[16..20].copy_from_slice(&id.to_le_bytes());
    bytes[24..32].copy_from_slice(&timeout.to_le_bytes());
    bytes[40] = absolute.into();
    bytes
}

/// A subscription to a descriptor: `tag` 1 to read, 2 to write.
fn descriptor(userdata: u64, tag: u8, fd: u32) -> Vec<u8> {
    let mut bytes = vec![0; 48];
    bytes[0..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[8] = tag;
    bytes[16..20].copy_from_slice(&fd.to_le_bytes());
    bytes
}

/// Each event: userdata, errno, type, bytes, flags.
type Event = (u64, u16, u8, u64, u16);

fn poll(guest: &mut Guest, subscriptions: &[Vec<u8>]) -> Result<Vec<Event>, i32> {
    guest.put(IOVS, &subscriptions.concat());
    match guest
        .call("poll_oneoff", &[IOVS.into(), BUF.into(), subscriptions.len() as i64, OUT.into()])
    {
        SUCCESS => {}
        errno => return Err(errno),
    }
    let event = |index: u32| {
        let at = BUF + 32 * index;
        let u16 = |at| u16::from_le_bytes(guest.bytes(at, 2).try_into().unwrap());
        (guest.u64(at), u16(at + 8), guest.bytes(at + 10, 1)[0], guest.u64(at + 16), u16(at + 24))
    };
    Ok((0..guest.u32(OUT)).map(event).collect())
}

#[test]
fn the_shortest_time_ends_a_wait() {
    let mut guest = Guest::new(WasiCtx::builder().monotonic_clock(VirtualClock::new(1000, 0)));
    let hour = 3_600_000_000_000;
    let started = Instant::now();
    assert_eq!(
        poll(&mut guest, &[clock(1, 1, 2 * hour, false), clock(2, 1, hour, false)]),
        Ok(vec![(2, 0, 0, 0, 0)])
    );
    assert_eq!(guest.call("clock_time_get", &[1, 0, OUT.into()]), SUCCESS);
    assert_eq!(guest.u64(OUT), hour + 1000);
    // A time that is past already, in absolute terms.
    assert_eq!(
        poll(&mut guest, &[clock(3, 1, hour, true), clock(4, 1, 1, false)]),
        Ok(vec![(3, 0, 0, 0, 0)])
    );
    assert_eq!(poll(&mut guest, &[clock(5, 1, hour + 5000, true)]), Ok(vec![(5, 0, 0, 0, 0)]));
    assert!(started.elapsed() < Duration::from_secs(600));
}

#[test]
fn real_time_passes_while_waiting() {
    let mut guest = bare();
    let started = Instant::now();
    assert_eq!(poll(&mut guest, &[clock(1, 0, 30_000_000, false)]), Ok(vec![(1, 0, 0, 0, 0)]));
    assert!(started.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_pipe_and_a_clock_are_waited_for_together() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut guest = Guest::new(WasiCtx::builder().stdin(InputFile::new(reader)));
    let minute = clock(2, 1, 60_000_000_000, false);
    let soon = clock(2, 1, 10_000_000, false);
    assert_eq!(poll(&mut guest, &[descriptor(1, 1, 0), soon]), Ok(vec![(2, 0, 0, 0, 0)]));
    writer.write_all(b"abc").unwrap();
    assert_eq!(poll(&mut guest, &[descriptor(1, 1, 0), minute.clone()]), Ok(vec![(1, 0, 1, 3, 0)]));
    drop(writer);
    guest.read(0, 3).unwrap();
    assert_eq!(poll(&mut guest, &[descriptor(1, 1, 0), minute]), Ok(vec![(1, 0, 1, 0, 1)]));
}

#[test]
fn a_full_pipe_cannot_be_written() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut guest = Guest::new(WasiCtx::builder().stdout(OutputFile::new(writer)));
    let soon = clock(2, 1, 10_000_000, false);
    assert_eq!(guest.call("fd_fdstat_set_flags", &[1, 4]), SUCCESS);
    while guest.write(1, &[0; 4096]) == Ok(4096) {}
    assert_eq!(guest.write(1, &[0; 4096]), Err(AGAIN));
    assert_eq!(poll(&mut guest, &[descriptor(1, 2, 1), soon.clone()]), Ok(vec![(2, 0, 0, 0, 0)]));
    reader.read_exact(&mut [0; 8192]).unwrap();
    assert_eq!(poll(&mut guest, &[descriptor(1, 2, 1), soon]), Ok(vec![(1, 0, 2, 1, 0)]));
}

#[test]
fn files_are_always_ready_and_wrong_subscriptions_are_events() {
    let scratch = Scratch::new();
    scratch.file("f", "data");
    let mut guest = Guest::in_dir(&scratch.inside());
    let fd = guest.open("f", 0, ALL).unwrap() as u32;
    let hour = clock(9, 1, 3_600_000_000_000, false);
    let events =
        poll(&mut guest, &[descriptor(1, 1, fd), hour.clone(), descriptor(2, 2, fd)]).unwrap();
    assert_eq!(events, [(1, 0, 1, 1, 0), (2, 0, 2, 1, 0)]);
    let events =
        poll(&mut guest, &[descriptor(3, 1, 77), clock(4, 9, 5, false), hour.clone()]).unwrap();
    assert_eq!(events, [(3, BADF as u16, 1, 0, 0), (4, INVAL as u16, 0, 0, 0)]);
    assert_eq!(poll(&mut guest, &[]), Err(INVAL));
    let mut unknown = hour;
    unknown[8] = 3;
    assert_eq!(poll(&mut guest, &[unknown]), Err(INVAL));
}

/// What `path_open` is to say of `name`, which is a file, a folder, or missing.
fn expected_open(name: &str, oflags: i64, rights: i64) -> Result<(), i32> {
    let has = |flag| oflags & flag != 0;
    if has(O_DIRECTORY) && (has(O_CREAT) || has(O_EXCL) || has(O_TRUNC)) {
        return Err(INVAL);
    }
    match name {
        "missing" if has(O_CREAT) => Ok(()),
        "missing" => Err(NOENT),
        _ if has(O_CREAT) && has(O_EXCL) => Err(EXIST),
        "file" if has(O_DIRECTORY) => Err(NOTDIR),
        "folder" if has(O_TRUNC) || rights & FD_WRITE != 0 => Err(ISDIR),
        _ => Ok(()),
    }
}

#[test]
fn paths_are_opened_with_every_flag() {
    for name in ["file", "folder", "missing"] {
        for oflags in 0..16 {
            for fdflags in 0..32 {
                for rights in [FD_READ, FD_WRITE, FD_READ | FD_WRITE, ALL & !FD_READ & !FD_WRITE] {
                    check_open(name, oflags, fdflags, rights);
                }
            }
        }
    }
}

fn check_open(name: &str, oflags: i64, fdflags: i64, rights: i64) {
    static SCRATCH: std::sync::LazyLock<Scratch> = std::sync::LazyLock::new(Scratch::new);
    let inside = SCRATCH.inside();
    SCRATCH.file("file", "data");
    let _ = std::fs::remove_file(inside.join("missing"));
    let _ = std::fs::create_dir(inside.join("folder"));
    let mut guest = Guest::in_dir(&inside);
    let opened = guest.open_at(DIR, 0, name, oflags, rights | FD_SEEK, fdflags);
    let about = format!("{name} {oflags:#x} {fdflags:#x} {rights:#x}");
    assert_eq!(opened.map(drop), expected_open(name, oflags, rights), "{about}");
    let Ok(fd) = opened else { return };
    let truncated = name == "missing" || oflags & O_TRUNC != 0;
    if name != "folder" {
        assert_eq!(SCRATCH.contents(name), if truncated { "" } else { "data" }, "{about}");
        assert_eq!(guest.read(fd, 9).is_ok(), rights & FD_READ != 0, "{about}");
        assert_eq!(guest.call("fd_seek", &[fd, 0, 0, OUT.into()]), SUCCESS, "{about}");
        assert_eq!(guest.write(fd, b"X").is_ok(), rights & FD_WRITE != 0, "{about}");
        let expected = match (rights & FD_WRITE != 0, truncated, fdflags & 1 != 0) {
            (false, true, _) => "",
            (false, false, _) => "data",
            (true, true, _) => "X",
            (true, false, true) => "dataX",
            (true, false, false) => "Xata",
        };
        assert_eq!(SCRATCH.contents(name), expected, "{about}");
    }
    assert_eq!(guest.call("fd_fdstat_get", &[fd, OUT.into()]), SUCCESS);
    let kind = if name == "folder" { 3 } else { 4 };
    let told = if name == "folder" { 0 } else { fdflags as u8 };
    assert_eq!(guest.bytes(OUT, 4), [kind, 0, told, 0], "{about}");
}

#[test]
fn writing_past_the_end_leaves_zeros() {
    let scratch = Scratch::new();
    scratch.file("f", "ab");
    let mut guest = Guest::in_dir(&scratch.inside());
    let fd = guest.open("f", 0, ALL).unwrap();
    assert_eq!(guest.call("fd_seek", &[fd, 3, 2, OUT.into()]), SUCCESS);
    assert_eq!(guest.u64(OUT), 5);
    assert_eq!(guest.read(fd, 9).unwrap(), b"");
    assert_eq!(scratch.contents("f"), "ab", "seeking alone changes nothing");
    assert_eq!(guest.write(fd, b"c"), Ok(1));
    assert_eq!(scratch.contents("f"), "ab\0\0\0c");
    assert_eq!(guest.call("fd_seek", &[fd, i64::MAX, 1, OUT.into()]), INVAL, "beyond all offsets");
}

#[test]
fn a_terminal_is_known_and_waited_for() {
    let terminal = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR).unwrap();
    rustix::pty::grantpt(&terminal).unwrap();
    rustix::pty::unlockpt(&terminal).unwrap();
    let path = rustix::pty::ptsname(&terminal, Vec::new()).unwrap();
    let mut options = std::fs::File::options();
    let program = options.read(true).write(true).open(path.to_str().unwrap()).unwrap();
    let mut builder = WasiCtx::builder();
    builder.stdin(InputFile::new(program.try_clone().unwrap())).stdout(OutputFile::new(program));
    let mut guest = Guest::new(&mut builder);
    for fd in [0, 1] {
        assert_eq!(guest.call("fd_fdstat_get", &[fd, OUT.into()]), SUCCESS);
        assert_eq!(guest.bytes(OUT, 1), [2], "a character device, as terminals are");
        let rights = guest.u64(OUT + 8) as i64;
        assert_eq!(rights & FD_SEEK, 0, "which is how programs tell");
        assert_eq!(guest.call("fd_seek", &[fd, 0, 1, OUT.into()]), SPIPE);
    }
    let soon = clock(2, 1, 10_000_000, false);
    assert_eq!(poll(&mut guest, &[descriptor(1, 1, 0), soon]), Ok(vec![(2, 0, 0, 0, 0)]));
    let mut keyboard = std::fs::File::from(terminal);
    keyboard.write_all(b"typed\n").unwrap();
    let minute = clock(2, 1, 60_000_000_000, false);
    assert_eq!(poll(&mut guest, &[descriptor(1, 1, 0), minute]), Ok(vec![(1, 0, 1, 6, 0)]));
    assert_eq!(guest.read(0, 99).unwrap(), b"typed\n");
    assert_eq!(guest.write(1, b"shown"), Ok(5));
}

#[test]
fn waiting_takes_no_processor_time() {
    let cpu = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    let (reader, _writer) = std::io::pipe().unwrap();
    let mut guest = Guest::new(WasiCtx::builder().stdin(InputFile::new(reader)));
    let (before, started) = (cpu(), Instant::now());
    let wait = clock(1, 1, 400_000_000, false);
    assert_eq!(poll(&mut guest, std::slice::from_ref(&wait)).unwrap().len(), 1);
    assert_eq!(poll(&mut guest, &[descriptor(2, 1, 0), wait]).unwrap().len(), 1);
    assert!(started.elapsed() >= Duration::from_millis(800));
    assert!(cpu() - before < Duration::from_millis(200), "{:?}", cpu() - before);
}

#[test]
fn a_guest_with_shared_memory_sees_the_same() {
    let scratch = Scratch::new();
    let stdout = MemoryOutputPipe::new(1 << 20);
    let mut builder = WasiCtx::builder();
    builder.args(&["prog", "ü"]).stdin(MemoryInputPipe::new("abcdef")).stdout(stdout.clone());
    builder.preopened_dir(scratch.inside(), "/", DirPerms::all(), FilePerms::all()).unwrap();
    let mut guest = Guest::shared(&mut builder);
    assert_eq!(strings(&mut guest, "args_sizes_get", "args_get"), ["prog", "ü"]);
    let fd = guest.open("new", O_CREAT, ALL).unwrap();
    assert_eq!(guest.write(fd, b"hello world"), Ok(11));
    assert_eq!(guest.call("fd_seek", &[fd, 6, 0, OUT.into()]), SUCCESS);
    assert_eq!(guest.read(fd, 100).unwrap(), b"world");
    let names: Vec<_> = guest.readdir(DIR, 0, 4096).unwrap().into_iter().map(|e| e.1).collect();
    assert_eq!(names, [".", "..", "new"]);
    let [iovs, count] = guest.iovs(&[(BUF + 5, 2), (BUF, 0), (BUF, 3)]);
    assert_eq!(guest.call("fd_read", &[0, iovs, count, OUT.into()]), SUCCESS);
    assert_eq!((guest.u32(OUT), guest.bytes(BUF + 5, 2)), (5, b"ab".to_vec()));
    assert_eq!(guest.bytes(BUF, 3), b"cde");
    // More than goes through at once is a part of it.
    let [iovs, count] = guest.iovs(&[(0, MEMORY_BYTES)]);
    assert_eq!(guest.call("fd_write", &[1, iovs, count, OUT.into()]), SUCCESS);
    let written = guest.u32(OUT);
    assert!(written > 1000 && written < MEMORY_BYTES);
    assert_eq!(stdout.contents().len(), written as usize);
    assert_eq!(guest.call("random_get", &[0, 100_000]), SUCCESS);
    assert_ne!(guest.bytes(99_990, 10), [0; 10]);
    assert_eq!(guest.bytes(100_000, 10), [0; 10]);
    assert_eq!(poll(&mut guest, &[clock(5, 1, 1, false)]), Ok(vec![(5, 0, 0, 0, 0)]));
}

#[test]
fn the_older_version_has_its_own_layouts() {
    let scratch = Scratch::new();
    scratch.file("f", "0123456789");
    let mut builder = WasiCtx::builder();
    builder.preopened_dir(scratch.inside(), "/", DirPerms::all(), FilePerms::all()).unwrap();
    let mut guest = Guest::of("wasi_unstable", &mut builder);
    let fd = guest.open("f", 0, ALL).unwrap();
    // Current, end, start.
    let mut seek = |whence, distance| {
        assert_eq!(guest.call("fd_seek", &[fd, distance, whence, OUT.into()]), SUCCESS);
        guest.u64(OUT)
    };
    assert_eq!((seek(2, 3), seek(0, 1), seek(1, -1)), (3, 4, 9));
    assert_eq!(guest.call("fd_seek", &[fd, 0, 3, OUT.into()]), INVAL);
    assert_eq!(guest.call("fd_filestat_get", &[fd, OUT.into()]), SUCCESS);
    let stat =
        |guest: &Guest| (guest.bytes(OUT + 16, 1)[0], guest.u32(OUT + 20), guest.u64(OUT + 24));
    assert_eq!(stat(&guest), (4, 1, 10));
    let [path, len] = guest.path("f");
    guest.put(OUT, &[0xff; 64]);
    assert_eq!(guest.call("path_filestat_get", &[DIR, 0, path, len, OUT.into()]), SUCCESS);
    assert_eq!(stat(&guest), (4, 1, 10));
    assert_eq!(guest.bytes(OUT + 56, 8), [0xff; 8], "it is shorter");
    let mut subscription = vec![0; 56];
    subscription[0] = 5;
    subscription[24] = 1;
    subscription[32] = 100;
    assert_eq!(poll(&mut guest, &[subscription]), Ok(vec![(5, 0, 0, 0, 0)]));
}
