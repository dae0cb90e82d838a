// The uWebSockets peer: Bun's server, which is uWebSockets inside, doing what the gateway does.
//
// Like the gateway it keeps the payload of `health` encoded, and it publishes an event with uWebSockets' own topics.
import { readFileSync } from 'node:fs';

const [port, token] = process.argv.slice(2);
const text = (name) => readFileSync(new URL(`answers/${name}.json`, import.meta.url), 'utf8').trimEnd();
const challenge = text('challenge');
const helloOk = text('hello-ok');
const health = text('health');
const [head, tail] = text('event').split('"TEXT"');
let published = 0;

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(port),
  fetch(request, server) {
    if (server.upgrade(request, { data: { opened: false } })) return undefined;
    return new Response('a WebSocket is expected', { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      socket.sendText(challenge);
    },
    message(socket, message) {
      let request;
      try {
        request = JSON.parse(message);
      } catch {
        return socket.close(1008);
      }
      const { type, id, method, params } = request;
      if (type !== 'req' || socket.data.opened === (method === 'connect')) return socket.close(1008);
      switch (method) {
        case 'health':
          socket.sendText(`{"type":"res","id":${JSON.stringify(id)},"ok":true,"payload":${health}}`);
          break;
        case 'connect':
          if (params?.auth?.token !== token) return socket.close(1008);
          socket.data.opened = true;
          socket.subscribe('everybody');
          socket.sendText(`{"type":"res","id":${JSON.stringify(id)},"ok":true,"payload":${helloOk}}`);
          break;
        case 'chat.inject':
          published += 1;
          server.publish('everybody', `${head}${JSON.stringify(params.message)}${tail},"seq":${published}}`);
          socket.sendText(
            `{"type":"res","id":${JSON.stringify(id)},"ok":true,"payload":{"ok":true,"messageId":"00000000"}}`,
          );
          break;
        default:
          socket.sendText(
            `{"type":"res","id":${JSON.stringify(id)},"ok":false,"error":{"code":"INVALID_REQUEST","message":"unknown method"}}`,
          );
      }
    },
  },
});
