/** Where the console is. Routes stand behind `#`; a key never does. */

export type Route =
  | { readonly to: "meshes" }
  | { readonly to: "mesh"; readonly mesh: string }
  /** A recorded moment; the development build alone knows it. */
  | { readonly to: "fixture"; readonly mesh: string };

const ID = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

/** The route that an address' part from `#` on names; what makes no sense leads to the list. */
export function routeOf(hash: string): Route {
  const [to = "", mesh = ""] = hash.replace(/^#?\/?/, "").split("/");
  return (to === "mesh" || to === "fixture") && ID.test(mesh) ? { to, mesh } : { to: "meshes" };
}

/** The part of the address that leads there. */
export function hashOf(route: Route): string {
  return route.to === "meshes" ? "#/" : `#/${route.to}/${route.mesh}`;
}
