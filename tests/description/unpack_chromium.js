// Unpacks what npm's @sparticuz/chromium brings into node_modules/.chromium: the browser, the libraries that it needs and a font.
// Its binary is for Linux on x86-64; the font is for every machine.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const room = join(import.meta.dirname, "node_modules", ".chromium");
rmSync(room, { recursive: true, force: true });
mkdirSync(room);
process.env.TMPDIR = room; // where the package unpacks to
process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x"; // with the libraries, which it otherwise expects of the system
const { default: chromium } = await import("@sparticuz/chromium");
await chromium.executablePath();
