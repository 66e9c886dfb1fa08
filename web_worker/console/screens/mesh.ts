/** One mesh, live. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Secrets } from "../../agent/generated/types.ts";
import type { Bill } from "../local_stack.ts";
import { type MeshState, storeNow } from "../mesh_state.ts";
import type { Order } from "../orders.ts";
import { lineWord } from "../words.ts";
import { audit } from "./audit.ts";
import { costs } from "./costs.ts";
import type { Deeds } from "./deeds.ts";
import { history } from "./history.ts";
import { log } from "./log.ts";
import { orders, question } from "./orders.ts";
import { secrets } from "./secrets.ts";
import { topology } from "./topology.ts";

/** What is shown besides the mesh itself. */
export interface Around {
  readonly isBusy: boolean;
  readonly problem: string;
  /** A sentence about what was ordered last; empty before. */
  readonly done: string;
  readonly logProblem: string;
  readonly asked: Order | null;
  readonly secrets: Secrets | null;
  readonly isLocal: boolean;
  readonly bill: Bill | null;
}

export function mesh(state: MeshState, around: Around, deeds: Deeds, steadyMs: number): TemplateResult {
  return html`<div class="console">
    <header class="bar">
      <p class="brand"><a href="#/">Firemesh</a></p>
      <p class="line ${state.line === "CONNECTED" ? "is-live" : ""}" role="status">${lineWord(state.line)}</p>
      <button class="quiet" type="button" @click=${() => deeds.signOut()}>Forget the key</button>
    </header>
    <main id="main" class="wide">
      <div class="standing">
        <h1 tabindex="-1">${state.mesh}</h1>
        <p class="lead" role="status">${standing(state)}</p>
      </div>
      ${around.problem ? html`<p class="notice" role="alert">${around.problem}</p>` : nothing}
      ${around.done ? html`<p class="notice is-waiting" role="status">${around.done}</p>` : nothing}
      ${around.secrets === null ? nothing : secrets(around.secrets, deeds)}
      <div class="part">${history(state.terms, storeNow(state, steadyMs))} ${topology(state, deeds, steadyMs)}</div>
      <div class="part">
        ${orders(state, around.isLocal, deeds)} ${costs(state, around.bill, steadyMs)} ${log(state, around.logProblem)}
        ${audit(state.audit)}
      </div>
    </main>
    ${around.asked === null ? nothing : question(around.asked, state, around.isBusy, deeds)}
  </div>`;
}

function standing({ topology: shown, machine }: MeshState): string {
  if (shown === null) return `A mesh of ${machine}. Nobody has led it yet.`;
  if (shown.status === "closed") return `A mesh of ${machine}, closed in term ${shown.term}.`;
  const draining = shown.status === "draining" ? " It lets nobody new in." : "";
  return `${shown.leader || "Nobody"} leads in term ${shown.term}.${draining}`;
}
