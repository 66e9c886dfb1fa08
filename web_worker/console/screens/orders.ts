/** What can be done to the mesh as a whole, and the question before anything is done. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { MeshState } from "../mesh_state.ts";
import { type Order, questionOf } from "../orders.ts";
import type { Deeds } from "./deeds.ts";

export function orders({ topology }: MeshState, isLocal: boolean, deeds: Deeds): TemplateResult {
  const status = topology?.status ?? "open";
  const asking = (order: Order) => () => deeds.ask(order);
  return html`<section class="panel" aria-labelledby="orders-title">
    <h2 id="orders-title">Orders</h2>
    ${status === "closed" ? html`<p class="hint">This mesh is closed. Nothing can be ordered any more.</p>` : nothing}
    <div class="row">
      <button type="button" ?disabled=${status !== "open"} @click=${asking({ kind: "drain" })}>Let nobody new in</button>
      <button type="button" ?disabled=${status === "closed"} @click=${asking({ kind: "close" })}>Close the mesh</button>
      <button type="button" @click=${asking({ kind: "reveal" })}>Show every role</button>
    </div>
    ${isLocal
      ? html`<div class="row">
          <button type="button" class="primary" @click=${asking({ kind: "kill" })}>Kill the leader</button>
          <p class="hint">Only here: this site is served by a local stack.</p>
        </div>`
      : nothing}
  </section>`;
}

/** The question in a dialog; the console opens it once it is drawn. */
export function question(order: Order, state: MeshState, isBusy: boolean, deeds: Deeds): TemplateResult {
  const { title, consequence, button, typed } = questionOf(order, state.mesh, state.topology?.leader ?? "");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).querySelector<HTMLInputElement>("#typed");
    field?.setCustomValidity(field.value.trim() === typed ? "" : `Type ${typed} to go on.`);
    if (field === null || field.reportValidity()) deeds.confirm();
  };
  const forget = (event: InputEvent) => (event.currentTarget as HTMLInputElement).setCustomValidity("");
  return html`<dialog aria-labelledby="question-title" @cancel=${() => deeds.cancel()}>
    <form @submit=${submit}>
      <h2 id="question-title">${title}</h2>
      <p>${consequence}</p>
      ${typed === ""
        ? nothing
        : html`<label for="typed">Type ${typed} to go on</label>
            <input id="typed" required autocomplete="off" autocapitalize="none" spellcheck="false" @input=${forget} />`}
      <div class="row">
        <button class="primary" type="submit" ?disabled=${isBusy}>${button}</button>
        <button type="button" @click=${() => deeds.cancel()}>Leave it as it is</button>
      </div>
    </form>
  </dialog>`;
}
