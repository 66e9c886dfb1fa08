import { describe, expect, it } from "vitest";
import { askAdmission } from "../../../web_worker/agent/admission.ts";
import type { AgentOptions, Ticket } from "../../../web_worker/agent/protocol.ts";
import { INC, admission } from "./worlds.ts";

const KEY: Ticket = { kind: "key", key: "the key" };
const options = (ticket: Ticket = KEY): AgentOptions => ({ mesh: "m1", agent: "a1", ticket });

/** A control plane that answers so, and remembers what it was asked. */
function controlPlane(status: number, body: unknown, headers: Record<string, string> = {}) {
  const asked: { url: string; init: RequestInit }[] = [];
  const request = (url: unknown, init: unknown) => {
    asked.push({ url: String(url), init: init as RequestInit });
    return Promise.resolve(new Response(JSON.stringify(body), { status, headers }));
  };
  return { asked, request: request as typeof fetch };
}

describe("an admission", () => {
  it.each([
    [KEY, "/api/v1/meshes/m1/agents", '{"agent_id":"a1"}'],
    [{ kind: "seat", key: "the key", session: "s" }, "/api/v1/games/m1/seats", '{"session":"s"}'],
  ] as const)("is asked for with the ticket: %o", async (ticket, url, body) => {
    const { asked, request } = controlPlane(201, admission());
    expect(await askAdmission(options(ticket), request)).toMatchObject({ admission: { inc: INC } });
    expect(asked).toMatchObject([{ url, init: { method: "POST", body } }]);
    expect(new Headers(asked[0]?.init.headers).get("Authorization")).toBe("Bearer the key");
  });

  it("to watch is a token alone", async () => {
    const { asked, request } = controlPlane(201, { mesh: "m1", machine: "mafia", custom_token: "token" });
    const answer = await askAdmission(options({ kind: "watch", key: "the key" }), request);
    expect(answer).toEqual({ admission: { inc: "", process: "", custom_token: "token" } });
    expect(asked[0]?.url).toBe("/api/v1/games/m1/watchers");
    expect(asked[0]?.init.body).toBeUndefined();
  });

  it.each([
    [401, "Unauthenticated", "REFUSED"],
    [403, "PermissionDenied", "REFUSED"],
    [404, "MeshNotFound", "MESH_GONE"],
    [409, "AgentIdInUse", "IN_USE"],
    [409, "MeshClosed", "MESH_GONE"],
    [409, "MeshDraining", "NO_PLACE"],
    [409, "MeshFull", "NO_PLACE"],
    [400, "InvalidMessage", "BROKEN"],
    [429, "RateLimited", "UNAVAILABLE"],
    [503, "StoreUnavailable", "UNAVAILABLE"],
    [500, "", "UNAVAILABLE"],
  ])("that is answered %i %s failed as %s", async (status, error, failure) => {
    const { request } = controlPlane(status, { error, detail: "in its own words" });
    expect(await askAdmission(options(), request)).toMatchObject({ failure, text: "in its own words" });
  });

  it("says how long to wait before the next try", async () => {
    const { request } = controlPlane(429, { error: "RateLimited" }, { "Retry-After": "7" });
    expect(await askAdmission(options(), request)).toMatchObject({ failure: "UNAVAILABLE", retryAfterMs: 7000 });
  });

  it("without an answer, or with one that is no JSON, is tried again", async () => {
    const nobody = () => Promise.reject(new TypeError("Failed to fetch"));
    const gateway = () => Promise.resolve(new Response("<html>Bad gateway</html>", { status: 502 }));
    expect(await askAdmission(options(), nobody)).toMatchObject({ failure: "UNAVAILABLE" });
    expect(await askAdmission(options(), gateway)).toMatchObject({ failure: "UNAVAILABLE" });
  });

  it("of somebody else is not taken", async () => {
    const { request } = controlPlane(201, { ...admission(), agent: "another" });
    expect(await askAdmission(options(), request)).toMatchObject({ failure: "BROKEN" });
  });
});
