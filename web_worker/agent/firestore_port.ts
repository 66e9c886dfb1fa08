/** Firestore and Authentication as the workers need them, in words of our own. The only module that imports firebase. */

import { type FirebaseApp, deleteApp, initializeApp } from "firebase/app";
import {
  type Auth,
  connectAuthEmulator,
  inMemoryPersistence,
  indexedDBLocalPersistence,
  initializeAuth,
  onAuthStateChanged,
  signInWithCustomToken,
} from "firebase/auth/web-extension";
import {
  type DocumentSnapshot,
  type Firestore,
  type QuerySnapshot,
  collection,
  connectFirestoreEmulator,
  disableNetwork,
  doc,
  documentId,
  enableNetwork,
  getDocFromServer,
  initializeFirestore,
  limit,
  onSnapshot,
  query,
  serverTimestamp,
  setDoc,
  setLogLevel,
  terminate,
  where,
} from "firebase/firestore";
import type { Failure } from "./model.ts";
import type { Site } from "./site.ts";

/** An open connection, signed in or not. */
export type Connection = { readonly app: FirebaseApp; readonly auth: Auth; readonly db: Firestore };
export type Fields = { readonly [name: string]: unknown };

/**
 * A document as a listener or a read has it; `fields` is null where there is none. `inStep`: the store said so, and not the
 * cache alone. `pending`: it holds what this connection has written and the store has not confirmed.
 */
export type Found = { readonly fields: Fields | null; readonly inStep: boolean; readonly pending: boolean };

/** The documents of a collection by id, and whether the store said so. */
export type FoundAll = { readonly documents: ReadonlyMap<string, Fields>; readonly inStep: boolean };

/** Which documents of a collection: at most `limitTo` from the id `from` on, in the order of their ids. */
export type Range = { readonly from: string; readonly limitTo: number };

const TEMPORARY = ["auth/network-request-failed", "auth/internal-error", "auth/too-many-requests", "auth/timeout"];

/** Nobody is signed in, or somebody else. */
export class SignedOut extends Error {}

/** Open a connection. Kept under its name, who was signed in is found again after a reload. */
export function connect({ config, emulators }: Site, name: string, isKept: boolean): Connection {
  const app = initializeApp(config, name);
  const persistence = isKept ? [indexedDBLocalPersistence, inMemoryPersistence] : inMemoryPersistence;
  const auth = initializeAuth(app, { persistence });
  // The cache in memory is the default: what another run has seen must not be taken for what is.
  const db = initializeFirestore(app, {});
  setLogLevel("error"); // that the network is away the page is told; a warning per try helps nobody
  if (emulators !== null) {
    connectAuthEmulator(auth, `http://${emulators.auth}`, { disableWarnings: true });
    const [host, port] = emulators.firestore.split(":");
    connectFirestoreEmulator(db, host ?? "", Number(port));
  }
  return { app, auth, db };
}

/** Sign in by a custom token; with null, as whoever this browser has kept. Rejects as `failureOf` tells. */
export async function signIn({ auth }: Connection, customToken: string | null): Promise<void> {
  if (customToken !== null) await signInWithCustomToken(auth, customToken);
  else await auth.authStateReady();
}

/** What the token of whoever is signed in says. */
export async function claimsOf({ auth }: Connection): Promise<Fields | undefined> {
  return (await auth.currentUser?.getIdTokenResult())?.claims;
}

/** Be told when nobody is signed in any more. */
export function whenSignedOut({ auth }: Connection, tell: () => void): void {
  onAuthStateChanged(auth, (user) => {
    if (user === null) tell();
  });
}

/** Let go of everything. What was not sent yet will not be. */
export async function disconnect({ app, db }: Connection): Promise<void> {
  await terminate(db).catch(() => undefined);
  await deleteApp(app).catch(() => undefined);
}

/** Give the wires up and take new ones. */
export async function reconnect({ db }: Connection): Promise<void> {
  await disableNetwork(db);
  await enableNetwork(db);
}

/** Listen to one document until the function that is given back is called, or it fails. */
export function listen(
  { db }: Connection,
  path: string,
  tell: (found: Found) => void,
  failed: (failure: Failure) => void,
): () => void {
  const told = (snapshot: DocumentSnapshot) => tell(foundIn(snapshot));
  return onSnapshot(doc(db, path), { includeMetadataChanges: true }, told, (error) => failed(failureOf(error)));
}

/** The same for some documents of a collection. */
export function listenToAll(
  { db }: Connection,
  path: string,
  { from, limitTo }: Range,
  tell: (found: FoundAll) => void,
  failed: (failure: Failure) => void,
): () => void {
  const since = from === "" ? [] : [where(documentId(), ">=", from)];
  const told = (snapshot: QuerySnapshot) => {
    const documents = new Map(snapshot.docs.map((each) => [each.id, each.data() as Fields]));
    tell({ documents, inStep: !snapshot.metadata.fromCache });
  };
  const wanted = query(collection(db, path), ...since, limit(limitTo));
  return onSnapshot(wanted, { includeMetadataChanges: true }, told, (error) => failed(failureOf(error)));
}

/** What the store has now. */
export async function read({ db }: Connection, path: string): Promise<Found> {
  return foundIn(await getDocFromServer(doc(db, path)));
}

/** Replace a document. Resolves when the store has it, which may be after a reconnection. */
export function write({ db }: Connection, path: string, fields: Fields): Promise<void> {
  return setDoc(doc(db, path), fields);
}

/** In a field that is written: the time at which the store takes it. */
export function storeTime(): unknown {
  return serverTimestamp();
}

/** A point in time that the store has written, in milliseconds; null where there is none yet. */
export function milliseconds(at: unknown): number | null {
  const { seconds, nanoseconds } = (at ?? {}) as { readonly seconds?: unknown; readonly nanoseconds?: unknown };
  if (typeof seconds !== "number" || typeof nanoseconds !== "number") return null;
  return seconds * 1000 + Math.floor(nanoseconds / 1_000_000);
}

/** Why something failed, as far as it matters. */
export function failureOf(error: unknown): Failure {
  const code = (error as { readonly code?: unknown }).code;
  if (error instanceof SignedOut || (typeof code === "string" && code.startsWith("auth/") && !TEMPORARY.includes(code))) {
    return "SIGNED_OUT";
  }
  return code === "permission-denied" ? "DENIED" : "UNAVAILABLE";
}

function foundIn(snapshot: DocumentSnapshot): Found {
  const { fromCache, hasPendingWrites } = snapshot.metadata;
  return { fields: snapshot.data() ?? null, inStep: !fromCache, pending: hasPendingWrites };
}
