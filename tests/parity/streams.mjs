// Replays the recorded rows that are conversations, which the recorder's own groups leave out: several calls on one
// connection, each sent when the recording had got as far, and every frame kept that came back.
//
//     node streams.mjs PORT PROTOCOL TRACES_DIR OUT_DIR [METHOD,...]
//
// Runs beside the recorder's lib.mjs. Rows are appended to what OUT_DIR has of the method, under the recorded note, by
// which compare.mjs finds them. With METHODs, only these files.
import fs from 'node:fs';
import path from 'node:path';
import { Gw, newIdentity, sanitize } from './lib.mjs';

const [port, protocol, traces, out, only] = process.argv.slice(2);
const methods = only ? new Set(only.split(',')) : null;
// Of the slowest recorded run, 5 s, and some.
const PATIENCE_MS = 20_000;
const sleep = () => new Promise((resolve) => setTimeout(resolve, 5));

const isResponse = (frame) => frame.type === 'res';
/** A run's last word. */
const isTerminal = (frame) =>
  frame.type === 'event' && frame.event === 'chat' && ['final', 'error', 'aborted'].includes(frame.payload?.state);
const count = (frames, test) => frames.filter(test).length;

async function replay(row) {
  const gateway = new Gw(`ws://127.0.0.1:${port}`, { proto: Number(protocol) });
  const hello = await gateway.connect({
    identity: newIdentity(),
    client: { id: 'cli', mode: 'cli', displayName: 'streams' },
    caps: /with caps/.test(row.note) ? ['tool-events'] : [],
  });
  if (!hello.ok) throw new Error(`no hello: ${JSON.stringify(hello.error)}`);
  const before = gateway.frames.length;
  const seen = () => gateway.frames.slice(before).map(({ f }) => f);
  const calls = row.send.filter((call) => typeof call === 'object'); // a long list ends in a word about its length
  for (const [index, call] of calls.entries()) {
    // What the recording had seen when it sent this one: all before its first answer.
    const answer = row.recv.findIndex((frame) => isResponse(frame) && frame.id === `r${index + 1}`);
    const earlier = row.recv.slice(0, Math.max(answer, 0));
    const deadline = Date.now() + PATIENCE_MS;
    while (count(seen(), isTerminal) < count(earlier, isTerminal) && Date.now() < deadline) {
      await sleep();
    }
    gateway.raw({ type: 'req', id: `r${index + 1}`, method: call.method, params: call.params });
    const answered = () => seen().some((frame) => isResponse(frame) && frame.id === `r${index + 1}`);
    while (!answered() && Date.now() < deadline) await sleep();
  }
  const recorded = row.recv.filter((frame) => typeof frame === 'object');
  const end = Date.now() + PATIENCE_MS;
  while (
    (count(seen(), isResponse) < count(recorded, isResponse) || count(seen(), isTerminal) < count(recorded, isTerminal)) &&
    Date.now() < end
  ) {
    await sleep();
  }
  gateway.close();
  return { note: row.note, send: row.send, recv: sanitize(seen()) };
}

/** When a conversation was recorded: the latest moment its frames name. Later ones look at sessions of earlier ones. */
const recordedAt = ({ recv }) => Math.max(0, ...(JSON.stringify(recv).match(/\b1[67]\d{11}\b/g) ?? []).map(Number));

const streams = [];
for (const name of fs.readdirSync(traces)) {
  const method = name.replace(/\.json$/, '');
  if (!name.endsWith('.json') || (methods && !methods.has(method))) continue;
  for (const row of JSON.parse(fs.readFileSync(path.join(traces, name)))) {
    const conversation = Array.isArray(row.send) && Array.isArray(row.recv) && row.recv.some(isResponse);
    if (conversation) streams.push({ name, row });
  }
}
streams.sort((one, other) => recordedAt(one.row) - recordedAt(other.row));
let rows = 0;
for (const { name, row } of streams) {
  const target = path.join(out, name);
  const kept = fs.existsSync(target) ? JSON.parse(fs.readFileSync(target)) : [];
  try {
    kept.push(await replay(row));
    rows += 1;
  } catch (error) {
    console.error(`${name} | ${row.note}: ${error.message}`);
  }
  fs.writeFileSync(target, `${JSON.stringify(kept, null, 1)}\n`);
}
console.log(`${rows} conversations`);
process.exit(0);
