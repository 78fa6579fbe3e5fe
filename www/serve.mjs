// Serves the built page on this machine only, with the headers it is meant to be hosted with: cross-origin isolation
// (a finer clock) and a policy that lets it talk to nobody but this server. `./build.sh` runs it; the page tests import it.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import sirv from "sirv";

const DIST = fileURLToPath(new URL("dist", import.meta.url));
const INJECTED = "/injected-by-test.js";

export const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
};

/**
 * Starts the server; port 0 takes any free one. Answers `{ url, requests, close }`, where `requests` collects
 * `{ path, status }` of everything asked for.
 *
 * For tests: `inject` is JavaScript to run before the page's own, as a file of this origin so that the policy stays
 * as strict as it is; `missing(path)` says which paths shall be answered with 404.
 */
export async function startServer({ port = 0, dir = DIST, inject = "", missing = () => false } = {}) {
  const files = sirv(dir, {
    etag: true,
    // The compressed files that the build has put beside the others, to those who take them.
    brotli: true,
    gzip: true,
    setHeaders(res, path) {
      // Vite puts a hash of the content into every name under assets/; everything else may change under its name.
      const hashed = path.includes("/assets/");
      res.setHeader("Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
  const index = (folder) =>
    readFileSync(join(dir, folder, "index.html"), "utf8").replace(
      "<head>",
      `<head><script src="${INJECTED}"></script>`,
    );
  const requests = [];

  const server = createServer((req, res) => {
    const path = new URL(req.url, "http://localhost").pathname;
    res.on("finish", () => requests.push({ path, status: res.statusCode }));
    for (const [name, value] of Object.entries(HEADERS)) res.setHeader(name, value);

    const send = (status, type, body) =>
      res
        .writeHead(status, { "Content-Type": `${type}; charset=utf-8`, "Cache-Control": "no-store" })
        .end(body);
    const notFound = () => send(404, "text/plain", `Not found: ${path}\n`);

    if (missing(path)) notFound();
    else if (inject && path === INJECTED) send(200, "text/javascript", inject);
    else if (inject && /\/(index\.html)?$/.test(path)) send(200, "text/html", index(dirname(`${path}.`)));
    else files(req, res, notFound);
  });

  await new Promise((done, fail) => server.once("error", fail).listen(port, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    requests,
    close() {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

async function main() {
  const { values } = parseArgs({ options: { port: { type: "string", default: "8080" } } });
  try {
    const { url } = await startServer({ port: Number(values.port) });
    console.log(`Quantpad: ${url}`);
  } catch (error) {
    if (error.code !== "EADDRINUSE") throw error;
    console.error(
      `Port ${values.port} is taken by another program; choose another: ./build.sh serve --port N`,
    );
    process.exitCode = 1;
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
