//! Modules that were made for something else than riser: told by what they contain and what they import.

use riser_module::Module;

/// What a module was made for, if that is not a stand-alone runtime.
#[derive(Debug, PartialEq)]
pub struct Purpose {
    /// What it is, in a few words.
    pub what: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

/// A purpose told by an import.
struct Sign {
    /// The module that is imported from: all of its name, or its beginning if that ends with `*`.
    module: &'static str,
    /// The beginning of the name that is imported.
    name: &'static str,
    purpose: Purpose,
}

const OBJECT_FILE: Purpose = Purpose {
    what: "object file, not linked yet",
    advice: "this is an object file, not a program yet: link it with wasm-ld",
};

const DYNAMIC_LIBRARY: Purpose = Purpose {
    what: "dynamic library",
    advice: "this is a dynamic library, for a program to load; link it statically",
};

const EMSCRIPTEN: Purpose = Purpose {
    what: "module for JavaScript, made with Emscripten",
    advice: "Emscripten made this module for JavaScript; build it with -sSTANDALONE_WASM",
};

const WASM_BINDGEN: Purpose = Purpose {
    what: "module for JavaScript, made with wasm-bindgen",
    advice: "wasm-bindgen made this module for JavaScript; build it for wasm32-wasip1, without wasm-bindgen",
};

const GO: Purpose = Purpose {
    what: "module for JavaScript, made with Go",
    advice: "Go made this module for JavaScript; build it with GOOS=wasip1",
};

const DART: Purpose = Purpose {
    what: "module for JavaScript, made with Dart",
    advice: "Dart made this module for JavaScript, and it cannot run without",
};

const SIGNS: [Sign; 10] = [
    Sign { module: "wbg", name: "", purpose: WASM_BINDGEN },
    Sign { module: "__wbindgen*", name: "", purpose: WASM_BINDGEN },
    Sign { module: "dart2wasm", name: "", purpose: DART },
    Sign { module: "gojs", name: "", purpose: GO },
    Sign { module: "go", name: "runtime.", purpose: GO },
    Sign { module: "GOT.*", name: "", purpose: DYNAMIC_LIBRARY },
    Sign { module: "env", name: "emscripten_", purpose: EMSCRIPTEN },
    Sign {
        module: "wasi:*",
        name: "",
        purpose: Purpose {
            what: "part of a component",
            advice: "this is a part of a component for WASI 0.2; build it for wasm32-wasip1",
        },
    },
    Sign {
        module: "wasix_*",
        name: "",
        purpose: Purpose {
            what: "WASIX program",
            advice: "WASIX is an extension of WASI that riser does not have; build it for wasm32-wasip1",
        },
    },
    Sign {
        module: "spectest",
        name: "",
        purpose: Purpose {
            what: "module of a test script",
            advice: "this is for test scripts; run them with `riser wast`",
        },
    },
];

/// What a module was made for, if something tells that it is not a stand-alone runtime.
pub fn purpose(module: &Module) -> Option<&'static Purpose> {
    let has_custom = |name: &str| module.customs.iter().any(|custom| &*custom.name == name);
    if has_custom("linking") {
        return Some(&OBJECT_FILE);
    }
    if has_custom("dylink.0") || has_custom("dylink") {
        return Some(&DYNAMIC_LIBRARY);
    }
    // Emscripten shortens names in optimized builds: everything is imported from `a`.
    if module.imports.len() > 3 && module.imports.iter().all(|import| &*import.module == "a") {
        return Some(&EMSCRIPTEN);
    }
    let imported =
        |sign: &Sign| module.imports.iter().any(|import| sign.tells(&import.module, &import.name));
    SIGNS.iter().find(|sign| imported(sign)).map(|sign| &sign.purpose)
}

impl Sign {
    fn tells(&self, module: &str, name: &str) -> bool {
        let module = match self.module.strip_suffix('*') {
            Some(start) => module.starts_with(start),
            None => module == self.module,
        };
        module && name.starts_with(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoded::Decoded;
    use crate::input::Input;
    use riser_module::ModuleBytes;
    use riser_ops::Features;

    fn purpose_of(text: &str) -> Option<&'static str> {
        let bytes = ModuleBytes::new(wat::parse_str(text).unwrap());
        let input = Input::new("test".into(), bytes);
        let decoded = Decoded::new(&input, Features::ALL).unwrap();
        purpose(&decoded.module).map(|purpose| purpose.what)
    }

    #[test]
    fn imports_tell_what_a_module_was_made_for() {
        let importing = |module: &str, name: &str| {
            purpose_of(&format!("(module (import \"{module}\" \"{name}\" (func)))"))
        };
        assert_eq!(importing("wbg", "__wbindgen_throw"), Some(WASM_BINDGEN.what));
        assert_eq!(importing("__wbindgen_placeholder__", "x"), Some(WASM_BINDGEN.what));
        assert_eq!(importing("env", "emscripten_resize_heap"), Some(EMSCRIPTEN.what));
        let short = "abcd".chars().map(|name| format!("(import \"a\" \"{name}\" (func))"));
        assert_eq!(
            purpose_of(&format!("(module {})", short.collect::<String>())),
            Some(EMSCRIPTEN.what)
        );
        assert_eq!(importing("gojs", "runtime.wasmExit"), Some(GO.what));
        assert_eq!(importing("wasi:cli/stdout@0.2.0", "get-stdout"), Some("part of a component"));
        for (module, name) in
            [("env", "log"), ("a", "b"), ("go", "play"), ("wasi_snapshot_preview1", "fd_write")]
        {
            assert_eq!(importing(module, name), None);
        }
    }

    #[test]
    fn sections_tell_what_a_module_was_made_for() {
        assert_eq!(purpose_of("(module (@custom \"linking\" \"\"))"), Some(OBJECT_FILE.what));
        assert_eq!(purpose_of("(module (@custom \"dylink.0\" \"\"))"), Some(DYNAMIC_LIBRARY.what));
        assert_eq!(purpose_of("(module)"), None);
    }
}
