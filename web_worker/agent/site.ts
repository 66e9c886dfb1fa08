/** Where the site's Firebase project lies: as Hosting says, in production and in the emulators alike. */

/** The configuration of a Firebase web app. Nothing in it is secret. */
export type FirebaseConfig = { readonly apiKey: string; readonly projectId: string; readonly [name: string]: unknown };

/** Addresses as "host:port"; null in production. */
export type Emulators = { readonly firestore: string; readonly auth: string } | null;
export type Site = { readonly config: FirebaseConfig; readonly emulators: Emulators };

const PATIENCE_MS = 10_000;

/** Rejects when Hosting does not answer. `site` is its address, "" for where this script came from. */
export async function findSite(site: string): Promise<Site> {
  const config = JSON.parse(await read(`${site}/__/firebase/init.json`)) as FirebaseConfig;
  // Only the emulators know projects of such a name; of those they tell in the script that they offer to pages.
  if (!config.projectId.startsWith("demo-")) return { config, emulators: null };
  return { config, emulators: emulatorsNamedIn(await read(`${site}/__/firebase/init.js?useEmulator=true`)) };
}

/** What the script of the hosting emulator says of the others. */
export function emulatorsNamedIn(script: string): Emulators {
  const found = /var firebaseEmulators = (\{.*?\n\});/s.exec(script);
  if (found?.[1] === undefined) return null;
  const { firestore, auth } = JSON.parse(found[1]) as Record<string, { readonly hostAndPort: string } | undefined>;
  return firestore && auth ? { firestore: firestore.hostAndPort, auth: auth.hostAndPort } : null;
}

async function read(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-cache" });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer.text();
}
