/** Firestore and Authentication as the agent needs them. The only module that imports firebase. */
export {};
