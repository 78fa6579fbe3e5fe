// Starts WebKitWebDriver on a display of its own: WebKitGTK cannot run headless.
// As a program it runs a command while the driver is up, told where it is: node webkit-driver.mjs COMMAND...
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** Answers `{ url, stop }`. */
export async function startWebKitDriver() {
  const children = [];
  const start = (program, args, options) => {
    const child = spawn(program, args, options);
    child.gone = new Promise((done) => child.once("exit", done).once("error", done));
    children.push(child);
    return child;
  };
  const kill = () => {
    for (const child of children) child.kill();
  };
  process.once("exit", kill);

  // Given no number, Xvfb takes a free display and writes which one.
  const xvfb = start("Xvfb", ["-displayfd", "3", "-screen", "0", "1600x1400x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const display = await Promise.race([
    once(xvfb.stdio[3], "data").then(([line]) => `:${String(line).trim()}`),
    xvfb.gone.then(() => Promise.reject(new Error("Xvfb did not start; it is in the Debian package xvfb"))),
  ]);

  const port = await freePort();
  const driver = start("WebKitWebDriver", ["--host=127.0.0.1", `--port=${port}`], {
    // There is no graphics card here, and the threads that paint as if there were one can crash the page's process.
    env: { ...process.env, DISPLAY: display, GDK_BACKEND: "x11", WEBKIT_SKIA_ENABLE_CPU_RENDERING: "1" },
    stdio: "ignore",
  });
  await Promise.race([
    listening(port),
    driver.gone.then(() =>
      Promise.reject(new Error("WebKitWebDriver did not start; it is in webkit2gtk-driver")),
    ),
  ]);

  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      process.off("exit", kill);
      kill();
      await Promise.all(children.map((child) => child.gone));
    },
  };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

async function listening(port) {
  for (const end = Date.now() + 10_000; Date.now() < end; await sleep(50)) {
    const socket = connect(port, "127.0.0.1");
    const open = await once(socket, "connect").catch(() => null);
    socket.destroy();
    if (open) return;
  }
  throw new Error("WebKitWebDriver did not answer within 10 s");
}

async function main([command, ...args]) {
  const driver = await startWebKitDriver();
  const child = spawn(command, args, {
    stdio: "inherit",
    env: { ...process.env, SAFARIDRIVER_REMOTE: driver.url },
  });
  const [code] = await once(child, "exit");
  await driver.stop();
  process.exitCode = code ?? 1;
}

if (resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
