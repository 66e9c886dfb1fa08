/** The channels of talk that this player may read, and the line to speak in one of them. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Game } from "../game_state.ts";
import { sendingOf } from "../game_state.ts";
import { optionsOf } from "../options.ts";
import type { Deeds } from "../screens/deeds.ts";
import { nameOf, seatOf, type Message, type PublicView } from "../views.ts";
import { avatar } from "./avatar.ts";

export const TEXT_CHARS_MAX = 400;

export interface Channel {
  readonly name: string;
  readonly title: string;
  readonly lines: readonly Message[];
  readonly maySpeak: boolean;
}

const TITLES: Readonly<Record<string, string>> = { town: "Town", mafia: "Mafia", dead: "The dead" };
/** When a channel talks, for the marks between its days. */
const TIMES: Readonly<Record<string, string>> = { mafia: "Night" };

/** The channels this player may read, the one to speak in first. That of partners shows only beside an open card. */
export function channelsOf(game: Game): readonly Channel[] {
  const { view, own } = game;
  if (view === null) return [];
  const speaking = new Set(optionsOf(view, own).map((option) => option.channel));
  const channel = (name: string, lines: readonly Message[]): Channel => ({
    name,
    title: TITLES[name] ?? name,
    lines,
    maySpeak: speaking.has(name),
  });
  const channels = [channel("town", view.chat)];
  if (own?.faction && (game.isRoleShown || view.phase === "over")) channels.push(channel(own.faction.name, own.faction.chat));
  if (own?.dead_chat) channels.push(channel("dead", own.dead_chat));
  return channels.sort((one, other) => Number(other.maySpeak) - Number(one.maySpeak));
}

/** How many lines of all channels have not been on the screen yet. */
export function unread(game: Game): number {
  return channelsOf(game).reduce((sum, { name, lines }) => {
    return sum + lines.filter((line) => line.n > (game.read[name] ?? 0)).length;
  }, 0);
}

/** One panel per channel; the names of several channels stand above their lines. */
export function talk(game: Game, deeds: Deeds): TemplateResult {
  const { view } = game;
  if (view === null) return html``;
  const channels = channelsOf(game);
  return html`<section class="talk" aria-labelledby="talk-title" id="talk">
    <h2 id="talk-title">Talk</h2>
    ${repeat(
      channels,
      (channel) => channel.name,
      (channel) => panel(game, view, channel, channels.length > 1, deeds),
    )}
  </section>`;
}

function panel(game: Game, view: PublicView, channel: Channel, hasTitle: boolean, deeds: Deeds): TemplateResult {
  const time = TIMES[channel.name] ?? "Day";
  return html`<div class="channel channel-${channel.name} ${channel.maySpeak ? "is-open" : ""}">
    ${hasTitle ? html`<h3>${channel.title}</h3>` : nothing}
    <div class="lines" role="log" aria-label="${channel.title}" tabindex="0" data-stick=${channel.name}>
      ${channel.lines.length === 0 ? html`<p class="empty">${emptyLine(view, channel)}</p>` : nothing}
      ${repeat(channel.lines, (line) => line.n, (line, at) => spoken(view, game, line, channel.lines[at - 1], time))}
    </div>
    ${channel.maySpeak ? compose(game, view, channel, deeds) : nothing}
  </div>`;
}

function emptyLine(view: PublicView, channel: Channel): string {
  if (channel.name === "dead") return "It is quiet here.";
  if (channel.maySpeak) return "Nobody has said a word yet.";
  return view.phase === "lobby" ? "The town talks by day, once the game has begun." : "No talk yet. The town talks by day.";
}

function spoken(view: PublicView, game: Game, line: Message, before: Message | undefined, time: string): TemplateResult {
  const seat = seatOf(view, line.by);
  const isNewDay = before?.day !== line.day;
  const isSame = before?.by === line.by && !isNewDay;
  return html`${isNewDay ? html`<p class="day-mark">${time} ${line.day}</p>` : nothing}
    <div class="line ${isSame ? "is-same" : ""} ${line.by === game.agentId ? "is-mine" : ""}">
      ${isSame ? html`<span class="avatar" aria-hidden="true"></span>` : avatar(line.by, seat?.alive ?? true)}
      <p>
        <span class="name ${isSame ? "visually-hidden" : ""}">
          ${nameOf(view, line.by)}<span class="visually-hidden">: </span>
        </span>
        <span class="text">${line.text}</span>
      </p>
    </div>`;
}

function compose(game: Game, view: PublicView, channel: Channel, deeds: Deeds): TemplateResult {
  const id = `say-${channel.name}`;
  const isSending = sendingOf(game, "mafia.say") !== undefined;
  const whom = channel.name === "town" ? "everybody" : channel.title.toLowerCase();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem("text") as HTMLInputElement;
    if (field.value.trim() === "") return;
    deeds.send("mafia.say", { channel: channel.name, text: field.value });
    field.value = "";
  };
  return html`<form class="compose" @submit=${submit}>
    <label class="visually-hidden" for=${id}>Say to ${whom}</label>
    <input id=${id} name="text" maxlength=${TEXT_CHARS_MAX} autocomplete="off" enterkeyhint="send"
      placeholder="Say to ${whom}${channel.name === "town" ? "" : " alone"}" />
    <button type="submit" class="primary">${isSending ? "Sending" : "Say"}</button>
    <p class="hint">At most ${view.rules.messages_per_phase} lines in a phase.</p>
  </form>`;
}
