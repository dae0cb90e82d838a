// The real command line of OpenClaw against the gateway: what people type, and what they are shown.
//
// Each command is a process of its own that takes seconds to start, so one gateway serves them all.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { test } from 'node:test';
import { TOKEN, startGateway } from '../gateway.mjs';
import { V3Client, newDevice } from '../v3-client.mjs';

/** The first start of 2026.2 compiles its plugins, which takes half a minute. */
const COMMAND_MS = 120_000;
const WAIT_MS = 60_000;
const ALL = ['operator.admin', 'operator.read', 'operator.write', 'operator.approvals', 'operator.pairing'];

/** Generations to test: `PINCER_TEST_CLI`, a comma-separated list. */
const generations = (process.env.PINCER_TEST_CLI ?? 'v3,v4').split(',');

/** One installed command line, with a home of its own. */
class CommandLine {
  static async open(generation, url) {
    const own = new CommandLine();
    // Packages of 2 GB are worth keeping elsewhere: `PINCER_TEST_CLI_V3` and `_V4` name folders with a `node_modules`.
    const folder = process.env[`PINCER_TEST_CLI_${generation.toUpperCase()}`] ?? path.join(import.meta.dirname, generation);
    own.program = path.join(folder, 'node_modules', 'openclaw', 'openclaw.mjs');
    own.home = await mkdtemp(path.join(tmpdir(), `openclaw-${generation}-`));
    const config = { gateway: { mode: 'remote', remote: { url, token: TOKEN } }, update: { checkOnStart: false } };
    await mkdir(path.join(own.home, '.openclaw'), { mode: 0o700 });
    await writeFile(path.join(own.home, '.openclaw', 'openclaw.json'), JSON.stringify(config), { mode: 0o600 });
    const node = path.dirname(process.execPath);
    own.env = { PATH: `${node}:${process.env.PATH}`, HOME: own.home, TERM: 'xterm', NO_COLOR: '1', LANG: 'C.UTF-8' };
    return own;
  }

  async close() {
    await rm(this.home, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Starts a command whose input and output are pipes. */
  start(args) {
    return spawn(process.execPath, [this.program, ...args], { env: this.env, cwd: this.home });
  }

  /** Starts a command on a terminal of its own, `script`'s. */
  startOnTerminal(args) {
    const command = [process.execPath, this.program, ...args].map((word) => `'${word}'`).join(' ');
    const shell = `stty cols 120 rows 50; exec ${command}`;
    return spawn('script', ['-qefc', shell, '/dev/null'], { env: this.env, cwd: this.home });
  }

  /** Runs a command to its end: `{ code, out, err }`. */
  async run(...args) {
    const child = this.start(args);
    child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_MS);
    const texts = [child.stdout, child.stderr].map(async (stream) => (await stream.setEncoding('utf8').toArray()).join(''));
    const code = await new Promise((resolve) => child.once('close', resolve));
    clearTimeout(timer);
    const [out, err] = await Promise.all(texts);
    return { code, out, err };
  }

  /** The output of a command that succeeds. */
  async says(...args) {
    const { code, out, err } = await this.run(...args);
    assert.equal(code, 0, `openclaw ${args.join(' ')} ended with ${code}\n${out}\n${err}`);
    return out;
  }

  /** The JSON that a command prints, maybe after a remark. */
  async tells(...args) {
    const out = await this.says(...args);
    return JSON.parse(out.slice(out.search(/^[[{]/m)));
  }

  call(method, params = {}) {
    return this.tells('gateway', 'call', method, '--json', '--params', JSON.stringify(params));
  }
}

/** Reads what a child prints until it fits; ends the child when `then` is done. */
async function watch(child, then) {
  let text = '';
  const listeners = new Set();
  const read = (chunk) => {
    // Colours, cursor moves and the like.
    text += chunk.toString().replace(/\x1b(\[[0-9;?>=]*[a-zA-Z]|\][^\x07\x1b]*(\x07|\x1b\\)|[=>()][A-Z0-9]?)/g, '');
    for (const listener of listeners) listener();
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const shows = (wanted, from = 0) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = text.slice(from).match(wanted);
        if (!found) return;
        clearTimeout(timer);
        listeners.delete(look);
        resolve(from + found.index + found[0].length);
      };
      const timer = setTimeout(() => {
        listeners.delete(look);
        reject(new Error(`nothing like ${wanted} in:\n${text.slice(-3_000)}`));
      }, WAIT_MS);
      listeners.add(look);
      look();
    });
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    await then(shows, (keys) => child.stdin.write(keys));
  } finally {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(timer);
  }
}

for (const generation of generations) {
  test(`openclaw ${generation}`, async (t) => {
    const gateway = await startGateway({ backend: process.env.PINCER_TEST_BACKENDS?.split(',')[0] ?? 'epoll' });
    t.after(() => gateway.stop());
    const openclaw = await CommandLine.open(generation, gateway.url);
    t.after(() => openclaw.close());

    await t.test('health, status, probe', async () => {
      const health = await openclaw.tells('health', '--json');
      assert.equal(health.ok, true);
      assert.match(await openclaw.says('health'), /Agents: main \(default\)/);
      const status = await openclaw.tells('status', '--json');
      assert.equal(status.gateway.reachable, true);
      assert.equal(status.gateway.error, null);
      assert.match(await openclaw.says('status'), /reachable/);
      const probe = await openclaw.tells('gateway', 'probe', '--json');
      assert.equal(probe.ok, true);
    });

    await t.test('an agent answers', async () => {
      assert.match(await openclaw.says('agent', '--agent', 'main', '--message', 'hello'), /You said: hello/);
      const told = await openclaw.tells('agent', '--agent', 'main', '--message', 'again', '--json');
      assert.equal(told.status, 'ok');
      assert.equal(told.result.payloads[0].text, 'You said: again');
      assert.match(await openclaw.says('agent', '--session-id', 'own-1', '--message', 'apart'), /You said: apart/);
      const keys = (await openclaw.call('sessions.list')).sessions.map((row) => row.key);
      assert.deepEqual(keys.sort(), ['agent:main:explicit:own-1', 'agent:main:main']);
      const { messages } = await openclaw.call('chat.history', { sessionKey: 'main' });
      assert.deepEqual(messages.map((message) => message.role), ['user', 'assistant', 'user', 'assistant']);
    });

    await t.test('methods are called by name', async () => {
      const sent = { sessionKey: 'main', message: 'by name', idempotencyKey: 'cli-1' };
      assert.deepEqual(await openclaw.call('chat.send', sent), { runId: 'cli-1', status: 'started' });
      const waited = await openclaw.call('agent.wait', { runId: 'cli-1', timeoutMs: 10_000 });
      assert.equal(waited.status, 'ok');
      const patched = await openclaw.call('sessions.patch', { key: 'main', verboseLevel: 'on' });
      assert.equal(patched.entry.verboseLevel, 'on');
      for (const method of ['status', 'models.list', 'agents.list', 'config.get', 'usage.cost', 'logs.tail']) {
        assert.ok(await openclaw.call(method), method);
      }
    });

    await t.test('the other pages', async () => {
      assert.match(await openclaw.says('channels', 'status'), /Gateway reachable/);
      assert.ok((await openclaw.tells('system', 'presence', '--json')).length > 0);
      assert.match(await openclaw.says('gateway', 'usage-cost'), /Usage cost \(30 days\)/);
      // 2026.2 lists the models of its own config.
      if (generation === 'v4') assert.match(await openclaw.says('models', 'list'), /loopback\/loopback-1 .* default/);
    });

    await t.test('what is not built says so', async () => {
      const { code, out, err } = await openclaw.run('cron', 'list');
      assert.equal(code, 1);
      assert.match(out + err, /unknown method: cron\.list/);
    });

    await t.test('a wrong token is told of', async () => {
      const { code, out, err } = await openclaw.run('gateway', 'call', 'status', '--url', gateway.url, '--token', 'wrong');
      assert.equal(code, 1);
      assert.match(out + err, /unauthorized: .*token mismatch/);
    });

    await t.test('a device is paired', async () => {
      const device = newDevice();
      // Not at home: somebody must approve it.
      const away = { token: TOKEN, device, scopes: ALL, headers: { host: 'gateway.example' } };
      await assert.rejects(new V3Client().connect(gateway.url, away), /pairing required/);
      const listed = await openclaw.tells('devices', 'list', '--json');
      assert.deepEqual(listed.pending.map((request) => request.deviceId), [device.id]);
      await openclaw.says('devices', 'approve', listed.pending[0].requestId);
      const client = new V3Client();
      await client.connect(gateway.url, away);
      client.close();
      assert.match(await openclaw.says('devices', 'list'), /Paired/);
      await openclaw.says('devices', 'revoke', '--device', device.id, '--role', 'operator');
      const { auth } = client.frames.find((frame) => frame.id === 'n1').payload;
      await assert.rejects(new V3Client().connect(gateway.url, { ...away, token: auth.deviceToken }), /mismatch/);
    });

    await t.test('the log is followed', async () => {
      await watch(openclaw.start(['logs', '--follow', '--plain']), async (shows) => {
        await shows(/info gateway listening on/);
        const client = new V3Client();
        const own = { id: 'gateway-client', mode: 'ui' };
        await client.connect(gateway.url, { token: TOKEN, device: newDevice(), scopes: ALL, client: own });
        await shows(/info gateway\/ws connected: gateway-client \(ui\)/);
        client.close();
      });
    });

    await t.test('the terminal interface chats', async () => {
      await watch(openclaw.startOnTerminal(['tui', '--session', 'terminal']), async (shows, press) => {
        const type = async (text) => {
          press(text);
          // What is pasted with a line end is not sent; a person takes a moment too.
          await new Promise((resolve) => setTimeout(resolve, 500));
          press('\r');
        };
        let at = await shows(/connected \| idle/);
        // No model answers at once. When one does, and on a busy machine, 2026.9 misses the end of a session's first run.
        await type('WAIT 1000 hello');
        at = await shows(/You said: .*hello/, at);
        at = await shows(/connected \| idle/, at);
        await type('SLOW 100');
        at = await shows(/word5/, at);
        press('\x1b');
        at = await shows(/aborted/, at);
        press('\x03');
        press('\x03');
      });
      const { messages } = await openclaw.call('chat.history', { sessionKey: 'agent:main:terminal' });
      const texts = messages.map(({ content }) => (typeof content === 'string' ? content : content[0].text));
      assert.deepEqual([texts[0], texts[2]], ['WAIT 1000 hello', 'SLOW 100']);
      assert.match(texts[1], /^You said: .*hello$/);
    });

    await t.test('an editor chats', async () => {
      const key = 'agent:main:editor';
      const child = openclaw.start(['acp', '--session', key]);
      const lines = readline.createInterface({ input: child.stdout });
      const said = [];
      const answers = new Map();
      lines.on('line', (line) => {
        const { id, result, error, params } = JSON.parse(line);
        if (params?.update?.sessionUpdate === 'agent_message_chunk') said.push(params.update.content.text);
        if (result || error) answers.get(id)?.(result ?? Promise.reject(new Error(JSON.stringify(error))));
      });
      let asked = 0;
      const ask = (method, params) =>
        new Promise((resolve) => {
          answers.set(++asked, resolve);
          child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: asked, method, params })}\n`);
        });
      await watch(child, async () => {
        await ask('initialize', { protocolVersion: 1, clientCapabilities: {} });
        const { sessionId } = await ask('session/new', { cwd: openclaw.home, mcpServers: [] });
        const prompt = [{ type: 'text', text: 'stream 4 200' }];
        assert.equal((await ask('session/prompt', { sessionId, prompt })).stopReason, 'end_turn');
      });
      assert.equal(said.join(''), 'word0 word1 word2 word3');
    });
  });
}
