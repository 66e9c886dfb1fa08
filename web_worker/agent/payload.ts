/** What a command or a state may hold, checked before it is taken: what the mesh would refuse is refused here. */

import { PAYLOAD_BYTES_MAX, PAYLOAD_DEPTH_MAX, STATE_BYTES_MAX } from "./generated/constants.ts";
import type { JsonObject } from "./protocol.ts";

const KIND = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/;
const KIND_CHARACTERS_MAX = 40;
/** The number in firestore.rules. */
const STATE_FIELDS_MAX = 100;

/** What was handed in cannot be sent or kept. */
export class Unfit extends Error {}

export function checkKind(kind: string): void {
  if (!KIND.test(kind) || kind.length > KIND_CHARACTERS_MAX) throw new Unfit(`"${kind}" is no kind of command.`);
  if (kind.startsWith("mesh.")) throw new Unfit(`"${kind}" is for the mesh itself to send.`);
}

/** The text of a command's body. Raises Unfit. */
export function textOf(body: JsonObject): string {
  return jsonOf(body, PAYLOAD_BYTES_MAX);
}

/** Raises Unfit when a state is too large, or no JSON object. */
export function checkState(values: JsonObject): void {
  if (Object.keys(values).length > STATE_FIELDS_MAX) throw new Unfit(`A state has at most ${STATE_FIELDS_MAX} fields.`);
  jsonOf(values, STATE_BYTES_MAX);
}

function jsonOf(value: JsonObject, bytesMax: number): string {
  if (!isObject(value)) throw new Unfit("This is not a JSON object.");
  checkJson(value, 1);
  const text = JSON.stringify(value);
  if (new TextEncoder().encode(text).length > bytesMax) throw new Unfit(`This exceeds ${bytesMax} bytes.`);
  return text;
}

/** JSON.stringify would make null of NaN, and nothing of what is undefined, without a word. */
function checkJson(value: unknown, depth: number): void {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new Unfit(`${value} is no number that JSON has.`);
    return;
  }
  if (!Array.isArray(value) && !isObject(value)) throw new Unfit(`A ${typeof value} cannot be sent.`);
  if (depth > PAYLOAD_DEPTH_MAX) throw new Unfit(`This is nested deeper than ${PAYLOAD_DEPTH_MAX}.`);
  for (const each of Object.values(value)) checkJson(each, depth + 1);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether two JSON values are equal, whatever the order of their fields. */
export function sameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => Object.hasOwn(other, name) && sameJson((one as JsonObject)[name], (other as JsonObject)[name]));
}
