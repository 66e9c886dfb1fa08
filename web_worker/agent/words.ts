/** What a person is told about a reason. Apps may have their own words. */

import type { AgentStatus } from "./protocol.ts";

const SENTENCES: Readonly<Record<Exclude<AgentStatus["reason"], "">, string>> = {
  NO_ANSWER: "The network or the mesh does not answer. This goes on by itself as soon as it does.",
  NO_LEADER: "Nobody has answered the request to be let in yet. This goes on by itself.",
  EARLIER_RUN: "This agent still counts as running elsewhere. If it does not, the mesh will notice in a moment.",
  DECLARED_DEAD: "The mesh has missed this agent for too long. It is asking to be let in again.",
  NOT_ADMITTED: "The mesh does not let this agent in at the moment. It is trying again.",
  OTHER_TAB: "Another tab of this browser runs this agent. Go on there, or take it over here.",
  TAKEN_OVER: "This agent runs in another browser or program now.",
  REMOVED: "This agent's membership has ended.",
  MESH_GONE: "The mesh is over, or does not exist.",
  NO_PLACE: "The mesh has no free place.",
  TICKET_REFUSED: "The key or the seat is not valid, or not any more.",
  BROKEN: "Something is wrong with the program or its set-up.",
};

export function sentence(reason: AgentStatus["reason"], detail: string): string {
  if (reason === "") return "";
  return detail === "" ? SENTENCES[reason] : `${SENTENCES[reason]} (${detail})`;
}
