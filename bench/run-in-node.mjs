// Runs one export of a module that imports nothing, for comparison with V8: node run-in-node.mjs FILE EXPORT N
import { readFileSync } from "node:fs";

const [file, name, argument] = process.argv.slice(2);
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)));
console.log(String(exports[name](Number(argument))));
