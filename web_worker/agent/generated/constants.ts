// Made by tools/web_types.py from the models of the Python side. Do not edit.

export const ALREADY_ORDERED = "ALREADY_ORDERED" as const;
export const CLIENT_PROCESS_PREFIX = "client-" as const;
export const COMMANDS_PER_BEAT = 16 as const;
export const DOLLARS = {"reads": 3e-07, "writes": 9e-07, "deletes": 1e-07} as const;
export const HEARTBEAT = {"activeMs": 2000, "idleMs": 10000, "idleAfterMs": 30000, "asleepMs": 120000, "asleepAfterMs": 300000} as const;
export const JOIN = "mesh.join" as const;
export const LATENESS_MAX = 8 as const;
export const LEAVE = "mesh.leave" as const;
export const LIVENESS_LISTENED_MAX = 64 as const;
export const LOG_DIGITS = 12 as const;
export const LOG_LINES_MAX = 100 as const;
export const MEMBER_STATUS = ["alive", "left", "dead"] as const;
export const OUTSTANDING_MAX = 64 as const;
export const PAYLOAD_BYTES_MAX = 4096 as const;
export const PAYLOAD_DEPTH_MAX = 32 as const;
export const REJECTION_REASONS = ["ABSTAIN_FORBIDDEN", "EMPTY", "GAME_OVER", "ILLEGAL_TARGET", "MALFORMED", "NAME_TAKEN", "NOT_ALIVE", "NOT_SEATED", "NOT_THE_MESH", "NOT_YOUR_CHANNEL", "NOT_YOUR_ROLE", "RESERVED_ID", "SEATS_TAKEN", "STALE_DEADLINE", "TOO_LONG", "TOO_MANY_MESSAGES", "UNKNOWN_CHANNEL", "UNKNOWN_KIND", "UNKNOWN_TARGET", "WRONG_PHASE"] as const;
export const REST_MS = 200 as const;
export const SEQ_DIGITS = 8 as const;
export const STATE_BYTES_MAX = 100000 as const;
