/** A network as slow as is wanted, between one browser context and the local stack; it counts what passes. */

import { createServer, request } from "node:http";

/** `latencyMs` before each answer begins; `bytesPerSecond` of all answers together. Neither: as fast as it goes. */
export class Wire {
  requests = 0;
  bytes = 0;
  /** Of the streams of Firestore: what was listened to, and the documents that came. */
  targets = 0;
  documents = 0;
  #freeAt = 0;

  constructor({ latencyMs = 0, bytesPerSecond = Infinity, before = {} } = {}) {
    this.latencyMs = latencyMs;
    this.bytesPerSecond = bytesPerSecond;
    /** By a part of an address, what to put before the program there. */
    this.before = before;
    this.server = createServer((asked, answer) => void this.#relay(asked, answer));
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return { server: `http://127.0.0.1:${this.server.address().port}`, bypass: "<-loopback>" };
  }

  stop() {
    this.server.close();
    this.server.closeAllConnections();
  }

  async #relay(asked, answer) {
    this.requests += 1;
    await sleep(this.latencyMs);
    if (answer.destroyed) return; // the page has gone meanwhile
    const start = Object.entries(this.before).find(([path]) => asked.url.includes(path))?.[1];
    const headers = start === undefined ? asked.headers : { ...asked.headers, "accept-encoding": "identity" };
    const onward = request(asked.url, { method: asked.method, headers }, async (answered) => {
      const { "content-length": length, ...others } = answered.headers;
      answer.writeHead(answered.statusCode, start === undefined ? answered.headers : others);
      if (start !== undefined) answer.write(start);
      try {
        for await (const part of answered) {
          this.#count(asked.url, part);
          await this.#space(part.length);
          answer.write(part);
        }
        answer.end();
      } catch {
        answer.destroy(); // one of the two has gone, as streams do when a page is closed
      }
    });
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    asked.pipe(onward);
  }

  #count(url, part) {
    this.bytes += part.length;
    if (!url.includes("/Listen/")) return;
    const text = part.toString();
    this.targets += text.split('"targetChangeType":"ADD"').length - 1;
    this.documents += text.split('"documentChange":').length - 1;
  }

  /** Wait until so much more fits through. */
  async #space(length) {
    this.#freeAt = Math.max(performance.now(), this.#freeAt) + (length / this.bytesPerSecond) * 1000;
    await sleep(this.#freeAt - performance.now());
  }
}

export function sleep(ms) {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : undefined;
}
