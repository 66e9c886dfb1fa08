import { beforeEach, expect, it } from "vitest";
import type { LogPage } from "../../../web_worker/agent/generated/types.ts";
import { LogReader } from "../../../web_worker/console/log_reader.ts";

const PAGE: LogPage = { lines: [], first_index: 1, last_index: 1 };
let wanted: number | null = null;
let asked: number[] = [];
let told: string[] = [];
let rests: (() => void)[] = [];
let answer: () => Promise<LogPage> = () => Promise.resolve(PAGE);
let reader: LogReader;

beforeEach(() => {
  [wanted, asked, told, rests, answer] = [null, [], [], [], () => Promise.resolve(PAGE)];
  reader = new LogReader(
    () => wanted,
    (start) => {
      asked.push(start);
      return answer();
    },
    () => void told.push("page"),
    (error) => void told.push(String(error)),
    (work, ms) => void (expect(ms).toBe(1000), rests.push(work)),
  );
});

/** Let answers arrive. */
async function arrive(): Promise<void> {
  await Promise.resolve();
  await Promise.resolve();
}

it("reads nothing when nothing is wanted", () => {
  reader.look();
  expect(asked).toEqual([]);
});

it("reads one page at a time, rests after each, and then goes on by itself as long as there is more", async () => {
  wanted = 3;
  reader.look();
  reader.look();
  expect(asked).toEqual([3]);
  await arrive();
  reader.look();
  expect([told, asked]).toEqual([["page"], [3]]);
  wanted = 7;
  rests.shift()?.();
  expect(asked).toEqual([3, 7]);
  wanted = null;
  await arrive();
  rests.shift()?.();
  expect(asked).toEqual([3, 7]);
});

it("tells why nothing came, and tries again with the next news alone", async () => {
  answer = () => Promise.reject(new Error("away"));
  wanted = 1;
  reader.look();
  await arrive();
  rests.shift()?.();
  expect([told, asked]).toEqual([["Error: away"], [1]]);
  reader.look();
  expect(asked).toEqual([1, 1]);
});

it("takes and asks nothing more once it has ended", async () => {
  wanted = 1;
  reader.look();
  reader.end();
  await arrive();
  reader.look();
  expect([told, asked]).toEqual([[], [1]]);
});
