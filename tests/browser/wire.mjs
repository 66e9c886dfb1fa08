/**
 * The network of one person's browser: a proxy that can be cut, and that can keep all that it has brought.
 *
 * Cut, it is a network that is gone: for workers and open streams, too, which the browser's own switch leaves alone.
 */
import { Agent, createServer, request } from "node:http";

/** A connection of its own for each request: one kept for the next may be closed by the server just when that is sent on it. */
const ONCE = new Agent({ keepAlive: false });

export class Wire {
  #server = createServer((asked, answer) => this.#relay(asked, answer));
  #open = new Set();
  #isCut = false;
  /** {path, script}: what is put before the program at such a path. */
  #spoilt = null;
  /** {url, text} of every answer, complete or not; null while nothing is kept. */
  #kept = null;

  async start() {
    this.#server.keepAliveTimeout = 0; // the browser keeps its connections as long as it likes
    this.#server.on("connection", (socket) => {
      if (this.#isCut) return socket.destroy();
      this.#open.add(socket.on("error", () => undefined));
      socket.on("close", () => this.#open.delete(socket));
    });
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  cut(yes) {
    this.#isCut = yes;
    if (yes) for (const socket of this.#open) socket.destroy();
  }

  spoil(path, script) {
    this.#spoilt = { path, script };
  }

  keep() {
    this.#kept = [];
  }

  get kept() {
    return (this.#kept ?? []).map(({ url, parts }) => ({ url, text: Buffer.concat(parts).toString() }));
  }

  stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #relay(asked, answer) {
    const headers = { ...asked.headers, connection: "close", "accept-encoding": "identity" }; // what is kept shall be legible
    const onward = request(asked.url, { agent: ONCE, method: asked.method, headers }, (answered) => {
      const isSpoilt = this.#spoilt !== null && asked.url.includes(this.#spoilt.path);
      const { connection: _, ...known } = answered.headers; // of that connection
      const { "content-length": __, ...unmeasured } = known;
      answer.writeHead(answered.statusCode, isSpoilt ? unmeasured : known);
      if (isSpoilt) answer.write(this.#spoilt.script);
      const parts = [];
      this.#kept?.push({ url: asked.url, parts });
      if (this.#kept !== null) answered.on("data", (part) => parts.push(part));
      answered.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    asked.pipe(onward);
  }
}
