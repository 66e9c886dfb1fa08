// Made by tools/web_types.py from the models of the Python side. Do not edit.

/**
 * What an identity is trusted with. Workers take part; the others only look or operate.
 *
 * A guest is anybody who has opened the site.
 */
export type AccessRole = "admin" | "operator" | "manager" | "worker" | "observer" | "guest";

/**
 * What an agent needs to join a mesh by itself, as one new incarnation.
 *
 * It may not read the mesh document, which holds the seed; so the control plane tells what it has to know of it:
 * `machine` and `params` (see `MeshRecord`). `process` is the only name its process may have. Two ways lead on: with the
 * custom token to Firestore itself, or with the session token through the REST interface.
 */
export type Admission = {
  readonly mesh: string;
  readonly agent: string;
  readonly inc: string;
  readonly type: string;
  readonly access_role: string;
  readonly process: string;
  readonly machine: string;
  readonly params: { readonly [name: string]: number };
  readonly custom_token: string;
  readonly session: string;
};

/** A row of the roster, as the mesh shows it to its members. */
export type AgentRow = {
  readonly applied_index: number;
  readonly agent: string;
  readonly inc: string;
  readonly type: string;
  readonly process: string;
  readonly environment: string;
  readonly capabilities: readonly (string)[];
  readonly status: string;
  readonly since: number;
};

/** What an agent keeps of its own; `version` counts its updates. */
export type AgentState = {
  readonly version: number;
  readonly inc: string;
  readonly values: { readonly [name: string]: unknown };
};

/** Records in order, the number at which the next page starts (0: this was the last), and the number of the last of all. */
export type AuditPage = {
  readonly records: readonly (AuditRecord)[];
  readonly next_start: number;
  readonly last: number;
};

/** A decision in its place in a trail. */
export type AuditRecord = {
  readonly who: string;
  readonly role: string;
  readonly operation: string;
  readonly mesh?: string;
  readonly target?: string;
  readonly allowed: boolean;
  readonly reason?: string;
  readonly request_id?: string;
  readonly number: number;
  readonly at_ms: number;
  readonly prev_hash: string;
  readonly hash: string;
};

/** How many ballots put a player to death. */
export type BallotRule = "plurality" | "majority";

/** How the town decides. `secret`: only tallies are ever shown. `abstain`: a ballot may name nobody. */
export type BallotSetup = {
  readonly rule?: BallotRule;
  readonly ties?: TieRule;
  readonly secret?: boolean;
  readonly abstain?: boolean;
};

/**
 * The sign of life of one process and all its agents. `seq` changes with every beat, else the write says nothing.
 *
 * `interval_ms` announces when the next one is due. `agents` maps each agent to its state in the process: `running`,
 * `late` or `failed`. `applied` maps each manager of the process to the last entry it applied; it is there for people to
 * look at. `lateness` (0 to 8) grows with each beat before which the process itself ran late, and shrinks with each other.
 */
export type Beat = {
  readonly process: string;
  readonly inc: string;
  readonly seq: number;
  readonly interval_ms: number;
  readonly agents: { readonly [name: string]: string };
  readonly applied?: { readonly [name: string]: number };
  readonly lateness?: number;
};

/**
 * What a look at a portion of a trail has shown.
 *
 * `broken_at` is the number of the first record that is missing or does not follow from the one before; 0: none is.
 * `next_start` is where to go on; 0: there is nothing more, or no sense in it.
 */
export type ChainReport = {
  readonly checked: number;
  readonly broken_at: number;
  readonly next_start: number;
};

/**
 * Something an agent asks the mesh to do, or a program of it does. (agent_id, inc, seq) identifies it for ever.
 *
 * `payload` is the text of a JSON object of at most 4 KiB: immutable, hashable and cheap to bound in a security rule.
 * All managers must agree whether it is one, so this depends on the text alone, not on a parser's patience: at most 32
 * objects and lists lie within each other, and numbers are finite.
 * Commands of the mesh itself carry an empty agent_id, an empty inc and seq 0, and are idempotent by content.
 */
export type Command = {
  readonly agent_id: string;
  readonly inc: string;
  readonly seq: number;
  readonly kind: string;
  readonly payload?: string;
};

/** The command is in the inbox; `is_new` is false when it had been put there before. */
export type CommandAccepted = {
  readonly seq: number;
  readonly is_new: boolean;
};

/** What has become of a command that went through the door. */
export type CommandFate = "waiting" | "refused" | "done";

/** A command's fate; `reason` and `detail` say why it was refused. `done` means ordered: the views tell what came of it. */
export type CommandStatus = {
  readonly seq: number;
  readonly status: CommandFate;
  readonly reason?: string;
  readonly detail?: string;
};

/** What the key shall be good for. */
export type CreateKey = {
  readonly role: AccessRole;
  readonly mesh?: string;
  readonly agent?: string;
  readonly operations?: readonly (Operation)[];
  readonly days?: number;
  /** Whose it is, in words. */
  readonly label?: string;
};

/** What the mesh shall be. */
export type CreateMesh = {
  readonly mesh_id: string;
  readonly machine?: string;
  /** The machine's own setup, which it checks itself. */
  readonly setup?: { readonly [name: string]: unknown };
  /** Timing: default, fast, test or thrifty. */
  readonly profile?: string;
  /** Who manages it. */
  readonly hosting?: Hosting;
};

/** The new game's mesh; its id is the code by which others find it. */
export type GameOpened = {
  readonly mesh_id: string;
  readonly seats: number;
};

/** A sign of life as the mesh has it: which run showed it, and how long ago by the store's clock. */
export type Heartbeat = {
  readonly inc: string;
  readonly seq: number;
  readonly interval_ms: number;
  readonly lateness: number;
  readonly written_ms: number;
  readonly read_ms: number;
};

/** The number that the mesh has now. */
export type HeartbeatWritten = {
  readonly seq: number;
};

/** Who manages a mesh. */
export type Hosting = "processes" | "functions";

/** Who wants to join. */
export type JoinMesh = {
  readonly agent_id: string;
};

/** What an agent keeps of its own. */
export type KeptState = {
  readonly version: number;
  readonly inc: string;
  readonly values: { readonly [name: string]: unknown };
};

/** The key ends, at once or when the overlap is over. */
export type KeyEnded = {
  readonly key_id: string;
  readonly overlap_seconds: number;
};

/** A key just made. `key` is shown this once; a repeated call with the same idempotency key finds it empty. */
export type KeyMade = {
  readonly key_id: string;
  readonly label: string;
  readonly role: string;
  readonly mesh: string;
  readonly agent: string;
  readonly operations: readonly (string)[];
  readonly made_by: string;
  readonly created_ms: number;
  readonly expires_ms: number;
  readonly revoked_ms: number;
  readonly last_used_ms: number;
  readonly key: string;
};

/** A key without its secret. Times are the store's, in milliseconds; 0 means never. */
export type KeyRow = {
  readonly key_id: string;
  readonly label: string;
  readonly role: string;
  readonly mesh: string;
  readonly agent: string;
  readonly operations: readonly (string)[];
  readonly made_by: string;
  readonly created_ms: number;
  readonly expires_ms: number;
  readonly revoked_ms: number;
  readonly last_used_ms: number;
};

/** Keys by id. Those that are none of the caller's business are left out, so only an empty `next_start` is the end. */
export type KeyRows = {
  readonly keys: readonly (KeyRow)[];
  readonly next_start: string;
};

/**
 * An entry of the log as far as operators may see it: when and by whom, how much, and nothing a player has said or done.
 *
 * Times are the store's, in milliseconds: `asked_ms` when its oldest request reached the inbox (0: it has none), `at_ms`
 * the leader's estimate when it ordered, `stored_ms` when the entry was committed.
 */
export type LogLine = {
  readonly index: number;
  readonly term: number;
  readonly leader: string;
  readonly asked_ms: number;
  readonly at_ms: number;
  readonly stored_ms: number;
  readonly commands: number;
  readonly events: readonly (MeshEvent)[];
};

/** Entries in order; the oldest that is kept, and the newest of all. */
export type LogPage = {
  readonly lines: readonly (LogLine)[];
  readonly first_index: number;
  readonly last_index: number;
};

/** Where the mesh is. */
export type MeshCreated = {
  readonly mesh_id: string;
};

/** A command about the mesh itself, and about which agent. */
export type MeshEvent = {
  readonly kind: string;
  readonly agent: string;
};

/** Some meshes in the order of their ids, and the id at which the next page starts (empty: this was the last). */
export type MeshPage = {
  readonly meshes: readonly (string)[];
  readonly next_start: string;
};

/** How a mesh stands, by one consistent read of head and topology. */
export type MeshReport = {
  readonly mesh_id: string;
  readonly machine: string;
  readonly term: number;
  readonly leader: string;
  readonly last_index: number;
  readonly managers: readonly (string)[];
  readonly members: { readonly [name: string]: { readonly [name: string]: string } };
  readonly warnings: readonly (string)[];
  readonly status?: MeshStatus;
  readonly hosting?: Hosting;
};

/** How far a mesh has come on its way to its end. It never goes back. */
export type MeshStatus = "open" | "draining" | "closed";

/** Who shall lead. */
export type NewLeader = {
  readonly to: string;
};

/** A token that is good for an hour. */
export type NewSession = {
  readonly session: string;
};

/** The token that is to be replaced; it may have expired. */
export type OldSession = {
  readonly session: string;
};

/** What game it shall be. */
export type OpenGame = {
  readonly seats: number;
  /** So many of the seats are played by the mesh itself, from the beginning. */
  readonly programs?: number;
  /** Whether programs take the seats as well that are left when the lobby ends. */
  readonly fill_with_programs?: boolean;
  readonly pace?: Pace;
  /** How the town decides. */
  readonly ballot?: BallotSetup;
  /** Whether the card of the dead is turned. */
  readonly reveal_role_on_death?: boolean;
};

/** What can be asked of the control plane. */
export type Operation = "create_mesh" | "list_meshes" | "get_mesh_status" | "drain_mesh" | "close_mesh" | "delete_mesh" | "transfer_leadership" | "send_command" | "read_state" | "read_view" | "watch_mesh" | "read_log" | "read_secrets" | "provision_agent" | "list_agents" | "join_mesh" | "get_agent_status" | "terminate_agent" | "create_key" | "read_keys" | "rotate_key" | "revoke_key" | "read_audit" | "read_project_audit" | "refresh_session" | "write_heartbeat" | "read_heartbeat" | "submit_command" | "see_command" | "read_own_state" | "write_own_state" | "receive_events" | "open_game" | "take_seat" | "watch_game";

/** An operator's order as the mesh knows it: `mesh.drain`, `mesh.close`, `mesh.transfer`, `mesh.remove_agent`. */
export type OperatorCommand = {
  readonly kind: string;
  readonly body?: { readonly [name: string]: unknown };
};

/** The order is in the inbox; the mesh's status tells when the leader has carried it out. */
export type OrderGiven = {
  readonly mesh_id: string;
  /** The id under which it lies in the inbox, and under `refused` if it is refused. */
  readonly order: string;
};

/** How long phases last. */
export type Pace = "quick" | "normal" | "slow";

/** Why a call was refused. `code` is stable, `detail` is for people; `retryable`: the same call may pass later. */
export type Problem = {
  readonly type?: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: "invalid-argument" | "unauthenticated" | "permission-denied" | "not-found" | "already-exists" | "failed-precondition" | "aborted" | "resource-exhausted" | "unavailable" | "deadline-exceeded" | "method-not-allowed" | "request-entity-too-large" | "unsupported-media-type" | "internal";
  readonly retryable?: boolean;
  /** The name of the error in the program; empty when it has none. */
  readonly error?: string;
  /** How long to wait before the next try; 0: nobody knows. */
  readonly retry_after_seconds?: number;
  readonly request_id: string;
};

/** How long the key is good, and whose it is. */
export type ProvisionAgent = {
  readonly days?: number;
  /** Whose it is, in words. */
  readonly label?: string;
};

/** What one portion has come to: documents deleted by it, and whether the mesh is gone. */
export type Removal = {
  readonly deleted: number;
  readonly done: boolean;
};

/** The order is in the inbox; the roster tells when it is carried out. */
export type RemovalOrdered = {
  readonly mesh_id: string;
  readonly agent: string;
  readonly ordered?: "removal";
};

/** All rows of the roster by id: of those who live, and of those who have gone. */
export type RosterShown = {
  readonly agents: readonly (AgentRow)[];
};

/** How long the old key is good beside the new one. */
export type RotateKey = {
  /** Seconds until the old key ends. */
  readonly overlap_seconds?: number;
};

/** By agent or program, its own view: role, findings, closed channels. */
export type Secrets = {
  readonly views: { readonly [name: string]: { readonly [name: string]: unknown } };
};

/** The command with the next number: 1 is the join. The same number again must be the same command. */
export type SubmitCommand = {
  readonly seq: number;
  readonly kind: string;
  readonly body?: { readonly [name: string]: unknown };
};

/** Who wants a seat: somebody new, or whoever shows the session of an earlier admission. */
export type TakeSeat = {
  readonly session?: string;
};

/** What happens when several lead. Never do several die. */
export type TieRule = "none" | "revote" | "random";

/** A view as last published; empty before the first time. */
export type View = {
  readonly audience: string;
  readonly view: { readonly [name: string]: unknown };
};

/** What a spectator needs: a token with which the security rules let it read the public view and the topology. */
export type Watching = {
  readonly mesh: string;
  readonly machine: string;
  readonly custom_token: string;
};

/** What an operator's console needs: a token with which the security rules let it listen to this mesh. */
export type WatchingMesh = {
  readonly mesh: string;
  readonly machine: string;
  readonly params: { readonly [name: string]: number };
  readonly custom_token: string;
};

/** A sign of life. `seq` counts them within one incarnation; the next one is due in `interval_ms`. */
export type WriteHeartbeat = {
  readonly seq: number;
  readonly interval_ms: number;
  readonly state?: "running" | "late" | "failed";
  /** How late the sender runs itself. */
  readonly lateness?: number;
};

/** The whole state; it replaces the one before. */
export type WriteState = {
  readonly values: { readonly [name: string]: unknown };
};
