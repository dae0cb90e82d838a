// Chats with the client that OpenClaw publishes for its gateway, on wire v4.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { GatewayClient } from '@openclaw/gateway-client';
import { TOKEN, backends, startGateway } from './gateway.mjs';

const WAIT_MS = 20_000;
const ALL = ['operator.admin', 'operator.read', 'operator.write', 'operator.approvals', 'operator.pairing'];

/** Connects; resolves with the client, its hello and an emitter of what it is told. */
async function connect(url, options = {}) {
  const told = new EventEmitter();
  const events = [];
  const gaps = [];
  const client = new GatewayClient({
    url,
    token: TOKEN,
    minProtocol: 4,
    maxProtocol: 4,
    scopes: ALL,
    onEvent: (event) => {
      events.push(event);
      told.emit('event', event);
    },
    onHelloOk: (hello) => told.emit('hello', hello),
    onConnectError: (error) => told.emit('refused', error),
    onClose: (code, reason) => told.emit('closed', { code, reason }),
    onGap: (gap) => gaps.push(gap),
    ...options,
  });
  const signal = AbortSignal.timeout(WAIT_MS);
  const hello = once(told, 'hello', { signal });
  const refused = once(told, 'refused', { signal }).then(([error]) => Promise.reject(error));
  refused.catch(() => {});
  client.start();
  const [helloOk] = await Promise.race([hello, refused]);
  return { client, hello: helloOk, told, events, gaps };
}

/** The payload of the first chat event of a run in one of these states, come or to come. */
function chatEvent(session, run, states) {
  return event(
    session,
    ({ event, payload }) => event === 'chat' && payload.runId === run && states.includes(payload.state),
  );
}

/** The payload of the first event that `wanted` likes, come or to come. */
async function event({ events, told }, wanted) {
  const signal = AbortSignal.timeout(WAIT_MS);
  for (;;) {
    const found = events.find(wanted);
    if (found) return found.payload;
    // Several may come in one turn of the loop: look at all of them again.
    await once(told, 'event', { signal });
  }
}

/** What a host gives the client so that it can prove a device. */
function device() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const raw = (pem) => createPublicKey(pem).export({ type: 'spki', format: 'der' }).subarray(-32);
  let stored;
  return {
    deviceIdentity: {
      deviceId: createHash('sha256').update(raw(publicKey)).digest('hex'),
      publicKeyPem: publicKey,
      privateKeyPem: privateKey,
    },
    hostDeps: {
      signDevicePayload: (pem, payload) => sign(null, Buffer.from(payload), pem).toString('base64url'),
      publicKeyRawBase64UrlFromPem: (pem) => raw(pem).toString('base64url'),
      loadDeviceAuthToken: () => stored ?? null,
      storeDeviceAuthToken: (token) => {
        stored = token;
      },
      clearDeviceAuthToken: () => {
        stored = undefined;
      },
    },
    storedToken: () => stored,
  };
}

for (const backend of backends) {
  test(`the published client, ${backend}`, async (t) => {
    const gateway = await startGateway({ backend });
    t.after(() => gateway.stop());

    await t.test('connects, lists, chats, aborts', async () => {
      const session = await connect(gateway.url);
      const { client, hello } = session;
      assert.equal(hello.protocol, 4);
      assert.deepEqual(hello.auth.scopes, ALL);
      assert.equal((await client.request('sessions.list', {})).totalCount, 0);

      const send = { sessionKey: 'main', message: 'SLOW 5', idempotencyKey: 'node-1' };
      assert.deepEqual(await client.request('chat.send', send), { runId: 'node-1', status: 'started' });
      const delta = await chatEvent(session, 'node-1', ['delta']);
      assert.ok(delta.deltaText);
      const final = await chatEvent(session, 'node-1', ['final']);
      assert.equal(final.message.content[0].text, 'word0 word1 word2 word3 word4');

      await client.request('chat.send', { sessionKey: 'main', message: 'HANG', idempotencyKey: 'node-2' });
      await chatEvent(session, 'node-2', ['delta']);
      const aborted = await client.request('chat.abort', { sessionKey: 'main', runId: 'node-2' });
      assert.deepEqual(aborted, { ok: true, aborted: true, runIds: ['node-2'] });
      await chatEvent(session, 'node-2', ['aborted']);

      const list = await client.request('sessions.list', {});
      assert.deepEqual(list.sessions.map((row) => row.key), ['agent:main:main']);
      await assert.rejects(client.request('no.such.method', {}), /unknown method: no.such.method/);
      assert.deepEqual(session.gaps, []);
      await client.stopAndWait();
    });

    await t.test('waits for the final answer of an agent run', async () => {
      const { client } = await connect(gateway.url);
      const params = { message: 'hello', sessionKey: 'agent:main:node', idempotencyKey: 'node-3' };
      const result = await client.request('agent', params, { expectFinal: true });
      assert.equal(result.status, 'ok');
      assert.equal(result.result.payloads[0].text, 'You said: hello');
      await client.stopAndWait();
    });

    await t.test('with a device it is given a token of its own', async () => {
      const { storedToken, ...own } = device();
      const options = { ...own, clientName: 'cli', mode: 'cli' };
      const first = await connect(gateway.url, options);
      assert.ok(first.hello.auth.deviceToken);
      await first.client.stopAndWait();
      assert.equal(storedToken()?.token, first.hello.auth.deviceToken);
      const second = await connect(gateway.url, { ...options, token: undefined });
      assert.equal(second.hello.auth.method, 'device-token');
      await second.client.stopAndWait();
    });

    await t.test('a wrong token is refused', async () => {
      await assert.rejects(connect(gateway.url, { token: 'wrong' }), /gateway token mismatch/);
    });

    await t.test('sessions are subscribed to, changed, read and put away', async () => {
      const session = await connect(gateway.url);
      const { client } = session;
      const key = 'agent:main:sessions-test';
      assert.deepEqual(await client.request('sessions.subscribe', {}), { subscribed: true });
      // The Control UI asks for what waits for approval in the same breath.
      const subscribed = await client.request('sessions.messages.subscribe', { key, includeApprovals: true });
      assert.equal(subscribed.key, key);
      assert.deepEqual(subscribed.approvalReplay.approvals, []);

      const created = await client.request('sessions.create', { key, label: 'A test', message: 'first words' });
      assert.equal(created.runStarted, true);
      await chatEvent(session, created.runId, ['final']);
      await event(session, ({ event, payload }) => event === 'sessions.changed' && payload.sessionKey === key);
      await event(
        session,
        ({ event, payload }) => event === 'session.message' && payload.message.role === 'assistant',
      );
      const patched = await client.request('sessions.patch', { key, verboseLevel: 'on', pinned: true });
      assert.equal(patched.entry.verboseLevel, 'on');
      const list = await client.request('sessions.list', { pinned: true, includeLastMessage: true });
      assert.deepEqual(list.sessions.map((row) => [row.key, row.label]), [[key, 'A test']]);

      const history = await client.request('chat.history', { sessionKey: key });
      assert.deepEqual(history.messages.map((message) => message.role), ['user', 'assistant']);
      const { entry } = await client.request('sessions.reset', { key, expectedSessionId: created.sessionId });
      await assert.rejects(
        client.request('sessions.patch', { key, expectedSessionId: 'another', pinned: false }),
        /session was reset or replaced/,
      );
      assert.ok(entry.sessionId);
      assert.deepEqual((await client.request('chat.history', { sessionKey: key })).messages, []);
      assert.equal((await client.request('sessions.delete', { key })).deleted, true);
      assert.deepEqual(session.gaps, []);
      await client.stopAndWait();
    });

    await t.test('a session is found, or made, by its id', async () => {
      const { client } = await connect(gateway.url);
      const ask = async (message) => {
        const params = { message, sessionId: 'Own-1', idempotencyKey: `by-id ${message}` };
        const result = await client.request('agent', params, { expectFinal: true });
        return result.result.meta.agentMeta.sessionId;
      };
      assert.equal(await ask('one'), 'Own-1');
      assert.equal(await ask('two'), 'Own-1');
      const key = 'agent:main:explicit:own-1';
      const history = await client.request('chat.history', { sessionKey: key });
      assert.equal(history.messages.length, 4);
      await client.stopAndWait();
    });

    await t.test('it comes back by itself after a restart it was told of', async () => {
      const before = await startGateway({ backend });
      const { port, home } = before;
      const session = await connect(before.url);
      await session.client.request('chat.send', { sessionKey: 'main', message: 'kept', idempotencyKey: 'kept' });
      await chatEvent(session, 'kept', ['final']);
      const signal = AbortSignal.timeout(WAIT_MS);
      const closed = once(session.told, 'closed', { signal });
      const back = once(session.told, 'hello', { signal });
      const stopped = await before.stop({ keep: true });
      assert.equal((await closed)[0].code, 1012);
      assert.ok(session.events.some((event) => event.event === 'shutdown'));
      assert.equal(stopped.code, 0);

      const after = await startGateway({ backend, port, home });
      await back;
      const history = await session.client.request('chat.history', { sessionKey: 'main' });
      assert.deepEqual(history.messages.map((message) => message.role), ['user', 'assistant']);
      await session.client.stopAndWait();
      await after.stop();
    });
  });
}
