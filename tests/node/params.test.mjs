// Every param that the published schemas name is taken, or refused on purpose: clients send what their schemas allow, and
// an `unexpected property` takes a whole page of the Control UI down.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayClient } from '@openclaw/gateway-client';
import * as schemas from '@openclaw/gateway-protocol/schema';
import { TOKEN, startGateway } from './gateway.mjs';

const SCOPES = ['operator.admin', 'operator.read', 'operator.write', 'operator.approvals', 'operator.pairing'];

/** Built, but not listed in `hello-ok`; upstream does not list them either. */
const UNLISTED = ['chat.inject', 'sessions.resolve', 'sessions.usage', 'sessions.usage.timeseries', 'sessions.usage.logs'];

/** What these ask for is not built, and taking them in silence would mislead. */
const REFUSED = {
  agent: ['internalExecutionIdentityRetry', 'internalExecutionIdentityRecoveryAttempt', 'forceCodeModeTools'],
  'chat.startup': ['shortId', 'slugHint'],
  'sessions.create': [
    ...['titleSource', 'agentRuntime', 'incognito', 'visibility', 'catalogId', 'fork', 'forkFrom', 'succeedsParent'],
    ...['mentions', 'projectId', 'projectGitUrl', 'repository', 'worktree', 'worktreeSource', 'worktreeBaseRef'],
    ...['worktreeName', 'execNode', 'cwd'],
  ],
  'sessions.list': ['workspaceDir', 'profileRelation'],
  'sessions.patch': [
    ...['expectedSandboxMode', 'expectedNativeRuntimeConsent', 'autoLabel', 'boardPresentation', 'sandboxMode'],
    ...['nativeRuntimeConsent', 'agentRuntime'],
  ],
  'sessions.usage': ['creatorKey'],
};

/** A value that fits a schema. */
function sample(schema) {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return sample(schema.anyOf[0]);
  switch (schema.type) {
    case 'string':
      return 'x';
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return false;
    case 'array':
      return schema.minItems ? [sample(schema.items)] : [];
    case 'object':
      return Object.fromEntries((schema.required ?? []).map((name) => [name, sample(schema.properties[name])]));
    default:
      return 'x';
  }
}

test('params that the published schemas name', async (t) => {
  const gateway = await startGateway();
  t.after(() => gateway.stop());
  let client;
  const hello = await new Promise((onHelloOk, onConnectError) => {
    const own = { url: gateway.url, token: TOKEN, scopes: SCOPES, minProtocol: 4, maxProtocol: 4 };
    client = new GatewayClient({ ...own, onHelloOk, onConnectError });
    client.start();
  });
  let compared = 0;
  for (const method of [...hello.features.methods, ...UNLISTED]) {
    const name = method.split(/[.-]/).map((part) => part[0].toUpperCase() + part.slice(1)).join('');
    const schema = schemas[`${name}ParamsSchema`];
    if (!schema?.properties) continue;
    compared += 1;
    // `/status` is answered without a run, whatever else is asked for.
    const of = (name) => (name === 'message' ? '/status' : sample(schema.properties[name]));
    const required = Object.fromEntries((schema.required ?? []).map((name) => [name, of(name)]));
    const refused = [];
    for (const name of Object.keys(schema.properties)) {
      const answer = await client.request(method, { ...required, [name]: of(name) }).catch((error) => error);
      if (answer instanceof Error && answer.message.includes('unexpected property')) refused.push(name);
    }
    const unexpected = refused.filter((name) => !REFUSED[method]?.includes(name));
    await t.test(method, () => assert.deepEqual(unexpected, []));
  }
  assert.ok(compared > 20, `only ${compared} schemas were found: have they moved?`);
  await client.stopAndWait();
});
