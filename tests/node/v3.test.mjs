// Chats on wire v3 with a device identity.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TOKEN, backends, startGateway } from './gateway.mjs';
import { V3Client, newDevice } from './v3-client.mjs';

const ALL = ['operator.admin', 'operator.read', 'operator.write', 'operator.approvals', 'operator.pairing'];

for (const backend of backends) {
  test(`v3 client with a device, ${backend}`, async (t) => {
    const gateway = await startGateway({ backend });
    t.after(() => gateway.stop());
    const device = newDevice();

    await t.test('narrow scopes first, then all of them', async () => {
      const reader = new V3Client();
      const hello = await reader.connect(gateway.url, { token: TOKEN, device, scopes: ['operator.read'] });
      assert.equal(hello.protocol, 3);
      assert.equal((await reader.request('sessions.list', {})).count, 0);
      await assert.rejects(reader.request('chat.send', {}), /missing scope: operator.write/);
      reader.close();
    });

    await t.test('a chat streams in and ends', async () => {
      const client = new V3Client();
      const hello = await client.connect(gateway.url, { token: TOKEN, device, scopes: ALL });
      assert.ok(hello.auth.deviceToken);
      const ack = await client.request('chat.send', { sessionKey: 'main', message: 'LONG 5', idempotencyKey: 'node-1' });
      assert.deepEqual(ack, { runId: 'node-1', status: 'started' });
      const ofRun = (state) => (frame) =>
        frame.event === 'chat' && frame.payload.runId === 'node-1' && frame.payload.state === state;
      await client.wait(ofRun('delta'));
      const final = await client.wait(ofRun('final'));
      assert.equal(final.payload.message.content[0].text, 'word0 word1 word2 word3 word4');
      const history = await client.request('chat.history', { sessionKey: 'main' });
      assert.deepEqual(history.messages.map((message) => message.role), ['user', 'assistant']);
      client.close();
      assert.equal((await client.closed).code, 1005);
    });

    await t.test('an abort ends a run', async () => {
      const client = new V3Client();
      await client.connect(gateway.url, { token: TOKEN, device, scopes: ALL });
      await client.request('chat.send', { sessionKey: 'main', message: 'HANG', idempotencyKey: 'node-2' });
      await client.wait((frame) => frame.event === 'chat' && frame.payload.runId === 'node-2');
      const answer = await client.request('chat.abort', { sessionKey: 'main', runId: 'node-2' });
      assert.deepEqual(answer, { ok: true, aborted: true, runIds: ['node-2'] });
      await client.wait((frame) => frame.event === 'chat' && frame.payload.state === 'aborted');
      client.close();
    });

    await t.test('the device token is enough from then on', async () => {
      const first = new V3Client();
      const { auth } = await first.connect(gateway.url, { token: TOKEN, device, scopes: ALL });
      first.close();
      const second = new V3Client();
      await second.connect(gateway.url, { token: auth.deviceToken, device, scopes: ALL });
      assert.equal((await second.request('health', {})).ok, true);
      second.close();
      const stranger = new V3Client();
      const refused = stranger.connect(gateway.url, { token: auth.deviceToken, device: newDevice(), scopes: ALL });
      await assert.rejects(refused, /device token mismatch/);
      assert.equal((await stranger.closed).code, 1008);
    });
  });
}
