// Runs a module in V8, for comparison:
//   node run-in-node.mjs FILE --invoke EXPORT N           calls one export of a module that imports nothing
//   node run-in-node.mjs FILE [--dir HOST::GUEST]... [--env NAME=VALUE]... -- ARG...     runs a program for WASI 0.1
// V8 compiles as it does in a browser: fast first, then better what is hot.
import { readFileSync } from "node:fs";

const words = process.argv.slice(2);
const file = words.shift();
const module = new WebAssembly.Module(readFileSync(file));

if (words[0] === "--invoke") {
  const { exports } = new WebAssembly.Instance(module);
  console.log(String(exports[words[1]](Number(words[2]))));
} else {
  const preopens = {};
  const env = {};
  for (let word; (word = words.shift()) !== undefined && word !== "--"; ) {
    const value = words.shift();
    if (word === "--dir") {
      const [host, guest] = value.split("::");
      preopens[guest ?? host] = host;
    } else {
      const at = value.indexOf("=");
      env[value.slice(0, at)] = value.slice(at + 1);
    }
  }
  const { WASI } = await import("node:wasi");
  const isOld = WebAssembly.Module.imports(module).some(({ module }) => module === "wasi_unstable");
  const wasi = new WASI({
    version: isOld ? "unstable" : "preview1",
    args: [file, ...words],
    env,
    preopens,
    returnOnExit: false,
  });
  const instance = new WebAssembly.Instance(module, wasi.getImportObject());
  if (instance.exports.memory === undefined) {
    // WASI is told about a memory even if the program has none to show.
    instance.exports._start();
  } else {
    wasi.start(instance);
  }
}
