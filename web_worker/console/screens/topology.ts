/** Who is in the mesh: processes with their agents, who leads, when each was last heard, what the leader thinks of it. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { BeatSeen, Topology } from "../../agent/operator_protocol.ts";
import { counted } from "../../page/words.ts";
import { type MeshState, leadersProcess, storeNow } from "../mesh_state.ts";
import { ago, duration } from "../words.ts";
import type { Deeds } from "./deeds.ts";

/** Silence for so many times the interval is worth a look. */
const OVERDUE_INTERVALS = 3;

/** A process with what runs in it. */
interface Group {
  readonly process: string;
  readonly agents: readonly { readonly agent: string; readonly type: string }[];
}

export function topology(state: MeshState, deeds: Deeds, steadyMs: number): TemplateResult {
  const { topology: shown } = state;
  return html`<section class="panel" aria-labelledby="topology-title">
    <h2 id="topology-title">Who is in it <span class="count">${headcount(shown)}</span></h2>
    ${shown === null
      ? html`<p class="hint">Nothing has been published yet: nobody has led this mesh.</p>`
      : html`<ul class="processes">
          ${groupsOf(shown).map((group) => processCard(group, shown, state, deeds, steadyMs))}
        </ul>`}
  </section>`;
}

function headcount(shown: Topology | null): string {
  const members = Object.values(shown?.members ?? {});
  const managers = members.filter(({ type }) => type === "manager").length;
  return shown === null ? "" : `${counted(managers, "manager")}, ${counted(members.length - managers, "worker")}`;
}

/** Managers' processes first, then by name. */
export function groupsOf({ members }: Topology): readonly Group[] {
  const byProcess = new Map<string, { agent: string; type: string }[]>();
  for (const [agent, { type, process }] of Object.entries(members).sort()) {
    byProcess.set(process, [...(byProcess.get(process) ?? []), { agent, type }]);
  }
  const groups = [...byProcess].map(([process, agents]) => ({ process, agents }));
  const rank = ({ process, agents }: Group) => (agents.some(({ type }) => type === "manager") ? "0" : "1") + process;
  return groups.sort((one, other) => (rank(one) < rank(other) ? -1 : 1));
}

function processCard(group: Group, shown: Topology, state: MeshState, deeds: Deeds, steadyMs: number): TemplateResult {
  const { process, agents } = group;
  const beat = state.beats.get(process);
  const nowMs = storeNow(state, steadyMs);
  const isLate = isOverdue(beat, nowMs, state.line === "CONNECTED");
  return html`<li class="process">
    <h3>${process} ${suspicion(process, state)}</h3>
    <p class="hint">${heard(beat, nowMs, isLate)}</p>
    <ul class="agents">
      ${agents.map(({ agent, type }) => agentRow(agent, type, beat?.agents[agent], shown, isLate, deeds))}
    </ul>
  </li>`;
}

/** In words, never by colour alone. The leader judges all but itself: its own lease does that. */
function suspicion(process: string, state: MeshState): TemplateResult {
  if (process === leadersProcess(state)) return html`<span class="tag is-leading">leads</span>`;
  const word = state.health?.processes[process];
  if (word === "suspect") return html`<span class="tag is-bad">suspected</span>`;
  return word === "healthy" ? html`<span class="tag is-good">healthy</span>` : html`<span class="tag">not judged yet</span>`;
}

/** A long silence shows here before the leader has judged it. While the console itself hears nothing, it means nothing. */
function isOverdue(beat: BeatSeen | undefined, nowMs: number | null, isLive: boolean): boolean {
  return isLive && beat !== undefined && nowMs !== null && nowMs - beat.atMs > OVERDUE_INTERVALS * beat.intervalMs;
}

function heard(beat: BeatSeen | undefined, nowMs: number | null, isLate: boolean): TemplateResult {
  if (beat === undefined || nowMs === null) return html`no sign of life`;
  const ageMs = Math.max(0, nowMs - beat.atMs);
  const late = beat.lateness > 0 ? `, runs ${beat.lateness} late` : "";
  const text = `heard ${ago(ageMs)}, due every ${duration(beat.intervalMs).replace(".0", "")}${late}`;
  return isLate ? html`<span class="bad">overdue: ${text}</span>` : html`${text}`;
}

/** `isLate`: its process is overdue, so it is not offered to lead; it could not take over. */
function agentRow(
  agent: string, type: string, word: string | undefined, shown: Topology, isLate: boolean, deeds: Deeds,
): TemplateResult {
  const mayLead = type === "manager" && agent !== shown.leader && shown.status !== "closed" && !isLate;
  return html`<li>
    <span class="who">
      <b>${agent}</b> ${agent === shown.leader ? "leader" : type}
      ${word !== undefined && word !== "running" ? html`<span class="tag is-bad">${word}</span>` : nothing}
    </span>
    ${mayLead
      ? html`<button type="button" @click=${() => deeds.ask({ kind: "transfer", to: agent })}>
          Let it lead<span class="visually-hidden">: ${agent}</span>
        </button>`
      : nothing}
    <button type="button" class="quiet" @click=${() => deeds.ask({ kind: "terminate", agent })}>
      Remove<span class="visually-hidden"> ${agent}</span>
    </button>
  </li>`;
}
