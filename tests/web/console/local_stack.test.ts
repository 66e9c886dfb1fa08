import { describe, expect, it } from "vitest";
import { findLocalStack } from "../../../web_worker/console/local_stack.ts";

const DESK = { url: "http://127.0.0.1:7", secret: "s", key: "k" };
type Asked = { readonly url: string; readonly method: string; readonly secret: string };

/** A stack whose site tells this, and whose desk answers so. */
function stack(config: unknown, answer: () => Promise<Response> = () => Promise.reject(new TypeError("gone"))) {
  const asked: Asked[] = [];
  const send = (url: unknown, { method = "GET", headers = {} }: RequestInit = {}) => {
    if (url === "/config.json") return Promise.resolve(new Response(JSON.stringify(config)));
    asked.push({ url: String(url), method, secret: (headers as Record<string, string>)["X-Firemesh-Desk"] ?? "" });
    return answer();
  };
  return { asked, found: findLocalStack(send as typeof fetch) };
}

const json = (body: unknown, status = 200) => () => Promise.resolve(new Response(JSON.stringify(body), { status }));

describe("a local stack", () => {
  it.each([{}, { desk: null }, { guest_key: "g" }])("is none where the site does not tell of one: %o", async (config) => {
    expect(await stack(config).found).toBeNull();
  });

  it("is none where the site tells nothing at all", async () => {
    expect(await findLocalStack((() => Promise.reject(new TypeError("gone"))) as typeof fetch)).toBeNull();
  });

  it("gives its key, its bill, and the leader's life, to who shows its secret", async () => {
    const bill = { reads: 1, writes: 2, deletes: 3, dollars: 0.1 };
    const counting = stack({ desk: DESK }, json(bill));
    const local = await counting.found;
    expect([local?.key, await local?.readBill()]).toEqual(["k", bill]);
    expect(counting.asked).toEqual([{ url: "http://127.0.0.1:7/bill", method: "GET", secret: "s" }]);
    const killing = stack({ desk: DESK }, json({ killed: "m1" }));
    expect(await (await killing.found)?.killLeader("m 1")).toBe("m1");
    expect(killing.asked).toEqual([{ url: "http://127.0.0.1:7/meshes/m%201/kill-leader", method: "POST", secret: "s" }]);
  });

  it("says why it would not, and that it is gone", async () => {
    const refusing = await stack({ desk: DESK }, json({ error: "nobody leads" }, 409)).found;
    await expect(refusing?.killLeader("m1")).rejects.toThrow("The local stack would not: nobody leads.");
    const gone = await stack({ desk: DESK }).found;
    await expect(gone?.readBill()).rejects.toThrow("its demo is over");
  });
});
