import { describe, expect, it, vi } from "vitest";
import template from "../../../node_modules/firebase-tools/templates/hosting/init.js?raw";
import { emulatorsNamedIn, findSite } from "../../../web_worker/agent/site.ts";

/** As firebase-tools makes it, from its own template. */
function script(emulators: string): string {
  return template.replace("/*--EMULATORS--*/", `var firebaseEmulators = ${emulators};`);
}

const EMULATORS = {
  auth: { host: "127.0.0.1", port: 9099, hostAndPort: "127.0.0.1:9099" },
  firestore: { host: "127.0.0.1", port: 8080, hostAndPort: "127.0.0.1:8080" },
};

function hosting(config: object, answers: Record<string, string> = {}) {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    const text = url.endsWith("/__/firebase/init.json") ? JSON.stringify(config) : answers[url];
    return Promise.resolve(new Response(text ?? "", { status: text === undefined ? 404 : 200 }));
  });
  return asked;
}

describe("the site", () => {
  it("of the emulators names them in the script that firebase-tools offers to pages", () => {
    const text = script(JSON.stringify(EMULATORS, null, 2));
    expect(emulatorsNamedIn(text)).toEqual({ firestore: "127.0.0.1:8080", auth: "127.0.0.1:9099" });
  });

  it("without emulators names none", () => {
    expect(emulatorsNamedIn(script("undefined"))).toBeNull();
    expect(emulatorsNamedIn(script("{}"))).toBeNull();
  });

  it("of a real project is never asked for emulators", async () => {
    const asked = hosting({ projectId: "real", apiKey: "k" });
    expect(await findSite("https://site")).toEqual({ config: { projectId: "real", apiKey: "k" }, emulators: null });
    expect(asked).toEqual(["https://site/__/firebase/init.json"]);
    vi.unstubAllGlobals();
  });

  it("of a demo project is", async () => {
    const answers = { "/__/firebase/init.js?useEmulator=true": script(JSON.stringify(EMULATORS, null, 2)) };
    hosting({ projectId: "demo-x", apiKey: "k" }, answers);
    expect((await findSite("")).emulators).toEqual({ firestore: "127.0.0.1:8080", auth: "127.0.0.1:9099" });
    vi.unstubAllGlobals();
  });

  it("that does not answer is an error, which passes", async () => {
    hosting({ projectId: "demo-x", apiKey: "k" });
    await expect(findSite("")).rejects.toThrow("404");
    vi.unstubAllGlobals();
  });
});
