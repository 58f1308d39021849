//! Downloading an archive, checking it, and putting its programs in their folders.
//!
//! A program's folder appears by one rename, with the archive's hash in `.archive`: there is no half-installed program, and a row
//! whose hash changed is installed anew.

use super::table::{Archive, Program, Registry, Take};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The file in a program's folder that holds the hash of the archive it came from.
const MARK: &str = ".archive";

/// Pauses before the second and each further attempt to download. A registry that answers "too many requests" wants about a minute.
const PAUSES: &[Duration] = &[
    Duration::from_secs(2),
    Duration::from_secs(8),
    Duration::from_secs(20),
    Duration::from_secs(60),
];

/// Whether the program is in `folder`, from this very archive.
pub fn is_installed(folder: &Path, archive: &Archive, program: &Program) -> bool {
    fs::read_to_string(folder.join(program.name).join(MARK))
        .is_ok_and(|mark| mark.trim() == archive.sha256)
}

/// Downloads the archive and installs `programs` of it.
pub fn install(folder: &Path, archive: &Archive, programs: &[&Program]) -> Result<(), String> {
    println!("{}@{} ({} MB)", archive.package, archive.version, archive.megabytes);
    let scratch = Scratch::new(folder)?;
    let file = download(archive, &scratch.0)?;
    check_hash(archive, &file)?;
    let unpacked = scratch.0.join("unpacked");
    unpack_archive(archive.registry, &file, &unpacked)?;
    fs::remove_file(&file).map_err(|e| format!("cannot remove {}: {e}", file.display()))?;
    for program in programs {
        let staged = scratch.0.join("staged").join(program.name);
        make_folder(&staged)?;
        for take in program.take {
            assemble(&unpacked, &staged, *take).map_err(|e| format!("{}: {e}", program.name))?;
        }
        fs::write(staged.join(MARK), format!("{}\n", archive.sha256))
            .map_err(|e| format!("cannot write to {}: {e}", staged.display()))?;
        publish(&staged, &folder.join(program.name))?;
        println!("  installed {}", program.name);
    }
    Ok(())
}

/// A folder beside the installed ones (so that a rename is enough), removed when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(folder: &Path) -> Result<Self, String> {
        let path = folder.join(format!(".scratch-{}", std::process::id()));
        make_folder(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing depends on it: what stays is ignored by git and by the next run.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn make_folder(path: &Path) -> Result<(), String> {
    fs::create_dir_all(path)
        .map_err(|e| format!("cannot create the folder {}: {e}", path.display()))
}

/// Downloads with the registry's own client, several times if it fails, and returns the one file that it wrote.
fn download(archive: &Archive, scratch: &Path) -> Result<PathBuf, String> {
    let into = scratch.join("download");
    let mut attempt = 0;
    loop {
        let _ = fs::remove_dir_all(&into);
        make_folder(&into)?;
        let failure = match quietly(client(archive, &into)) {
            Ok(()) => match only_file(&into) {
                Some(file) => return Ok(file),
                None => "the client wrote no file, or more than one".to_string(),
            },
            Err(Failure::NoProgram(message)) => return Err(message),
            Err(Failure::Failed(message)) => message,
        };
        // What Debian does not have it will not have in a minute.
        let pauses = if archive.registry == Registry::Debian { &[] } else { PAUSES };
        let Some(pause) = pauses.get(attempt) else {
            return Err(format!(
                "cannot download {}@{} after {} attempts: {failure}\n  help: see whether the registry can be reached from here, and run the command again",
                archive.package,
                archive.version,
                attempt + 1
            ));
        };
        attempt += 1;
        eprintln!("  attempt {attempt} failed ({failure}); again in {} s", pause.as_secs());
        std::thread::sleep(*pause);
    }
}

/// The command that downloads the archive into a folder.
fn client(archive: &Archive, into: &Path) -> Command {
    match archive.registry {
        Registry::Npm => {
            let mut command = Command::new("npm");
            command.args(["pack", "--loglevel", "error", "--pack-destination"]).arg(into);
            command.arg(format!("{}@{}", archive.package, archive.version));
            command
        }
        Registry::Debian => {
            let mut command = Command::new("apt-get");
            command.args(["download", "--quiet"]);
            command.arg(format!("{}={}", archive.package, archive.version)).current_dir(into);
            command
        }
        Registry::PyPi(python) => {
            let mut command = Command::new("python3");
            command.args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--only-binary=:all:",
            ]);
            command.args(python.iter().flat_map(|version| ["--python-version", version]));
            command
                .arg("--dest")
                .arg(into)
                .arg(format!("{}=={}", archive.package, archive.version));
            command
        }
    }
}

enum Failure {
    /// It is not installed, so that another attempt is pointless.
    NoProgram(String),
    Failed(String),
}

impl From<Failure> for String {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoProgram(message) | Failure::Failed(message) => message,
        }
    }
}

/// Runs a command without showing its output; what it said last is the message if it fails.
fn quietly(mut command: Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|e| {
        let package = if program == "npm" { "npm (with Node.js)" } else { &program };
        Failure::NoProgram(format!("cannot start `{program}`: {e}\n  help: install {package} with the system's package manager"))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("No module named pip") {
        return Err(Failure::NoProgram("Python has no pip\n  help: install it with the system's package manager (Debian: python3-pip)".into()));
    }
    Err(Failure::Failed(format!("`{program}`: {}", reason(&said))))
}

/// The line of a client's complaints that says most: npm begins with a code and ends with advice, others end with the reason.
fn reason(said: &str) -> &str {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let code = lines.clone().find(|line| line.starts_with("npm error code"));
    code.or_else(|| lines.next_back()).unwrap_or("it said nothing")
}

fn only_file(folder: &Path) -> Option<PathBuf> {
    let mut files = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let file = files.next()?.path();
    files.next().is_none().then_some(file)
}

fn check_hash(archive: &Archive, file: &Path) -> Result<(), String> {
    let found = sha256(file)?;
    if found == archive.sha256 {
        return Ok(());
    }
    Err(format!(
        "{}@{} is not the archive of the table\n  expected SHA-256 {}\n  found    SHA-256 {found}\n  help: if it was published anew, look at what changed before you change the table",
        archive.package, archive.version, archive.sha256
    ))
}

fn sha256(path: &Path) -> Result<String, String> {
    let error = |e: std::io::Error| format!("cannot read {}: {e}", path.display());
    let mut file = fs::File::open(path).map_err(error)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer).map_err(error)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Unpacks the registry's archive; npm puts everything under `package/`, which is left out of the table.
fn unpack_archive(registry: Registry, file: &Path, into: &Path) -> Result<(), String> {
    make_folder(into)?;
    let mut command = match registry {
        Registry::Npm => tar(file, into),
        Registry::PyPi(_) => Command::new("python3"),
        Registry::Debian => Command::new("dpkg-deb"),
    };
    match registry {
        Registry::Npm => command.arg("--strip-components=1"),
        Registry::PyPi(_) => command.args(["-m", "zipfile", "-e"]).arg(file).arg(into),
        Registry::Debian => command.arg("--extract").arg(file).arg(into),
    };
    quietly(command)
        .map_err(|failure| format!("cannot unpack {}: {}", file.display(), String::from(failure)))
}

/// `tar` finds out by itself whether and how the archive is compressed.
fn tar(file: &Path, into: &Path) -> Command {
    let mut command = Command::new("tar");
    command
        .args(["--extract", "--no-same-owner", "--no-same-permissions", "--file"])
        .arg(file)
        .arg("--directory")
        .arg(into);
    command
}

/// Carries out one step of a program's row.
fn assemble(unpacked: &Path, staged: &Path, take: Take) -> Result<(), String> {
    match take {
        Take::File(from, to) => {
            let target = staged.join(to);
            make_folder(target.parent().expect("a file has a parent"))?;
            // A copy, for two rows may take the same file.
            fs::copy(unpacked.join(from), &target)
                .map(|_| ())
                .map_err(|e| format!("cannot take `{from}` from the archive: {e}"))
        }
        Take::Folder(from, to) => copy_folder(&unpacked.join(from), &staged.join(to))
            .map_err(|e| format!("cannot take `{from}` from the archive: {e}")),
        Take::Tar(from, to) => {
            let into = staged.join(to);
            make_folder(&into)?;
            let command = tar(&unpacked.join(from), &into);
            quietly(command)
                .map_err(|failure| format!("cannot unpack `{from}`: {}", String::from(failure)))
        }
    }
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Puts a complete folder in its place; an older one is removed first.
fn publish(staged: &Path, place: &Path) -> Result<(), String> {
    if place.exists() {
        fs::remove_dir_all(place)
            .map_err(|e| format!("cannot remove the older {}: {e}", place.display()))?;
    }
    fs::rename(staged, place)
        .map_err(|e| format!("cannot move a program to {}: {e}", place.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Program = Program {
        name: "p",
        about: "a test",
        take: &[
            Take::File("a.wasm", "p.wasm"),
            Take::Folder("lib", "fs/lib"),
            Take::Tar("t.tar", "fs/t"),
        ],
    };
    const ARCHIVE: Archive = Archive {
        registry: Registry::Npm,
        package: "p",
        version: "1",
        // Of the three bytes `abc`.
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        megabytes: 1,
        by_default: true,
        programs: &[],
    };

    fn scratch(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("riser-xtask-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    #[test]
    fn a_folder_is_assembled_from_files_folders_and_inner_archives() {
        let scratch = scratch("assemble");
        let (unpacked, staged) = (scratch.0.join("unpacked"), scratch.0.join("staged"));
        fs::create_dir_all(unpacked.join("lib/deep")).unwrap();
        fs::write(unpacked.join("a.wasm"), "a").unwrap();
        fs::write(unpacked.join("lib/deep/b"), "b").unwrap();
        let made = Command::new("tar")
            .args(["--create", "--file", "t.tar", "lib"])
            .current_dir(&unpacked)
            .status()
            .unwrap();
        assert!(made.success());
        for take in PROGRAM.take {
            assemble(&unpacked, &staged, *take).unwrap();
        }
        assert_eq!(fs::read_to_string(staged.join("p.wasm")).unwrap(), "a");
        assert_eq!(fs::read_to_string(staged.join("fs/lib/deep/b")).unwrap(), "b");
        assert_eq!(fs::read_to_string(staged.join("fs/t/lib/deep/b")).unwrap(), "b");
        let missing = assemble(&unpacked, &staged, Take::File("c.wasm", "c.wasm")).unwrap_err();
        assert!(missing.contains("cannot take `c.wasm` from the archive"), "{missing}");
    }

    #[test]
    fn another_archive_than_the_pinned_one_is_refused() {
        let scratch = scratch("hash");
        let file = scratch.0.join("archive");
        fs::write(&file, "abc").unwrap();
        check_hash(&ARCHIVE, &file).unwrap();
        fs::write(&file, "abd").unwrap();
        let message = check_hash(&ARCHIVE, &file).unwrap_err();
        assert!(
            message.contains("is not the archive of the table") && message.contains(ARCHIVE.sha256),
            "{message}"
        );
    }

    #[test]
    fn a_program_counts_as_installed_only_from_the_pinned_archive() {
        let scratch = scratch("mark");
        assert!(!is_installed(&scratch.0, &ARCHIVE, &PROGRAM));
        let staged = scratch.0.join("staged");
        fs::create_dir_all(&staged).unwrap();
        fs::write(staged.join(MARK), ARCHIVE.sha256).unwrap();
        fs::create_dir_all(scratch.0.join("p")).unwrap();
        fs::write(scratch.0.join("p/old"), "").unwrap();
        publish(&staged, &scratch.0.join("p")).unwrap();
        assert!(is_installed(&scratch.0, &ARCHIVE, &PROGRAM));
        assert!(!scratch.0.join("p/old").exists());
        fs::write(scratch.0.join("p").join(MARK), "0".repeat(64)).unwrap();
        assert!(!is_installed(&scratch.0, &ARCHIVE, &PROGRAM));
    }

    #[test]
    fn the_reason_of_a_failure_is_one_line() {
        assert_eq!(reason("npm error code E1\nnpm error advice\n"), "npm error code E1");
        assert_eq!(reason("Traceback\n  x\nERROR: no such version\n\n"), "ERROR: no such version");
        assert_eq!(reason(""), "it said nothing");
    }

    #[test]
    fn a_missing_client_is_not_tried_again() {
        let failure = quietly(Command::new("a-program-that-nobody-has"));
        assert!(
            matches!(failure, Err(Failure::NoProgram(message)) if message.contains("install a-program-that-nobody-has"))
        );
    }
}
