/** The way past the header, for whoever goes by keyboard or listens: the first thing in every page. */

import { html, type TemplateResult } from "lit-html";

/** Routes stand behind `#`, so the browser must not follow the link itself: that would leave the game. */
export function skip(text: string): TemplateResult {
  return html`<a class="skip" href="#main" @click=${toMain}>${text}</a>`;
}

function toMain(event: Event): void {
  event.preventDefault();
  const main = document.getElementById("main");
  if (main === null) return;
  main.tabIndex = -1; // able to take the focus, without being a stop of its own
  main.focus();
}
