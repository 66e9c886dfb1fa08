/** What the agent's worker imports of the Firebase SDK (web_worker/agent/firestore_port.ts), and nothing else: to compare sizes with. */
export { deleteApp, initializeApp } from "firebase/app";
export {
  connectAuthEmulator,
  inMemoryPersistence,
  indexedDBLocalPersistence,
  initializeAuth,
  onAuthStateChanged,
  signInWithCustomToken,
} from "firebase/auth/web-extension";
export {
  connectFirestoreEmulator,
  disableNetwork,
  doc,
  enableNetwork,
  getDocFromServer,
  initializeFirestore,
  onSnapshot,
  serverTimestamp,
  setDoc,
  setLogLevel,
  terminate,
} from "firebase/firestore";
