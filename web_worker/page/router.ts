/** Where the page is. Routes stand behind `#`, so that no server ever sees the code of a game or the key of a seat. */

export type Route =
  | { readonly to: "home" }
  /** Somebody's link to a game: the seat there if this browser has one, else a name is asked for. */
  | { readonly to: "game"; readonly code: string }
  | { readonly to: "watch"; readonly code: string }
  /** The link to one seat, for whoever shall take it over. The key is a secret and leaves the address at once. */
  | { readonly to: "seat"; readonly code: string; readonly agent: string; readonly key: string }
  /** A moment out of the fixtures; the development build alone knows it. */
  | { readonly to: "fixture"; readonly code: string };

/** The route that an address' part from `#` on names; what makes no sense leads home. */
export function routeOf(hash: string): Route {
  const [to = "", code = "", agent = "", key = ""] = hash.replace(/^#?\/?/, "").split("/").map(decoded);
  if (code === "") return { to: "home" };
  if (to === "game" || to === "watch" || to === "fixture") return { to, code: code.toLowerCase() };
  if (to === "seat" && agent !== "" && key !== "") return { to, code: code.toLowerCase(), agent, key };
  return { to: "home" };
}

/** The part of the address that leads there. */
export function hashOf(route: Route): string {
  if (route.to === "home") return "#/";
  const parts = route.to === "seat" ? [route.code, route.agent, route.key] : [route.code];
  return `#/${[route.to, ...parts.map(encodeURIComponent)].join("/")}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
