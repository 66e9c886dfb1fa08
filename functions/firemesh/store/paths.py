"""Where every document of a mesh lies. The only place that spells a path."""

LOG_DIGITS = 12
SEQ_DIGITS = 8


def mesh(mesh_id: str) -> str:
    """The mesh document: machine, setup, timing."""
    return f"meshes/{mesh_id}"


def meshes() -> str:
    """The collection of all meshes."""
    return "meshes"


def head(mesh_id: str) -> str:
    """The one hot document of consensus; never deleted."""
    return f"meshes/{mesh_id}/consensus/head"


def log(mesh_id: str) -> str:
    """The collection of entries."""
    return f"meshes/{mesh_id}/log"


def entry(mesh_id: str, index: int) -> str:
    """One entry of the log; ids sort like indexes."""
    return f"meshes/{mesh_id}/log/{index:0{LOG_DIGITS}d}"


def votes(mesh_id: str) -> str:
    """The collection of votes."""
    return f"meshes/{mesh_id}/votes"


def vote(mesh_id: str, term: int, manager_id: str) -> str:
    """What one manager voted in one term."""
    return f"meshes/{mesh_id}/votes/{term:0{LOG_DIGITS}d}_{manager_id}"


def snapshot(mesh_id: str, index: int) -> str:
    """The replicated state after one entry."""
    return f"meshes/{mesh_id}/snapshots/{index:0{LOG_DIGITS}d}"


def liveness(mesh_id: str) -> str:
    """The collection of signs of life, one document per process."""
    return f"meshes/{mesh_id}/liveness"


def beat(mesh_id: str, process_id: str) -> str:
    """The sign of life of one process."""
    return f"meshes/{mesh_id}/liveness/{process_id}"


def inbox(mesh_id: str) -> str:
    """The collection of commands that wait for the leader, whoever that is."""
    return f"meshes/{mesh_id}/inbox"


def request(mesh_id: str, request_id: str) -> str:
    """One waiting command."""
    return f"meshes/{mesh_id}/inbox/{request_id}"


def request_id(agent_id: str, inc: str, seq: int) -> str:
    """The id of an agent's command: sending it again hits the same document."""
    return f"{agent_id}_{inc}_{seq:0{SEQ_DIGITS}d}"


def operator_request_id(token: str) -> str:
    """The id of a command of the operator; `token` is twelve fresh hexadecimal digits."""
    return f"operator_{token}_{0:0{SEQ_DIGITS}d}"


def sent(mesh_id: str, agent_id: str) -> str:
    """How far an agent's commands over REST have come, so that each is put into the inbox once."""
    return f"meshes/{mesh_id}/sent/{agent_id}"


def refused(mesh_id: str, request_id_: str) -> str:
    """Why the mesh would not order one request, and what was sent."""
    return f"meshes/{mesh_id}/refused/{request_id_}"


def agents(mesh_id: str) -> str:
    """The roster."""
    return f"meshes/{mesh_id}/agents"


def agent(mesh_id: str, agent_id: str) -> str:
    """One row of the roster."""
    return f"meshes/{mesh_id}/agents/{agent_id}"


def view(mesh_id: str, audience: str) -> str:
    """What one audience may see."""
    return f"meshes/{mesh_id}/views/{audience}"


def state(mesh_id: str, agent_id: str) -> str:
    """What one agent keeps of its own: no part of the replicated state."""
    return f"meshes/{mesh_id}/states/{agent_id}"


def audit(mesh_id: str) -> str:
    """The collection of security decisions about one mesh."""
    return f"meshes/{mesh_id}/audit"


def project_audit() -> str:
    """The collection of security decisions about no mesh, or none that the caller may name."""
    return "audit"


def audit_head(trail: str) -> str:
    """Where a trail's chain ends; `trail` is one of the two collections above."""
    return f"{trail}/head"


def audit_record(trail: str, number: int) -> str:
    """One record of a trail; ids sort like numbers."""
    return f"{trail}/{number:0{LOG_DIGITS}d}"


def api_keys() -> str:
    """The collection of API keys."""
    return "apiKeys"


def api_key(key_id: str) -> str:
    """What is kept of one API key; never its secret."""
    return f"apiKeys/{key_id}"


def remembered_answer(name: str) -> str:
    """What one call with an idempotency key was answered."""
    return f"idempotency/{name}"


def rate_limit(bucket: str) -> str:
    """How often one key has asked for one costly operation."""
    return f"rateLimits/{bucket}"


def below(mesh_id: str, path: str) -> str:
    """A projection's document: its path below the mesh."""
    return f"meshes/{mesh_id}/{path}"
