// Starts the gateway under test in a directory of its own, on a free port.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const START_MS = 20_000;

export const TOKEN = 'token-of-the-node-tests';

/** Backends to test: `PINCER_TEST_BACKENDS`, a comma-separated list; epoll alone when it is not set. */
export const backends = (process.env.PINCER_TEST_BACKENDS ?? 'epoll').split(',').map((name) => name.trim());

/**
 * A running gateway: `{ port, url, home, log(), stop({ keep }) }`. With the port and the home of one that was stopped with
 * `keep`, it is that gateway, started again.
 */
export async function startGateway({ backend = 'epoll', args = [], port: wanted = 0, home: kept } = {}) {
  const home = kept ?? (await mkdtemp(path.join(tmpdir(), 'pincer-node-')));
  const command = ['gateway', 'run', '--port', String(wanted), '--token', TOKEN, '--state-dir', path.join(home, 'state')];
  command.push('--backend', backend, '--shards', '2', ...args);
  const child = spawn(process.env.PINCER_BIN, command, {
    env: { PATH: process.env.PATH, HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  const port = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the gateway does not listen:\n${log}`)), START_MS);
    const read = (chunk) => {
      log += chunk;
      const found = log.match(/listening on 127\.0\.0\.1:(\d+)\s/);
      if (found) {
        clearTimeout(timer);
        resolve(Number(found[1]));
      }
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    ended.then((how) => reject(new Error(`the gateway ended (${JSON.stringify(how)}):\n${log}`)));
  });
  return {
    port,
    url: `ws://127.0.0.1:${port}`,
    home,
    log: () => log,
    async stop({ keep = false } = {}) {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
      const how = await ended;
      clearTimeout(timer);
      if (!keep) await rm(home, { recursive: true, force: true });
      return how;
    },
  };
}
