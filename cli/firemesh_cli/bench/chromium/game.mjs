/** The public view of the game that is measured with, written as a leader would write it. */

/** `view` is that of a vote among thirty; each `change` casts one more ballot, or takes one back. */
export class Game {
  #changes = 0;

  constructor(firestore, project, mesh, view) {
    const root = `http://${firestore}/v1/projects/${project}/databases/(default)/documents`;
    this.url = `${root}/meshes/${mesh}/views/public`;
    this.view = view;
    this.voters = view.seats.filter((seat) => seat.alive).map((seat) => seat.id);
  }

  async change() {
    this.#changes += 1;
    const voter = this.voters[this.#changes % this.voters.length];
    const { [voter]: cast, ...others } = this.view.ballots;
    this.view = { ...this.view, ballots: cast === undefined ? { ...others, [voter]: this.voters[0] } : others };
    const fields = { applied_index: 1000 + this.#changes, at_ms: Date.now(), view: this.view };
    const answer = await fetch(this.url, {
      method: "PATCH",
      headers: { Authorization: "Bearer owner", "Content-Type": "application/json" },
      body: JSON.stringify({ fields: encoded(fields).mapValue.fields }),
    });
    if (!answer.ok) throw new Error(`the view could not be written: ${await answer.text()}`);
    return fields.applied_index;
  }
}

function encoded(value) {
  if (value === null) return { nullValue: null };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(encoded) } };
  if (typeof value === "boolean") return { booleanValue: value };
  if (typeof value === "number") return { integerValue: String(value) };
  if (typeof value === "string") return { stringValue: value };
  return { mapValue: { fields: Object.fromEntries(Object.entries(value).map(([name, each]) => [name, encoded(each)])) } };
}
