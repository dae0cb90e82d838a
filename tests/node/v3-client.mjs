// A client of wire v3 with a device identity, as OpenClaw 2026.2's own programs have one.
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { WebSocket } from 'ws';

const WAIT_MS = 20_000;

/** A new Ed25519 device. */
export function newDevice() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  // The last 32 bytes of the SPKI document are the key itself.
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  return { id: createHash('sha256').update(raw).digest('hex'), publicKey: raw.toString('base64url'), privateKey };
}

export class V3Client {
  frames = [];
  #requests = 0;
  #listeners = new Set();

  /** Connects as `device`; resolves with hello-ok. */
  async connect(url, { token, device, scopes, client = { id: 'cli', mode: 'cli' }, headers }) {
    this.socket = new WebSocket(url, { headers });
    this.closed = new Promise((resolve) =>
      this.socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    this.socket.on('message', (data) => {
      this.frames.push(JSON.parse(data.toString()));
      for (const listener of this.#listeners) listener();
    });
    await new Promise((resolve, reject) => this.socket.once('open', resolve).once('error', reject));
    const challenge = await this.wait((frame) => frame.event === 'connect.challenge');
    const { nonce } = challenge.payload;
    const signedAt = Date.now();
    const role = 'operator';
    const text = ['v2', device.id, client.id, client.mode, role, scopes.join(','), signedAt, token, nonce].join('|');
    const signature = sign(null, Buffer.from(text), device.privateKey).toString('base64url');
    return this.request('connect', {
      minProtocol: 3,
      maxProtocol: 3,
      client: { version: '2026.2.21', platform: 'linux', ...client },
      role,
      scopes,
      auth: { token },
      device: { id: device.id, publicKey: device.publicKey, signature, signedAt, nonce },
    });
  }

  /** Resolves with the payload, or rejects with the error's code and message. */
  async request(method, params) {
    const id = `n${++this.#requests}`;
    this.socket.send(JSON.stringify({ type: 'req', id, method, params }));
    const answer = await this.wait((frame) => frame.type === 'res' && frame.id === id);
    if (!answer.ok) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
    return answer.payload;
  }

  /** Resolves with the first frame, old or new, that `wanted` likes. */
  wait(wanted) {
    return new Promise((resolve, reject) => {
      let seen = 0;
      const look = () => {
        for (; seen < this.frames.length; seen++) {
          if (!wanted(this.frames[seen])) continue;
          this.#listeners.delete(look);
          clearTimeout(timer);
          resolve(this.frames[seen]);
          return;
        }
      };
      const timer = setTimeout(() => {
        this.#listeners.delete(look);
        reject(new Error(`nothing of that kind among ${JSON.stringify(this.frames.slice(-5))}`));
      }, WAIT_MS);
      this.#listeners.add(look);
      look();
    });
  }

  close() {
    this.socket.close();
  }
}
